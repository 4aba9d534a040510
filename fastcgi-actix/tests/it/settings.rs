//! Settings of `HttpServer`, and those that axum-fastcgi has, too.

use std::{
    io,
    net::TcpListener,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use actix_web::{
    App, HttpResponse,
    rt::{self, System},
    web,
};
use fastcgi_actix::FastCgiServer;
use tokio::sync::oneshot;

use crate::support::{FastCgi, start};
use crate::wire::{self, Ask};

const PATIENCE: Duration = Duration::from_secs(20);

/// Starts a server with a setting, on one worker.
macro_rules! start_with {
    ($configure:expr) => {{
        let server = FastCgiServer::new(|| App::new().default_service(web::to(HttpResponse::Ok)));
        let server = $configure(server.workers(1).disable_signals());
        start(|listener| server.listen_uds(listener).unwrap().run())
    }};
}

#[test]
fn a_signal_of_the_program_stops_the_server() {
    let (stop, stopped) = oneshot::channel::<()>();
    // Also where those of the system are disabled, and in either order.
    let server: FastCgi = start_with!(|server: FastCgiServer<_, _, _, _>| {
        let signal = async { drop(stopped.await) };
        server.shutdown_signal(signal).disable_signals()
    });
    assert_eq!(server.ask(&Ask::get("/")).status, 200);
    drop(stop);
    server.join().unwrap();
}

#[test]
fn the_server_stops_after_enough_requests_of_all_workers() {
    let factory = || App::new().default_service(web::to(HttpResponse::Ok));
    let server = FastCgiServer::new(factory).workers(3).disable_signals();
    let server = server.max_requests(5);
    let server = start(|listener| server.listen_uds(listener).unwrap().run());
    for _ in 0..5 {
        assert_eq!(server.ask(&Ask::get("/")).status, 200);
    }
    server.join().unwrap();
}

#[test]
fn a_process_that_is_too_large_stops() {
    let server: FastCgi = start_with!(|server: FastCgiServer<_, _, _, _>| server.max_rss(1));
    server.join().unwrap();
}

#[test]
fn it_is_said_once_that_the_server_is_ready() {
    let (ready, said) = mpsc::channel();
    let again = ready.clone();
    let factory = || App::new().default_service(web::to(HttpResponse::Ok));
    let server = FastCgiServer::new(factory)
        .workers(3)
        .disable_signals()
        .on_ready(move || ready.send("first").expect("the test listens"))
        .on_ready(move || again.send("second").expect("the test listens"));
    let server = start(|listener| server.listen_uds(listener).unwrap().run());
    assert_eq!(said.recv_timeout(PATIENCE), Ok("first"));
    assert_eq!(said.recv_timeout(PATIENCE), Ok("second"));
    // All that could say it is gone.
    assert_eq!(
        said.recv_timeout(PATIENCE),
        Err(mpsc::RecvTimeoutError::Disconnected)
    );
    drop(server);
}

#[test]
fn a_server_that_cannot_start_does_not_say_that_it_is_ready() {
    let (ready, said) = mpsc::channel();
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let server = FastCgiServer::new(App::new).workers(1).disable_signals();
    let server = server.on_ready(move || ready.send(()).expect("the test listens"));
    let server = server.listen(listener).unwrap().run();
    let error = System::new().block_on(server).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    assert!(said.recv_timeout(PATIENCE).is_err());
}

#[test]
fn the_system_exits_with_the_server() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = FastCgiServer::new(App::new).workers(1).disable_signals();
    let server = server.system_exit().shutdown_signal(async {});
    let server = server.listen(listener).unwrap();
    let (ended, has_ended) = mpsc::channel();
    thread::spawn(move || {
        let system = System::new();
        system.block_on(async { drop(rt::spawn(server.run())) });
        ended.send(system.run()).expect("the test listens");
    });
    let result = has_ended.recv_timeout(PATIENCE).expect("the system exits");
    result.expect("a good end");
}

/// The threads that two requests block, of which the first does so until the second has handed in its work, and with
/// `both` until that is done, too.
fn blocked_threads(threads: usize, both: bool) -> [String; 2] {
    let (handed_in, events) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let released = Arc::new(Mutex::new(Some(released)));
    let answer = move || {
        let released = released.lock().expect("no panic").take();
        let work = web::block(move || {
            if let Some(released) = released {
                released.recv_timeout(PATIENCE).expect("the test goes on");
            }
            format!("{:?}", thread::current().id())
        });
        handed_in.send(()).expect("the test listens");
        async { work.await.expect("work that is done") }
    };
    let factory = move || App::new().default_service(web::to(answer.clone()));
    let server = FastCgiServer::new(factory).workers(1).disable_signals();
    let server = server.worker_max_blocking_threads(threads);
    let server = start(|listener| server.listen_uds(listener).unwrap().run());
    let [first, second] = [(), ()].map(|()| {
        let request = server.begin(&Ask::get("/"));
        events.recv_timeout(PATIENCE).expect("work");
        request
    });
    let answer = |request| wire::read_answer(request).unwrap().text().to_owned();
    let early = both.then(|| answer(&second));
    release.send(()).expect("the work waits");
    [answer(&first), early.unwrap_or_else(|| answer(&second))]
}

#[test]
fn what_blocks_has_so_many_threads() {
    let [first, second] = blocked_threads(1, false);
    assert_eq!(first, second);
    let [first, second] = blocked_threads(2, true);
    assert_ne!(first, second);
}

#[test]
#[should_panic(expected = "threads must be greater than 0")]
fn what_blocks_has_a_thread_at_least() {
    drop(FastCgiServer::new(App::new).worker_max_blocking_threads(0));
}
