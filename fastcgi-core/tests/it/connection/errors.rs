//! Web servers that break the protocol (B-13).

use std::error::Error as _;

use bytes::{Bytes, BytesMut};
use fastcgi_core::{
    Awaited, Config, Connection, ConnectionError, Life, Limits, record::RecordType,
};

use super::get;
use crate::{
    owner::Owner,
    support::{BEGIN, COMPLETE, PARAMS_END, STDIN_END, complete, record, watch, wire},
};

/// A failure is no `Err` of each call now: `error` and `life` report it, and nothing changes them.
#[test]
fn an_error_is_returned_again() {
    let mut owner = Owner::new(Config::default());
    assert!(owner.feed(b"\x02\x01\x00\x01\x00\x08\x00\x00").is_empty());
    let error = owner.connection.error().cloned();
    assert!(matches!(
        error,
        Some(ConnectionError::UnsupportedVersion(_))
    ));
    assert_eq!(owner.connection.life(), Life::Closed);
    assert!(!owner.connection.wants_input());
    assert!(owner.feed(&get(1)).is_empty());
    owner.connection.shutdown();
    owner.connection.end_of_file();
    assert_eq!(owner.connection.error().cloned(), error);
    assert_eq!(owner.connection.life(), Life::Closed);
}

#[test]
fn what_was_said_before_an_error_is_kept() {
    let input = wire(&[BEGIN, PARAMS_END, STDIN_END, b"GET / HTTP/1.1"]);
    let seen = complete(&Config::default(), &input);
    assert_eq!(seen.events, ["request 1 RESPONDER keep", "stdin end 1"]);
    assert!(matches!(
        seen.error,
        Some(ConnectionError::UnsupportedVersion(_))
    ));
    assert_eq!(seen.output, COMPLETE);
    assert_eq!(seen.life, Life::Closed);
}

#[test]
fn what_waits_to_be_written_at_an_error_is_written() {
    let mut owner = Owner::connected(Config::default(), &get(1));
    owner.request(1).expect("in progress").end(0);
    owner.feed(&[0; 8]);
    assert!(owner.connection.error().is_some());
    assert_eq!(owner.connection.life(), Life::LastRequests);
    assert!(!owner.connection.wants_input());
    assert_eq!(owner.write(), COMPLETE);
    assert_eq!(owner.connection.life(), Life::Closed, "nothing is drained");
}

/// The driver dropped the requests of a connection that failed; core aborts them now. It could end them before.
#[test]
fn an_error_aborts_the_requests_in_progress() {
    let mut owner = Owner::connected(Config::default(), &get(1));
    let mut request = owner.request(1).expect("in progress");
    assert_eq!(request.stdout(Bytes::from_static(b"half")), Ok(0));
    assert_eq!(owner.feed(&wire(&[BEGIN, &[0; 8]])), ["aborted 1"]);
    assert!(owner.request(1).is_none());
    assert_eq!(owner.connection.requests_in_progress(), 0);
    assert_eq!(owner.write(), record(6, 1, b"half"), "and no END_REQUEST");
}

#[test]
fn a_connection_that_is_lost_cannot_fail() {
    let config = Config::default().limits(Limits::default().max_ignored(0));
    let mut connection = Connection::new(config);
    // The last announced byte, and one too many.
    let post = super::request(1, &[("CONTENT_LENGTH", "1")]);
    let mut input = BytesMut::from(&wire(&[&post, &record(5, 1, b"xy")])[..]);
    for _ in 0..2 {
        assert!(connection.next_event(&mut input).is_some());
    }
    connection.lost();
    while connection.next_event(&mut input).is_some() {}
    assert_eq!(
        (connection.life(), connection.error()),
        (Life::Closed, None)
    );
}

#[test]
fn begin_request_of_another_length_is_an_error() {
    // Two peers panic or die of a short one.
    for length in [0, 1, 7, 9, 300] {
        let seen = watch(&record(1, 1, &vec![0; length]));
        let error = ConnectionError::InvalidLength(RecordType::BEGIN_REQUEST, length);
        assert_eq!(seen.error, Some(error));
    }
}

#[test]
fn records_out_of_order_are_errors() {
    let before = |record: &[u8]| wire(&[BEGIN, record, PARAMS_END]);
    let after = |record: &[u8]| wire(&[BEGIN, PARAMS_END, record]);
    for (number, input) in [
        // The streams of a request whose params have not ended.
        (5, before(&record(5, 1, b"x"))),
        (5, before(STDIN_END)),
        (8, before(&record(8, 1, b"x"))),
        (8, before(&record(8, 1, b""))),
        // Params behind their end; a second end kills the peer's connection without a word.
        (4, after(&record(4, 1, b"\x01\x01A1"))),
        (4, after(PARAMS_END)),
        // What only applications send.
        (3, before(&record(3, 1, &[0; 8]))),
        (6, after(&record(6, 1, b"x"))),
        (7, after(&record(7, 1, b""))),
    ] {
        let error = ConnectionError::UnexpectedRecord(RecordType::from(number));
        assert_eq!(watch(&input).error, Some(error));
    }
}

#[test]
fn messages_say_what_was_found() {
    let message = |config: Config, input: &[u8]| {
        let mut owner = Owner::new(config);
        owner.feed(input);
        owner.connection.error().expect("an error").to_string()
    };
    let default = |input: &[u8]| message(Config::default(), input);
    assert_eq!(default(b"SSH-2.0-"), "unsupported protocol version");
    assert_eq!(default(b"GET / HT"), "HTTP was spoken, and not FastCGI");
    assert_eq!(
        default(&record(1, 1, b"")),
        "BEGIN_REQUEST record with a content of 0 bytes"
    );
    assert_eq!(
        default(&wire(&[BEGIN, BEGIN])),
        "BEGIN_REQUEST for request 1, which is in progress"
    );
    assert_eq!(
        default(&record(5, 0, b"")),
        "STDIN record without a request id"
    );
    assert_eq!(
        default(&wire(&[BEGIN, STDIN_END])),
        "unexpected STDIN record"
    );
    assert_eq!(
        default(&STDIN_END.repeat(1001)),
        "too many records that carry nothing"
    );
    let none = Config::default().limits(Limits::default().max_ignored(0));
    assert_eq!(
        message(none, &record(5, 1, b"x")),
        "too much data that belongs to no request"
    );
    assert_eq!(default(&record(9, 0, b"\x01")), "invalid name-value pairs");
    let others = [
        (
            ConnectionError::TimedOut(Awaited::Params),
            "timed out: the params of a request did not arrive",
        ),
        (
            ConnectionError::TimedOut(Awaited::Write),
            "timed out: the web server does not read",
        ),
        (
            ConnectionError::Truncated,
            "the response could not be finished",
        ),
    ];
    for (error, message) in others {
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn sources_say_why() {
    let error = |input: &[u8]| watch(input).error.expect("an error");
    let source = |input: &[u8]| error(input).source().map(ToString::to_string);
    assert_eq!(
        source(b"SSH-2.0-").as_deref(),
        Some("record of version 83, wanted 1")
    );
    assert_eq!(
        source(&record(9, 0, b"\x01")).as_deref(),
        Some("a name-value pair is longer than the block that holds it")
    );
    assert_eq!(source(&wire(&[BEGIN, BEGIN])), None);
}
