//! A listener of sockets of whatever kind: its addresses, its ends, and what its connections know.

use std::{
    convert::Infallible,
    future::IntoFuture,
    io,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            net::{
                SocketAddr as UnixAddr, UnixListener as StdUnixListener,
                UnixStream as StdUnixStream,
            },
            process::parent_id,
        },
    },
    path::{Path, PathBuf},
    time::Duration,
};

use fastcgi_tower::{
    Listener, Params,
    listener::{AnyAddr, AnyListener, PeerAddr, Socket, SocketPermissions, UnixSocket},
    process::cgi,
    serve,
};
use http::Response;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use tower::service_fn;

use crate::support::{Script, Step, get_close};

fn directory() -> (TempDir, PathBuf) {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("app.sock");
    (directory, path)
}

/// Listens on a socket that was handed over.
fn handed(path: &Path) -> Socket {
    let listener = StdUnixListener::bind(path).expect("a socket");
    Socket::new(listener).expect("a socket")
}

#[tokio::test]
async fn a_unix_socket_becomes_one_and_is_removed_with_it() {
    let (_dir, path) = directory();
    let permissions = SocketPermissions::default().mode(0o600);
    let socket = UnixSocket::bind_with(&path, permissions).expect("a socket");
    let mut listener = AnyListener::from(socket);
    let mut near = UnixStream::connect(&path).await.expect("a connection");
    let (mut far, peer) = listener.accept().await;
    assert!(matches!(peer, AnyAddr::Unix(_)), "{peer:?}");
    near.write_all(b"hello").await.expect("a connection");
    let mut bytes = [0; 5];
    far.read_exact(&mut bytes).await.expect("a connection");
    assert_eq!(&bytes, b"hello");
    assert_eq!(listener.fds().count(), 1);
    let shown = format!("{listener:?}");
    assert!(shown.contains(path.to_str().expect("a text")), "{shown}");
    listener.close();
    assert!(!path.exists());
}

#[tokio::test]
async fn of_several_sockets_each_has_its_address() {
    let (_dir, path) = directory();
    let unix = Socket::bind(&path.as_path().into(), 1).expect("a socket");
    let tcp = Socket::bind_tcp(([127, 0, 0, 1], 0).into(), 1).expect("a socket");
    let port = tcp.tcp_addr().expect("an address").port();
    let listener = AnyListener::new([unix, tcp]).expect("a listener");
    let addr = listener.local_addr().expect("an address");
    assert!(!addr.is_remote());
    assert_eq!(addr.ip(), None);
    let shown = format!("{addr:?}");
    assert!(shown.contains(path.to_str().expect("a text")), "{shown}");
    assert!(shown.contains(&format!("127.0.0.1:{port}")), "{shown}");
    assert_eq!(listener.fds().count(), 2);
}

/// The request of plain CGI comes over a pipe inside the process.
#[tokio::test]
async fn the_connection_of_plain_cgi_has_no_address() {
    let (mut listener, _gateway) = cgi(&Params::default(), tokio::io::empty(), tokio::io::sink());
    assert_eq!(listener.fds().count(), 0);
    let addr = listener.local_addr().expect("an address");
    assert_eq!(format!("{addr:?}"), "(pipe)");
    let (_io, peer) = listener.accept().await;
    assert_eq!(format!("{peer:?}"), "(pipe)");
    assert_eq!(peer.ip(), None);
    assert!(peer.is_plain_cgi() && peer.is_internal() && !peer.is_remote());
    // There is no second one.
    let addr = listener.local_addr().expect("an address");
    assert_eq!(format!("{addr:?}"), "(pipe)");
    let second = timeout(Duration::from_millis(1), listener.accept()).await;
    assert!(second.is_err());
}

/// mod_fcgid names its sockets for its process id and a number. A connection that is made and not accepted is a 500 for the
/// client; one that is refused goes to the next process.
#[tokio::test]
async fn a_socket_of_mod_fcgid_is_closed_without_losing_a_connection() {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join(format!("{}.7", parent_id()));
    let mut listener = AnyListener::new([handed(&path)]).expect("a listener");
    let waiting = [(); 2].map(|()| StdUnixStream::connect(&path).expect("a connection"));
    listener.close();
    let refused = StdUnixStream::connect(&path).expect_err("it is closed");
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    for near in waiting {
        let (mut far, peer) = listener.accept().await;
        assert!(matches!(peer, AnyAddr::Unix(_)), "{peer:?}");
        far.write_all(b"x").await.expect("a connection");
        let mut byte = [0];
        io::Read::read_exact(&mut &near, &mut byte).expect("a connection");
        assert_eq!(&byte, b"x");
    }
    let more = timeout(Duration::from_millis(1), listener.accept()).await;
    assert!(more.is_err());
}

/// They are somebody else's to close.
#[tokio::test]
async fn other_sockets_that_were_handed_over_stay_open() {
    let parent = parent_id();
    let names = [
        "app.sock".to_owned(),
        format!("{parent}.sock"),
        format!("{}.7", parent + 1),
    ];
    for name in names {
        let dir = TempDir::new().expect("a directory");
        let path = dir.path().join(&name);
        let mut listener = AnyListener::new([handed(&path)]).expect("a listener");
        listener.close();
        assert!(StdUnixStream::connect(&path).is_ok(), "{name}");
    }
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join(format!("{parent}.7"));
    let mut listener = AnyListener::shared([handed(&path)]).expect("a listener");
    listener.close();
    assert!(StdUnixStream::connect(&path).is_ok(), "others have it, too");
}

/// on TCP a reset tells the web server that something is missing, and elsewhere the end of the connection does.
#[tokio::test]
async fn a_truncated_response_breaks_its_connection() {
    let service = service_fn(|_| async {
        let body = Script::new([Step::Data("some"), Step::Yield, Step::Fail]);
        Ok::<_, Infallible>(Response::new(body))
    });
    let listener = AnyListener::bind("127.0.0.1:0").expect("a socket");
    let Ok(AnyAddr::Tcp(addr)) = listener.local_addr() else {
        panic!("a TCP socket");
    };
    let server = tokio::spawn(serve(listener, service).into_future());
    let mut io = TcpStream::connect(addr).await.expect("a connection");
    io.write_all(&get_close(1, "/"))
        .await
        .expect("a connection");
    let error = io.read_to_end(&mut Vec::new()).await.expect_err("a reset");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    server.abort();

    let (_dir, path) = directory();
    let listener = AnyListener::bind(path.to_str().expect("a text")).expect("a socket");
    let server = tokio::spawn(serve(listener, service).into_future());
    let mut io = UnixStream::connect(&path).await.expect("a connection");
    io.write_all(&get_close(1, "/"))
        .await
        .expect("a connection");
    let mut response = Vec::new();
    io.read_to_end(&mut response).await.expect("an end");
    assert!(
        !response.ends_with(&[0, 0, 0, 0, 0, 0, 0, 0]),
        "no END_REQUEST"
    );
    server.abort();
}

#[test]
fn a_socket_without_a_path_says_so() {
    let name = format!("fastcgi-{}", std::process::id());
    let addr = UnixAddr::from_abstract_name(name).expect("a name");
    let listener = StdUnixListener::bind_addr(&addr).expect("a socket");
    let socket = Socket::new(listener).expect("a socket");
    assert_eq!(socket.to_string(), "a socket without a path");
    assert_eq!(socket.tcp_addr(), None);
}
