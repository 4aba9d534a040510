//! What `serve` takes: everything that `axum::serve` does. That it compiles is the point; that it answers is seen too.

use std::{
    future::{IntoFuture, pending, ready},
    net::SocketAddr,
};

use axum::{
    Router, ServiceExt as _,
    extract::{ConnectInfo, Request, State, connect_info::Connected},
    handler::{Handler, HandlerWithoutStateExt},
    http::Uri,
    response::IntoResponse,
    routing::{MethodRouter, get},
};
use axum_fastcgi::{
    AnyListener, ForeignListener, IncomingRequest, Listener, UnixSocket, listener::AnyAddr, serve,
};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tower_layer::Layer;

use crate::support::{Server, exchange, get as get_request};

/// Connect info of an application's own.
#[derive(Clone, Debug)]
struct Software(String);

impl Connected<IncomingRequest> for Software {
    fn connect_info(request: IncomingRequest) -> Self {
        let software = request.params().get("SERVER_SOFTWARE").unwrap_or_default();
        Self(String::from_utf8_lossy(software).into_owned())
    }
}

async fn hello() -> &'static str {
    "hello"
}

async fn greeting(State(greeting): State<&'static str>) -> &'static str {
    greeting
}

/// Starts a server of what is given, and sees that it says hello.
macro_rules! answers {
    ($make_service:expr) => {
        let server = Server::start_with($make_service, |server| server);
        let request = get_request(
            "/",
            &[("SERVER_SOFTWARE", "hello"), ("REMOTE_ADDR", "192.0.2.1")],
        );
        let reply = server.ask(request).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, "hello"));
    };
}

#[tokio::test]
async fn if_it_compiles_it_works() {
    let router = || Router::new().route("/", get(hello));

    answers!(router());
    answers!(router().into_make_service());
    answers!(router().into_make_service_with_connect_info::<SocketAddr>());
    answers!(
        Router::new()
            .route(
                "/",
                get(async |ConnectInfo(Software(name)): ConnectInfo<Software>| name)
            )
            .into_make_service_with_connect_info::<Software>()
    );
    answers!(Router::new().route("/", get(greeting)).with_state("hello"));

    answers!(get(hello));
    answers!(MethodRouter::new().get(hello).into_make_service());
    answers!(get(hello).into_make_service_with_connect_info::<SocketAddr>());

    answers!(greeting.with_state("hello"));
    answers!(HandlerWithoutStateExt::into_make_service(hello));
    answers!(hello.into_service());
    answers!(HandlerWithoutStateExt::into_make_service_with_connect_info::<SocketAddr>(hello));

    // A layer around the whole application, which sees a request before it is routed.
    let rewritten = axum::middleware::map_request(async |mut request: Request| {
        *request.uri_mut() = Uri::from_static("/");
        request
    });
    let elsewhere = Router::new().route("/", get(hello));
    let layered = rewritten.layer(elsewhere.fallback(async || "lost".into_response()));
    answers!(layered.into_make_service());
}

#[tokio::test]
async fn every_listener_is_accepted() {
    let dir = TempDir::new().expect("a directory");
    let path = |name: &str| dir.path().join(name);
    let app = || Router::new().route("/", get(hello));
    let request = get_request("/", &[]);

    let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a socket");
    let addr = tcp.local_addr().expect("an address");
    let any_tcp = AnyListener::bind("127.0.0.1:0").expect("a socket");
    let AnyAddr::Tcp(any_addr) = any_tcp.local_addr().expect("an address") else {
        panic!("{any_tcp:?}");
    };
    let unix = UnixListener::bind(path("unix")).expect("a socket");
    let own = UnixSocket::bind(path("own")).expect("a socket");
    let any = path("any");
    let any_unix = AnyListener::bind(any.to_str().expect("a path in UTF-8")).expect("a socket");

    let servers = [
        tokio::spawn(serve(tcp, app()).into_future()),
        tokio::spawn(serve(any_tcp, app()).into_future()),
        tokio::spawn(serve(unix, app()).into_future()),
        tokio::spawn(serve(own, app()).into_future()),
        tokio::spawn(
            serve(any_unix, app())
                .with_graceful_shutdown(pending())
                .into_future(),
        ),
    ];
    for addr in [addr, any_addr] {
        let mut io = TcpStream::connect(addr).await.expect("a connection");
        assert_eq!(exchange(&mut io, &request).await.body, "hello");
    }
    for name in ["unix", "own", "any"] {
        let mut io = UnixStream::connect(path(name)).await.expect("a connection");
        assert_eq!(exchange(&mut io, &request).await.body, "hello");
    }
    for server in servers {
        assert!(!server.is_finished());
        server.abort();
    }
}

/// A listener that was written for `axum::serve`.
struct Theirs(TcpListener);

impl axum::serve::Listener for Theirs {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        axum::serve::Listener::accept(&mut self.0).await
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

#[tokio::test]
async fn a_listener_of_axum_is_served() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addr = listener.local_addr().expect("an address");
    let listener = ForeignListener(Theirs(listener));
    let server = tokio::spawn(serve(listener, Router::new().fallback(hello)).into_future());
    let mut io = TcpStream::connect(addr).await.expect("a connection");
    assert_eq!(
        exchange(&mut io, &get_request("/", &[])).await.body,
        "hello"
    );
    server.abort();
}

/// A listener of axum that cannot say where it listens.
struct Nowhere;

impl axum::serve::Listener for Nowhere {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        pending().await
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        Err(std::io::Error::other("the address is not known"))
    }
}

#[tokio::test]
async fn a_listener_of_axum_that_does_not_know_its_address_is_refused() {
    let error = serve(ForeignListener(Nowhere), Router::new()).await;
    let error = error.expect_err("a guard");
    assert_eq!(error.to_string(), "the address is not known");

    let server = serve(ForeignListener(Nowhere), Router::new()).allow_remote(true);
    let server = server.with_graceful_shutdown(ready(()));
    server.await.expect("the guard is off");
}

/// Its addresses are what keeps strangers away.
#[tokio::test]
async fn a_listener_of_axum_that_strangers_can_reach_is_refused() {
    let listener = TcpListener::bind("0.0.0.0:0").await.expect("a port");
    let server = serve(ForeignListener(Theirs(listener)), Router::new());
    let error = server.await.expect_err("an open port");
    assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
}
