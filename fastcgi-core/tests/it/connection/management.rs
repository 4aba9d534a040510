//! Management records: what the application says of itself (4).

use fastcgi_core::{Config, ConnectionError, Life, Limits};

use crate::support::{BEGIN, COMPLETE, PARAMS_END, STDIN_END, complete, record, watch, wire};

fn values(query: &[u8]) -> Vec<u8> {
    let config = Config::default()
        .limits(Limits::default().max_reqs(7))
        .max_conns(100);
    let seen = complete(&config, &record(9, 0, query));
    assert_eq!((seen.events, seen.error), (Vec::new(), None));
    assert_eq!(seen.life, Life::Open);
    seen.output
}

#[test]
fn values_are_answered_before_any_request() {
    // 4.1: nothing in the record behind it, and no padding; a peer waits for more bytes here.
    assert_eq!(
        values(b"\x0e\x00FCGI_MAX_CONNS\x0d\x00FCGI_MAX_REQS\x0f\x00FCGI_MPXS_CONNS"),
        b"\x01\x0a\x00\x00\x00\x35\x00\x00\
          \x0e\x03FCGI_MAX_CONNS100\x0d\x01FCGI_MAX_REQS7\x0f\x01FCGI_MPXS_CONNS1"
    );
}

#[test]
fn by_default_one_request_at_a_time_is_advertised() {
    let query = b"\x0d\x00FCGI_MAX_REQS\x0f\x00FCGI_MPXS_CONNS";
    assert_eq!(
        complete(&Config::default(), &record(9, 0, query)).output,
        b"\x01\x0a\x00\x00\x00\x22\x00\x00\x0d\x01FCGI_MAX_REQS1\x0f\x01FCGI_MPXS_CONNS0"
    );
}

#[test]
fn only_the_values_asked_for_are_answered() {
    assert_eq!(
        values(b"\x0f\x00FCGI_MPXS_CONNS"),
        b"\x01\x0a\x00\x00\x00\x12\x00\x00\x0f\x01FCGI_MPXS_CONNS1"
    );
}

#[test]
fn an_empty_query_has_an_empty_answer() {
    assert_eq!(values(b""), b"\x01\x0a\x00\x00\x00\x00\x00\x00");
}

#[test]
fn unknown_values_are_left_out() {
    assert_eq!(
        values(b"\x04\x00FCGI\x0d\x00FCGI_MAX_REQS\x0e\x00fcgi_max_conns"),
        b"\x01\x0a\x00\x00\x00\x10\x00\x00\x0d\x01FCGI_MAX_REQS7"
    );
}

#[test]
fn a_repeated_value_is_answered_once() {
    // libfcgi writes over its stack from 30 repetitions on, fastcgi++ answers without end.
    assert_eq!(
        values(&b"\x0d\x00FCGI_MAX_REQS".repeat(30)),
        b"\x01\x0a\x00\x00\x00\x10\x00\x00\x0d\x01FCGI_MAX_REQS7"
    );
}

#[test]
fn the_values_of_a_query_mean_nothing() {
    assert_eq!(
        values(b"\x0d\x02FCGI_MAX_REQS99"),
        b"\x01\x0a\x00\x00\x00\x10\x00\x00\x0d\x01FCGI_MAX_REQS7"
    );
}

#[test]
fn values_are_answered_within_a_request() {
    let input = wire(&[
        BEGIN,
        &record(9, 0, b""),
        PARAMS_END,
        &record(9, 0, b""),
        STDIN_END,
    ]);
    let seen = complete(&Config::default(), &input);
    assert_eq!(seen.events, ["request 1 RESPONDER keep", "stdin end 1"]);
    let answer = b"\x01\x0a\x00\x00\x00\x00\x00\x00";
    assert_eq!(seen.output, wire(&[answer, answer, COMPLETE]));
}

#[test]
fn a_broken_query_is_an_error() {
    let seen = watch(&record(9, 0, b"\x0e\x00FCGI"));
    assert!(matches!(
        seen.error,
        Some(ConnectionError::InvalidParams(_))
    ));
    assert!(seen.output.is_empty());
}

#[test]
fn unknown_types_are_named_in_the_answer() {
    // 4.2: the type, and seven reserved bytes; its own request id is 0. One of the peers answers with another id,
    // one dies of types from 11 on, Go answers nothing.
    for number in [0, 10, 11, 12, 0x7f, 0x80, 0xff] {
        let seen = watch(&record(number, 0, b"whatever"));
        assert_eq!(
            seen.output,
            [1, 11, 0, 0, 0, 8, 0, 0, number, 0, 0, 0, 0, 0, 0, 0],
            "type {number}"
        );
        assert_eq!((seen.events, seen.error), (Vec::new(), None));
    }
}

#[test]
fn management_records_with_an_id_are_ignored() {
    for number in [0, 9, 10, 11, 12, 0xff] {
        let seen = watch(&wire(&[
            BEGIN,
            PARAMS_END,
            &record(number, 1, b"x"),
            STDIN_END,
        ]));
        assert_eq!(seen.events, ["request 1 RESPONDER keep", "stdin end 1"]);
        assert_eq!(
            (seen.error, seen.output),
            (None, Vec::new()),
            "type {number}"
        );
    }
}
