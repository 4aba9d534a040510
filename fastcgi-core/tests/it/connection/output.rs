//! The machine of `connection/output.rs`: what is sent of a response, and when. What goes to the log is in `stderr.rs`.

use bytes::{Buf, Bytes, BytesMut};
use fastcgi_core::{Config, Ending, RequestMut, cgi::BodyLength};

use super::get;
use crate::{
    owner::Owner,
    support::{COMPLETE, END_1, HEAD, record, wire},
};

/// What is sent for one request.
pub(super) fn respond(respond: impl FnOnce(RequestMut<'_>)) -> Vec<u8> {
    let mut owner = Owner::connected(Config::default(), &get(1));
    respond(owner.request(1).expect("in progress"));
    owner.write()
}

pub(super) fn stdout(request: &mut RequestMut<'_>, data: &'static [u8]) {
    assert_eq!(request.stdout(Bytes::from_static(data)), Ok(0));
}

// Untouched → Ended

#[test]
fn the_end_is_sent_once() {
    let mut owner = Owner::connected(Config::default(), &get(1));
    let request = owner.request(1).expect("in progress");
    assert_eq!(request.end(0), Ending::Complete);
    assert!(owner.request(1).is_none());
    assert_eq!(owner.connection.requests_in_progress(), 0);
    assert_eq!(owner.write(), COMPLETE);
}

#[test]
fn the_status_of_the_application_is_in_the_end() {
    // `OVERLOADED` and the others cannot be said any more: a refusal is a response (R-10a).
    let output = respond(|request| assert_eq!(request.end(0x0102_0304), Ending::Complete));
    assert_eq!(
        output,
        b"\x01\x06\x00\x01\x00\x00\x00\x00\
          \x01\x03\x00\x01\x00\x08\x00\x00\x01\x02\x03\x04\x00\x00\x00\x00"
    );
}

// Untouched → HeadHeld

#[test]
fn a_head_alone_is_held() {
    let mut owner = Owner::connected(Config::default(), &get(1));
    let mut request = owner.request(1).expect("in progress");
    request.head(HEAD.into(), BodyLength::Unknown);
    assert_eq!(owner.write(), b"");
}

// HeadHeld → Streaming

#[test]
fn a_head_leaves_with_the_first_data() {
    let output = respond(|mut request| {
        request.head(HEAD.into(), BodyLength::Unknown);
        stdout(&mut request, b"hello");
    });
    assert_eq!(
        output,
        wire(&[&record(6, 1, HEAD), &record(6, 1, b"hello")])
    );
}

#[test]
fn a_head_leaves_when_it_is_flushed() {
    let output = respond(|mut request| {
        request.head(HEAD.into(), BodyLength::Unknown);
        request.flush();
        request.flush();
    });
    assert_eq!(output, record(6, 1, HEAD));
}

#[test]
fn a_head_leaves_with_a_piece_of_which_nothing_is_left() {
    for (length, piece) in [
        (BodyLength::Unknown, &b""[..]),
        (BodyLength::None, b"cut off"),
    ] {
        let output = respond(|mut request| {
            request.head(HEAD.into(), length);
            assert_eq!(request.stdout(Bytes::from_static(piece)), Ok(piece.len()));
        });
        assert_eq!(output, record(6, 1, HEAD));
    }
}

#[test]
fn a_response_does_not_begin_with_nothing() {
    let output = respond(|mut request| {
        request.flush();
        stdout(&mut request, b"");
        request.head(HEAD.into(), BodyLength::Exactly(1));
        request.head(HEAD.into(), BodyLength::None);
        let status = http::StatusCode::INTERNAL_SERVER_ERROR;
        assert_eq!(request.fail(0), Ending::Replaced(status));
    });
    assert!(output.get(8..).unwrap().starts_with(b"Status: 500 "));
}

// HeadHeld → Ended

#[test]
fn a_head_leaves_with_the_end() {
    let output = respond(|mut request| {
        request.head(HEAD.into(), BodyLength::Unknown);
        assert_eq!(request.end(0), Ending::Complete);
    });
    assert_eq!(output, wire(&[&record(6, 1, HEAD), COMPLETE]));
}

// Streaming → Streaming

#[test]
fn a_head_counts_once() {
    let output = respond(|mut request| {
        request.head(HEAD.into(), BodyLength::Unknown);
        request.flush();
        request.head(
            b"Status: 404 Not Found\r\n\r\n"[..].into(),
            BodyLength::None,
        );
        stdout(&mut request, b"hello");
        assert_eq!(request.fail(0), Ending::Truncated, "the response has begun");
    });
    let broken = b"\x00\x06\x00\x01\x00\x08\x00\x00";
    let sent = [&record(6, 1, HEAD)[..], &record(6, 1, b"hello"), broken];
    assert_eq!(output, wire(&sent));
}

#[test]
fn a_head_that_is_held_may_be_replaced() {
    let output = respond(|mut request| {
        request.head(HEAD.into(), BodyLength::Exactly(5));
        request.head(
            b"Status: 404 Not Found\r\n\r\n"[..].into(),
            BodyLength::None,
        );
        assert_eq!(request.end(0), Ending::Complete);
    });
    let head = record(6, 1, b"Status: 404 Not Found\r\n\r\n");
    assert_eq!(output, wire(&[&head, COMPLETE]));
}

// Streaming → Ended

#[test]
fn a_response_is_framed() {
    // Appendix B, 1, with its padding left out.
    let output = respond(|mut request| {
        request.head(
            b"Content-type: text/html\r\n\r\n"[..].into(),
            BodyLength::Unknown,
        );
        stdout(&mut request, b"<html>");
        assert_eq!(request.end(0), Ending::Complete);
    });
    let head = b"\x01\x06\x00\x01\x00\x1b\x00\x00Content-type: text/html\r\n\r\n";
    let body = b"\x01\x06\x00\x01\x00\x06\x00\x00<html>";
    assert_eq!(output, wire(&[head, body, COMPLETE]));
}

#[test]
fn nothing_is_sent_for_nothing() {
    let output = respond(|mut request| {
        stdout(&mut request, b"");
        request.stderr(Bytes::new());
        request.flush();
    });
    assert_eq!(output, b"");
}

//

#[test]
fn large_contents_are_split_at_65528_bytes() {
    // The largest multiple of eight: 3.3 recommends that records are aligned.
    let content: Bytes = (0..2 * 65_528 + 5)
        .map(|n: u32| n.to_be_bytes()[3])
        .collect();
    let by_value = respond(|mut request| {
        assert_eq!(request.stdout(content.clone()), Ok(0));
    });
    // A head is copied.
    let by_slice = respond(|mut request| {
        request.head(content[..].into(), BodyLength::Unknown);
        request.flush();
    });
    let (first, rest) = content.split_at(65_528);
    let (second, third) = rest.split_at(65_528);
    let header = b"\x01\x06\x00\x01\xff\xf8\x00\x00";
    let last = b"\x01\x06\x00\x01\x00\x05\x00\x00";
    let expected = wire(&[header, first, header, second, last, third]);
    assert!(by_value == expected);
    assert!(by_slice == expected);
}

#[test]
fn contents_up_to_a_record_stay_in_one() {
    let output = respond(|mut request| {
        request.head(HEAD.into(), BodyLength::Unknown);
        request.flush();
        request.stderr(vec![b'e'; 65_528].into());
    });
    assert_eq!(output.len(), 8 + HEAD.len() + 8 + 65_528);
}

//

#[test]
fn what_is_longer_than_announced_is_cut_off() {
    let output = respond(|mut request| {
        request.head(HEAD.into(), BodyLength::Exactly(5));
        assert!(request.wants_stdout());
        stdout(&mut request, b"he");
        assert!(request.wants_stdout());
        assert_eq!(request.stdout(Bytes::from_static(b"llo, world")), Ok(7));
        assert!(!request.wants_stdout());
        assert_eq!(request.stdout(Bytes::from_static(b"!")), Ok(1));
        assert_eq!(request.end(0), Ending::Complete);
    });
    let sent = [
        &record(6, 1, HEAD)[..],
        &record(6, 1, b"he"),
        &record(6, 1, b"llo"),
    ];
    assert_eq!(output, wire(&[&wire(&sent), COMPLETE]));
}

//

#[test]
fn nothing_follows_the_head_where_nothing_may() {
    for length in [BodyLength::None, BodyLength::Exactly(0)] {
        let output = respond(|mut request| {
            request.head(HEAD.into(), length);
            assert!(!request.wants_stdout());
            assert_eq!(request.stdout(Bytes::from_static(b"hello")), Ok(5));
            assert_eq!(request.end(0), Ending::Complete);
        });
        assert_eq!(output, wire(&[&record(6, 1, HEAD), COMPLETE]));
    }
}

#[test]
fn a_response_of_unknown_length_always_wants_more() {
    let mut owner = Owner::connected(Config::default(), &get(1));
    let mut request = owner.request(1).expect("in progress");
    assert!(request.wants_stdout());
    request.head(HEAD.into(), BodyLength::Unknown);
    stdout(&mut request, b"hello");
    assert!(request.wants_stdout());
}

// HeadHeld → a whole 500. Streaming is in truncation.rs.

#[test]
fn a_failure_before_the_head_has_left_is_a_500() {
    let refusal = b"Status: 500 Internal Server Error\r\n\
        content-type: text/plain; charset=utf-8\r\ncontent-length: 26\r\n\r\n\
        500 Internal Server Error\n";
    let replaced = Ending::Replaced(http::StatusCode::INTERNAL_SERVER_ERROR);
    let without_head = respond(|request| assert_eq!(request.fail(0), replaced));
    assert_eq!(without_head, wire(&[&record(6, 1, refusal), COMPLETE]));
    let with_head = respond(|mut request| {
        request.head(HEAD.into(), BodyLength::Exactly(5));
        request.stderr(Bytes::from_static(b"why"));
        assert_eq!(request.fail(1), replaced);
    });
    let sent = [
        &record(6, 1, refusal)[..],
        &record(7, 1, b"why"),
        &record(6, 1, b""),
    ];
    let (_, end) = END_1.split_at(8);
    assert_eq!(with_head, wire(&[&wire(&sent), &record(7, 1, b""), end]));
}

#[test]
fn a_body_that_ends_before_it_began_is_a_500() {
    // what is missing is an error of the body.
    let output = respond(|mut request| {
        request.head(HEAD.into(), BodyLength::Exactly(5));
        let replaced = Ending::Replaced(http::StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(request.end(0), replaced);
    });
    assert!(output.get(8..).unwrap().starts_with(b"Status: 500 "));
    assert!(output.ends_with(COMPLETE));
}

//

#[test]
fn output_is_wanted_below_256_kib() {
    let mut owner = Owner::connected(Config::default(), &get(1));
    let mut request = owner.request(1).expect("in progress");
    // With 8 bytes of header for each record.
    for _ in 0..3 {
        assert_eq!(request.stdout(vec![b'x'; 65_528].into()), Ok(0));
    }
    assert_eq!(request.stdout(vec![b'x'; 65_527].into()), Ok(0));
    assert_eq!(owner.connection.outgoing().remaining(), 256 * 1024 - 1);
    assert!(owner.connection.wants_output());
    let mut request = owner.request(1).expect("in progress");
    request.stderr(Bytes::from_static(b"x"));
    assert!(!owner.connection.wants_output());
    owner.connection.outgoing().advance(9);
    owner.connection.written();
    assert!(owner.connection.wants_output());
}

/// What follows begins with the header block then, and until it leaves a failure is a 500.
#[test]
fn an_empty_head_is_no_head() {
    let output = respond(|mut request| {
        request.head(HEAD.into(), BodyLength::Unknown);
        request.head(BytesMut::new(), BodyLength::Unknown);
        request.flush();
        stdout(&mut request, b"");
        request.flush();
        assert!(matches!(request.fail(0), Ending::Replaced(_)));
    });
    assert!(output.windows(11).any(|it| it == b"Status: 500"));
    let output = respond(|mut request| {
        request.head(BytesMut::new(), BodyLength::Exactly(2));
        let surplus = request.stdout(Bytes::from_static(b"hello"));
        assert_eq!(surplus, Ok(3));
    });
    assert_eq!(output, record(6, 1, b"he"));
}
