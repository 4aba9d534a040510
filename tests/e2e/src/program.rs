//! A program that is started, replaced by an upload, and started again.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::Process;

/// A command that runs `binary` without anything in the environment that says how.
#[must_use]
pub fn program(binary: &Path) -> Command {
    let mut command = Command::new(binary);
    command.env_clear().stdin(Stdio::null());
    command
}

/// Replaces `binary` by a copy of itself, as an upload should: written under another name, and renamed. Gives what the
/// tour says of it on `/exe`.
///
/// # Errors
///
/// When it cannot.
pub fn upload(binary: &Path) -> io::Result<BTreeSet<String>> {
    let uploaded = binary.with_extension("upload");
    copy(binary, &uploaded)?;
    fs::rename(&uploaded, binary)?;
    version(binary)
}

/// Copies a program that is to be started at once.
///
/// In a process of its own: a child that another thread starts meanwhile would hold the file open for writing, and it
/// could not be run.
///
/// # Errors
///
/// When it cannot.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    if Command::new("cp").arg(from).arg(to).status()?.success() {
        fs::set_permissions(to, fs::Permissions::from_mode(0o755))
    } else {
        Err(io::Error::other(format!("cannot write {}", to.display())))
    }
}

/// What the tour says of `binary` on `/exe`.
///
/// # Errors
///
/// When the file is missing.
pub fn version(binary: &Path) -> io::Result<BTreeSet<String>> {
    let inode = fs::metadata(binary)?.ino();
    Ok([inode.to_string()].into())
}

/// Starts a program again whenever it ends, on a socket that stays: what a process manager does.
#[derive(Debug)]
pub struct Supervisor {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    ends: Mutex<Vec<String>>,
}

impl Supervisor {
    /// Starts `binary` with a socket on `path` as its descriptor 0.
    ///
    /// # Errors
    ///
    /// When there can be no such socket.
    pub fn start(binary: PathBuf, path: &Path) -> io::Result<Self> {
        Self::start_by(path, move |socket| {
            let mut command = program(&binary);
            command.stdin(socket);
            command
        })
    }

    /// As [`start`](Self::start), with the commands that `command` makes, which is given the socket.
    ///
    /// # Errors
    ///
    /// When there can be no such socket.
    pub fn start_by(
        path: &Path,
        command: impl Fn(Stdio) -> Command + Send + 'static,
    ) -> io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
        let shared = Arc::<Shared>::default();
        let supervised = Arc::clone(&shared);
        let thread = thread::spawn(move || supervised.run(&command, &listener));
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Ends the program, and tells how it ended each time.
    #[must_use]
    pub fn stop(mut self) -> Vec<String> {
        self.end();
        let ends = self.shared.ends.lock();
        ends.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn end(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.end();
    }
}

impl Shared {
    fn run(&self, command: &impl Fn(Stdio) -> Command, listener: &UnixListener) {
        while !self.stop.load(Ordering::Relaxed) {
            let end = self.run_once(command, listener);
            let end = end.unwrap_or_else(|error| error.to_string());
            let mut ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
            ends.push(end);
        }
    }

    fn run_once(
        &self,
        command: &impl Fn(Stdio) -> Command,
        listener: &UnixListener,
    ) -> io::Result<String> {
        let socket = OwnedFd::from(listener.try_clone()?);
        let mut process = Process::start(&mut command(Stdio::from(socket)))?;
        loop {
            if let Some(status) = process.ended()? {
                return Ok(status.to_string());
            }
            if self.stop.load(Ordering::Relaxed) {
                return Ok(process.terminate()?.to_string());
            }
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// A port of this machine on which nobody listens.
///
/// # Errors
///
/// When there is none.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
