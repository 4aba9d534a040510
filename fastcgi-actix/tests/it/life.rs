//! Handlers that end otherwise than by answering.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use actix_web::web::Bytes;
use actix_web::{App, Error, HttpResponse, web};
use futures_util::{StreamExt, stream};

use crate::support::serve;
use crate::wire::{self, Ask};

/// Tells when it is dropped.
struct Guard(Sender<&'static str>);

impl Drop for Guard {
    fn drop(&mut self) {
        // A test that has ended does not listen.
        let _ = self.0.send("dropped");
    }
}

fn next(events: &Receiver<&'static str>) -> &'static str {
    events.recv_timeout(Duration::from_secs(20)).unwrap()
}

#[test]
fn handler_is_dropped_when_the_web_server_goes_away() {
    let (sender, events) = mpsc::channel();
    let wait = move || {
        let guard = Guard(sender.clone());
        async move {
            guard.0.send("running").expect("the test listens");
            std::future::pending::<()>().await;
            drop(guard);
            ""
        }
    };
    let server = serve(move || App::new().default_service(web::to(wait.clone())));
    let stream = server.begin(&Ask::get("/"));
    assert_eq!(next(&events), "running");
    drop(stream);
    assert_eq!(next(&events), "dropped");
}

#[test]
fn body_is_dropped_when_the_web_server_goes_away() {
    let (sender, events) = mpsc::channel();
    let wait = move || {
        let guard = Guard(sender.clone());
        async move {
            let first = stream::once(async { Ok::<_, Error>(Bytes::from_static(b"first")) });
            let rest = stream::once(async move {
                std::future::pending::<()>().await;
                drop(guard);
                Ok(Bytes::new())
            });
            HttpResponse::Ok().streaming(first.chain(rest))
        }
    };
    let server = serve(move || App::new().default_service(web::to(wait.clone())));
    let stream = server.begin(&Ask::get("/"));
    while !wire::read_stdout(&stream).unwrap().ends_with(b"first") {}
    drop(stream);
    assert_eq!(next(&events), "dropped");
}

/// A panic costs its own request, not the worker.
#[test]
fn panics_are_isolated() {
    let panics = async || -> &'static str { panic!("a handler that panics") };
    let late = async || {
        let pieces = stream::iter([0, 1]).then(|n| async move {
            tokio::task::yield_now().await;
            assert_eq!(n, 0, "a body that panics");
            Ok::<_, Error>(Bytes::from_static(b"a part"))
        });
        HttpResponse::Ok().streaming(pieces)
    };
    let server = serve(move || {
        App::new()
            .route("/panics", web::to(panics))
            .route("/late", web::to(late))
            .route("/well", web::to(|| async { "well" }))
    });
    for _ in 0..3 {
        assert_eq!(server.ask(&Ask::get("/panics")).status, 500);
        let stream = server.begin(&Ask::get("/late"));
        let cut = wire::read_answer(&stream).unwrap_err();
        assert_eq!(cut.kind(), io::ErrorKind::UnexpectedEof);
        assert_eq!(server.ask(&Ask::get("/well")).text(), "well");
    }
}

/// Handlers may use what lives on a worker's thread.
#[test]
fn handlers_may_spawn_and_block() {
    let work = async || {
        let shared = std::rc::Rc::new(1);
        let spawned = {
            let shared = std::rc::Rc::clone(&shared);
            actix_web::rt::spawn(async move { *shared })
        };
        let blocked = web::block(|| 2).await.expect("it runs");
        let system = actix_web::rt::System::try_current().is_some();
        format!("{} {blocked} {system}", spawned.await.expect("it runs"))
    };
    let server = serve(move || App::new().default_service(web::to(work)));
    assert_eq!(server.ask(&Ask::get("/")).text(), "1 2 true");
}
