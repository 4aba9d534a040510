//! Whether the web server has left, while the socket is not read: B-11.

use std::time::Duration;

use fastcgi_core::{Config, Life, Limits};

use super::request;
use crate::{
    owner::Owner,
    support::{record, wire},
};

const S: Duration = Duration::from_secs(1);

/// A request whose body waits to be read, as much of it as is taken.
fn held_back(limits: Limits) -> Owner {
    let head = request(1, &[("CONTENT_LENGTH", "1000000")]);
    let mut owner = Owner::connected(Config::default().limits(limits), &head);
    owner.feed(&record(5, 1, &[b'x'; 100]));
    hold(&mut owner, 100);
    owner
}

fn hold(owner: &mut Owner, bytes: usize) {
    let key = owner.key(1).expect("in progress");
    owner.connection.set_held(key, bytes);
    owner.deadline();
}

fn small() -> Limits {
    Limits::default().body_window(100).max_spill(1000)
}

#[test]
fn after_a_second_without_reading_the_owner_is_to_look() {
    let mut owner = held_back(small());
    assert!(!owner.connection.wants_input());
    assert!(owner.pass(S - Duration::from_millis(1)).is_empty());
    assert_eq!(owner.pass(Duration::from_millis(1)), ["HeldBack"]);
    // And again, as long as it is so.
    assert_eq!(owner.pass(2 * S), ["HeldBack", "HeldBack"]);
    hold(&mut owner, 99);
    assert!(owner.pass(10 * S).is_empty());
}

#[test]
fn who_sees_that_the_web_server_has_left_says_so() {
    let mut owner = held_back(small());
    owner.pass(S);
    owner.connection.lost();
    assert_eq!(owner.events(), ["aborted 1"]);
    assert_eq!(owner.connection.life(), Life::Closed);
}

#[test]
fn who_cannot_know_reads_on_up_to_max_spill() {
    let mut owner = held_back(small());
    owner.pass(S);
    owner.connection.read_on();
    assert!(owner.connection.wants_input());
    hold(&mut owner, 999);
    assert!(owner.connection.wants_input());
    hold(&mut owner, 1000);
    assert!(!owner.connection.wants_input());
    // It is asked again: the socket may know more by now.
    assert_eq!(owner.pass(S), ["HeldBack"]);
    hold(&mut owner, 500);
    assert!(owner.connection.wants_input());
}

/// What is held then was read on, and what comes after it is held back for a second again.
#[test]
fn reading_on_is_over_when_the_application_has_caught_up() {
    let mut owner = held_back(small());
    owner.pass(S);
    owner.connection.read_on();
    hold(&mut owner, 500);
    hold(&mut owner, 99);
    hold(&mut owner, 100);
    assert!(!owner.connection.wants_input());
    assert_eq!(owner.pass(S), ["HeldBack"]);
}

#[test]
fn reading_on_changes_nothing_while_the_socket_is_read() {
    let mut owner = held_back(small());
    hold(&mut owner, 0);
    owner.connection.read_on();
    hold(&mut owner, 100);
    assert!(!owner.connection.wants_input());
}

#[test]
fn without_a_request_nobody_looks() {
    let mut owner = held_back(small());
    owner.feed(&wire(&[&record(2, 1, b"")]));
    assert!(!owner.pass(10 * S).contains(&"HeldBack".to_owned()));
}

/// The next request has a window again, and a second.
#[test]
fn reading_on_is_over_with_its_request() {
    let mut owner = held_back(small());
    owner.pass(S);
    owner.connection.read_on();
    hold(&mut owner, 500);
    owner.feed(&record(2, 1, b""));
    owner.write();
    owner.feed(&request(2, &[("CONTENT_LENGTH", "1000000")]));
    owner.feed(&record(5, 2, &[b'x'; 100]));
    let key = owner.key(2).expect("in progress");
    owner.connection.set_held(key, 100);
    assert!(!owner.connection.wants_input());
}
