//! Bodies pass through, in both directions, and are never held whole.

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use actix_web::web::{Bytes, Payload};
use actix_web::{App, Error, HttpResponse, web};
use futures_util::{StreamExt, stream};
use tokio::sync::oneshot;

use crate::support::serve;
use crate::wire::{self, Ask};

const MIB: usize = 1024 * 1024;

/// What the sockets, the window, the high-water mark and the pieces themselves may hold.
const ON_THE_WAY: usize = 2 * MIB;

/// Each piece is answered before the next is sent.
#[test]
fn body_is_echoed_piece_by_piece() {
    let echo = async |body: Payload| HttpResponse::Ok().streaming(body);
    let server = serve(move || App::new().default_service(web::to(echo)));
    let stream = server.connect();
    let mut ask = Ask::post("/", "");
    ask.body = vec![b'x'; 1000];
    wire::send(&stream, &ask.fastcgi_head());
    let mut bytes = Vec::new();
    for n in 1..=10 {
        wire::send(&stream, &wire::stdin(&[b'0' + n % 10; 100]));
        while !bytes.ends_with(&[b'0' + n % 10; 100]) {
            bytes.extend(wire::read_stdout(&stream).unwrap());
        }
    }
    wire::send(&stream, &wire::stdin(b""));
    assert!(wire::read_stdout(&stream).unwrap().is_empty());
}

/// What is made is never more than a bounded amount ahead of what is read.
#[test]
fn response_is_made_as_fast_as_it_is_read() {
    let made = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&made);
    let endless = move || {
        let made = Arc::clone(&counter);
        async move {
            let pieces = stream::repeat_with(move || {
                made.fetch_add(16 * 1024, Ordering::SeqCst);
                Ok::<_, Error>(Bytes::from_static(&[b'.'; 16 * 1024]))
            });
            HttpResponse::Ok().streaming(pieces)
        }
    };
    let server = serve(move || App::new().default_service(web::to(endless.clone())));
    let stream = server.begin(&Ask::get("/"));
    let mut read = 0;
    while read < 20 * MIB {
        read += wire::read_stdout(&stream).unwrap().len();
        let made = made.load(Ordering::SeqCst);
        assert!(made < read + ON_THE_WAY, "{made} bytes made, {read} read");
    }
}

/// A body that the handler does not read yet is not taken from the web server.
#[test]
fn request_is_taken_as_fast_as_it_is_read() {
    let (permit, permitted) = oneshot::channel::<()>();
    let permitted = Arc::new(Mutex::new(Some(permitted)));
    let count = move |mut body: Payload| {
        let permitted = permitted.lock().unwrap().take();
        async move {
            permitted
                .expect("it is called once")
                .await
                .expect("it is permitted");
            let mut length = 0;
            while let Some(piece) = body.next().await {
                length += piece?.len();
            }
            Ok::<_, Error>(length.to_string())
        }
    };
    let server = serve(move || App::new().default_service(web::to(count.clone())));
    let ask = Ask::post("/", vec![b'x'; 16 * MIB]);
    let bytes = ask.fastcgi();
    let mut stream = server.connect();
    // Nobody reads: at some point nothing more goes in.
    stream
        .set_write_timeout(Some(Duration::from_millis(300)))
        .unwrap();
    let mut sent = 0;
    let stuck = loop {
        match stream.write(&bytes[sent..]) {
            Ok(count) => sent += count,
            // By the signals that other tests send.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break error,
        }
    };
    assert_eq!(stuck.kind(), io::ErrorKind::WouldBlock);
    assert!(sent < ON_THE_WAY, "{sent} bytes were taken");
    permit.send(()).unwrap();
    let stream = wire::patient(stream);
    wire::send(&stream, &bytes[sent..]);
    assert_eq!(
        wire::read_answer(&stream).unwrap().text(),
        ask.body.len().to_string()
    );
}

/// An announced body that does not come whole is an error of the payload.
#[test]
fn body_that_breaks_off_fails() {
    let (sender, failures) = mpsc::channel();
    let read = move |mut body: Payload| {
        let sender = sender.clone();
        async move {
            let mut failure = None;
            while let Some(piece) = body.next().await {
                failure = failure.or_else(|| piece.err().map(|error| error.to_string()));
            }
            sender.send(failure).expect("somebody waits");
            ""
        }
    };
    let read = move |body: Payload| {
        // The handler itself is dropped with its client: only what it has spawned sees the end.
        let task = actix_web::rt::spawn(read(body));
        async move { task.await.unwrap_or_default() }
    };
    let server = serve(move || App::new().default_service(web::to(read.clone())));
    let mut ask = Ask::post("/", "");
    ask.body = vec![b'x'; 1000];
    let stream = server.connect();
    wire::send(&stream, &ask.fastcgi_head());
    wire::send(&stream, &wire::stdin(&[b'x'; 100]));
    drop(stream);
    let failure = failures.recv_timeout(Duration::from_secs(20)).unwrap();
    let failure = failure.expect("the body was not whole");
    assert!(failure.starts_with("payload reached EOF"), "{failure}");
}
