//! What a response costs until its bytes can be written: heads to header blocks, bodies to records.

use std::hint::black_box;

use bytes::{Buf, Bytes, BytesMut};
use criterion::{BatchSize, Criterion};
use fastcgi_core::{
    Config, Connection, Event, RequestKey,
    cgi::{BodyLength, ResponseMapping},
};
use http::{Method, Response, response::Parts};

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    responses(&mut criterion);
    heads(&mut criterion);
    criterion.final_summary();
}

/// One response on a kept connection, from the head to END_REQUEST, and its bytes taken as a socket takes them.
fn responses(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("respond");
    for (name, length) in [("response_13b", 13), ("response_1mib", 1024 * 1024)] {
        let body = Bytes::from(vec![b'x'; length]);
        group.bench_function(name, |bencher| {
            let respond = |(mut connection, key): (Connection, RequestKey)| {
                respond(&mut connection, key, body.clone());
                connection
            };
            bencher.iter_batched(connection_with_a_request, respond, BatchSize::SmallInput);
        });
    }
    group.finish();
}

fn connection_with_a_request() -> (Connection, RequestKey) {
    let mut connection = Connection::new(Config::default());
    let mut input = BytesMut::from(
        &b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00\
           \x01\x04\x00\x01\x00\x00\x00\x00\
           \x01\x05\x00\x01\x00\x00\x00\x00"[..],
    );
    let Some(Event::Request(request)) = connection.next_event(&mut input) else {
        panic!("a request");
    };
    while connection.next_event(&mut input).is_some() {}
    (connection, request.key)
}

fn respond(connection: &mut Connection, key: RequestKey, body: Bytes) {
    let head = b"Status: 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 13\r\n\r\n";
    let mut request = connection.request(key).expect("in progress");
    request.head(BytesMut::from(&head[..]), BodyLength::Unknown);
    request.stdout(body).expect("the response of a Responder");
    request.end(0);
    let outgoing = connection.outgoing();
    while outgoing.has_remaining() {
        let written = black_box(outgoing.chunk()).len();
        outgoing.advance(written);
    }
    connection.written();
}

/// The head of a response to a header block.
fn heads(criterion: &mut Criterion) {
    let head = head();
    let mut out = BytesMut::with_capacity(1024);
    criterion.bench_function("write_head", |bencher| {
        bencher.iter(|| {
            out.clear();
            ResponseMapping::default().write_head(
                black_box(&head),
                &Method::GET,
                Some(13),
                &mut out,
            )
        });
    });
}

fn head() -> Parts {
    let (head, ()) = Response::builder()
        .header("content-type", "text/html; charset=utf-8")
        .header("cache-control", "no-cache")
        .header(
            "set-cookie",
            "session=0123456789abcdef; HttpOnly; Secure; SameSite=Lax",
        )
        .header("vary", "accept-encoding")
        .header("x-request-id", "0d6c1a8e-6f1e-4f0e-9a53-6f3a0f6f6a55")
        .body(())
        .expect("a response")
        .into_parts();
    head
}
