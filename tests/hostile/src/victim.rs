//! The application under attack.

use std::{
    env, fs, io,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use tempfile::TempDir;

/// What all peers together may make a server hold at default settings, in bytes: see "Limits" in docs/security.md.
pub const SUM: u64 = 512 * 1024 * 1024;

const PATIENCE: Duration = Duration::from_secs(30);

/// A release build of `tests/tour`, which runs with default settings. It ends with this value.
#[derive(Debug)]
pub struct Victim {
    child: Child,
    dir: TempDir,
    /// The most of its memory that was resident before the attack, in bytes.
    own: u64,
}

impl Victim {
    /// Starts it, and has the system end it if its data grows by more than [`SUM`].
    ///
    /// The environment variable `HOSTILE_PROGRAM` names another program to attack, such as an old build.
    ///
    /// # Panics
    ///
    /// When it cannot be built or started.
    #[must_use]
    pub fn start() -> Self {
        Self::run(&mut Command::new(program()))
    }

    /// As [`start`](Self::start), where the process may have only so many descriptors.
    ///
    /// # Panics
    ///
    /// When it cannot be built or started.
    #[must_use]
    pub fn with_descriptors(limit: u32) -> Self {
        let mut command = Command::new("/bin/sh");
        let script = format!("ulimit -n {limit} && exec \"$0\"");
        Self::run(command.arg("-c").arg(script).arg(program()))
    }

    fn run(command: &mut Command) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let child = command
            .env_clear()
            .env("FCGI_LISTEN", dir.path().join("app.sock"))
            .env("TOUR_AUTHORIZER", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("a program that can be started");
        let victim = Self { child, dir, own: 0 };
        let start = Instant::now();
        while UnixStream::connect(victim.socket()).is_err() {
            assert!(
                start.elapsed() < PATIENCE,
                "the application does not listen"
            );
            sleep(Duration::from_millis(5));
        }
        victim
    }

    /// Notes what it needs by itself, once it has answered something, and limits it.
    ///
    /// # Panics
    ///
    /// When the system does not do it.
    pub fn limit(&mut self) {
        self.own = self.status("VmHWM:").expect("its memory");
        let data = self.status("VmData:").expect("its memory");
        let maximum = getrlimit(Resource::Data).maximum;
        let limit = Rlimit {
            current: Some(data + SUM),
            maximum,
        };
        prlimit(Some(self.pid()), Resource::Data, limit).expect("its parent may");
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("app.sock")
    }

    /// A directory that is removed with it.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// How many bytes of memory were resident at most, beyond what it needs by itself.
    ///
    /// # Panics
    ///
    /// When it has ended.
    #[must_use]
    pub fn peak(&self) -> u64 {
        let peak = self.status("VmHWM:").expect("an application that runs");
        peak.saturating_sub(self.own)
    }

    fn status(&self, name: &str) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kib.map(|kib| kib * 1024)
            .ok_or_else(|| io::Error::other("it has ended"))
    }

    fn pid(&self) -> Pid {
        let id = i32::try_from(self.child.id()).expect("a process id");
        Pid::from_raw(id).expect("a process id")
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = kill_process(self.pid(), Signal::KILL);
        let _ = self.child.wait();
    }
}

/// The program, which is built once.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| match env::var_os("HOSTILE_PROGRAM") {
        Some(program) => program.into(),
        None => build(),
    })
}

fn build() -> PathBuf {
    let this = env::current_exe().expect("a path");
    let target = this.ancestors().nth(3).expect("target/debug/deps/it");
    let status = Command::new(env!("CARGO"))
        .args([
            "build",
            "--quiet",
            "--release",
            "--package",
            "tour",
            "--manifest-path",
        ])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"))
        .arg("--target-dir")
        .arg(target)
        .status();
    assert!(status.expect("cargo").success(), "the tour cannot be built");
    target.join("release/tour")
}
