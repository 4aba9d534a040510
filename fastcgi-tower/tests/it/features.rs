//! Items of other libraries and what takes their place, where no other test shows it: `docs/features.md` has the table.

use std::{
    convert::Infallible,
    future::pending,
    io::{self, Write},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use fastcgi_tower::{
    ConnectionBuilder, Exchange, Incoming, Params, Reply, StopHandle, cgi_fn, listener::UnixSocket,
    respond, serve,
};
use http::{Request, Response, StatusCode};
use tempfile::TempDir;
use tokio::{runtime::Handle, time::Instant};
use tower::service_fn;

use crate::{
    blocking::within,
    support::{WebServer, get, hello},
};

/// T-1. fcgisgi's middleware finds the first.
#[test]
fn the_last_of_several_values_counts() {
    let params: Params = [("A", "first"), ("A", "last")].into_iter().collect();
    assert_eq!(params.get("A"), Some(&b"last"[..]));
    assert_eq!(params.get_all("A").next(), Some(&b"first"[..]));
}

#[tokio::test(start_paused = true)]
async fn shutdown_timeout_ends_what_is_done_at_the_end() {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("app.sock");
    let stop = StopHandle::new();
    stop.shutdown();
    let start = Instant::now();
    let ended = fastcgi_tower::run(service_fn(hello))
        .bind(path.to_str().expect("a text"))
        .with_graceful_shutdown(stop.stopped())
        .on_shutdown(pending())
        .shutdown_timeout(Duration::from_secs(2))
        .await;
    ended.expect("a good end");
    assert!(
        start.elapsed() < Duration::from_secs(3),
        "{:?}",
        start.elapsed()
    );
}

/// simple-fastcgi's first example, with what is written for the client, the log and the status.
#[tokio::test]
async fn fcgi_handler() {
    let handler = cgi_fn(|io| {
        writeln!(io.stderr, "asked")?;
        io.send(respond(StatusCode::OK, "text/plain", "hello ").header("x-a", "b"))?;
        writeln!(
            io,
            "{}",
            io.var("REQUEST_METHOD").unwrap_or_default().to_owned()
        )
    });
    let mut web_server = WebServer::connect_exchanges(ConnectionBuilder::new(), handler);
    web_server.send(get(1, "/")).await;
    let reply = within(web_server.reply(1)).await;
    assert_eq!(reply.body(), b"hello GET\n");
    assert_eq!(reply.stderr, b"asked\n");
}

#[cfg(all(feature = "json", feature = "serde"))]
#[tokio::test]
async fn environ_as_json() {
    use fastcgi_tower::async_cgi_fn;

    use crate::support::{head, stdin};

    let handler = async_cgi_fn(|mut io| async move {
        let answer = fastcgi_tower::json(StatusCode::OK, &io.params)?;
        io.stdout.send(answer).await
    });
    let mut web_server = WebServer::connect_exchanges(ConnectionBuilder::new(), handler);
    let request = [
        head(1, "GET", "/", &[("LAST", "1"), ("LAST", "2")]),
        stdin(1, b""),
    ];
    web_server.send(request.concat()).await;
    let reply = within(web_server.reply(1)).await;
    let body: serde_json::Value = serde_json::from_slice(reply.body()).expect("JSON");
    assert_eq!(body["REQUEST_METHOD"], "GET");
    assert_eq!(body["LAST"], "2");
}

/// Something to do now and then beside the server.
#[tokio::test(start_paused = true)]
async fn service_actions_is_a_tokio_interval() {
    let dir = TempDir::new().expect("a directory");
    let listener = UnixSocket::bind(dir.path().join("app.sock")).expect("a socket");
    let stop = StopHandle::new();
    let server = serve(listener, service_fn(hello)).with_graceful_shutdown(stop.stopped());
    let actions = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&actions);
    let actor = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(500));
        loop {
            ticks.tick().await;
            if count.fetch_add(1, Ordering::Relaxed) == 4 {
                stop.shutdown();
            }
        }
    });
    server.await.expect("a good end");
    assert_eq!(actions.load(Ordering::Relaxed), 5);
    actor.abort();
}

/// In an async handler, too.
#[tokio::test]
async fn get_loop_is_handle_current() {
    let outside = Handle::current().id();
    let service = service_fn(move |_: Exchange| async move {
        assert_eq!(Handle::current().id(), outside);
        Ok::<_, Infallible>(Reply::new("\r\n", Incoming::from("current")))
    });
    let mut web_server = WebServer::connect_exchanges(ConnectionBuilder::new(), service);
    web_server.send(get(1, "/")).await;
    assert_eq!(within(web_server.reply(1)).await.text(), "\r\ncurrent");
    let service = service_fn(move |_: Request<Incoming>| async move {
        assert_eq!(Handle::current().id(), outside);
        Ok::<_, io::Error>(Response::new("current".to_owned()))
    });
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/")).await;
    assert_eq!(within(web_server.reply(1)).await.body(), b"current");
}
