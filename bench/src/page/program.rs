//! A program that somebody else wrote, started for the measurement.

use std::{
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{Result, cpu, socket::Address};

/// It ends with this value.
#[derive(Debug)]
pub(super) struct Program {
    child: Child,
}

impl Program {
    /// Starts it, and waits until it accepts connections at `address`.
    pub(super) fn start(command: &mut Command, address: &Address) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let child = child.map_err(|error| format!("{name} cannot be started: {error}"))?;
        let mut program = Self { child };
        let start = Instant::now();
        while address.connect().is_err() {
            if let Some(status) = program.child.try_wait()? {
                return Err(format!("{name} ended with {status}").into());
            }
            if start.elapsed() > Duration::from_secs(10) {
                return Err(format!("{name} does not listen").into());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(program)
    }

    /// Of all its threads and processes.
    pub(super) fn cpu_ns(&self) -> Result<u64> {
        cpu::time_with_children_ns(self.child.id())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // With SIGTERM, php-fpm ends its processes too.
        if let Some(id) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(id, Signal::TERM);
        }
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(5) {
            match self.child.try_wait() {
                Ok(None) => thread::sleep(Duration::from_millis(5)),
                _ => return,
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
