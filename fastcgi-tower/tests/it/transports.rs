//! Listeners and connections of other kinds than the crate's own, which say as little as they may.

use std::{
    convert::Infallible,
    future::{IntoFuture, pending},
    net::SocketAddr,
    time::Duration,
};

use fastcgi_tower::{
    ConnectionId, Exchange, HttpService, Incoming, Limits, Reply, RequestExt, listener::PeerAddr,
    serve, serve_exchanges,
};
use http::{Request, Response};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::mpsc,
    time::{Instant, timeout},
};
use tower::service_fn;

use crate::{
    crowd::{Pipe, Pipes},
    support::{PIPE, Script, Step, WebServer, get, get_close, post, stdin_all},
};

/// Connects to a server, over pipes of which no more is known than that they read and write.
fn pipes() -> (impl Fn() -> DuplexStream, Pipes) {
    let (connections, receiver) = mpsc::unbounded_channel();
    let connect = move || {
        let (near, far) = duplex(PIPE);
        connections.send(far).expect("a server");
        near
    };
    (connect, Pipes::new(receiver))
}

#[test]
fn an_address_is_remote_unless_it_is_of_this_machine() {
    let addr = |text: &str| text.parse::<SocketAddr>().expect("an address");
    for local in [
        "127.0.0.1:1",
        "127.9.9.9:1",
        "[::1]:1",
        "[::ffff:127.0.0.1]:1",
    ] {
        assert!(!addr(local).is_remote(), "{local}");
    }
    for remote in ["10.0.0.1:1", "0.0.0.0:1", "[::]:1", "[::ffff:10.0.0.1]:1"] {
        assert!(addr(remote).is_remote(), "{remote}");
    }
    assert!(!Pipe.is_remote() && !Pipe.is_internal() && !Pipe.is_plain_cgi());
}

/// without a reset, the end of the connection says that something is missing.
#[tokio::test(start_paused = true)]
async fn a_connection_that_cannot_be_reset_is_closed() {
    let service = service_fn(|_| async {
        let body = Script::new([Step::Data("some"), Step::Yield, Step::Fail]);
        Ok::<_, Infallible>(Response::new(body))
    });
    let (connect, listener) = pipes();
    let server = tokio::spawn(serve(listener, service).into_future());
    let mut io = connect();
    io.write_all(&get_close(1, "/"))
        .await
        .expect("a connection");
    let mut response = Vec::new();
    io.read_to_end(&mut response).await.expect("an end");
    assert!(response.windows(4).any(|it| it == b"some"));
    assert!(!response.ends_with(&[0; 8]), "no END_REQUEST");
    server.abort();
}

/// Says when it is dropped.
struct Guard(mpsc::UnboundedSender<()>);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

/// B-11: the end of the connection may be behind what is unread, so as much of it as may wait is read.
#[tokio::test(start_paused = true)]
async fn a_departure_that_cannot_be_asked_for_is_found_by_reading() {
    const LENGTH: usize = 1_000_000;
    let (gone, mut is_gone) = mpsc::unbounded_channel();
    let service = service_fn(move |request: Request<Incoming>| {
        let guard = Guard(gone.clone());
        async move {
            let _body = request.into_body();
            pending::<()>().await;
            drop(guard);
            Ok::<_, Infallible>(Response::new(String::new()))
        }
    });
    let (connect, listener) = pipes();
    let limits = Limits::default().body_window(50_000).max_spill(2 * LENGTH);
    let server = tokio::spawn(serve(listener, service).limits(limits).into_future());
    let start = Instant::now();
    let mut io = connect();
    let upload = [post(1, "/", LENGTH), stdin_all(1, &vec![b'x'; LENGTH / 2])];
    let limit = Duration::from_secs(60);
    let sent = timeout(limit, io.write_all(&upload.concat()[..LENGTH / 2])).await;
    sent.expect("it is read").expect("a connection");
    assert_eq!(start.elapsed().as_secs(), 1, "the handler may read first");
    assert!(is_gone.try_recv().is_err());
    drop(io);
    assert_eq!(timeout(limit, is_gone.recv()).await, Ok(Some(())));
    server.abort();
}

/// They say nothing about clients, and are not used again.
#[tokio::test(start_paused = true)]
async fn connections_have_numbers_of_their_own() {
    let (tell, mut told) = mpsc::unbounded_channel();
    let service = service_fn(move |exchange: Exchange| {
        tell.send(exchange.handle.connection_id()).expect("a test");
        async { Ok::<_, Infallible>(Reply::new("\r\n", Incoming::from("text".to_owned()))) }
    });
    let (connect, listener) = pipes();
    let server = tokio::spawn(serve_exchanges(listener, service).into_future());
    let mut numbers = Vec::new();
    for _ in 0..3 {
        let mut io = connect();
        io.write_all(&get_close(1, "/"))
            .await
            .expect("a connection");
        let mut response = Vec::new();
        io.read_to_end(&mut response).await.expect("a response");
        assert!(response.windows(4).any(|it| it == b"text"));
        let connection = told.recv().await.expect("a call");
        assert_eq!(connection.to_string(), connection.get().to_string());
        numbers.push(connection.get());
    }
    assert!(
        numbers[0] < numbers[1] && numbers[1] < numbers[2],
        "{numbers:?}"
    );
    assert_eq!(ConnectionId::default().get(), 0);
    server.abort();
}

/// For what takes a request apart before it looks at the extensions.
#[tokio::test(start_paused = true)]
async fn the_parts_of_a_request_know_what_the_request_does() {
    let service = service_fn(|request: Request<Incoming>| async move {
        let (parts, _) = request.into_parts();
        let fastcgi = parts.fastcgi().expect("it came over FastCGI");
        fastcgi.handle().set_app_status(3);
        let method = fastcgi.params().get("REQUEST_METHOD").expect("a param");
        assert_eq!(fastcgi.script_name().to_string(), "");
        Ok::<_, Infallible>(Response::new(String::from_utf8_lossy(method).into_owned()))
    });
    let service = HttpService::new(service);
    let mut web_server = WebServer::connect(service.into_inner());
    web_server.send(get(1, "/")).await;
    let reply = web_server.reply(1).await;
    assert_eq!((reply.body(), reply.app_status), (&b"GET"[..], 3));
    let (parts, ()) = Request::new(()).into_parts();
    assert!(parts.fastcgi().is_none());
}
