//! What an application says on `FCGI_STDERR`.

/// Logs messages, up to a limit for each request.
#[derive(Debug)]
pub(super) struct Stderr {
    /// How many bytes may still be logged.
    left: usize,
}

/// A few stack traces. Who writes more is not helped by having it in the log.
const MAX_LOGGED: usize = 16 * 1024;

impl Default for Stderr {
    fn default() -> Self {
        Self { left: MAX_LOGGED }
    }
}

impl Stderr {
    /// One event for one record: applications send a message in one.
    pub(super) fn log(&mut self, data: &[u8]) {
        if self.left == 0 {
            return;
        }
        let logged = data.get(..self.left).unwrap_or(data);
        self.left -= logged.len();
        // As Debug, which escapes what would garble a terminal.
        let message = String::from_utf8_lossy(logged.trim_ascii_end());
        tracing::warn!(stderr = ?message, "the application reports");
        if self.left == 0 {
            tracing::warn!("the application reports more, which is left out");
        }
    }
}
