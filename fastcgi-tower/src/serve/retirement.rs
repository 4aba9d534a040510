//! Reasons for a process to end that nobody has to signal: its process manager starts the next one.

use std::{
    env,
    ffi::OsStr,
    fs, io,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::{
    select,
    sync::Notify,
    time::{Instant, MissedTickBehavior, interval},
};

/// How long a process goes on.
#[derive(Debug, Default)]
pub(super) struct Retirement {
    pub(super) when_replaced: bool,
    pub(super) max_requests: Option<u64>,
    pub(super) max_lifetime: Option<Duration>,
    pub(super) max_rss: Option<u64>,
}

/// How often to look at what does not tell of itself.
const PERIOD: Duration = Duration::from_secs(1);

impl Retirement {
    /// Waits until there is a reason to end.
    pub(super) async fn due(self, requests: Option<Arc<RequestCount>>) {
        let enough = async {
            match requests {
                Some(requests) => requests.reached().await,
                None => std::future::pending().await,
            }
        };
        let reason = select! {
            () = enough => "enough requests were served",
            reason = self.observed() => reason,
        };
        tracing::info!("stopping: {reason}");
    }

    /// Where to count requests, if their number matters.
    pub(super) fn request_count(&self) -> Option<Arc<RequestCount>> {
        let max = self.max_requests?;
        Some(Arc::new(RequestCount {
            max,
            count: AtomicU64::new(0),
            one_more: Notify::new(),
        }))
    }

    async fn observed(&self) -> &'static str {
        let program = self.when_replaced.then(Program::running);
        if program.is_none() && self.max_lifetime.is_none() && self.max_rss.is_none() {
            return std::future::pending().await;
        }
        let start = Instant::now();
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if program.as_ref().is_some_and(Program::is_replaced) {
                return "the program was replaced";
            }
            if self.max_lifetime.is_some_and(|max| start.elapsed() >= max) {
                return "the process is old enough";
            }
            if self
                .max_rss
                .is_some_and(|max| resident_memory().is_some_and(|rss| rss > max))
            {
                return "the process uses too much memory";
            }
        }
    }
}

/// The file of the running program, and the files that are touched to restart it.
#[derive(Debug)]
struct Program {
    executable: Option<(PathBuf, Identity)>,
    restart: Vec<(PathBuf, Option<Identity>)>,
}

/// What tells a file from the one that replaces it.
#[derive(Debug, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    size: u64,
    modified: Option<SystemTime>,
}

impl Program {
    fn running() -> Self {
        let path = env::current_exe().ok().map(existing);
        let working = env::current_dir().ok();
        let beside = path.as_deref().and_then(Path::parent);
        let restart = beside
            .into_iter()
            .chain(working.as_deref())
            .map(|folder| {
                let path = folder.join("tmp/restart.txt");
                let identity = Identity::of(&path).ok();
                (path, identity)
            })
            .collect();
        let executable = path.and_then(|path| {
            // What runs may be replaced already.
            let running = Identity::of(Path::new(RUNNING)).or_else(|_| Identity::of(&path));
            Some((path, running.ok()?))
        });
        Self {
            executable,
            restart,
        }
    }

    fn is_replaced(&self) -> bool {
        let program = self.executable.as_ref();
        let touched = |(path, before): &(PathBuf, Option<Identity>)| {
            Identity::of(path).is_ok_and(|now| Some(now) != *before)
        };
        program.is_some_and(|(path, running)| is_other_program(path, running))
            || self.restart.iter().any(touched)
    }
}

/// The file that is running, under whichever name or none.
const RUNNING: &str = "/proc/self/exe";

/// Linux says so when the file that is running has been replaced.
fn existing(executable: PathBuf) -> PathBuf {
    let path = executable.as_os_str().as_bytes();
    match path.strip_suffix(b" (deleted)") {
        Some(path) => PathBuf::from(OsStr::from_bytes(path)),
        None => executable,
    }
}

/// A file that is missing, or not executable yet, may be in the middle of an upload: it is waited for.
fn is_other_program(path: &Path, running: &Identity) -> bool {
    let executable = |metadata: &fs::Metadata| metadata.mode() & 0o111 != 0;
    fs::metadata(path).is_ok_and(|now| executable(&now) && Identity::from(&now) != *running)
}

impl Identity {
    fn of(path: &Path) -> io::Result<Self> {
        fs::metadata(path).map(|metadata| Self::from(&metadata))
    }
}

impl From<&fs::Metadata> for Identity {
    fn from(metadata: &fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.len(),
            modified: metadata.modified().ok(),
        }
    }
}

/// The second number of `/proc/self/statm`, in pages.
fn resident_memory() -> Option<u64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

/// The requests that were begun, and how many there may be.
#[derive(Debug)]
pub(super) struct RequestCount {
    max: u64,
    count: AtomicU64,
    one_more: Notify,
}

impl RequestCount {
    async fn reached(&self) {
        loop {
            let one_more = self.one_more.notified();
            if self.count.load(Ordering::Relaxed) >= self.max {
                return;
            }
            one_more.await;
        }
    }

    pub(super) fn add(&self, requests: u64) {
        self.count.fetch_add(requests, Ordering::Relaxed);
        self.one_more.notify_waiters();
    }
}
