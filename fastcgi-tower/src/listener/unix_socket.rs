//! A Unix socket in the file system, with the care that its path needs.

use std::{
    fs, io,
    os::unix::{
        fs::{FileTypeExt, MetadataExt, PermissionsExt, chown},
        net::UnixListener as StdUnixListener,
    },
    path::{Path, PathBuf},
};

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::{UnixListener, UnixStream, unix};

use super::Listener;

/// Listens on a path in the file system.
///
/// A socket that another process left there is replaced; anything else is left alone. The path has its mode before the
/// first connection can be made, and is removed when the listener is dropped, if it is still the same socket.
#[derive(Debug)]
pub struct UnixSocket {
    listener: UnixListener,
    file: SocketFile,
}

/// Connections that may wait to be accepted. The system has a limit of its own.
const BACKLOG: i32 = 1024;

impl UnixSocket {
    /// Listens on `path`, with a mode of 0660.
    ///
    /// # Errors
    ///
    /// [`AddrInUse`](io::ErrorKind::AddrInUse) when a process listens there already, and
    /// [`AlreadyExists`](io::ErrorKind::AlreadyExists) when something other than a socket is there.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O enabled.
    pub fn bind(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::bind_with(path, SocketPermissions::default())
    }

    /// Listens on `path`, for those who are given the permission: a mode such as `0o600`, or [`SocketPermissions`].
    ///
    /// # Errors
    ///
    /// As for [`bind`](Self::bind), and when this process may not give the socket to such an owner or group.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O enabled.
    pub fn bind_with(
        path: impl AsRef<Path>,
        permissions: impl Into<SocketPermissions>,
    ) -> io::Result<Self> {
        let (listener, file) = SocketFile::bind(path, permissions)?;
        Ok(Self {
            listener: UnixListener::from_std(listener)?,
            file,
        })
    }

    /// The listener without its runtime, and its path, to be kept as long as somebody listens.
    ///
    /// # Errors
    ///
    /// When the socket cannot be taken from its runtime.
    pub fn into_std(self) -> io::Result<(StdUnixListener, SocketFile)> {
        Ok((self.listener.into_std()?, self.file))
    }

    /// The path that was given.
    pub fn path(&self) -> &Path {
        &self.file.path
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

    /// Removes the path: who connects from now on is refused at once, and may go elsewhere.
    fn close(&mut self) {
        self.file.remove();
    }
}

/// Who may connect to a [`UnixSocket`]: whoever may write to its path.
///
/// ```
/// use fastcgi_tower::listener::SocketPermissions;
///
/// // The web server's group, by its number.
/// let web_server = SocketPermissions::default().group(33);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketPermissions {
    mode: u32,
    owner: Option<u32>,
    group: Option<u32>,
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
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// The owner, by its number. Default: the process's user. Giving a file away takes the rights of root.
    pub fn owner(mut self, uid: u32) -> Self {
        self.owner = Some(uid);
        self
    }

    /// The group, by its number. Default: the process's group. A process may give a file to each group that it is in.
    pub fn group(mut self, gid: u32) -> Self {
        self.group = Some(gid);
        self
    }

    fn apply(self, path: &Path) -> io::Result<()> {
        if self.owner.is_some() || self.group.is_some() {
            chown(path, self.owner, self.group)?;
        }
        fs::set_permissions(path, fs::Permissions::from_mode(self.mode))
    }
}

/// Removes a socket on which nobody listens.
fn remove_stale(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !metadata.file_type().is_socket() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            format!("{} exists and is not a socket", path.display()),
        ));
    }
    // Without blocking: a process whose backlog is full would keep us waiting, and it is there.
    let probe = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    probe.set_nonblocking(true)?;
    match probe.connect(&SockAddr::unix(path)?) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        _ => Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            format!("another process listens on {}", path.display()),
        )),
    }
}

/// The path of a listening socket of ours, removed when dropped, if it is still the same socket.
///
/// [`UnixSocket`] has one. By itself it is for sockets that are bound before there is a runtime, or shared by several.
#[derive(Debug)]
pub struct SocketFile {
    path: PathBuf,
    device: u64,
    inode: u64,
    present: bool,
}

impl SocketFile {
    /// Listens on `path`, with the permissions and the care of [`UnixSocket::bind_with`], on no runtime yet. The listener
    /// does not block.
    ///
    /// # Errors
    ///
    /// As for [`UnixSocket::bind`].
    pub fn bind(
        path: impl AsRef<Path>,
        permissions: impl Into<SocketPermissions>,
    ) -> io::Result<(StdUnixListener, Self)> {
        let permissions = permissions.into();
        let path = path.as_ref();
        remove_stale(path)?;
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.bind(&SockAddr::unix(path)?)?;
        let file = Self::new(path)?;
        permissions.apply(path)?;
        // Nobody can connect before this.
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok((socket.into(), file))
    }

    fn new(path: &Path) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(Self {
            path: path.to_owned(),
            device: metadata.dev(),
            inode: metadata.ino(),
            present: true,
        })
    }

    /// A later process may have put its own socket there.
    fn is_ours(&self) -> bool {
        fs::symlink_metadata(&self.path)
            .is_ok_and(|metadata| metadata.dev() == self.device && metadata.ino() == self.inode)
    }

    fn remove(&mut self) {
        if !std::mem::take(&mut self.present) {
            return;
        }
        if self.is_ours() {
            if let Err(error) = fs::remove_file(&self.path) {
                tracing::debug!(%error, "the socket's path cannot be removed");
            }
        }
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        self.remove();
    }
}
