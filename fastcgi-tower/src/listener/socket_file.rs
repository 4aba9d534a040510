//! The path of a listening Unix socket: which process may replace it, and which removes it.

use std::{
    ffi::OsString,
    fs, io,
    os::{
        fd::OwnedFd,
        unix::{
            fs::{FileTypeExt, MetadataExt, PermissionsExt},
            net::UnixListener as StdUnixListener,
        },
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{
        AtFlags, CWD, FlockOperation, Gid, Mode, OFlags, Uid, chownat, fchmod, flock, fstat, openat,
    },
    io::Errno,
    process::geteuid,
};
use socket2::{Domain, SockAddr, Socket as RawSocket, Type};

use super::{SocketPermissions, advice};

/// The path of a listening socket of ours, removed when dropped, if it is still the same socket.
///
/// It moves with the socket: [`Socket`](super::Socket), [`UnixSocket`](super::UnixSocket).
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
    /// A duplicate, until the path is removed. As long as the socket is open, its inode is given to no other file, and no
    /// process takes the path for a stale one.
    socket: Option<OwnedFd>,
}

impl SocketFile {
    /// Listens on `path`, with room for `backlog` connections that wait to be accepted, on no runtime yet. The listener does
    /// not block.
    ///
    /// # Errors
    ///
    /// The message names the path.
    pub(super) fn bind(
        path: &Path,
        permissions: SocketPermissions,
        backlog: u32,
    ) -> io::Result<(StdUnixListener, Self)> {
        Self::bind_unnamed(path, permissions, backlog).map_err(|error| advice::on_path(path, error))
    }

    fn bind_unnamed(
        path: &Path,
        permissions: SocketPermissions,
        backlog: u32,
    ) -> io::Result<(StdUnixListener, Self)> {
        // Held until other processes can see that we listen.
        let lock = Lock::acquire(path)?;
        remove_stale(path)?;
        let socket = RawSocket::new(Domain::UNIX, Type::STREAM, None)?;
        let duplicate = socket.try_clone()?.into();
        // On Linux the file gets the socket's mode, without what the umask takes away. Elsewhere a socket has none, and the
        // file gets it below, before a peer can connect.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        fchmod(&socket, Mode::from_raw_mode(permissions.mode))?;
        socket.bind(&SockAddr::unix(path)?)?;
        let mut file = Self::new(path, duplicate)?;
        match file.open(&socket, permissions, backlog) {
            Ok(()) => Ok((socket.into(), file)),
            Err(error) => {
                _ = file.remove_with(&lock);
                Err(error)
            }
        }
    }

    fn new(path: &Path, socket: OwnedFd) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(Self {
            path: path.to_owned(),
            device: metadata.dev(),
            inode: metadata.ino(),
            socket: Some(socket),
        })
    }

    /// Listens, once the path is for those for whom it is meant.
    fn open(
        &self,
        socket: &RawSocket,
        permissions: SocketPermissions,
        backlog: u32,
    ) -> io::Result<()> {
        permissions.apply(&self.path)?;
        socket.set_nonblocking(true)?;
        // Nobody can connect before this.
        socket.listen(backlog.try_into().unwrap_or(i32::MAX))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A later process may have put its own socket there.
    fn is_ours(&self) -> bool {
        fs::symlink_metadata(&self.path)
            .is_ok_and(|metadata| metadata.dev() == self.device && metadata.ino() == self.inode)
    }

    pub(super) fn remove(&mut self) {
        if self.socket.is_none() {
            return;
        }
        let removed = Lock::acquire(&self.path).and_then(|lock| self.remove_with(&lock));
        if let Err(error) = removed {
            tracing::debug!(%error, "the socket's path cannot be removed");
        }
        self.socket = None;
    }

    fn remove_with(&mut self, _: &Lock) -> io::Result<()> {
        let _open = self.socket.take();
        if self.is_ours() {
            fs::remove_file(&self.path)
        } else {
            Ok(())
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        self.remove();
    }
}

/// The right to replace or remove a path, as long as it lives.
///
/// Two processes that look, remove and bind at once can both believe that they have the path. Binding beside it and
/// renaming would not help: the second rename replaces a socket on which a process listens. The file of the lock is never
/// removed, because a process that waits for it would then hold a lock on a file that no other process opens.
#[derive(Debug)]
struct Lock(#[expect(dead_code, reason = "closing it unlocks it")] OwnedFd);

impl Lock {
    /// A process needs it for a few system calls, so one that has it for longer does not work.
    const LIMIT: Duration = Duration::from_secs(5);
    const PAUSE: Duration = Duration::from_millis(5);

    /// Waits for it, on this thread, for up to 5 s.
    fn acquire(socket: &Path) -> io::Result<Self> {
        let mut path = OsString::from(socket);
        path.push(".lock");
        let path = Path::new(&path);
        Self::acquire_at(path).map_err(|error| match error.kind() {
            // The directory is what is missing, or may not be used.
            io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => error,
            kind => io::Error::new(kind, format!("{}: {error}", path.display())),
        })
    }

    fn acquire_at(path: &Path) -> io::Result<Self> {
        let flags = OFlags::CREATE | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = openat(CWD, path, flags, mode)?;
        // The umask may have taken bits away, and then the next one could not open it.
        if Mode::from_raw_mode(fstat(&file)?.st_mode) & Mode::from_raw_mode(0o777) != mode {
            fchmod(&file, mode)?;
        }
        let start = Instant::now();
        loop {
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self(file)),
                Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) if start.elapsed() < Self::LIMIT => {
                    thread::sleep(Self::PAUSE);
                }
                Err(Errno::WOULDBLOCK) => {
                    return Err(io::Error::new(
                        io::ErrorKind::TimedOut,
                        "another process has had this lock for 5 s: end that process",
                    ));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl SocketPermissions {
    /// Gives a socket its owner, its group and its mode. Nothing here follows a symbolic link.
    fn apply(self, path: &Path) -> io::Result<()> {
        if self.owner.is_some() || self.group.is_some() {
            let owner = self.owner.map(Uid::from_raw);
            let group = self.group.map(Gid::from_raw);
            chownat(CWD, path, owner, group, AtFlags::SYMLINK_NOFOLLOW).map_err(|error| {
                let error = io::Error::from(error);
                let whose = [("user", self.owner), ("group", self.group)];
                let whose = whose.map(|(what, id)| id.map(|id| format!(" {what} {id}")));
                let message = format!(
                    "user {} may not give its socket to{}: {error}",
                    geteuid().as_raw(),
                    whose.map(Option::unwrap_or_default).concat()
                );
                io::Error::new(error.kind(), message)
            })?;
        }
        if fs::symlink_metadata(path)?.permissions().mode() & 0o7777 == self.mode {
            return Ok(());
        }
        set_mode(path, self.mode)
    }
}

/// Sets the mode of what is at `path` itself. `chmodat` refuses to do that on Linux before 6.6, but the descriptor of an
/// opened path can be reached by a path of its own.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;

    use rustix::fs::FileType;

    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let opened = openat(CWD, path, flags, Mode::empty())?;
    if !FileType::from_raw_mode(fstat(&opened)?.st_mode).is_socket() {
        return Err(not_a_socket());
    }
    let by_descriptor = format!("/proc/self/fd/{}", opened.as_raw_fd());
    fs::set_permissions(by_descriptor, fs::Permissions::from_mode(mode))
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    let mode = Mode::from_raw_mode(mode.try_into().unwrap_or(Mode::RUSR.as_raw_mode()));
    Ok(rustix::fs::chmodat(
        CWD,
        path,
        mode,
        AtFlags::SYMLINK_NOFOLLOW,
    )?)
}

/// Removes a socket on which no process listens.
fn remove_stale(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !metadata.file_type().is_socket() {
        return Err(not_a_socket());
    }
    // Without blocking: a process whose backlog is full would keep us waiting, and it is there. (macOS and the BSDs refuse the
    // connection then, so that its path is taken over. Its connections stay, and new ones come here.)
    let probe = RawSocket::new(Domain::UNIX, Type::STREAM, None)?;
    probe.set_nonblocking(true)?;
    match probe.connect(&SockAddr::unix(path)?) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "another process listens on it: stop that process, or choose another path",
        )),
    }
}

fn not_a_socket() -> io::Error {
    io::Error::new(
        io::ErrorKind::AlreadyExists,
        "it exists and is not a socket: remove it, or choose another path",
    )
}
