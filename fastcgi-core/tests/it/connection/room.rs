//! Connections that are closed because others need their place.

use std::time::Duration;

use bytes::BytesMut;
use fastcgi_core::{Config, Connection, Life};

use super::{get, request};
use crate::{
    owner::Owner,
    support::{BEGIN, COMPLETE, begin, params, record, wire},
};

const S: Duration = Duration::from_secs(1);
const FRESH: Duration = Duration::from_millis(250);

/// A connection whose first request is over, and all of it written.
fn kept() -> Owner {
    let mut owner = Owner::connected(Config::default(), &get(1));
    owner.request(1).expect("in progress").end(0);
    assert_eq!(owner.write(), COMPLETE);
    owner
}

#[test]
fn a_connection_is_idle_since_its_last_response_was_written() {
    let mut owner = Owner::connected(Config::default(), &get(1));
    owner.pass(S);
    assert_eq!(owner.connection.idle_since(), None, "a request in progress");
    owner.request(1).expect("in progress").end(0);
    assert_eq!(owner.connection.idle_since(), None, "a response to write");
    owner.pass(S);
    owner.write();
    let since = owner.now;
    owner.pass(10 * S);
    assert_eq!(owner.connection.idle_since(), Some(since));
    owner.connection.make_room();
    assert_eq!(owner.connection.life(), Life::Closed);
    assert_eq!(owner.connection.error(), None);
}

#[test]
fn a_first_request_has_250_ms() {
    let mut owner = Owner::new(Config::default());
    assert_eq!(
        owner.connection.idle_since(),
        None,
        "nobody has asked for a deadline"
    );
    owner.feed(b"");
    let opened = owner.now;
    assert_eq!(owner.connection.idle_since(), Some(opened + FRESH));
    owner.pass(S);
    // Params that do not come to their end are no request.
    owner.feed(&begin(1, 1, 1));
    assert_eq!(owner.connection.idle_since(), Some(opened + FRESH));
    owner.connection.make_room();
    assert_eq!(owner.connection.life(), Life::Closed);
    assert!(owner.events().is_empty());
}

#[test]
fn a_request_that_is_beginning_on_a_kept_connection_is_in_progress() {
    for bytes in [&begin(1, 1, 1)[..1], &begin(1, 1, 1)] {
        let mut owner = kept();
        owner.pass(S);
        owner.feed(bytes);
        assert_eq!(owner.connection.idle_since(), None);
        owner.connection.make_room();
        assert_eq!(owner.connection.life(), Life::Open);
    }
}

#[test]
fn a_body_that_does_not_come_is_a_request_in_progress() {
    let mut owner = Owner::connected(Config::default(), &request(1, &[("CONTENT_LENGTH", "1")]));
    owner.pass(100 * S);
    assert_eq!(owner.connection.idle_since(), None);
}

#[test]
fn a_request_makes_a_connection_idle_anew() {
    let mut owner = kept();
    let first = owner.connection.idle_since();
    owner.pass(S);
    owner.feed(&wire(&[
        &begin(1, 1, 1),
        &params(1, &[("CONTENT_LENGTH", "0")]),
    ]));
    owner.request(1).expect("in progress").end(0);
    owner.write();
    assert_eq!(owner.connection.idle_since(), first.map(|it| it + S));
}

#[test]
fn a_connection_that_ends_makes_no_room() {
    let mut owner = kept();
    owner.connection.end_of_file();
    assert_eq!(owner.connection.idle_since(), None);
}

/// nginx without request buffering, whose client has not sent the first of a body without a length.
#[test]
fn a_first_request_whose_params_are_here_is_in_progress() {
    let mut owner = Owner::connected(
        Config::default(),
        &request(1, &[("REQUEST_METHOD", "POST")]),
    );
    owner.pass(S);
    assert_eq!(owner.connection.idle_since(), None);
    owner.connection.make_room();
    assert_eq!(owner.connection.life(), Life::Open);
}

/// B-18: the rest of its params waits until memory is lent, and its place is wanted.
#[test]
fn a_first_request_that_is_not_read_has_250_ms() {
    let mut owner = Owner::new(Config::default());
    owner.connection.set_input_budget(Connection::OWNED_INPUT);
    let mut input = BytesMut::from(&wire(&[BEGIN, &record(4, 1, &[0; 30 * 1024])])[..]);
    assert_eq!(owner.connection.next_event(&mut input), None);
    owner.connection.set_kept(0);
    assert!(!owner.connection.wants_input());
    owner.connection.deadline(owner.now);
    assert_eq!(owner.connection.idle_since(), Some(owner.now + FRESH));
}
