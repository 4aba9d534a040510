//! A server in a process of its own, perhaps under a tool that counts, and what the kernel says of it.

use std::{
    env, fs,
    io::{self, ErrorKind, Read, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::io::Errno;

use crate::{
    Result,
    server::{Framework, Heap, MARK, Protocol, Server},
    socket::{Address, Stream, Transport},
};

/// What counts.
#[derive(Clone, Debug)]
pub(crate) enum Tool {
    /// Nothing.
    Bare,
    /// The server's own allocator.
    Heap,
    /// valgrind's callgrind, into a file; until [`ServerProcess::heap`] is called, into files with `.1`, `.2` behind its
    /// name.
    Callgrind(PathBuf),
    /// strace, into a file.
    Strace(PathBuf),
}

impl Tool {
    /// A command that runs the servers' program under the tool.
    pub(crate) fn command(&self, framework: Framework) -> Result<Command> {
        let [program, with_heap] = framework.programs();
        let this = env::current_exe()?.with_file_name(program);
        let with_output = |program, options: &[&str], file: &Path| {
            let mut command = Command::new(program);
            command.args(options).arg(file);
            command
        };
        let mut command = match self {
            Self::Bare => return Ok(Command::new(this)),
            Self::Heap => return Ok(Command::new(this.with_file_name(with_heap))),
            Self::Callgrind(file) => {
                let mut option = "--callgrind-out-file=".to_owned();
                option += &file.to_string_lossy();
                let mut command = Command::new("valgrind");
                let mark = format!("--dump-before={MARK}");
                command.args(["--tool=callgrind", "--quiet", &option, &mark]);
                command
            }
            Self::Strace(file) => with_output("strace", &["-c", "-f", "-o"], file),
        };
        command.arg(this);
        Ok(command)
    }
}

/// A running server. It ends with this value, or with this process.
#[derive(Debug)]
pub(crate) struct ServerProcess {
    pub(crate) protocol: Protocol,
    address: Address,
    control: Option<UnixStream>,
    child: Child,
}

impl ServerProcess {
    /// Starts a server with a socket in `folder`. Connections can be made at once.
    pub(crate) fn start(
        server: Server,
        transport: Transport,
        tool: &Tool,
        folder: &Path,
    ) -> Result<Self> {
        let path = folder.join(server.to_string());
        // Of a server that has ended.
        let _ = fs::remove_file(&path);
        let (socket, address) = Address::listen(transport, &path)?;
        let (control, other_end) = UnixStream::pair()?;
        control.set_read_timeout(Some(Duration::from_secs(60)))?;
        let mut command = tool.command(server.framework)?;
        let serve = if server.framework.has_threads() {
            "serve-functions"
        } else {
            "serve"
        };
        let child = command
            .args([serve, &server.to_string(), transport.as_str()])
            .stdin(Stdio::from(socket))
            .stdout(Stdio::from(OwnedFd::from(other_end)))
            .spawn()
            .map_err(|error| {
                let program = command.get_program().display();
                format!("{program} cannot be started: {error}")
            })?;
        Ok(Self {
            protocol: server.protocol,
            address,
            control: Some(control),
            child,
        })
    }

    pub(crate) fn connect(&self) -> Result<Stream> {
        Ok(self.address.connect()?)
    }

    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// What the allocator has counted so far, under [`Tool::Heap`]; elsewhere nothing.
    pub(crate) fn heap(&self) -> Result<Heap> {
        let mut control = self.control.as_ref().ok_or("the server has ended")?;
        control.write_all(b"h")?;
        let mut figures = [0; 24];
        control.read_exact(&mut figures)?;
        Ok(Heap::from_bytes(figures))
    }

    /// Ends the server, and with it the tool, which then has written its file.
    pub(crate) fn end(mut self) -> Result<()> {
        self.control = None;
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(30) {
            match self.child.try_wait()? {
                None => thread::sleep(Duration::from_millis(2)),
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("the server ended with {status}").into()),
            }
        }
        Err("the server does not end".into())
    }

    /// Waits until every thread of the server sleeps, which it does when it has nothing left to do.
    pub(crate) fn sleeps(&self) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(30) {
            match self.is_asleep() {
                Ok(true) => return Ok(()),
                // A thread, or a process of the tool's, has just ended.
                Err(error) if is_gone(&error) => {}
                Err(error) => return Err(error.into()),
                Ok(false) => {}
            }
            thread::sleep(Duration::from_micros(200));
        }
        Err("the server does not come to rest".into())
    }

    fn is_asleep(&self) -> io::Result<bool> {
        let id = self.child.id();
        // strace is a process of its own, and the server its child.
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"))?;
        let children = children.split_whitespace().map(str::to_owned);
        for process in children.chain([id.to_string()]) {
            for task in fs::read_dir(format!("/proc/{process}/task"))? {
                let stat = fs::read_to_string(task?.path().join("stat"))?;
                // The state comes after the name, which is in parentheses.
                let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.get(..1));
                if state != Some("S") {
                    return Ok(false);
                }
            }
        }
        Ok(true)
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

/// Whether a file in `/proc` is of a process that has ended: before it was opened, or before it was read.
fn is_gone(error: &io::Error) -> bool {
    let is_unknown = error.raw_os_error() == Some(Errno::SRCH.raw_os_error());
    is_unknown || error.kind() == ErrorKind::NotFound
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may be gone already, and then there is nothing left to do.
        self.control = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
