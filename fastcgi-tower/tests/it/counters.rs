//! What a server counts, beside what its web server has seen.

use std::time::Duration;

use fastcgi_test_kit::{scaled, seed};
use fastcgi_tower::{BoxError, ConnectionBuilder, Counters, Counts, Incoming, serve};
use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    sync::oneshot,
    task::JoinSet,
    time::timeout,
};
use tower::service_fn;

use crate::support::{
    AUTHORIZER, KEEP_CONN, PIPE, Script, Step, WebServer, abort, get, head_as, hello, hello_bytes,
    post, stdin, until_idle,
};

/// Does what the path says.
async fn obey(request: Request<Incoming>) -> Result<Response<Script>, BoxError> {
    let (parts, body) = request.into_parts();
    let steps = match parts.uri.path() {
        "/error" => return Err("told to fail".into()),
        "/panic" => panic!("told to panic"),
        "/body" => vec![Step::Fail],
        "/upload" => {
            body.collect().await?;
            vec![Step::Data("taken")]
        }
        _ => vec![Step::Data("fine")],
    };
    Ok(Response::new(Script::new(steps)))
}

fn counted(counters: &Counters) -> ConnectionBuilder {
    ConnectionBuilder::new().counters(counters.clone())
}

fn connect(counters: &Counters) -> WebServer {
    WebServer::connect_with(counted(counters), PIPE, service_fn(obey))
}

/// The fields that are not 0.
fn shown(counts: &Counts) -> Vec<(&'static str, u64)> {
    let bytes = |name: &str| name.starts_with("bytes_");
    counts
        .iter()
        .filter(|(name, count)| *count > 0 && !bytes(name))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_request_is_counted_by_how_it_ended() {
    let counters = Counters::default();
    let mut web_server = connect(&counters);
    for path in ["/", "/error", "/panic", "/body"] {
        web_server.send(get(1, path)).await;
        web_server.reply(1).await;
    }
    web_server
        .send(head_as(1, AUTHORIZER, KEEP_CONN, "GET", "/", &[]))
        .await;
    assert_eq!(web_server.reply(1).await.status(), "403");
    let invalid = head_as(1, 1, KEEP_CONN, "IN VALID", "/", &[]);
    web_server.send([invalid, stdin(1, b"")].concat()).await;
    assert_eq!(web_server.reply(1).await.status(), "400");
    web_server
        .send([post(1, "/upload", 5), stdin(1, b"abc")].concat())
        .await;
    until_idle().await;
    assert_eq!(counters.read().requests_in_progress, 1);
    assert_eq!(counters.read().connections_idle, 0);
    web_server.send(abort(1)).await;
    web_server.reply(1).await;
    until_idle().await;
    let expected = [
        ("connections_open", 1),
        ("connections_idle", 1),
        ("connections_accepted", 1),
        ("requests_completed", 1),
        ("requests_failed", 3),
        ("requests_panicked", 1),
        ("requests_aborted", 1),
        ("requests_refused", 2),
    ];
    assert_eq!(shown(&counters.read()), expected);
}

#[tokio::test(start_paused = true)]
async fn what_is_in_progress_when_a_connection_ends_was_aborted() {
    for is_dropped in [false, true] {
        let counters = Counters::default();
        let mut web_server = connect(&counters);
        web_server
            .send([post(1, "/upload", 5), stdin(1, b"abc")].concat())
            .await;
        until_idle().await;
        if is_dropped {
            web_server.drop_connection().await;
        } else {
            drop(web_server.disconnect().await);
        }
        let expected = [("connections_accepted", 1), ("requests_aborted", 1)];
        assert_eq!(shown(&counters.read()), expected, "dropped: {is_dropped}");
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_are_those_of_the_wire() {
    let counters = Counters::default();
    let mut web_server = WebServer::connect_with(counted(&counters), PIPE, service_fn(hello));
    let request = get(1, "/");
    let mut sent = 0;
    for requests in 1..=3_u64 {
        web_server.send(&request).await;
        assert_eq!(web_server.bytes(hello_bytes().len()).await, hello_bytes());
        until_idle().await;
        sent += request.len() as u64;
        let counts = counters.read();
        assert_eq!(counts.bytes_read, sent);
        assert_eq!(counts.bytes_written, requests * hello_bytes().len() as u64);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_breaks_the_protocol_has_failed() {
    let counters = Counters::default();
    let mut web_server = connect(&counters);
    web_server.send([9, 1, 0, 1, 0, 0, 0, 0]).await;
    web_server.result().await.expect_err("no such version");
    let expected = [("connections_accepted", 1), ("connections_failed", 1)];
    let mut counts = counters.read();
    drop(web_server);
    until_idle().await;
    (counts.connections_open, counts.connections_idle) = (0, 0);
    assert_eq!(shown(&counts), expected);
}

#[tokio::test(start_paused = true)]
async fn a_web_server_that_is_too_slow_is_counted() {
    let counters = Counters::default();
    let mut web_server = connect(&counters);
    let request = get(1, "/");
    web_server.send(&request[..20]).await;
    let error = web_server.result().await.expect_err("it is late");
    assert!(error.is_timeout(), "{error}");
    assert_eq!(counters.read().timeouts, 1);
}

#[tokio::test]
async fn waiting_for_a_place_is_counted() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let path = directory.path().join("app.sock");
    let listener = fastcgi_tower::listener::UnixSocket::bind(&path).expect("a socket");
    let counters = Counters::default();
    let (stop, stopped) = oneshot::channel::<()>();
    let server = serve(listener, service_fn(hello))
        .max_connections(1)
        .counters(counters.clone())
        .with_graceful_shutdown(async { drop(stopped.await) });
    let server = tokio::spawn(server.into_future());
    let mut web_servers = Vec::new();
    for _ in 0..2 {
        // The second one waits until the first has made room, which takes a second.
        let mut io = UnixStream::connect(&path).await.expect("a connection");
        io.write_all(&get(1, "/")).await.expect("taken");
        let mut reply = vec![0; hello_bytes().len()];
        let read = timeout(Duration::from_secs(60), io.read_exact(&mut reply)).await;
        read.expect("in time").expect("a reply");
        web_servers.push(io);
    }
    let counts = counters.read();
    assert_eq!(counts.waits_for_connections, 1);
    assert_eq!(counts.connections_accepted, 2);
    assert_eq!(counts.connections_open, 1);
    assert_eq!(counts.requests_completed, 2);
    drop(stop);
    server.await.expect("no panic").expect("a graceful end");
}

#[tokio::test(start_paused = true)]
async fn one_handle_counts_for_many_connections() {
    let counters = Counters::default();
    let mut web_servers: Vec<_> = (0..20).map(|_| connect(&counters)).collect();
    for web_server in &mut web_servers {
        web_server.send(get(1, "/")).await;
        web_server.reply(1).await;
    }
    until_idle().await;
    let counts = counters.read();
    assert_eq!(counts.connections_open, 20);
    assert_eq!(counts.connections_idle, 20);
    assert_eq!(counts.requests_completed, 20);
    for web_server in web_servers {
        web_server.disconnect().await.expect("a clean end");
    }
    let counts = counters.read();
    assert_eq!((counts.connections_open, counts.connections_idle), (0, 0));
    assert_eq!(counts.connections_accepted, 20);
}

/// What a load generator has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Seen {
    connections: u64,
    completed: u64,
    failed: u64,
    panicked: u64,
    aborted: u64,
    refused: u64,
    sent: u64,
}

/// xorshift64*
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % limit
    }
}

/// Sends so many requests of all kinds on one connection after the other.
async fn generate(counters: Counters, requests: u32, seed: u64) -> Seen {
    let mut random = Random(seed | 1);
    let mut seen = Seen::default();
    let mut open = None;
    for _ in 0..requests {
        let mut web_server = open.take().unwrap_or_else(|| {
            seen.connections += 1;
            connect(&counters)
        });
        let upload = [post(1, "/upload", 5), stdin(1, b"abc")].concat();
        let (request, status, count) = match random.below(100) {
            0 => (get(1, "/panic"), "500", &mut seen.panicked),
            1..10 => (get(1, "/error"), "500", &mut seen.failed),
            10..20 => (
                head_as(1, AUTHORIZER, KEEP_CONN, "GET", "/", &[]),
                "403",
                &mut seen.refused,
            ),
            20..25 => {
                let invalid = head_as(1, 1, KEEP_CONN, "IN VALID", "/", &[]);
                let invalid = [invalid, stdin(1, b"")].concat();
                (invalid, "400", &mut seen.refused)
            }
            25..30 => {
                // The connection ends in the middle of the request.
                seen.sent += upload.len() as u64;
                web_server.send(upload).await;
                until_idle().await;
                seen.aborted += 1;
                drop(web_server.disconnect().await);
                continue;
            }
            30..35 => {
                let aborted = [upload, abort(1)].concat();
                seen.sent += aborted.len() as u64;
                web_server.send(aborted).await;
                web_server.reply(1).await;
                seen.aborted += 1;
                open = Some(web_server);
                continue;
            }
            35..60 => {
                let whole = [upload, stdin(1, b"de"), stdin(1, b"")].concat();
                (whole, "200", &mut seen.completed)
            }
            _ => (get(1, "/"), "200", &mut seen.completed),
        };
        *count += 1;
        seen.sent += request.len() as u64;
        web_server.send(request).await;
        assert_eq!(web_server.reply(1).await.status(), status);
        open = Some(web_server);
    }
    if let Some(web_server) = open {
        web_server.disconnect().await.expect("a clean end");
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn counters_agree_with_a_load_generator() {
    const CONNECTIONS: u32 = 8;
    let requests = scaled(100_000);
    let counters = Counters::default();
    let mut generators = JoinSet::new();
    for number in 0..CONNECTIONS {
        let seed = seed(0x9E37_79B9 + u64::from(number));
        generators.spawn(generate(counters.clone(), requests / CONNECTIONS, seed));
    }
    let mut sum = Seen::default();
    while let Some(seen) = generators.join_next().await {
        let seen = seen.expect("a generator that ends");
        sum.connections += seen.connections;
        sum.completed += seen.completed;
        sum.failed += seen.failed;
        sum.panicked += seen.panicked;
        sum.aborted += seen.aborted;
        sum.refused += seen.refused;
        sum.sent += seen.sent;
    }
    let counts = counters.read();
    let counted = Seen {
        connections: counts.connections_accepted,
        completed: counts.requests_completed,
        failed: counts.requests_failed - counts.requests_panicked,
        panicked: counts.requests_panicked,
        aborted: counts.requests_aborted,
        refused: counts.requests_refused,
        sent: counts.bytes_read,
    };
    assert_eq!(counted, sum);
    assert_eq!(
        (
            counts.connections_open,
            counts.connections_idle,
            counts.requests_in_progress
        ),
        (0, 0, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn names_and_figures_are_listed() {
    let counters = Counters::default();
    let _web_server = connect(&counters);
    let page: Vec<_> = counters.read().iter().collect();
    assert_eq!(page.first(), Some(&("connections_open", 1)));
    assert_eq!(page.last(), Some(&("timeouts", 0)));
    assert_eq!(page.len(), 16);
}
