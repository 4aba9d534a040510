//! What is written for `axum::serve` compiles with the one word changed, and works.
//!
//! These are the kinds of calls in axum's own documentation and tests of `serve`: each application with each listener. One kind
//! is written anew: connect info of an application's own, which is made of [`IncomingRequest`] in place of
//! `axum::serve::IncomingStream`.

use std::{
    future::{IntoFuture, pending},
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::{
    Router,
    extract::connect_info::Connected,
    handler::{Handler, HandlerWithoutStateExt},
    routing::{MethodRouter, get},
    serve::{Listener, ListenerExt},
};
use axum_fastcgi::{ForeignListener, IncomingRequest, TrustedListener, serve};
use tempfile::TempDir;
use tokio::{
    io::DuplexStream,
    net::{TcpListener, TcpStream, UnixListener, UnixStream, unix::UCred},
    runtime,
    task::JoinHandle,
};

use crate::support::{exchange, get as get_request};

async fn hello() -> &'static str {
    "hello"
}

/// Connect info of an application's own.
#[derive(Clone, Debug)]
struct Mine;

impl Connected<IncomingRequest> for Mine {
    fn connect_info(_: IncomingRequest) -> Self {
        Self
    }
}

/// One server for each listener, of which none is awaited.
macro_rules! on_every_listener {
    ($app:expr) => {{
        let tcp = TcpListener::bind("127.0.0.1:0").await?;
        let tapped = TcpListener::bind("127.0.0.1:0").await?.tap_io(|io| {
            io.set_nodelay(true).expect("a connection");
        });
        drop(serve(tcp, $app));
        drop(serve(tapped, $app));
        drop(serve(UnixListener::bind("a path")?, $app));
        drop(serve(
            UnixListener::bind("a path")?.tap_io(|io| drop(io.peer_cred())),
            $app,
        ));
        drop(serve(UnixListener::bind("a path")?, $app).with_graceful_shutdown(pending()));
    }};
}

#[expect(dead_code, reason = "it is only compiled")]
async fn if_it_compiles_it_works() -> io::Result<()> {
    on_every_listener!(Router::new());
    on_every_listener!(Router::new().into_make_service());
    on_every_listener!(Router::new().into_make_service_with_connect_info::<SocketAddr>());
    on_every_listener!(Router::new().into_make_service_with_connect_info::<Mine>());
    on_every_listener!(Router::new().with_state(()));

    on_every_listener!(get(hello));
    on_every_listener!(MethodRouter::new().get(hello).into_make_service());
    on_every_listener!(get(hello).into_make_service_with_connect_info::<SocketAddr>());
    on_every_listener!(get(hello).into_make_service_with_connect_info::<Mine>());

    on_every_listener!(hello.into_service());
    on_every_listener!(hello.with_state(()));
    on_every_listener!(hello.with_state(()).into_make_service());
    on_every_listener!(
        hello
            .with_state(())
            .into_make_service_with_connect_info::<SocketAddr>()
    );
    on_every_listener!(HandlerWithoutStateExt::into_make_service(hello));
    on_every_listener!(
        HandlerWithoutStateExt::into_make_service_with_connect_info::<SocketAddr>(hello)
    );
    on_every_listener!(HandlerWithoutStateExt::into_make_service_with_connect_info::<Mine>(hello));

    // What a `main` returns, with and without a signal.
    let listener = TcpListener::bind("0.0.0.0:3000").await?;
    serve(listener, Router::new()).await?;
    let listener = TcpListener::bind("0.0.0.0:3000").await?;
    let served = serve(listener, Router::new()).with_graceful_shutdown(pending());
    served.await
}

#[tokio::test]
async fn the_address_of_a_server_is_known() {
    let bind = async || TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let server = serve(bind().await, Router::new());
    assert_ne!(server.local_addr().expect("an address").port(), 0);
    let server = server.with_graceful_shutdown(pending());
    assert_ne!(server.local_addr().expect("an address").port(), 0);
    let server = serve(bind().await.tap_io(|_| {}), Router::new());
    assert_ne!(server.local_addr().expect("an address").port(), 0);
}

#[test]
fn a_server_becomes_a_future_outside_of_a_runtime() {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let listener = TcpListener::bind("127.0.0.1:0");
    let listener = runtime.expect("a runtime").block_on(listener);
    drop(serve(listener.expect("a port"), Router::new()).into_future());
}

fn start<L: axum_fastcgi::Listener>(listener: L) -> JoinHandle<io::Result<()>> {
    tokio::spawn(serve(listener, Router::new().fallback(hello)).into_future())
}

#[tokio::test]
async fn each_connection_is_tapped() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("an address");
    let tapped = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&tapped);
    let server = start(listener.tap_io(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    }));
    for _ in 0..2 {
        let mut io = TcpStream::connect(addr).await.expect("a connection");
        let reply = exchange(&mut io, &get_request("/", &[])).await;
        assert_eq!(reply.body, "hello");
    }
    assert_eq!(tapped.load(Ordering::Relaxed), 2);
    server.abort();
}

/// What a tapped listener listens on is looked at, too.
#[tokio::test]
async fn a_tapped_listener_that_strangers_can_reach_is_refused() {
    let listener = TcpListener::bind("0.0.0.0:0").await.expect("a port");
    let error = serve(listener.tap_io(|_| {}), Router::new()).await;
    let error = error.expect_err("an open port");
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
}

/// Who connects to a Unix socket: the user of the web server is let in, others are not.
struct OneUser {
    listener: UnixListener,
    uid: u32,
    refused: usize,
}

impl Listener for OneUser {
    type Io = UnixStream;
    type Addr = UCred;

    async fn accept(&mut self) -> (UnixStream, UCred) {
        loop {
            let (io, _) = Listener::accept(&mut self.listener).await;
            let peer = io.peer_cred().expect("a peer on this machine");
            if peer.uid() == self.uid && self.refused > 0 {
                return (io, peer);
            }
            self.refused += 1;
        }
    }

    fn local_addr(&self) -> io::Result<UCred> {
        UnixStream::pair()?.0.peer_cred()
    }
}

#[tokio::test]
async fn a_listener_with_peer_credentials_is_served() {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("app.sock");
    let listener = OneUser {
        listener: UnixListener::bind(&path).expect("a socket"),
        uid: rustix::process::getuid().as_raw(),
        refused: 0,
    };
    let server = start(ForeignListener(listener));
    let refused = UnixStream::connect(&path).await.expect("a connection");
    let mut io = UnixStream::connect(&path).await.expect("a connection");
    let reply = exchange(&mut io, &get_request("/", &[])).await;
    assert_eq!(reply.body, "hello");
    drop(refused);
    server.abort();
}

/// A listener that has neither a socket nor an address.
struct Inside(Option<DuplexStream>);

impl Listener for Inside {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        match self.0.take() {
            Some(io) => (io, ()),
            None => pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn any_listener_of_axum_is_served_when_it_is_trusted() {
    let (mut web_server, application) = tokio::io::duplex(1024);
    let server = start(TrustedListener(Inside(Some(application))));
    let reply = exchange(&mut web_server, &get_request("/", &[])).await;
    assert_eq!(reply.body, "hello");
    server.abort();
}

/// A response that breaks off is seen as that, also through a wrapper.
#[tokio::test]
async fn a_wrapped_connection_is_reset() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("an address");
    let app = Router::new().fallback(async || {
        let piece = Ok::<_, io::Error>("a piece of a response");
        let pieces = [piece, Err(io::Error::other("broken"))];
        // The first piece has left before the second fails.
        let pieces = futures_util::stream::unfold(pieces.into_iter(), |mut rest| async {
            tokio::task::yield_now().await;
            rest.next().map(|piece| (piece, rest))
        });
        axum::body::Body::from_stream(pieces)
    });
    let server = serve(TrustedListener(listener), app).into_future();
    let server = tokio::spawn(server);
    let mut io = TcpStream::connect(addr).await.expect("a connection");
    let request = get_request("/", &[]);
    io.write_all(&request).await.expect("a connection");
    let error = io.read_to_end(&mut Vec::new()).await;
    let error = error.expect_err("a broken connection");
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    server.abort();
}
