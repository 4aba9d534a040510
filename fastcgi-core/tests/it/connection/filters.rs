//! Filters: a body, and a file (6.4).

use std::time::Duration;

use fastcgi_core::{Config, Event, Life};

use crate::{
    owner::Owner,
    support::{Outcome, STDIN_END, begin, params, record, serve, wire},
};

const DATA_END: &[u8] = b"\x01\x08\x00\x01\x00\x00\x00\x00";

fn filter(pairs: &[(&str, &str)], streams: &[&[u8]]) -> Vec<u8> {
    wire(&[&begin(1, 3, 1), &params(1, pairs), &wire(streams)])
}

fn seen(input: &[u8]) -> Outcome {
    let seen = serve(&Config::default().filter(true), input, |_, _| {});
    assert_eq!(seen.error, None);
    seen
}

/// The events, without the params of the request.
fn events(pairs: &[(&str, &str)], streams: &[&[u8]]) -> Vec<String> {
    let mut events = seen(&filter(pairs, streams)).events;
    for line in &mut events {
        if line.starts_with("request 1 FILTER keep") {
            line.truncate("request".len());
        }
    }
    events
}

#[test]
fn a_filter_gets_data() {
    // Appendix B has no Filter; 6.4: STDIN first, then DATA.
    let streams = [STDIN_END, &record(8, 1, b"the file"), DATA_END];
    assert_eq!(
        seen(&filter(&[], &streams)).events,
        [
            "request 1 FILTER keep",
            "stdin end 1",
            "data 1: the file",
            "data end 1"
        ]
    );
}

#[test]
fn a_file_of_announced_length_ends_with_its_last_byte() {
    let lengths = [("CONTENT_LENGTH", "2"), ("FCGI_DATA_LENGTH", "8")];
    let streams = [&record(5, 1, b"hi")[..], &record(8, 1, b"the file")];
    let complete = [
        "request",
        "stdin 1: hi",
        "stdin end 1",
        "data 1: the file",
        "data end 1",
    ];
    assert_eq!(events(&lengths, &streams), complete);
    let ends = [streams[0], STDIN_END, streams[1], DATA_END, DATA_END];
    assert_eq!(events(&lengths, &ends), complete, "each end comes once");
}

#[test]
fn a_file_that_is_shorter_than_announced_is_incomplete() {
    let lengths = [("CONTENT_LENGTH", "0"), ("FCGI_DATA_LENGTH", "8")];
    assert_eq!(
        events(&lengths, &[&record(8, 1, b"the"), DATA_END]),
        [
            "request",
            "stdin end 1",
            "data 1: the",
            "data end 1 incomplete"
        ]
    );
    assert_eq!(
        events(&lengths, &[DATA_END]),
        ["request", "stdin end 1", "data end 1 incomplete"]
    );
}

#[test]
fn a_file_of_no_bytes_is_complete_at_once() {
    let lengths = [("CONTENT_LENGTH", "0"), ("FCGI_DATA_LENGTH", "0")];
    assert_eq!(
        events(&lengths, &[]),
        ["request", "stdin end 1", "data end 1"]
    );
    assert_eq!(
        events(&lengths, &[DATA_END]),
        ["request", "stdin end 1", "data end 1"]
    );
}

#[test]
fn surplus_of_the_file_is_discarded() {
    let lengths = [("CONTENT_LENGTH", "0"), ("FCGI_DATA_LENGTH", "3")];
    assert_eq!(
        events(&lengths, &[&record(8, 1, b"the file"), DATA_END]),
        [
            "request",
            "stdin end 1",
            "data 1: the",
            "data end 1",
            "surplus 1"
        ]
    );
}

// DATA in front of STDIN is against 6.4, and still no event names a request that is not known.

#[test]
fn a_file_in_front_of_the_body_hands_the_request_out() {
    assert_eq!(
        events(&[], &[&record(8, 1, b"file"), DATA_END, STDIN_END]),
        ["request", "data 1: file", "data end 1", "stdin end 1"]
    );
    // Also with a length that ends with the first record, or before it.
    assert_eq!(
        events(
            &[("FCGI_DATA_LENGTH", "4")],
            &[&record(8, 1, b"file"), STDIN_END]
        ),
        ["request", "data 1: file", "data end 1", "stdin end 1"]
    );
    assert_eq!(
        events(
            &[("FCGI_DATA_LENGTH", "3")],
            &[&record(8, 1, b"file"), STDIN_END]
        ),
        [
            "request",
            "data 1: fil",
            "data end 1",
            "surplus 1",
            "stdin end 1"
        ]
    );
}

#[test]
fn the_end_of_the_file_in_front_of_the_body_waits_for_the_request() {
    assert!(events(&[], &[DATA_END]).is_empty());
    assert_eq!(
        events(&[], &[DATA_END, STDIN_END]),
        ["request", "stdin end 1", "data end 1"]
    );
    assert_eq!(
        events(&[("FCGI_DATA_LENGTH", "4")], &[DATA_END, STDIN_END]),
        ["request", "stdin end 1", "data end 1 incomplete"]
    );
    assert_eq!(
        events(&[("FCGI_DATA_LENGTH", "0")], &[DATA_END, STDIN_END]),
        ["request", "stdin end 1", "data end 1"]
    );
    assert_eq!(
        events(&[], &[DATA_END, &record(5, 1, b"body"), STDIN_END]),
        ["request", "data end 1", "stdin 1: body", "stdin end 1"]
    );
}

#[test]
fn a_file_that_ended_early_keeps_its_announced_length() {
    let mut owner = Owner::new(Config::default().filter(true));
    let input = filter(&[("FCGI_DATA_LENGTH", "4")], &[DATA_END, STDIN_END]);
    let mut input = bytes::BytesMut::from(&input[..]);
    let Some(Event::Request(request)) = owner.connection.next_event(&mut input) else {
        panic!("a request");
    };
    assert_eq!((request.length, request.data_length), (Some(0), Some(4)));
}

#[test]
fn both_streams_of_a_filter_that_does_not_come_fail() {
    let config = Config::default().filter(true);
    let mut owner = Owner::connected(config, &filter(&[], &[]));
    assert_eq!(
        owner.pass(Duration::from_secs(30)),
        [
            "request 1 FILTER keep",
            "stdin end 1 incomplete",
            "data end 1 incomplete"
        ]
    );
}

#[test]
fn a_file_whose_end_came_is_not_incomplete_when_the_body_fails() {
    let config = Config::default().filter(true);
    let mut owner = Owner::connected(config, &filter(&[], &[DATA_END]));
    assert_eq!(
        owner.pass(Duration::from_secs(30)),
        [
            "request 1 FILTER keep",
            "stdin end 1 incomplete",
            "data end 1"
        ]
    );
}

#[test]
fn a_filter_has_ended_when_both_streams_have() {
    // B-14: nothing more is awaited then, and the connection is closed at once.
    let input = |streams: &[&[u8]]| wire(&[&begin(1, 3, 0), &params(1, &[]), &wire(streams)]);
    let after = |streams: &[&[u8]]| {
        let mut owner = Owner::connected(Config::default().filter(true), &input(streams));
        owner.request(1).expect("in progress").end(0);
        owner.write();
        owner.connection.write_side_closed(0);
        (owner.connection.life(), owner.deadline())
    };
    assert_eq!(after(&[STDIN_END, DATA_END]), (Life::Closed, None));
    assert_eq!(
        after(&[STDIN_END]),
        (Life::Draining, Some(Duration::from_secs(30)))
    );
}
