//! Where connections come from. These tests use real sockets, on paths and ports of their own.

use std::{
    fs, io,
    os::{
        fd::OwnedFd,
        unix::{
            fs::{FileTypeExt, MetadataExt, PermissionsExt, symlink},
            net::{UnixListener as StdUnixListener, UnixStream as StdUnixStream},
        },
    },
    path::{Path, PathBuf},
    sync::Barrier,
};

use fastcgi_tower::{
    Listener,
    listener::{AnyListener, InheritedSocket, SocketFile, SocketPermissions, UnixSocket},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UnixStream},
};

fn directory() -> (TempDir, PathBuf) {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("app.sock");
    (directory, path)
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path)
        .expect("a file")
        .permissions()
        .mode()
        & 0o777
}

#[tokio::test]
async fn a_unix_socket_is_for_its_owner_and_its_group() {
    let (_directory, path) = directory();
    let socket = UnixSocket::bind(&path).expect("a socket");
    assert_eq!((mode(&path), socket.path()), (0o660, path.as_path()));
}

#[tokio::test]
async fn a_unix_socket_has_the_mode_that_it_is_given() {
    for wanted in [0o600, 0o666, 0o777] {
        let (_directory, path) = directory();
        let _socket = UnixSocket::bind_with(&path, wanted).expect("a socket");
        assert_eq!(mode(&path), wanted);
    }
}

/// Only root can give it to somebody else.
#[tokio::test]
async fn a_unix_socket_has_the_owner_and_the_group_that_it_is_given() {
    let (directory, path) = directory();
    let ours = fs::metadata(directory.path()).expect("a directory");
    let (owner, group) = match ours.uid() {
        0 => (1234, 5678),
        uid => (uid, ours.gid()),
    };
    let permissions = SocketPermissions::from(0o640).owner(owner).group(group);
    let _socket = UnixSocket::bind_with(&path, permissions).expect("a socket");
    let metadata = fs::symlink_metadata(&path).expect("a file");
    assert_eq!((metadata.uid(), metadata.gid()), (owner, group));
    assert_eq!(mode(&path), 0o640);
}

#[tokio::test]
async fn a_unix_socket_gives_connections() {
    let (_directory, path) = directory();
    let mut socket = UnixSocket::bind(&path).expect("a socket");
    let mut near = UnixStream::connect(&path).await.expect("a connection");
    let (mut far, _) = socket.accept().await;
    near.write_all(b"hello").await.expect("a connection");
    drop(near);
    let mut text = String::new();
    far.read_to_string(&mut text).await.expect("a connection");
    assert_eq!(text, "hello");
    let addr = socket.local_addr().expect("an address");
    assert_eq!(addr.as_pathname(), Some(path.as_path()));
}

#[tokio::test]
async fn a_socket_on_which_nobody_listens_is_replaced() {
    let (_directory, path) = directory();
    drop(StdUnixListener::bind(&path).expect("a socket"));
    assert!(path.exists(), "std leaves it");
    let _socket = UnixSocket::bind(&path).expect("a socket");
    assert!(StdUnixStream::connect(&path).is_ok());
}

/// Both find that nobody listens there. Without a lock, both replace the path, and one of them is not there.
#[test]
fn of_two_processes_that_replace_a_socket_at_once_one_has_it() {
    let (_directory, path) = directory();
    for _ in 0..2_000 {
        drop(StdUnixListener::bind(&path).expect("nobody has it"));
        let start = Barrier::new(2);
        let bind = || {
            start.wait();
            SocketFile::bind(&path, 0o600)
        };
        let results = std::thread::scope(|scope| {
            let other = scope.spawn(bind);
            [bind(), other.join().expect("no panic")]
        });
        let (bound, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
        assert_eq!((bound.len(), refused.len()), (1, 1));
        for error in refused.into_iter().filter_map(Result::err) {
            assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        }
        assert!(StdUnixStream::connect(&path).is_ok());
    }
}

#[test]
fn the_lock_of_a_socket_stays_and_is_for_its_owner() {
    let (directory, path) = directory();
    drop(SocketFile::bind(&path, 0o666).expect("a socket"));
    assert!(!path.exists());
    let lock = directory.path().join("app.sock.lock");
    assert_eq!(mode(&lock), 0o600);

    // A link in its place is not followed.
    let target = directory.path().join("target");
    fs::remove_file(&lock).expect("a file");
    symlink(&target, &lock).expect("a link");
    let error = SocketFile::bind(&path, 0o666).expect_err("no lock");
    assert!(error.to_string().contains("app.sock.lock"), "{error}");
    assert!(!target.exists() && !path.exists());
}

#[tokio::test]
async fn a_socket_on_which_somebody_listens_is_left_alone() {
    let (_directory, path) = directory();
    let _other = StdUnixListener::bind(&path).expect("a socket");
    let before = fs::metadata(&path).expect("a socket").ino();
    let error = UnixSocket::bind(&path).expect_err("somebody listens");
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    assert_eq!(fs::metadata(&path).expect("a socket").ino(), before);
}

#[tokio::test]
async fn what_is_no_socket_is_left_alone() {
    let (directory, path) = directory();
    fs::write(&path, "precious").expect("a file");
    let error = UnixSocket::bind(&path).expect_err("a file is there");
    assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&path).expect("the file"), b"precious");

    // Nor is a link followed to what it points to.
    let link = directory.path().join("link.sock");
    symlink(&path, &link).expect("a link");
    assert!(UnixSocket::bind(&link).is_err());
    assert!(fs::symlink_metadata(&link).expect("the link").is_symlink());
    assert!(UnixSocket::bind(directory.path()).is_err());
}

#[tokio::test]
async fn a_socket_is_removed_with_its_listener() {
    let (_directory, path) = directory();
    let socket = UnixSocket::bind(&path).expect("a socket");
    assert!(
        fs::symlink_metadata(&path)
            .expect("a file")
            .file_type()
            .is_socket()
    );
    drop(socket);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_socket_that_somebody_else_put_there_is_not_removed() {
    let (_directory, path) = directory();
    let socket = UnixSocket::bind(&path).expect("a socket");
    // Moved, not removed, so that its inode is not given to the other.
    fs::rename(&path, path.with_extension("old")).expect("a rename");
    let other = StdUnixListener::bind(&path).expect("a socket");
    drop(socket);
    assert!(path.exists());
    drop(other);
}

#[tokio::test]
async fn a_path_that_cannot_be_is_an_error() {
    let (directory, _) = directory();
    assert!(UnixSocket::bind(directory.path().join("missing/app.sock")).is_err());
    assert!(UnixSocket::bind(directory.path().join("x".repeat(200))).is_err());
}

#[tokio::test]
async fn an_address_with_a_slash_is_a_path() {
    let (_directory, path) = directory();
    let address = path.to_str().expect("a path in UTF-8");
    let listener = AnyListener::bind(address).await.expect("a socket");
    assert!(matches!(listener, AnyListener::UnixSocket(_)));
    assert_eq!(mode(&path), 0o660);
    drop(listener);
    assert!(!path.exists());
}

#[tokio::test]
async fn an_address_with_a_port_is_tcp() {
    let mut listener = AnyListener::bind("127.0.0.1:0").await.expect("a socket");
    let AnyListener::Tcp(tcp) = &listener else {
        panic!("{listener:?}");
    };
    let addr = tcp.local_addr().expect("an address");
    let shown = format!("{:?}", listener.local_addr().expect("an address"));
    assert_eq!(shown, addr.to_string());
    let near = TcpStream::connect(addr).await.expect("a connection");
    let (_, peer) = listener.accept().await;
    assert_eq!(
        format!("{peer:?}"),
        near.local_addr().expect("an address").to_string()
    );
}

#[tokio::test]
async fn an_address_that_is_none_is_an_error() {
    assert!(AnyListener::bind("nonsense").await.is_err());
    assert!(AnyListener::bind("127.0.0.1:99999").await.is_err());
}

/// Specification, 2.2: whatever the socket is.
#[tokio::test]
async fn an_inherited_socket_may_be_tcp_or_unix() {
    let (_directory, path) = directory();
    let unix = StdUnixListener::bind(&path).expect("a socket");
    let socket = InheritedSocket::from_fd(OwnedFd::from(unix)).expect("a listener");
    let mut listener = AnyListener::from(socket);
    let _near = UnixStream::connect(&path).await.expect("a connection");
    listener.accept().await;
    drop(listener);
    assert!(path.exists(), "the path is the process manager's");

    let tcp = std::net::TcpListener::bind("127.0.0.1:0").expect("a socket");
    let addr = tcp.local_addr().expect("an address");
    let socket = InheritedSocket::from_fd(OwnedFd::from(tcp)).expect("a listener");
    assert!(matches!(socket, InheritedSocket::Tcp(_)));
    let mut listener = AnyListener::from(socket);
    let _near = TcpStream::connect(addr).await.expect("a connection");
    listener.accept().await;
}

/// No Nagle: small responses are in one piece and wait for nothing.
#[tokio::test]
async fn tcp_connections_do_not_delay() {
    let mut listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a socket");
    let addr = listener.local_addr().expect("an address");
    let _near = TcpStream::connect(addr).await.expect("a connection");
    let (io, _) = Listener::accept(&mut listener).await;
    assert!(io.nodelay().expect("an option"));
}
