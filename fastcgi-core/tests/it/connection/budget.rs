//! What a connection asks for when it is not enough what it may use.

use std::time::Duration;

use bytes::Buf;
use fastcgi_core::{Config, Connection, Limits};

use super::{get, request};
use crate::{
    owner::Owner,
    support::{BEGIN, record, wire},
};

const KIB: usize = 1024;

/// A connection that owns what is usual, on which `input` has arrived.
fn owner(input: &[u8]) -> Owner {
    let mut owner = Owner::new(Config::default());
    let connection = &mut owner.connection;
    connection.set_input_budget(Connection::OWNED_INPUT);
    connection.set_output_budget(Connection::OWNED_OUTPUT);
    owner.feed(input);
    owner.connection.set_kept(0);
    owner
}

#[test]
fn a_connection_without_a_budget_asks_for_nothing() {
    let mut owner = Owner::connected(Config::default(), &request(1, &[("CONTENT_LENGTH", "9")]));
    owner.connection.set_kept(usize::MAX / 2);
    assert!(owner.connection.wants_input());
    assert_eq!(owner.connection.wanted_input_budget(), None);
}

#[test]
fn what_the_owner_keeps_counts() {
    let mut owner = owner(&request(1, &[("CONTENT_LENGTH", "9")]));
    assert!(owner.connection.wants_input());
    assert_eq!(owner.connection.wanted_input_budget(), None);
    let room = owner.connection.input_room();
    assert!(room < Connection::OWNED_INPUT, "the params count");
    owner.connection.set_kept(room - 4 * KIB);
    assert!(owner.connection.wants_input(), "there is room for a read");
    owner.connection.set_kept(room - 4 * KIB + 1);
    assert!(!owner.connection.wants_input());
    let wanted = owner.connection.wanted_input_budget();
    assert_eq!(wanted, Some(Connection::OWNED_INPUT + 1));
    owner
        .connection
        .set_input_budget(Connection::OWNED_INPUT + 1);
    assert!(owner.connection.wants_input());
    assert_eq!(owner.connection.wanted_input_budget(), None);
}

#[test]
fn params_that_arrive_count() {
    let begun = wire(&[
        BEGIN,
        &record(4, 1, &[0; 20 * KIB]),
        &record(4, 1, &[0; 4 * KIB]),
    ]);
    let owner = owner(&begun);
    // They were joined in a block that may be larger.
    let room = owner.connection.input_room();
    assert!(room <= 8 * KIB, "{room} bytes");
}

#[test]
fn nothing_is_asked_for_while_something_else_keeps_the_socket_from_being_read() {
    let mut owner = owner(&request(1, &[("CONTENT_LENGTH", "99999999")]));
    let key = owner.key(1).expect("a request");
    owner.connection.set_held(key, 64 * KIB);
    owner.connection.set_kept(64 * KIB);
    assert!(!owner.connection.wants_input(), "the window is full");
    assert_eq!(owner.connection.wanted_input_budget(), None);
    // B-8: a web server that does not read may have to write first.
    let mut response = owner.request(1).expect("in progress");
    response.stdout("x".into()).expect("a responder");
    owner.connection.deadline(owner.now);
    owner.pass(Duration::from_millis(50));
    assert!(!owner.connection.wants_input());
    assert!(owner.connection.wanted_input_budget().is_some());
}

#[test]
fn less_may_wait_to_be_written_without_a_loan() {
    let mut owner = owner(&get(1));
    let mut response = owner.request(1).expect("in progress");
    response
        .stdout(vec![0; 8 * KIB - 8].into())
        .expect("a responder");
    assert!(!owner.connection.wants_output());
    owner.connection.set_output_budget(usize::MAX);
    assert!(owner.connection.wants_output());
    let mut response = owner.request(1).expect("in progress");
    response
        .stdout(vec![0; 248 * KIB - 32].into())
        .expect("a responder");
    assert!(!owner.connection.wants_output(), "256 KiB is the most");
}

#[test]
fn who_waits_for_others_has_its_time_to_read_once_more() {
    let mut owner = owner(&get(1));
    let mut response = owner.request(1).expect("in progress");
    response.stdout("x".into()).expect("a responder");
    owner.connection.deadline(owner.now);
    owner.pass(Duration::from_secs(59));
    owner.connection.others_go_on();
    owner.connection.deadline(owner.now);
    owner.pass(Duration::from_secs(59));
    assert_eq!(owner.connection.error(), None);
    owner.pass(Duration::from_secs(1));
    assert!(owner.connection.error().is_some());
    assert!(owner.connection.outgoing().has_remaining());
}

#[test]
fn the_most_that_is_asked_for_follows_from_the_limits() {
    let limits = |spill| Limits::default().max_spill(spill);
    let most = |spill| Connection::new(Config::default().limits(limits(spill))).max_input_budget();
    assert!(most(16 << 20) >= 16 << 20);
    assert!(most(0) >= Connection::min_input_budget(&Config::default().limits(limits(0))));
}
