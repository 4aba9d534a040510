//! The application: a child process, or somebody else's.

use std::{
    ffi::{OsStr, OsString},
    fmt,
    future::pending,
    os::{
        fd::OwnedFd,
        unix::{net::UnixListener, process::ExitStatusExt},
    },
    path::PathBuf,
    process::{ExitCode, ExitStatus, Stdio},
    time::Duration,
};

use fastcgi_tower::client::{Address, Client};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    select,
    time::{sleep, timeout},
};

use crate::{
    args::Target,
    error::{Context, Error},
    stdio::complain,
};

/// The application that requests go to.
#[derive(Debug)]
pub(crate) enum Application {
    Running(Address),
    Started(Box<Process>),
}

/// How long an application may take to answer its first question, before it is taken for one that does not answer
/// such questions. Requests wait on its socket in any case.
const READY_LIMIT: Duration = Duration::from_secs(60);
/// How long after a failed question an application may turn out to have ended.
const END_LIMIT: Duration = Duration::from_millis(500);
/// How long an application may take to end when asked to.
const STOP_LIMIT: Duration = Duration::from_secs(5);

impl Application {
    pub(crate) fn start(target: &Target) -> Result<Self, Error> {
        match target {
            Target::Running(address) => Ok(Self::Running(address.clone())),
            Target::Command(program, args) => {
                let process = Process::start(program, args)?;
                Ok(Self::Started(Box::new(process)))
            }
        }
    }

    pub(crate) fn client(&self) -> Client {
        match self {
            Self::Running(address) => Client::new(address.clone()),
            Self::Started(process) => Client::new(process.socket.as_path()),
        }
    }

    /// Waits until an application that was started answers. Gives its exit code when it ends instead.
    pub(crate) async fn ready(&mut self, client: &Client) -> Result<Option<ExitCode>, Error> {
        if matches!(self, Self::Running(_)) {
            return Ok(None);
        }
        select! {
            ended = self.ended() => ended.map(Some),
            () = answered(client) => Ok(None),
        }
    }

    /// Waits until an application that was started has ended, and tells how.
    pub(crate) async fn ended(&mut self) -> Result<ExitCode, Error> {
        let Self::Started(process) = self else {
            return pending().await;
        };
        let status = process.wait().await?;
        complain(format_args!("{process} has ended: {status}"));
        Ok(code(status))
    }

    /// Ends an application that was started.
    pub(crate) async fn stop(self) -> Result<(), Error> {
        match self {
            Self::Running(_) => Ok(()),
            Self::Started(process) => process.stop().await,
        }
    }
}

impl fmt::Display for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Running(address) => address.fmt(f),
            Self::Started(process) => process.fmt(f),
        }
    }
}

/// Waits until the application has answered a question.
async fn answered(client: &Client) {
    let answer = client.get_values(&["FCGI_MPXS_CONNS"]);
    if let Ok(Err(_)) = timeout(READY_LIMIT, answer).await {
        sleep(END_LIMIT).await;
    }
}

/// A child process, the leader of a process group of its own: its children are to end with it.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pid: Pid,
    command: String,
    socket: PathBuf,
    // Only its owner may enter. Removed when dropped.
    _dir: TempDir,
}

impl Process {
    /// Starts a program with a listening socket as its descriptor 0.
    fn start(program: &OsStr, args: &[OsString]) -> Result<Self, Error> {
        let dir = tempfile::Builder::new().prefix("fastcgi-front-").tempdir();
        let dir = dir.context("cannot make a directory for the socket")?;
        let socket = dir.path().join("socket");
        let listener = UnixListener::bind(&socket)
            .with_context(|| format!("cannot listen on {}", socket.display()))?;
        let mut command = Command::new(program);
        command
            .args(args)
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .process_group(0)
            .kill_on_drop(true);
        let name = program.to_string_lossy();
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        // Always there until the child has been waited for.
        let pid = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        let pid = pid.ok_or_else(|| std::io::ErrorKind::NotFound.into());
        let args = args.iter().map(|arg| arg.to_string_lossy());
        let words: Vec<_> = std::iter::once(name.clone()).chain(args).collect();
        Ok(Self {
            child,
            pid: pid.with_context(|| format!("cannot find {name}"))?,
            command: words.join(" "),
            socket,
            _dir: dir,
        })
    }

    async fn wait(&mut self) -> Result<ExitStatus, Error> {
        let status = self.child.wait().await;
        status.with_context(|| format!("cannot wait for {self}"))
    }

    /// Asks the group to end (SIGTERM); after a while, ends it (SIGKILL).
    async fn stop(mut self) -> Result<(), Error> {
        self.signal(Signal::TERM);
        if let Ok(ended) = timeout(STOP_LIMIT, self.wait()).await {
            return ended.map(drop);
        }
        complain(format_args!("{self} does not end and is killed"));
        self.signal(Signal::KILL);
        self.wait().await.map(drop)
    }

    fn signal(&self, signal: Signal) {
        // Not waited for, so the id is still its own. A group that is gone needs no signal.
        if self.child.id().is_some() {
            _ = kill_process_group(self.pid, signal);
        }
    }
}

impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.command, self.pid)
    }
}

/// The exit code that tells what a shell would.
fn code(status: ExitStatus) -> ExitCode {
    let by_signal = status.signal().map(|signal| 128 + signal);
    let code = status.code().or(by_signal);
    let code = code.and_then(|code| u8::try_from(code).ok());
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}
