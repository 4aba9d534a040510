//! A Unix socket in the file system, with the care that its path needs.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    path::Path,
};

use tokio::net::{UnixListener, UnixStream, unix};

use super::{Listener, Socket, socket_file::SocketFile};

/// Listens on a path in the file system.
///
/// A socket that another process left there is replaced; anything else is left alone. The path has its mode and its owner
/// before the first connection can be made. It is removed when the listener is dropped, while the socket is still open, and
/// only if it is still the same socket. Of several processes that bind one path at once, one gets it: a file beside it, with
/// `.lock` behind its name, mode 0600, is locked meanwhile, and stays.
#[derive(Debug)]
pub struct UnixSocket {
    listener: UnixListener,
    file: SocketFile,
}

impl UnixSocket {
    /// Listens on `path`, with a mode of 0660.
    ///
    /// # Errors
    ///
    /// [`AddrInUse`](io::ErrorKind::AddrInUse) when a process listens there already, and
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists) when something other than a socket is there.
    /// [`PermissionDenied`](io::ErrorKind::PermissionDenied) when the lock file belongs to another user, such as root, and
    /// [`TimedOut`](io::ErrorKind::TimedOut) when another process has the lock for 5 s, which this thread waits for.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O enabled.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::bind_with(path, SocketPermissions::default())
    }

    /// Listens on `path`, with these permissions: a mode such as `0o600`, or [`SocketPermissions`].
    ///
    /// # Errors
    ///
    /// As for [`bind`](Self::bind), and when this process may not give the socket to such an owner or group. Nothing is left
    /// at the path then.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O enabled.
    pub fn bind_with(
        path: impl AsRef<Path>,
        permissions: impl Into<SocketPermissions>,
    ) -> io::Result<Self> {
        let (listener, file) =
            SocketFile::bind(path.as_ref(), permissions.into(), Socket::BACKLOG)?;
        Ok(Self {
            listener: UnixListener::from_std(listener)?,
            file,
        })
    }

    pub(super) fn into_parts(self) -> (UnixListener, SocketFile) {
        (self.listener, self.file)
    }

    /// The path that was given.
    pub fn path(&self) -> &Path {
        self.file.path()
    }
}

impl AsFd for UnixSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Listener for UnixSocket {
    type Io = UnixStream;
    type Addr = unix::SocketAddr;

    async fn accept(&mut self) -> (UnixStream, unix::SocketAddr) {
        Listener::accept(&mut self.listener).await
    }

    fn local_addr(&self) -> io::Result<unix::SocketAddr> {
        self.listener.local_addr()
    }

    /// Removes the path: a peer that connects from now on is refused at once, and may go elsewhere.
    fn close(&mut self) {
        self.file.remove();
    }
}

/// Which users may connect to a [`UnixSocket`]: those that may write to its path.
///
/// ```
/// use fastcgi_tower::listener::SocketPermissions;
///
/// // The web server's group, by its number.
/// let web_server = SocketPermissions::default().group(33);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketPermissions {
    pub(super) mode: u32,
    pub(super) owner: Option<u32>,
    pub(super) group: Option<u32>,
}

/// A mode of 0660, with the owner and the group that the system gives to a new file.
impl Default for SocketPermissions {
    fn default() -> Self {
        Self {
            mode: 0o660,
            owner: None,
            group: None,
        }
    }
}

impl From<u32> for SocketPermissions {
    fn from(mode: u32) -> Self {
        Self {
            mode,
            ..Self::default()
        }
    }
}

impl SocketPermissions {
    /// The mode: `0o600` is for the owner alone, `0o660` for the group, too, `0o666` for everybody. Default: `0o660`.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// The owner, by its number. Default: the process's user. Giving a file away takes the rights of root.
    #[must_use]
    pub fn owner(mut self, uid: u32) -> Self {
        self.owner = Some(uid);
        self
    }

    /// The group, by its number. Default: the process's group. A process may give a file to each group that it is in.
    #[must_use]
    pub fn group(mut self, gid: u32) -> Self {
        self.group = Some(gid);
        self
    }
}
