//! What the kernel says of a process's time on a CPU.

use std::{fs, path::Path};

use crate::Result;

/// Time on a CPU in nanoseconds, of all threads that there are.
pub(crate) fn time_ns(process: u32) -> Result<u64> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        let schedstat = fs::read_to_string(task?.path().join("schedstat"))?;
        let on_cpu = schedstat.split(' ').next().unwrap_or_default();
        sum += on_cpu.parse::<u64>()?;
    }
    Ok(sum)
}

/// The same with the processes that it has started.
pub(crate) fn time_with_children_ns(process: u32) -> Result<u64> {
    let mut sum = time_ns(process)?;
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        let children = fs::read_to_string(task?.path().join("children"))?;
        for child in children.split_whitespace() {
            sum += time_with_children_ns(child.parse()?)?;
        }
    }
    Ok(sum)
}

/// From `before` to `now`. Fails where a thread has ended in between, as its time is gone with it.
pub(crate) fn since(now: u64, before: u64) -> Result<u64> {
    let time = now.checked_sub(before);
    time.ok_or_else(|| "a thread or process of the server has ended".into())
}

/// How often its threads have gone to sleep because there was nothing to do.
pub(crate) fn sleeps(process: u32) -> Result<u64> {
    let mut sum = 0;
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        let status = fs::read_to_string(task?.path().join("status"))?;
        let switches = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))
            .ok_or("no voluntary_ctxt_switches")?;
        sum += switches.trim().parse::<u64>()?;
    }
    Ok(sum)
}

/// How a time divides, in the kernel's ticks: 10 ms each, so only long times say something.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ticks {
    pub(crate) user: u64,
    pub(crate) kernel: u64,
}

impl Ticks {
    pub(crate) fn of(process: u32) -> Result<Self> {
        let stat = fs::read_to_string(Path::new("/proc").join(process.to_string()).join("stat"))?;
        // The name is in parentheses, and may have anything in it. `utime` and `stime` are the fields 14 and 15.
        let (_, rest) = stat.rsplit_once(") ").ok_or("no name in stat")?;
        let mut fields = rest.split(' ').skip(11);
        let mut next = || fields.next().ok_or("stat is too short");
        Ok(Self {
            user: next()?.parse()?,
            kernel: next()?.parse()?,
        })
    }

    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            user: self.user.saturating_sub(before.user),
            kernel: self.kernel.saturating_sub(before.kernel),
        }
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            user: self.user + other.user,
            kernel: self.kernel + other.kernel,
        }
    }

    /// The kernel's part of it, if there were enough ticks to say so.
    pub(crate) fn kernel_share(self) -> Option<f64> {
        let all = self.user + self.kernel;
        (all >= 20).then(|| self.kernel as f64 / all as f64)
    }
}
