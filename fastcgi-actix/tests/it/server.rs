//! The server as a whole: where it listens, and how it stops.

use std::fs;
use std::future::{Ready, ready};
use std::io::{self, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use actix_web::dev::{ServiceRequest, Transform};
use actix_web::rt::System;
use actix_web::{App, web};
use fastcgi_actix::{Counters, FastCgiServer};
use tokio::sync::watch;

use crate::support::{FastCgi, start};
use crate::wire::{self, Ask};

/// For a handler that tells when it runs, and answers when it may.
#[derive(Clone)]
struct Waiting {
    started: mpsc::Sender<()>,
    released: watch::Receiver<bool>,
}

async fn wait(waiting: web::Data<Waiting>) -> &'static str {
    waiting.started.send(()).expect("the test listens");
    let mut released = waiting.released.clone();
    released
        .wait_for(|released| *released)
        .await
        .expect("the test releases");
    "released"
}

/// A server with a request in progress.
struct Busy {
    server: FastCgi,
    request: UnixStream,
    starts: mpsc::Receiver<()>,
    release: watch::Sender<bool>,
}

fn busy(shutdown_timeout: u64) -> Busy {
    let (started, starts) = mpsc::channel();
    let (release, released) = watch::channel(false);
    let waiting = Waiting { started, released };
    let server = start(|listener| {
        let data = web::Data::new(waiting);
        FastCgiServer::new(move || {
            App::new()
                .app_data(data.clone())
                .default_service(web::to(wait))
        })
        .workers(1)
        .disable_signals()
        .shutdown_timeout(shutdown_timeout)
        .listen_uds(listener)
        .unwrap()
        .run()
    });
    let request = server.begin(&Ask::get("/"));
    starts.recv_timeout(Duration::from_secs(20)).unwrap();
    Busy {
        server,
        request,
        starts,
        release,
    }
}

/// Nothing tells the outside when a socket is closed.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let limit = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < limit, "{what}");
        thread::yield_now();
    }
}

#[test]
fn graceful_stop_lets_requests_finish() {
    let busy = busy(30);
    let another = busy.server.begin(&Ask::get("/"));
    busy.starts.recv_timeout(Duration::from_secs(20)).unwrap();
    drop(busy.server.handle.stop(true));
    until("nothing is accepted", || busy.server.try_connect().is_err());
    busy.release.send(true).unwrap();
    for stream in [busy.request, another] {
        assert_eq!(wire::read_answer(&stream).unwrap().text(), "released");
    }
    busy.server.join().unwrap();
}

#[test]
fn stop_at_once_drops_requests() {
    let busy = busy(30);
    System::new().block_on(busy.server.handle.stop(false));
    let error = wire::read_answer(&busy.request).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    busy.server.join().unwrap();
}

#[test]
fn requests_have_no_longer_than_the_shutdown_timeout() {
    let busy = busy(0);
    System::new().block_on(busy.server.handle.stop(true));
    let error = wire::read_answer(&busy.request).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    busy.server.join().unwrap();
}

fn hello() -> App<
    impl actix_web::dev::ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = actix_web::dev::ServiceResponse,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    App::new().default_service(web::to(|| async { "hello" }))
}

/// 4.1: what is advertised is what is enforced.
#[test]
fn connections_of_a_worker_are_advertised() {
    let server = start(|listener| {
        FastCgiServer::new(hello)
            .workers(1)
            .disable_signals()
            .max_connections(7)
            .listen_uds(listener)
            .unwrap()
            .run()
    });
    let mut stream = server.connect();
    let query = b"\x01\x09\x00\x00\x00\x10\x00\x00\x0e\x00FCGI_MAX_CONNS";
    stream.write_all(query).unwrap();
    let answer = wire::read_record(&stream).unwrap();
    assert_eq!(answer, (10, b"\x0e\x01FCGI_MAX_CONNS7".to_vec()));
}

#[test]
fn dropped_server_stops() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    let server = FastCgiServer::new(hello).workers(2).disable_signals();
    let server = server.bind_uds(&path).unwrap().run();
    let stopped = server.handle().stop(true);
    drop(server);
    // Also one that was never polled.
    System::new().block_on(stopped);
    assert!(!path.exists());
}

#[test]
fn each_worker_has_an_application() {
    let (sender, made) = mpsc::channel();
    let server = start(|listener| {
        let factory = move || {
            sender
                .send(thread::current().id())
                .expect("the test listens");
            hello()
        };
        let server = FastCgiServer::new(factory).workers(3).disable_signals();
        server.listen_uds(listener).unwrap().run()
    });
    let mut threads: Vec<_> = (0..3).map(|_| made.recv().unwrap()).collect();
    threads.dedup();
    assert_eq!(threads.len(), 3);
    for _ in 0..20 {
        assert_eq!(server.ask(&Ask::get("/")).text(), "hello");
    }
}

/// Without actix's system.
#[test]
fn server_is_a_task_on_a_runtime_with_several_threads() {
    let listener = tempfile::tempdir().unwrap();
    let path = listener.path().join("app.sock");
    let server = FastCgiServer::new(hello).workers(2).disable_signals();
    let server = server.bind_uds(&path).unwrap().run();
    let handle = server.handle();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let task = runtime.spawn(server);
    let stream = wire::patient(UnixStream::connect(&path).unwrap());
    wire::send(&stream, &Ask::get("/").fastcgi());
    assert_eq!(wire::read_answer(&stream).unwrap().text(), "hello");
    runtime.block_on(handle.stop(true));
    runtime.block_on(task).unwrap().unwrap();
}

/// Middleware that cannot be made.
struct Unmakeable;

impl<S> Transform<S, ServiceRequest> for Unmakeable
where
    S: actix_web::dev::Service<
            ServiceRequest,
            Response = actix_web::dev::ServiceResponse,
            Error = actix_web::Error,
        >,
{
    type Response = S::Response;
    type Error = S::Error;
    type Transform = S;
    type InitError = ();
    type Future = Ready<Result<S, ()>>;

    fn new_transform(&self, _: S) -> Self::Future {
        ready(Err(()))
    }
}

#[test]
fn application_that_cannot_be_made_is_an_error() {
    let server = FastCgiServer::new(|| App::new().wrap(Unmakeable))
        .workers(2)
        .disable_signals();
    let failure = System::new().block_on(server.bind("127.0.0.1:0").unwrap().run());
    assert!(failure.unwrap_err().to_string().contains("cannot be made"));

    let panics = || {
        assert!(thread::panicking(), "a factory that panics");
        hello()
    };
    let server = FastCgiServer::new(panics).workers(2).disable_signals();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let failure = runtime.block_on(server.bind("127.0.0.1:0").unwrap().run());
    assert!(failure.unwrap_err().to_string().contains("panicked"));
}

fn run_fails(configure: impl FnOnce() -> io::Result<fastcgi_actix::Server>) -> io::ErrorKind {
    System::new()
        .block_on(configure().unwrap())
        .unwrap_err()
        .kind()
}

#[test]
fn wrong_settings_are_errors() {
    let new = || FastCgiServer::new(hello).workers(2).disable_signals();
    assert_eq!(run_fails(|| Ok(new().run())), io::ErrorKind::InvalidInput);
    let no_mount = || Ok(new().script_name("/app?query").bind("127.0.0.1:0")?.run());
    assert_eq!(run_fails(no_mount), io::ErrorKind::InvalidInput);
    let everybody = || Ok(new().bind("0.0.0.0:0")?.run());
    assert_eq!(run_fails(everybody), io::ErrorKind::PermissionDenied);
    let beside = || Ok(new().bind("127.0.0.1:0")?.bind("0.0.0.0:0")?.run());
    assert_eq!(run_fails(beside), io::ErrorKind::PermissionDenied);
    let no_socket = new().listen_stdin().map(drop).unwrap_err();
    assert_eq!(no_socket.kind(), io::ErrorKind::NotFound);
    assert!(new().bind("256.0.0.1:0").is_err());
}

#[test]
fn tcp_and_a_path_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    let server = FastCgiServer::new(hello).workers(1).disable_signals();
    let server = server.bind("127.0.0.1:0").unwrap().bind_uds(&path).unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o660
    );
    let taken = FastCgiServer::new(hello)
        .bind_uds(&path)
        .map(drop)
        .unwrap_err();
    assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
    let addr = server.addrs()[0];

    let server = server.run();
    let handle = server.handle();
    let thread = thread::spawn(move || System::new().block_on(server));
    let stream = wire::patient(UnixStream::connect(&path).unwrap());
    wire::send(&stream, &Ask::get("/").fastcgi());
    assert_eq!(wire::read_answer(&stream).unwrap().text(), "hello");
    let stream = wire::patient(TcpStream::connect(addr).unwrap());
    wire::send(&stream, &Ask::get("/").fastcgi());
    assert_eq!(wire::read_answer(&stream).unwrap().text(), "hello");
    System::new().block_on(handle.stop(true));
    thread.join().unwrap().unwrap();
    assert!(!path.exists());
}

#[test]
fn max_connections_are_those_of_all_workers() {
    let (started, starts) = mpsc::channel();
    let (_release, released) = watch::channel(false);
    let waiting = Waiting { started, released };
    let server = start(|listener| {
        let data = web::Data::new(waiting);
        FastCgiServer::new(move || {
            App::new()
                .app_data(data.clone())
                .default_service(web::to(wait))
        })
        .workers(2)
        .max_connections(1)
        .disable_signals()
        .listen_uds(listener)
        .unwrap()
        .run()
    });
    let first = server.begin(&Ask::get("/"));
    starts.recv_timeout(Duration::from_secs(20)).unwrap();
    let _second = server.begin(&Ask::get("/"));
    // The other worker has nothing to do, and may not.
    let early = starts.recv_timeout(Duration::from_millis(200));
    assert!(early.is_err(), "a second connection is served");
    drop(first);
    starts.recv_timeout(Duration::from_secs(20)).unwrap();
}

#[test]
fn all_workers_count_into_one_handle() {
    let counters = Counters::default();
    let counted = counters.clone();
    let server = start(|listener| {
        FastCgiServer::new(|| App::new().default_service(web::to(async || "counted")))
            .workers(2)
            .counters(counted)
            .disable_signals()
            .listen_uds(listener)
            .unwrap()
            .run()
    });
    for _ in 0..20 {
        let request = server.begin(&Ask::get("/"));
        assert_eq!(wire::read_answer(&request).unwrap().text(), "counted");
    }
    drop(server.handle.stop(true));
    server.join().unwrap();
    let counts = counters.read();
    assert_eq!(counts.connections_accepted, 20);
    assert_eq!(counts.requests_completed, 20);
    assert_eq!((counts.connections_open, counts.connections_idle), (0, 0));
}
