//! Draining → Closed: our side is closed, and what still arrives is read (B-9, B-14).

use std::time::Duration;

use fastcgi_core::{Config, Life};

use super::request;
use crate::{
    owner::Owner,
    support::{STDIN_END, begin, end, multiplexing, params, record, wire},
};

/// A connection whose only request was answered, with our side closed.
fn drained(pairs: &[(&str, &str)], stdin: &[u8]) -> Owner {
    let input = wire(&[&begin(1, 1, 0), &params(1, pairs), stdin]);
    let mut owner = Owner::connected(Config::default(), &input);
    owner.request(1).expect("in progress").end(0);
    assert_eq!(owner.write(), end(1, 0, 0));
    assert_eq!(owner.connection.life(), Life::Draining);
    owner.connection.write_side_closed(0);
    owner
}

#[test]
fn nothing_is_awaited_when_all_has_come() {
    let owner = drained(&[], STDIN_END);
    assert_eq!(owner.connection.life(), Life::Closed);
}

#[test]
fn the_end_of_a_stream_is_awaited_for_2_s() {
    let mut owner = drained(&[("CONTENT_LENGTH", "0")], b"");
    assert_eq!(owner.connection.life(), Life::Draining);
    assert_eq!(owner.deadline(), Some(Duration::from_secs(2)));
    owner.pass(Duration::from_secs(2));
    assert_eq!(owner.connection.life(), Life::Closed);
    assert_eq!(owner.connection.error(), None, "it is no error");
}

#[test]
fn the_rest_of_a_body_is_awaited_for_30_s() {
    let mut owner = drained(&[("CONTENT_LENGTH", "5")], b"");
    assert_eq!(owner.deadline(), Some(Duration::from_secs(30)));
    owner.pass(Duration::from_secs(29));
    assert!(owner.connection.wants_input());
    assert!(owner.feed(&record(5, 1, b"hello")).is_empty());
    assert_eq!(
        owner.deadline(),
        Some(Duration::from_secs(1)),
        "what is read does not prolong it"
    );
    owner.pass(Duration::from_secs(1));
    assert_eq!(owner.connection.life(), Life::Closed);
}

#[test]
fn the_end_of_file_ends_it() {
    let mut owner = drained(&[("CONTENT_LENGTH", "5")], b"");
    owner.connection.end_of_file();
    assert_eq!(owner.connection.life(), Life::Closed);
}

#[test]
fn a_reset_ends_it() {
    // How Caddy ends every connection.
    let mut owner = drained(&[("CONTENT_LENGTH", "5")], b"");
    owner.connection.lost();
    assert_eq!(owner.connection.life(), Life::Closed);
    assert_eq!(owner.connection.error(), None);
}

#[test]
fn at_most_100_mib_are_discarded() {
    let mut owner = drained(&[("CONTENT_LENGTH", "5")], b"");
    let mib = vec![0; 1024 * 1024];
    for _ in 0..100 {
        assert!(owner.feed(&mib).is_empty());
    }
    assert_eq!(owner.connection.life(), Life::Draining);
    owner.feed(b"x");
    assert_eq!(owner.connection.life(), Life::Closed);
}

#[test]
fn what_was_not_handed_over_keeps_it_open() {
    let input = wire(&[&begin(1, 1, 0), &params(1, &[]), STDIN_END]);
    let mut owner = Owner::connected(Config::default(), &input);
    owner.request(1).expect("in progress").end(0);
    owner.write();
    owner.connection.write_side_closed(1);
    assert_eq!(owner.connection.life(), Life::Draining);
    assert_eq!(owner.deadline(), Some(Duration::from_secs(2)));
}

/// It may be sending one at any time, and a reset would overtake what it has not read.
#[test]
fn the_end_of_a_web_server_that_multiplexes_is_awaited_for_2_s() {
    for config in [multiplexing(), Config::default()] {
        let mut owner = Owner::connected(config, &wire(&[&request(1, &[]), &request(2, &[])]));
        owner.feed(&wire(&[STDIN_END, &record(5, 2, b"")]));
        for id in [1, 2] {
            owner.request(id).map(|request| request.end(0));
        }
        // Of an earlier time, and of this connection.
        owner.feed(&wire(&[
            &begin(3, 1, 0),
            &params(3, &[]),
            &record(5, 3, b""),
        ]));
        owner.request(3).expect("in progress").end(0);
        owner.write();
        owner.connection.write_side_closed(0);
        assert_eq!(owner.connection.life(), Life::Draining);
        assert_eq!(owner.deadline(), Some(Duration::from_secs(2)));
        owner.pass(Duration::from_secs(2));
        assert_eq!(owner.connection.life(), Life::Closed);
    }
}

#[test]
fn a_request_that_was_refused_to_a_multiplexer_is_awaited_for_30_s() {
    let mut owner = Owner::connected(
        Config::default(),
        &wire(&[&begin(1, 1, 0), &params(1, &[]), STDIN_END, &begin(2, 1, 1)]),
    );
    owner.request(1).expect("in progress").end(0);
    owner.write();
    owner.connection.write_side_closed(0);
    assert_eq!(owner.connection.life(), Life::Draining);
    assert_eq!(owner.deadline(), Some(Duration::from_secs(30)));
}

/// It was refused when it began, and all of it has come since.
#[test]
fn a_request_that_was_refused_and_has_come_is_awaited_for_2_s() {
    let first = wire(&[&begin(1, 1, 1), &params(1, &[])]);
    let mut owner = Owner::connected(Config::default(), &first);
    let pairs = [("CONTENT_LENGTH", "5")];
    owner.feed(&wire(&[&begin(2, 1, 1), &params(2, &pairs)]));
    owner.feed(&wire(&[&record(5, 2, b"hello"), &record(5, 2, b"")]));
    owner.feed(STDIN_END);
    owner.connection.shutdown();
    owner.request(1).expect("in progress").end(0);
    owner.write();
    assert_eq!(owner.connection.life(), Life::Draining);
    owner.connection.write_side_closed(0);
    assert_eq!(owner.deadline(), Some(Duration::from_secs(2)));
}

#[test]
fn of_many_requests_that_were_refused_one_may_still_come() {
    let first = wire(&[&begin(1, 1, 1), &params(1, &[]), STDIN_END]);
    let mut owner = Owner::connected(Config::default(), &first);
    for id in 2..=40 {
        owner.feed(&begin(id, 1, 1));
        owner.write();
    }
    for id in 2..=39 {
        owner.feed(&record(5, id, b""));
    }
    owner.connection.shutdown();
    owner.request(1).expect("in progress").end(0);
    owner.write();
    owner.connection.write_side_closed(0);
    assert_eq!(owner.deadline(), Some(Duration::from_secs(30)));
}

#[test]
fn the_rest_of_a_record_is_awaited_for_2_s() {
    // Its content has come, and its padding has not.
    let stdin_end = b"\x01\x05\x00\x01\x00\x00\x08\x00";
    let mut owner = drained(&[], stdin_end);
    assert_eq!(owner.connection.life(), Life::Draining);
    owner.connection.write_side_closed(usize::MAX);
    assert_eq!(owner.connection.life(), Life::Draining);
}

#[test]
fn surplus_may_be_followed_by_more() {
    let pairs = [("CONTENT_LENGTH", "1")];
    let mut owner = drained(&pairs, &record(5, 1, b"xy"));
    assert_eq!(owner.deadline(), Some(Duration::from_secs(30)));
}

#[test]
fn a_body_that_was_ended_early_is_the_one_that_counts() {
    // Of two requests, one has all, and the other not.
    let input = wire(&[
        &request(2, &[("CONTENT_LENGTH", "5")]),
        &begin(1, 1, 0),
        &params(1, &[]),
        STDIN_END,
    ]);
    let mut owner = Owner::connected(multiplexing(), &input);
    owner.request(2).expect("in progress").end(0);
    owner.request(1).expect("in progress").end(0);
    owner.write();
    assert_eq!(owner.deadline(), Some(Duration::from_secs(30)));
}

#[test]
fn a_body_of_an_earlier_request_does_not_count() {
    // The web server has sent all of it, or it would not begin another.
    let input = request(2, &[("CONTENT_LENGTH", "5")]);
    let mut owner = Owner::connected(Config::default(), &input);
    owner.request(2).expect("in progress").end(0);
    owner.feed(&wire(&[&begin(1, 1, 0), &params(1, &[]), STDIN_END]));
    owner.request(1).expect("in progress").end(0);
    owner.write();
    owner.connection.write_side_closed(0);
    assert_eq!(owner.connection.life(), Life::Closed);
}

#[test]
fn what_arrives_before_all_is_written_counts_too() {
    // The last request has ended, and its web server does not read.
    let input = wire(&[&begin(1, 1, 0), &params(1, &[("CONTENT_LENGTH", "5")])]);
    let mut owner = Owner::connected(Config::default(), &input);
    owner.request(1).expect("in progress").end(0);
    assert!(owner.connection.wants_input());
    let mib = vec![0; 1024 * 1024];
    for _ in 0..101 {
        assert!(owner.feed(&mib).is_empty());
    }
    assert_eq!(owner.connection.life(), Life::LastRequests);
    owner.write();
    assert_eq!(owner.connection.life(), Life::Draining);
    owner.feed(b"x");
    assert_eq!(owner.connection.life(), Life::Closed);
}
