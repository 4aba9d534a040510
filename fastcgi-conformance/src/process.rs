//! A started application: in a process group of its own, so that it ends with all its children.

use std::{
    fs, io,
    os::{fd::OwnedFd, unix::process::CommandExt as _},
    process::{Child, Command, ExitStatus, Stdio, exit},
    sync::{Mutex, MutexGuard, PoisonError},
    thread::{self, sleep},
    time::{Duration, Instant},
};

use rustix::{
    io::Errno,
    process::{Pid, Signal, kill_process_group},
};
use signal_hook::{
    consts::{SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::{folder::Folder, orphans, said::Said, target::Program};

/// How long a process may take to end after SIGTERM.
const PATIENCE: Duration = Duration::from_secs(1);
const POLL: Duration = Duration::from_millis(5);

/// The groups that run, for [`exit_with_all`].
static GROUPS: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

fn groups() -> MutexGuard<'static, Vec<Pid>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process and its group. Both end with this value.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    group: Option<Pid>,
    /// Children of the suite that were there before.
    before: Vec<Pid>,
    said: Said,
}

impl Process {
    /// Starts `program`. `stdin` is its descriptor 0; of what it prints the end is kept.
    pub(crate) fn start(
        program: &Program,
        stdin: Option<OwnedFd>,
        environment: &[(&str, &str)],
    ) -> io::Result<Self> {
        let (said, output) = Said::new()?;
        // Locked before the process is there: an exit between the two would leave it behind.
        let mut groups = groups();
        let before = orphans::children();
        let child = Command::new(&program.file)
            .args(&program.args)
            .envs(environment.iter().copied())
            .stdin(stdin.map_or_else(Stdio::null, Stdio::from))
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()
            .map_err(|error| cannot_start(program, &error))?;
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        groups.extend(group);
        Ok(Self {
            child,
            group,
            before,
            said,
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How the process ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Asks the process, and not its children, to end (specification, 7), and waits.
    pub(crate) fn terminate(&mut self, limit: Duration) -> Option<ExitStatus> {
        if self.ended().is_none() {
            if let Some(pid) = self.group {
                _ = rustix::process::kill_process(pid, Signal::TERM);
            }
        }
        self.ended_within(limit)
    }

    fn ended_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let start = Instant::now();
        loop {
            let ended = self.ended();
            if ended.is_some() || start.elapsed() > limit {
                return ended;
            }
            sleep(POLL);
        }
    }

    /// The last lines that it printed.
    pub(crate) fn said(&self) -> Vec<String> {
        self.said.lines()
    }

    /// How long the process and its children have computed, in hundredths of a second.
    pub(crate) fn computed(&self) -> Option<u64> {
        let children = self.children().into_iter().filter_map(computed);
        Some(computed(self.id())? + children.sum::<u64>())
    }

    fn children(&self) -> Vec<u32> {
        let children = format!("/proc/{0}/task/{0}/children", self.id());
        let children = fs::read_to_string(children).unwrap_or_default();
        let children = children.split_whitespace();
        children.filter_map(|id| id.parse().ok()).collect()
    }

    /// Bytes of memory of the process and its children that are resident.
    pub(crate) fn resident(&self) -> Option<u64> {
        let children = self.children().into_iter().filter_map(resident);
        Some(resident(self.id())? + children.sum::<u64>())
    }
}

fn resident(id: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes << 10)
}

/// User and system time, which follow the name in parentheses (`proc(5)`).
fn computed(id: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let times = fields.split_whitespace().skip(11).take(2);
    times.map(|it| it.parse::<u64>().ok()).sum()
}

impl Drop for Process {
    fn drop(&mut self) {
        let Some(group) = self.group else {
            _ = self.child.kill();
            _ = self.child.wait();
            return;
        };
        _ = self.terminate(PATIENCE);
        // Also its children, and itself if it is still there.
        _ = kill_process_group(group, Signal::KILL);
        _ = self.child.wait();
        let mut groups = groups();
        groups.retain(|it| *it != group);
        orphans::end(|it| groups.contains(&it) || self.before.contains(&it));
    }
}

fn cannot_start(program: &Program, error: &io::Error) -> io::Error {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied => "; is it executable?",
        io::ErrorKind::NotFound => "; without a slash, it is looked for in PATH",
        _ if error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) => {
            "; the first line of a script is #! and its interpreter"
        }
        _ => "",
    };
    let file = program.file.display();
    io::Error::new(error.kind(), format!("cannot start {file}: {error}{hint}"))
}

/// Ends all applications that were started, removes their folders, and ends the suite itself with `status`.
pub fn exit_with_all(status: i32) -> ! {
    // Locked until the exit, so that no other is started meanwhile.
    let groups = groups();
    for group in groups.iter() {
        _ = kill_process_group(*group, Signal::KILL);
    }
    orphans::end(|_| false);
    let _folders = Folder::remove_all();
    exit(status)
}

/// From now on, SIGINT and SIGTERM end this process with all applications that it started. Its status is 128 and the signal.
pub fn end_with_signals() -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            exit_with_all(128 + signal);
        }
    });
    Ok(())
}
