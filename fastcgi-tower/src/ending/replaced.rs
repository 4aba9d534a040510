//! Whether the program was replaced by an upload, or a restart was asked for.

use std::{
    env,
    ffi::OsStr,
    fs,
    future::Future,
    io,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::once_a_second;

/// Is ready when the program's file has been replaced, or `tmp/restart.txt` beside it or in the working directory touched.
/// Looked at once a second.
///
/// For `with_graceful_shutdown`, where the process manager starts the new program.
pub fn replaced() -> impl Future<Output = ()> + Send + 'static {
    let program = Program::running();
    once_a_second(move || program.is_replaced())
}

/// The file of the running program, and the files that are touched to restart it.
#[derive(Debug)]
struct Program {
    executable: Option<(PathBuf, Identity)>,
    restart: Vec<(PathBuf, Option<Identity>)>,
}

/// What distinguishes a file from the one that replaces it.
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
