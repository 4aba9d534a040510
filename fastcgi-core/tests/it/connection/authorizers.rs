//! Authorizers: their answers leave whole (B-13).

use bytes::Bytes;
use fastcgi_core::{Config, Ending, RequestMut, cgi::BodyLength};

use crate::{
    owner::Owner,
    support::{ABORT, END_1, HEAD, begin, end, params, record, wire},
};

/// A request whose web server keeps the connection, and has sent the end of STDIN or not.
fn owner() -> Owner {
    let input = wire(&[&begin(1, 2, 1), &params(1, &[])]);
    Owner::connected(Config::default().authorizer(true), &input)
}

fn respond(respond: impl FnOnce(RequestMut<'_>)) -> Vec<u8> {
    let mut owner = owner();
    respond(owner.request(1).expect("in progress"));
    owner.write()
}

#[test]
fn nothing_of_an_answer_leaves_before_its_end() {
    let mut owner = owner();
    let mut request = owner.request(1).expect("in progress");
    request.head(HEAD.into(), BodyLength::Unknown);
    request.flush();
    assert_eq!(request.stdout(Bytes::from_static(b"hello, ")), Ok(0));
    request.stderr(Bytes::from_static(b"log"));
    request.flush();
    assert_eq!(request.stdout(Bytes::from_static(b"world")), Ok(0));
    assert_eq!(owner.write(), b"", "for lighttpd the head alone is a yes");
    assert_eq!(owner.request(1).map(|it| it.end(0)), Some(Ending::Complete));
    let whole = record(6, 1, b"Status: 200 OK\r\n\r\nhello, world");
    let ends = [record(6, 1, b""), record(7, 1, b""), record(3, 1, &[0; 8])];
    assert_eq!(
        owner.write(),
        wire(&[&whole, &record(7, 1, b"log"), &ends.concat()])
    );
}

#[test]
fn a_failure_is_a_500_at_any_time() {
    let output = respond(|mut request| {
        request.head(HEAD.into(), BodyLength::Unknown);
        assert_eq!(request.stdout(Bytes::from_static(b"hello")), Ok(0));
        request.flush();
        let status = http::StatusCode::INTERNAL_SERVER_ERROR;
        assert_eq!(request.fail(0), Ending::Replaced(status));
    });
    assert!(output.get(8..).unwrap().starts_with(b"Status: 500 "));
    assert!(output.ends_with(&end(1, 0, 0)));
    assert!(!output.windows(HEAD.len()).any(|part| part == HEAD));
}

#[test]
fn an_answer_shorter_than_announced_is_a_500() {
    let output = respond(|mut request| {
        request.head(HEAD.into(), BodyLength::Exactly(6));
        assert_eq!(request.stdout(Bytes::from_static(b"hello")), Ok(0));
        let status = http::StatusCode::INTERNAL_SERVER_ERROR;
        assert_eq!(request.end(0), Ending::Replaced(status));
    });
    assert!(output.get(8..).unwrap().starts_with(b"Status: 500 "));
}

#[test]
fn an_answer_of_32_kib_is_not_too_long() {
    let room = 32 * 1024 - HEAD.len();
    let output = respond(|mut request| {
        request.head(HEAD.into(), BodyLength::Unknown);
        assert_eq!(request.stdout(vec![b'x'; room].into()), Ok(0));
        assert_eq!(request.end(0), Ending::Complete);
    });
    let header = b"\x01\x06\x00\x01\x80\x00\x00\x00Status: 200 OK\r\n";
    assert!(output.starts_with(header));
    assert!(output.ends_with(&wire(&[b"xxx", &end(1, 0, 0)])));
}

#[test]
fn a_longer_answer_is_a_500() {
    let room = 32 * 1024 - HEAD.len();
    for gives_up in [true, false] {
        let output = respond(|mut request| {
            request.head(HEAD.into(), BodyLength::Unknown);
            let error = request.stdout(vec![b'x'; room + 1].into()).unwrap_err();
            assert_eq!(
                error.to_string(),
                "the answer of an authorizer is longer than 32 KiB"
            );
            let status = http::StatusCode::INTERNAL_SERVER_ERROR;
            let ending = if gives_up {
                request.fail(0)
            } else {
                // A part of an answer must not be taken for a yes either.
                request.end(0)
            };
            assert_eq!(ending, Ending::Replaced(status));
        });
        assert!(output.get(8..).unwrap().starts_with(b"Status: 500 "));
        assert!(output.ends_with(&end(1, 0, 0)));
    }
}

#[test]
fn what_follows_an_answer_that_is_too_long_does_not_make_it_whole() {
    let output = respond(|mut request| {
        request.head(HEAD.into(), BodyLength::Exactly(70_000));
        assert!(request.stdout(vec![b'x'; 69_999].into()).is_err());
        assert!(request.stdout(Bytes::from_static(b"x")).is_err());
        let status = http::StatusCode::INTERNAL_SERVER_ERROR;
        assert_eq!(request.end(0), Ending::Replaced(status));
    });
    assert!(output.get(8..).unwrap().starts_with(b"Status: 500 "));
}

#[test]
fn data_without_a_head_is_gathered_too() {
    let output = respond(|mut request| {
        assert_eq!(request.stdout(Bytes::from_static(HEAD)), Ok(0));
        request.flush();
        assert_eq!(request.end(0), Ending::Complete);
    });
    assert_eq!(output, wire(&[&record(6, 1, HEAD), &end(1, 0, 0)]));
}

#[test]
fn nothing_of_an_answer_leaves_when_it_is_aborted() {
    let mut owner = owner();
    let mut request = owner.request(1).expect("in progress");
    request.head(HEAD.into(), BodyLength::Unknown);
    assert_eq!(request.stdout(Bytes::from_static(b"hello")), Ok(0));
    assert_eq!(owner.feed(ABORT), ["aborted 1"]);
    assert_eq!(owner.write(), END_1);
}
