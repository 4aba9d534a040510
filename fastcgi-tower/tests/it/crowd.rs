//! More connections than there are places: those that are idle make room for one that waits.

use std::{convert::Infallible, io, net::IpAddr, sync::Arc, time::Duration};

use fastcgi_test_kit::scaled;
use fastcgi_tower::{Incoming, Listener, listener::PeerAddr, serve};
use http::{Request, Response};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    sync::{Mutex, mpsc, oneshot},
    task::{JoinHandle, yield_now},
    time::{Instant, sleep, timeout},
};
use tower::service_fn;
use tracing::Level;

use crate::{
    events::Events,
    support::{Call, KEEP_CONN, PIPE, RESPONDER, begin, full, get, held, hello, hello_bytes},
};

/// Connections as the test makes them, for all servers that have a duplicate.
#[derive(Clone)]
struct Pipes(Arc<Mutex<mpsc::UnboundedReceiver<DuplexStream>>>);

impl Pipes {
    fn new(accepted: mpsc::UnboundedReceiver<DuplexStream>) -> Self {
        Self(Arc::new(Mutex::new(accepted)))
    }
}

/// The other end of a pipe.
#[derive(Debug)]
struct Pipe;

impl PeerAddr for Pipe {
    fn ip(&self) -> Option<IpAddr> {
        None
    }
}

impl Listener for Pipes {
    type Io = DuplexStream;
    type Addr = Pipe;

    async fn accept(&mut self) -> (DuplexStream, Pipe) {
        match self.0.lock().await.recv().await {
            Some(io) => (io, Pipe),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Pipe> {
        Ok(Pipe)
    }
}

struct Server {
    connections: mpsc::UnboundedSender<DuplexStream>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

macro_rules! start {
    ($service:expr, $places:expr) => {{
        let (connections, accepted) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let server = serve(Pipes::new(accepted), $service)
            .max_connections($places)
            .with_graceful_shutdown(async {
                let _ = stopped.await;
            });
        let task = tokio::spawn(server.into_future());
        Server {
            connections,
            stop,
            task,
        }
    }};
}

/// Longer than anything takes, on a clock that is paused.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl Server {
    fn connect(&self) -> DuplexStream {
        let (near, far) = duplex(PIPE);
        self.connections.send(far).expect("the server runs");
        near
    }

    /// A connection that has been answered once, and is kept.
    async fn idle(&self) -> DuplexStream {
        let mut io = self.connect();
        ask(&mut io).await;
        io
    }
}

/// A request on a connection that is kept, and its response.
async fn ask(io: &mut DuplexStream) {
    io.write_all(&get(1, "/")).await.expect("a pipe");
    answered(io).await;
}

async fn answered(io: &mut DuplexStream) {
    let mut response = vec![0; hello_bytes().len()];
    let read = timeout(DAY, io.read_exact(&mut response)).await;
    read.expect("an answer").expect("a whole answer");
    assert_eq!(response, hello_bytes());
}

/// Whether the application has closed its side.
async fn is_closed(io: &mut DuplexStream) -> bool {
    let read = timeout(Duration::from_millis(1), io.read(&mut [0; 1])).await;
    read.is_ok_and(|read| read.expect("a pipe") == 0)
}

#[tokio::test(start_paused = true)]
async fn who_has_waited_for_a_second_gets_the_place_that_was_idle_longest() {
    let server = start!(service_fn(hello), 2);
    let mut first = server.idle().await;
    let mut second = server.idle().await;
    sleep(Duration::from_secs(10)).await;
    // It is the second that has been idle for longer now.
    ask(&mut first).await;
    let start = Instant::now();
    let mut third = server.connect();
    ask(&mut third).await;
    assert_eq!(start.elapsed().as_secs(), 1, "{:?}", start.elapsed());
    assert!(is_closed(&mut second).await);
    assert!(!is_closed(&mut first).await);
    ask(&mut first).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_closed_while_nobody_waits() {
    let server = start!(service_fn(hello), 2);
    let mut connections = [server.idle().await, server.idle().await];
    sleep(DAY).await;
    for io in &mut connections {
        assert!(!is_closed(io).await);
        ask(io).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_second_is_waited_once_for_all_that_wait() {
    let server = start!(service_fn(hello), 20);
    let mut idle = Vec::new();
    for _ in 0..20 {
        idle.push(server.idle().await);
    }
    let start = Instant::now();
    let mut waiting: Vec<_> = (0..10).map(|_| server.connect()).collect();
    for io in &mut waiting {
        ask(io).await;
    }
    assert_eq!(start.elapsed().as_secs(), 1, "{:?}", start.elapsed());
    // As many as had to, and those that were idle longest.
    for (number, io) in idle.iter_mut().enumerate() {
        assert_eq!(is_closed(io).await, number < 10, "{number}");
    }
    sleep(Duration::from_secs(1)).await;
    // The crowd is over: a second is waited again.
    let start = Instant::now();
    let mut late = server.connect();
    ask(&mut late).await;
    assert_eq!(start.elapsed().as_secs(), 1, "{:?}", start.elapsed());
}

/// However quickly connections follow each other.
#[tokio::test(start_paused = true)]
async fn the_second_is_waited_again_when_none_has_needed_room_for_a_second() {
    let server = start!(service_fn(hello), 2);
    let _first = server.idle().await;
    let second = server.idle().await;
    let mut third = server.connect();
    ask(&mut third).await;
    drop(second);
    for _ in 0..300 {
        drop(server.idle().await);
        sleep(Duration::from_millis(5)).await;
    }
    let _fourth = server.idle().await;
    let start = Instant::now();
    ask(&mut server.connect()).await;
    assert_eq!(start.elapsed().as_secs(), 1, "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_connection_without_a_whole_first_request_makes_room() {
    for sent in [Vec::new(), vec![1, 1], begin(1, RESPONDER, KEEP_CONN)] {
        let server = start!(service_fn(hello), 1);
        let mut silent = server.connect();
        silent.write_all(&sent).await.expect("a pipe");
        sleep(Duration::from_secs(5)).await;
        let start = Instant::now();
        ask(&mut server.connect()).await;
        assert_eq!(start.elapsed().as_secs(), 1, "{sent:?}");
        assert!(is_closed(&mut silent).await, "{sent:?}");
    }
}

/// A web server that has just connected is about to send a request.
#[tokio::test(start_paused = true)]
async fn a_fresh_connection_is_left_250_ms_in_a_crowd() {
    let server = start!(service_fn(hello), 1);
    let mut idle = server.idle().await;
    let mut fresh = server.connect();
    let mut next = server.connect();
    // The idle one makes room for the fresh one after a second.
    sleep(Duration::from_millis(1200)).await;
    assert!(is_closed(&mut idle).await);
    assert!(!is_closed(&mut fresh).await);
    ask(&mut fresh).await;
    ask(&mut next).await;
    assert!(is_closed(&mut fresh).await);
}

#[tokio::test(start_paused = true)]
async fn a_request_in_progress_keeps_its_place() {
    let (service, mut calls) = held();
    let server = start!(service, 1);
    let mut busy = server.connect();
    busy.write_all(&get(1, "/busy")).await.expect("a pipe");
    let call: Call = calls.recv().await.expect("a call");
    let mut waiting = server.connect();
    waiting.write_all(&get(1, "/next")).await.expect("a pipe");
    let early = timeout(Duration::from_secs(600), calls.recv()).await;
    assert!(early.is_err(), "there was no place");
    call.answer(full("hello"));
    answered(&mut busy).await;
    // Now it is idle, and the other has waited for long enough.
    let next = timeout(Duration::from_millis(300), calls.recv()).await;
    let next = next.expect("a place").expect("a call");
    assert_eq!(next.path(), "/next");
    next.answer(full("hello"));
    answered(&mut waiting).await;
    assert!(is_closed(&mut busy).await);
}

#[tokio::test(start_paused = true)]
async fn a_crowd_is_mentioned_once_a_minute() {
    // tracing remembers for each place in the code whether anybody listens, and the threads of other tests, where nobody
    // does, may just be asking. A new subscriber has it ask again.
    for _ in 0..100 {
        let events = Events::default();
        let _guard = tracing::subscriber::set_default(events.clone());
        let server = start!(service_fn(hello), 1);
        let mut kept = Vec::new();
        for _ in 0..20 {
            kept.push(server.idle().await);
        }
        let warnings = events.lines(Level::WARN);
        if warnings.is_empty() {
            continue;
        }
        // 19 of them waited a second each.
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("max_connections"), "{warnings:?}");
        assert!(warnings[0].contains("connections=1 "), "{warnings:?}");
        sleep(Duration::from_secs(60)).await;
        kept.push(server.idle().await);
        assert_eq!(events.lines(Level::WARN).len(), 2);
        return;
    }
    panic!("it is not mentioned");
}

#[tokio::test(start_paused = true)]
async fn a_graceful_stop_serves_those_that_wait_for_a_place() {
    let (service, mut calls) = held();
    let server = start!(service, 4);
    let mut busy = Vec::new();
    for _ in 0..4 {
        let mut io = server.connect();
        io.write_all(&get(1, "/")).await.expect("a pipe");
        busy.push((io, calls.recv().await.expect("a call")));
    }
    let mut waiting = Vec::new();
    for _ in 0..16 {
        let mut io = server.connect();
        io.write_all(&get(1, "/")).await.expect("a pipe");
        waiting.push(io);
    }
    server.stop.send(()).expect("the server runs");
    sleep(Duration::from_secs(2)).await;
    assert!(calls.try_recv().is_err(), "no more than there are places");
    for (mut io, call) in busy {
        call.answer(full("hello"));
        answered(&mut io).await;
    }
    for io in &mut waiting {
        let call = timeout(DAY, calls.recv()).await.expect("a place");
        call.expect("a call").answer(full("hello"));
        answered(io).await;
    }
    let ended = timeout(DAY, server.task).await.expect("an end");
    ended.expect("no panic").expect("a good end");
}

/// What waits for a place is dropped with what is in progress.
#[tokio::test(start_paused = true)]
async fn a_graceful_stop_waits_for_places_no_longer_than_the_grace_period() {
    let (service, mut calls) = held();
    let server = start!(service, 1);
    let mut busy = server.connect();
    busy.write_all(&get(1, "/")).await.expect("a pipe");
    let _call = calls.recv().await.expect("a call");
    let mut waiting = server.connect();
    let start = Instant::now();
    server.stop.send(()).expect("the server runs");
    let ended = timeout(DAY, server.task).await.expect("an end");
    ended.expect("no panic").expect("a good end");
    assert_eq!(start.elapsed().as_secs(), 30, "{:?}", start.elapsed());
    assert!(is_closed(&mut waiting).await);
}

/// Other workers, or other processes: what one has no place for is not to wait for it.
#[tokio::test(start_paused = true)]
async fn a_full_server_leaves_connections_to_others_on_the_same_socket() {
    let (connections, accepted) = mpsc::unbounded_channel();
    let socket = Pipes::new(accepted);
    let connect = || {
        let (near, far) = duplex(PIPE);
        connections.send(far).expect("a server runs");
        near
    };
    let (service, mut calls) = held();
    let full_server = serve(socket.clone(), service).max_connections(1);
    let full_server = tokio::spawn(full_server.into_future());
    let mut busy = connect();
    busy.write_all(&get(1, "/busy")).await.expect("a pipe");
    let _call: Call = calls.recv().await.expect("a call");
    sleep(Duration::from_secs(1)).await;
    let other = tokio::spawn(serve(socket, service_fn(hello)).into_future());
    for _ in 0..100 {
        sleep(Duration::from_millis(7)).await;
        let start = Instant::now();
        ask(&mut connect()).await;
        assert!(
            start.elapsed() < Duration::from_millis(200),
            "{:?}",
            start.elapsed()
        );
    }
    full_server.abort();
    other.abort();
}

/// Of two orders in a row, each connection hears both: the second one here, which ends a handler that never would.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_second_order_is_heard_by_connections_that_are_at_work_with_the_first() {
    for round in 0..scaled(20) {
        let (connections, accepted) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let service = service_fn(move |_: Request<Incoming>| async move {
            for _ in 0..100 {
                yield_now().await;
            }
            std::future::pending::<Result<Response<String>, Infallible>>().await
        });
        let server = serve(Pipes::new(accepted), service)
            .grace_period(Duration::ZERO)
            .with_graceful_shutdown(async {
                let _ = stopped.await;
            });
        let task = tokio::spawn(server.into_future());
        let mut open = Vec::new();
        for _ in 0..32 {
            let (mut near, far) = duplex(PIPE);
            near.write_all(&get(1, "/")).await.expect("a pipe");
            connections.send(far).expect("the server runs");
            open.push(near);
        }
        stop.send(()).expect("the server runs");
        let ended = timeout(Duration::from_secs(10), task).await;
        let ended = ended.unwrap_or_else(|_| panic!("round {round} hangs"));
        ended.expect("no panic").expect("a good end");
    }
}
