//! A web server that leaves while much of a body waits to be read: over real sockets.

use std::{convert::Infallible, time::Duration};

use fastcgi_tower::{Incoming, Limits, listener::AnyListener, serve};
use http::{Request, Response};
use tokio::{
    io::{AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixListener, UnixStream},
    select,
    sync::mpsc,
    time::{sleep, timeout},
};
use tower::service_fn;

use crate::support::{post, stdin_all};

/// Within this time the handler has to be gone.
const SOON: Duration = Duration::from_secs(3);

/// Says when it is dropped.
struct Guard(mpsc::UnboundedSender<&'static str>);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.send("gone");
    }
}

/// A service that never looks at the body, and says when it is called and when its call is dropped.
macro_rules! ignoring {
    ($says:expr) => {{
        let says = $says.clone();
        service_fn(move |request: Request<Incoming>| {
            let guard = Guard(says.clone());
            let _ = says.send("called");
            async move {
                let _body = request.into_body();
                std::future::pending::<()>().await;
                drop(guard);
                Ok::<_, Infallible>(Response::new(String::new()))
            }
        })
    }};
}

/// Sends as much of an upload as goes, and leaves.
async fn leave(mut io: impl AsyncWrite + Unpin, length: usize) {
    let upload = [post(1, "/", length), stdin_all(1, &vec![b'x'; length])].concat();
    let upload = &upload[..upload.len() - 8 - length / 10];
    select! {
        written = io.write_all(upload) => written.expect("the application is there"),
        () = sleep(Duration::from_millis(500)) => {}
    }
}

/// `None` when the handler is still there after a while.
async fn is_gone(mut says: mpsc::UnboundedReceiver<&'static str>) -> Option<()> {
    assert_eq!(says.recv().await, Some("called"));
    let gone = timeout(SOON, says.recv()).await.ok()?;
    assert_eq!(gone, Some("gone"));
    Some(())
}

const UNREAD: [usize; 3] = [60_000, 200_000, 10_000_000];

#[tokio::test]
async fn on_a_unix_socket_a_departure_is_seen_however_much_is_unread() {
    for length in UNREAD {
        let (says, said) = mpsc::unbounded_channel();
        let directory = tempfile::TempDir::new().expect("a directory");
        let path = directory.path().join("app.sock");
        let listener = UnixListener::bind(&path).expect("a socket");
        let server = tokio::spawn(serve(listener, ignoring!(says)).into_future());
        leave(UnixStream::connect(&path).await.expect("a server"), length).await;
        assert_eq!(is_gone(said).await, Some(()), "{length} bytes");
        server.abort();
    }
}

#[tokio::test]
async fn any_listener_sees_it_too() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let path = directory.path().join("app.sock");
    let (says, said) = mpsc::unbounded_channel();
    let listener = AnyListener::bind(path.to_str().expect("a path")).expect("a socket");
    let server = tokio::spawn(serve(listener, ignoring!(says)).into_future());
    leave(UnixStream::connect(&path).await.expect("a server"), 200_000).await;
    assert_eq!(is_gone(said).await, Some(()));
    server.abort();

    let (says, said) = mpsc::unbounded_channel();
    let listener = AnyListener::bind("127.0.0.1:0").expect("a socket");
    let addr = serve(listener, ignoring!(says));
    let server_addr = addr.local_addr().expect("an address");
    let fastcgi_tower::listener::AnyAddr::Tcp(server_addr) = server_addr else {
        panic!("a TCP socket");
    };
    let server = tokio::spawn(addr.into_future());
    leave(
        TcpStream::connect(server_addr).await.expect("a server"),
        200_000,
    )
    .await;
    assert_eq!(is_gone(said).await, Some(()));
    server.abort();
}

/// The end of the connection is behind what is unread; so that is read, up to `max_spill`.
#[tokio::test]
async fn on_tcp_a_departure_is_seen_up_to_max_spill() {
    for length in UNREAD {
        let (says, said) = mpsc::unbounded_channel();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
        let addr = listener.local_addr().expect("an address");
        let server = tokio::spawn(serve(listener, ignoring!(says)).into_future());
        leave(TcpStream::connect(addr).await.expect("a server"), length).await;
        assert_eq!(is_gone(said).await, Some(()), "{length} bytes");
        server.abort();
    }
}

/// As the documentation says: it cannot be seen. The handler stays until it ends by itself or reads.
#[tokio::test]
async fn on_tcp_a_departure_behind_more_than_max_spill_is_not_seen() {
    let (says, said) = mpsc::unbounded_channel();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let addr = listener.local_addr().expect("an address");
    let limits = Limits::default().max_spill(200_000);
    let server = serve(listener, ignoring!(says)).limits(limits);
    let server = tokio::spawn(server.into_future());
    leave(
        TcpStream::connect(addr).await.expect("a server"),
        10_000_000,
    )
    .await;
    assert_eq!(is_gone(said).await, None);
    server.abort();
}

/// A web server that is only slow is left alone, and a handler that is slow gets every byte.
#[tokio::test]
async fn an_upload_that_waits_for_its_handler_is_not_taken_for_a_departure() {
    use http_body_util::BodyExt;
    const LENGTH: usize = 1_000_000;
    let service = service_fn(|request: Request<Incoming>| async move {
        sleep(Duration::from_millis(2500)).await;
        let body = request.into_body().collect().await.map(|it| it.to_bytes());
        let length = body.map_or(0, |body| body.len());
        Ok::<_, Infallible>(Response::new(length.to_string()))
    });
    let directory = tempfile::TempDir::new().expect("a directory");
    let path = directory.path().join("app.sock");
    let unix = UnixListener::bind(&path).expect("a socket");
    let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let addr = tcp.local_addr().expect("an address");
    let servers = [
        tokio::spawn(serve(unix, service).into_future()),
        tokio::spawn(serve(tcp, service).into_future()),
    ];
    let upload = [post(1, "/", LENGTH), stdin_all(1, &vec![b'x'; LENGTH])].concat();
    tokio::join!(
        uploads(UnixStream::connect(&path).await.expect("a server"), &upload),
        uploads(TcpStream::connect(addr).await.expect("a server"), &upload),
    );
    for server in servers {
        server.abort();
    }
}

async fn uploads(mut io: impl tokio::io::AsyncRead + AsyncWrite + Unpin, upload: &[u8]) {
    use tokio::io::AsyncReadExt;
    io.write_all(upload).await.expect("the application reads");
    let mut response = Vec::new();
    while !response.windows(7).any(|it| it == b"1000000") {
        let read = timeout(Duration::from_secs(10), io.read_buf(&mut response)).await;
        assert_ne!(read.expect("an answer").expect("a connection"), 0);
    }
}
