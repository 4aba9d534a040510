//! What an application says on `FCGI_STDERR`.

use std::{fmt, sync::Arc};

/// Takes what an application says on `FCGI_STDERR`, in place of the log.
///
/// It is called as messages arrive, with up to 64 KiB at a time; applications send a message in one record, mostly. How
/// much an application says has no limit here. Put one into the extensions of a request, or give it to
/// [`Client::on_stderr`](super::Client::on_stderr); that of the request counts more.
///
/// ```
/// use fastcgi_tower::client::OnStderr;
///
/// let mut request = http::Request::get("/a").body(String::new())?;
/// let script = "/srv/www/a.php";
/// request.extensions_mut().insert(OnStderr::new(move |message| {
///     eprintln!("{script}: {}", message.escape_ascii());
/// }));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone)]
pub struct OnStderr(Arc<Function>);

type Function = dyn Fn(&[u8]) + Send + Sync;

impl OnStderr {
    /// `function` gets each message, or each part of a long one.
    pub fn new(function: impl Fn(&[u8]) + Send + Sync + 'static) -> Self {
        Self(Arc::new(function))
    }
}

impl fmt::Debug for OnStderr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnStderr")
    }
}

/// Where messages go.
#[derive(Debug)]
pub(super) enum Stderr {
    /// The log, up to a limit for each request.
    Log {
        /// How many bytes may still be logged.
        left: usize,
    },
    Function(OnStderr),
}

/// A few stack traces. A longer message is of no help in the log.
const MAX_LOGGED: usize = 16 * 1024;

impl From<Option<OnStderr>> for Stderr {
    fn from(function: Option<OnStderr>) -> Self {
        let log = Self::Log { left: MAX_LOGGED };
        function.map_or(log, Self::Function)
    }
}

impl Stderr {
    /// Passes a message on.
    pub(super) fn put(&mut self, data: &[u8]) {
        match self {
            Self::Log { left } => log(left, data),
            Self::Function(OnStderr(function)) => function(data),
        }
    }
}

/// One event for one record: applications send a message in one.
fn log(left: &mut usize, data: &[u8]) {
    if *left == 0 {
        return;
    }
    let logged = data.get(..*left).unwrap_or(data);
    *left -= logged.len();
    // As Debug, which escapes what would garble a terminal.
    let message = String::from_utf8_lossy(logged.trim_ascii_end());
    tracing::warn!(stderr = ?message, "the application reports");
    if *left == 0 {
        tracing::warn!("the application reports more, which is left out");
    }
}
