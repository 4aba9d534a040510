//! A peer that has left: ABORT_REQUEST, the end of file, and a lost connection (B-11).

use bytes::Bytes;
use fastcgi_core::{Config, Life, cgi::BodyLength};

use super::get;
use crate::{
    owner::Owner,
    support::{
        ABORT, BEGIN, BEGIN_CLOSE, END_1, PARAMS_END, STDIN_END, complete, end, multiplexing,
        params, record, watch, wire,
    },
};

/// Core ends the request now, with an `app_status` of 1; its owner did, with what it wanted.
#[test]
fn an_abort_is_reported_and_the_request_still_ends() {
    // A peer sends no END_REQUEST then, and a web server that keeps the connection waits for it.
    let input = wire(&[BEGIN, &params(1, &[("CONTENT_LENGTH", "5")]), ABORT]);
    let seen = complete(&Config::default(), &input);
    assert_eq!(
        seen.events,
        ["request 1 RESPONDER keep CONTENT_LENGTH=5", "aborted 1"]
    );
    assert_eq!(seen.output, END_1);
    assert_eq!((seen.in_progress, seen.life), (0, Life::Open));
}

#[test]
fn a_request_that_nobody_knows_of_is_not_reported_when_it_is_aborted() {
    // B-5: it waits for the first of a body of unknown length.
    let seen = watch(&wire(&[BEGIN, PARAMS_END, ABORT]));
    assert!(seen.events.is_empty());
    assert_eq!((seen.output, seen.in_progress), (END_1.to_vec(), 0));
}

#[test]
fn what_was_held_of_an_aborted_response_is_forgotten() {
    let mut owner = Owner::connected(Config::default(), &get(1));
    let mut request = owner.request(1).expect("in progress");
    request.head(b"Status: 200 OK\r\n\r\n"[..].into(), BodyLength::Unknown);
    request.stderr(Bytes::from_static(b"held with the head"));
    assert_eq!(owner.feed(ABORT), ["aborted 1"]);
    assert!(owner.request(1).is_none());
    assert_eq!(owner.write(), END_1);
}

#[test]
fn streams_that_were_used_are_ended_with_an_aborted_request() {
    let mut owner = Owner::connected(Config::default(), &get(1));
    let mut request = owner.request(1).expect("in progress");
    assert_eq!(request.stdout(Bytes::from_static(b"half")), Ok(0));
    request.stderr(Bytes::from_static(b"oh"));
    owner.feed(ABORT);
    assert_eq!(
        owner.write(),
        b"\x01\x06\x00\x01\x00\x04\x00\x00half\x01\x07\x00\x01\x00\x02\x00\x00oh\
          \x01\x06\x00\x01\x00\x00\x00\x00\x01\x07\x00\x01\x00\x00\x00\x00\
          \x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00"
    );
}

#[test]
fn an_abort_during_stdin_is_reported() {
    let input = wire(&[BEGIN, PARAMS_END, &record(5, 1, b"some"), ABORT]);
    assert_eq!(
        watch(&input).events,
        ["request 1 RESPONDER keep", "stdin 1: some", "aborted 1"]
    );
}

#[test]
fn an_abort_during_params_is_answered_once() {
    for params in [&b""[..], b"\x01\x04\x00\x01\x00\x03\x00\x00\x01\x01A"] {
        let seen = watch(&wire(&[BEGIN, params, ABORT, ABORT, PARAMS_END, STDIN_END]));
        assert_eq!((seen.events, seen.error), (Vec::new(), None));
        assert_eq!(seen.output, END_1);
        assert_eq!((seen.in_progress, seen.life), (0, Life::Open));
    }
}

#[test]
fn an_abort_during_the_params_of_the_last_request_finishes() {
    let seen = watch(&wire(&[BEGIN_CLOSE, ABORT]));
    assert_eq!(seen.output, END_1);
    assert_eq!(seen.life, Life::Draining);
}

#[test]
fn an_abort_does_not_reach_the_neighbours() {
    let begin = b"\x01\x01\x00\x02\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00";
    let input = wire(&[begin, &record(4, 2, b""), BEGIN, ABORT, &record(5, 2, b"")]);
    let seen = complete(&multiplexing(), &input);
    assert_eq!(seen.events, ["request 2 RESPONDER keep", "stdin end 2"]);
    assert_eq!(seen.output, wire(&[END_1, &end(2, 0, 0)]));
}

#[test]
fn the_end_of_file_aborts_every_request() {
    // No web server closes only its side.
    let post = super::request(2, &[("CONTENT_LENGTH", "5")]);
    let params = wire(&[BEGIN, b"\x01\x04\x00\x01\x00\x03\x00\x00\x01\x01A"]);
    let mut owner = Owner::connected(multiplexing(), &wire(&[&get(3), &post, &params]));
    owner.connection.end_of_file();
    assert_eq!(owner.events(), ["aborted 3", "aborted 2"]);
    assert_eq!(owner.connection.requests_in_progress(), 0);
    assert!(owner.request(2).is_none() && owner.request(3).is_none());
    assert_eq!(owner.write(), b"", "nobody is there to read");
    assert_eq!(owner.connection.life(), Life::Closed);
    assert_eq!(owner.connection.error(), None, "it is no error");
}

#[test]
fn the_end_of_file_aborts_requests_that_are_whole_as_well() {
    let mut owner = Owner::connected(Config::default(), &wire(&[&get(1), STDIN_END]));
    owner.connection.end_of_file();
    assert_eq!(owner.events(), ["aborted 1"]);
    assert_eq!(owner.connection.life(), Life::Closed);
}

#[test]
fn what_was_answered_before_the_end_of_file_is_still_written() {
    let mut owner = Owner::connected(Config::default(), &get(1));
    owner.request(1).expect("in progress").end(0);
    owner.connection.end_of_file();
    assert_eq!(owner.connection.life(), Life::LastRequests);
    assert_eq!(owner.write(), end(1, 0, 0));
    assert_eq!(owner.connection.life(), Life::Closed);
}

#[test]
fn a_lost_connection_aborts_every_request_and_is_closed() {
    let mut owner = Owner::connected(multiplexing(), &wire(&[&get(1), &get(2)]));
    let mut request = owner.request(1).expect("in progress");
    assert_eq!(request.stdout(Bytes::from_static(b"unwritten")), Ok(0));
    owner.connection.lost();
    assert_eq!(owner.connection.life(), Life::Closed);
    assert_eq!(owner.events(), ["aborted 1", "aborted 2"]);
    assert_eq!(owner.connection.error(), None);
    assert_eq!(owner.deadline(), None, "nothing is awaited any more");
    assert!(!owner.connection.wants_input());
}

#[test]
fn what_arrives_of_a_lost_connection_is_discarded() {
    let mut owner = Owner::new(Config::default());
    owner.connection.lost();
    assert!(owner.feed(&get(1)).is_empty());
    assert_eq!(owner.write(), b"");
}
