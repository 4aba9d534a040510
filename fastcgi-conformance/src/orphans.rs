//! Processes that have left their group and lost their parent: daemons. They end with the application that made them.

use std::{
    fs,
    sync::atomic::{AtomicBool, Ordering},
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

/// How long orphans may take to be gone: each may leave others.
const PATIENCE: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(2);

static ARE_ADOPTED: AtomicBool = AtomicBool::new(false);

/// From now on, orphans of the applications are children of this process (Linux), and end with their application.
///
/// For a program that starts no other processes: they would be taken for orphans.
pub fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    if rustix::process::set_child_subreaper(Some(rustix::process::getpid())).is_ok() {
        ARE_ADOPTED.store(true, Ordering::Relaxed);
    }
}

/// The children of this process, if orphans are among them.
pub(crate) fn children() -> Vec<Pid> {
    if !ARE_ADOPTED.load(Ordering::Relaxed) {
        return Vec::new();
    }
    // A child belongs to the thread that has started it.
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten();
    let mut children = Vec::new();
    for thread in threads.flatten() {
        let text = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        let ids = text.split_whitespace().filter_map(|id| id.parse().ok());
        children.extend(ids.filter_map(Pid::from_raw));
    }
    children
}

/// Ends the children that are not to be kept, and what they leave behind.
pub(crate) fn end(is_kept: impl Fn(Pid) -> bool) {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        let mut orphans = children();
        orphans.retain(|orphan| !is_kept(*orphan));
        if orphans.is_empty() {
            return;
        }
        for orphan in orphans {
            // It is a child, so the id is not that of another process.
            _ = kill_process(orphan, Signal::KILL);
            _ = waitpid(Some(orphan), WaitOptions::NOHANG);
        }
        sleep(POLL);
    }
}
