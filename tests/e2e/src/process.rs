//! A child process that ends with the value that owns it.
//!
//! It is ended by its own process id: first asked, then, if it does not listen, killed.

use std::io::{self, Error};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// How often to look whether something has happened.
const POLL: Duration = Duration::from_millis(5);

/// How long a process may take to end after it was asked to.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running child process.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
}

impl Process {
    /// Starts `command`.
    ///
    /// # Errors
    ///
    /// When it cannot be started; the message says which program is missing and how to install it.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        match command.spawn() {
            Ok(child) => Ok(Self { child, name }),
            Err(error) => Err(Error::new(
                error.kind(),
                format!(
                    "{name} cannot be started ({error}); tests/install-web-servers installs what is missing"
                ),
            )),
        }
    }

    /// Waits until `is_ready`, at most `limit`.
    ///
    /// # Errors
    ///
    /// When the process ends first or the time is up; the message has the end of the `log` file.
    pub fn wait_until(
        &mut self,
        limit: Duration,
        log: &Path,
        mut is_ready: impl FnMut() -> bool,
    ) -> io::Result<()> {
        let start = Instant::now();
        loop {
            if is_ready() {
                return Ok(());
            }
            let ended = self.child.try_wait()?;
            if ended.is_some() || start.elapsed() > limit {
                let reason = ended.map_or_else(
                    || format!("is not ready, {}", self.state()),
                    |status| format!("ended with {status}"),
                );
                return Err(Error::other(format!(
                    "{} {reason}: {}",
                    self.name,
                    tail(log)
                )));
            }
            sleep(POLL);
        }
    }

    /// What the process is doing, and how much it has done: on a busy machine it may not have had its turn.
    fn state(&self) -> String {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id()));
        let status = status.unwrap_or_default();
        let telling = ["State:", "Threads:", "voluntary_ctxt_switches:"];
        let lines = status
            .lines()
            .filter(|line| telling.iter().any(|it| line.starts_with(it)));
        lines.collect::<Vec<_>>().join(", ").replace('\t', " ")
    }

    /// The process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// How the process ended, if it has.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Sends `signal`, unless the process has ended.
    ///
    /// # Errors
    ///
    /// When the system does not let us.
    pub fn signal(&mut self, signal: Signal) -> io::Result<()> {
        if self.child.try_wait()?.is_none() {
            // Not waited for, so the id is still its own.
            kill_process(Pid::from_child(&self.child), signal)?;
        }
        Ok(())
    }

    /// Waits until the process has ended.
    ///
    /// # Errors
    ///
    /// When it is still there after `limit`.
    pub fn end_within(&mut self, limit: Duration) -> io::Result<ExitStatus> {
        let start = Instant::now();
        while start.elapsed() < limit {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            sleep(POLL);
        }
        Err(Error::new(
            io::ErrorKind::TimedOut,
            format!("{} has not ended after {limit:?}", self.name),
        ))
    }

    /// Asks the process to end (SIGTERM), and waits until it has.
    ///
    /// # Errors
    ///
    /// When it is still there after half a minute.
    pub fn terminate(&mut self) -> io::Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        self.end_within(PATIENCE)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.terminate().is_err() {
            _ = self.child.kill();
            _ = self.child.wait();
        }
    }
}

/// The last lines of a log.
fn tail(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().rev().take(12).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}
