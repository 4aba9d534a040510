//! A server in a process of its own, and what the kernel says of it.

use std::{
    env, fs,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command},
    thread,
    time::Duration,
};

use crate::{
    Result,
    server::{Protocol, Server},
};

#[derive(Debug)]
pub(crate) struct ServerProcess {
    pub(crate) protocol: Protocol,
    pub(crate) socket: PathBuf,
    child: Child,
}

impl ServerProcess {
    /// Starts this program again as a server, and waits until it accepts connections.
    pub(crate) fn start(server: Server, folder: &Path) -> Result<Self> {
        let socket = folder.join(server.to_string());
        let child = Command::new(env::current_exe()?)
            .arg("serve")
            .arg(server.to_string())
            .arg(&socket)
            .spawn()?;
        let server = Self {
            protocol: server.protocol,
            socket,
            child,
        };
        for _ in 0..500 {
            if server.connect().is_ok() {
                return Ok(server);
            }
            thread::sleep(Duration::from_millis(10));
        }
        Err("the server does not answer".into())
    }

    pub(crate) fn connect(&self) -> Result<UnixStream> {
        Ok(UnixStream::connect(&self.socket)?)
    }

    /// Time on a CPU, of all threads.
    pub(crate) fn cpu_ns(&self) -> Result<u64> {
        let mut sum = 0;
        for task in fs::read_dir(format!("/proc/{}/task", self.child.id()))? {
            let schedstat = fs::read_to_string(task?.path().join("schedstat"))?;
            let on_cpu = schedstat.split(' ').next().unwrap_or_default();
            sum += on_cpu.parse::<u64>()?;
        }
        Ok(sum)
    }

    /// The most memory that was ever resident.
    pub(crate) fn peak_memory_kib(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .and_then(|line| line.split_whitespace().next())
            .ok_or("no VmHWM")?;
        Ok(peak.parse()?)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may be gone already, and then there is nothing left to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
