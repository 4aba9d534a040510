//! What a started application prints: the end of it, however much it is.

use std::{
    fs::File,
    io::{self, Read as _},
    os::fd::OwnedFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, sleep},
    time::{Duration, Instant},
};

/// How many bytes are kept.
const KEPT: usize = 16 << 10;
/// How many lines are shown.
const LINES: usize = 8;
/// How long the end of what is printed is waited for.
const PATIENCE: Duration = Duration::from_millis(200);
const POLL: Duration = Duration::from_millis(2);

#[derive(Clone, Debug, Default)]
pub(crate) struct Said(Arc<Mutex<Text>>);

#[derive(Debug, Default)]
struct Text {
    bytes: Vec<u8>,
    is_over: bool,
}

impl Said {
    /// A pipe that is read to its end. Its other end is for the process.
    pub(crate) fn new() -> io::Result<(Self, OwnedFd)> {
        let (reader, writer) = pipe()?;
        let said = Self::default();
        let text = said.clone();
        thread::Builder::new().spawn(move || text.read(File::from(reader)))?;
        Ok((said, writer))
    }

    fn read(&self, mut pipe: File) {
        let mut buffer = [0; 4096];
        loop {
            match pipe.read(&mut buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(0) | Err(_) => break,
                Ok(count) => {
                    let bytes = &mut self.text().bytes;
                    bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
                    bytes.drain(..bytes.len().saturating_sub(KEPT));
                }
            }
        }
        self.text().is_over = true;
    }

    fn text(&self) -> MutexGuard<'_, Text> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The last lines. Of a process that has ended they may not be read yet; of one that runs there is no end.
    pub(crate) fn lines(&self) -> Vec<String> {
        let start = Instant::now();
        while !self.text().is_over && start.elapsed() < PATIENCE {
            sleep(POLL);
        }
        let text = String::from_utf8_lossy(&self.text().bytes).into_owned();
        let lines: Vec<_> = text.lines().rev().take(LINES).map(str::to_owned).collect();
        lines.into_iter().rev().collect()
    }
}

#[cfg(not(target_vendor = "apple"))]
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    use rustix::pipe::{PipeFlags, pipe_with};

    Ok(pipe_with(PipeFlags::CLOEXEC)?)
}

/// macOS has no `pipe2`: a process that is started between these calls inherits the pipe, and its end is not seen while
/// that process runs. [`Said::lines`] has a limit for that.
#[cfg(target_vendor = "apple")]
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    use rustix::io::{FdFlags, fcntl_setfd};

    let (reader, writer) = rustix::pipe::pipe()?;
    fcntl_setfd(&reader, FdFlags::CLOEXEC)?;
    fcntl_setfd(&writer, FdFlags::CLOEXEC)?;
    Ok((reader, writer))
}
