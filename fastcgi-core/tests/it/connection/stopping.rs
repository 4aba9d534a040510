//! A stop that loses no request: B-19.

use std::time::Duration;

use fastcgi_core::{Config, Life};

use super::get;
use crate::{
    owner::Owner,
    support::{COMPLETE, begin, multiplexing, params, record, wire},
};

/// The empty management record behind the last END_REQUEST: FCGI_GET_VALUES_RESULT, no request, no content.
const MARKER: &[u8] = &[1, 10, 0, 0, 0, 0, 0, 0];

/// How long a connection is kept for its next request.
const NEXT: Duration = Duration::from_millis(1500);

fn get_from(software: &str, flags: u8) -> Vec<u8> {
    let pairs = [("CONTENT_LENGTH", "0"), ("SERVER_SOFTWARE", software)];
    wire(&[&begin(1, 1, flags), &params(1, &pairs), &record(5, 1, b"")])
}

/// What is written for the last request of a connection.
fn last_answer(request: &[u8]) -> Vec<u8> {
    let mut owner = Owner::connected(Config::default(), request);
    owner.connection.shutdown();
    owner.request(1).expect("in progress").end(0);
    let written = owner.write();
    assert_ne!(owner.connection.life(), Life::Open);
    assert_ne!(owner.connection.life(), Life::NextIsLast);
    written
}

/// nginx keeps a connection only if END_REQUEST ends what it has read.
#[test]
fn the_last_answer_to_nginx_ends_with_an_empty_management_record() {
    for software in ["nginx/1.22.1", "nginx"] {
        let written = last_answer(&get_from(software, 1));
        assert_eq!(written, wire(&[COMPLETE, MARKER]), "{software}");
    }
}

#[test]
fn nobody_else_is_sent_that_record() {
    for software in [
        "Apache/2.4.57",
        "HAProxy",
        "Angie/1.5.0",
        "h2o/2.2.5",
        "my-nginx",
        "",
    ] {
        let written = last_answer(&get_from(software, 1));
        assert_eq!(written, COMPLETE, "{software}");
    }
    // Without KEEP_CONN nginx closes the connection anyway, so that the record is not sent.
    assert_eq!(last_answer(&get_from("nginx/1.22.1", 0)), COMPLETE);
}

#[test]
fn a_request_before_the_stop_is_answered_as_ever() {
    let mut owner = Owner::connected(Config::default(), &get_from("nginx/1.22.1", 1));
    owner.request(1).expect("in progress").end(0);
    owner.connection.shutdown();
    assert_eq!(owner.write(), COMPLETE);
    assert_eq!(owner.connection.life(), Life::NextIsLast);
}

/// The web server may be sending its next one.
#[test]
fn a_connection_that_had_a_request_within_a_second_is_kept_for_its_next() {
    let mut owner = Owner::connected(Config::default(), &get_from("nginx/1.22.1", 1));
    owner.request(1).expect("in progress").end(0);
    assert_eq!(owner.write(), COMPLETE);
    owner.pass(Duration::from_millis(999));
    owner.connection.shutdown();
    assert_eq!(owner.connection.life(), Life::NextIsLast);
    // A second shutdown does not extend the time.
    owner.pass(Duration::from_millis(500));
    owner.connection.shutdown();
    assert_eq!(owner.deadline(), Some(NEXT - Duration::from_millis(500)));
    assert_eq!(owner.feed(&get_from("nginx/1.22.1", 1)).len(), 2);
    assert_eq!(owner.connection.life(), Life::LastRequests);
    owner.request(1).expect("in progress").end(0);
    assert_eq!(owner.write(), wire(&[COMPLETE, MARKER]));
    assert_eq!(owner.connection.life(), Life::Draining);
}

#[test]
fn it_is_kept_for_one_and_a_half_seconds() {
    let mut owner = Owner::connected(Config::default(), &get(1));
    owner.request(1).expect("in progress").end(0);
    owner.write();
    owner.connection.shutdown();
    owner.pass(NEXT - Duration::from_millis(1));
    assert_eq!(owner.connection.life(), Life::NextIsLast);
    owner.pass(Duration::from_millis(1));
    assert_eq!(owner.connection.life(), Life::Draining);
    assert_eq!(owner.connection.error(), None);
}

#[test]
fn a_request_that_is_beginning_then_has_its_whole_time() {
    let mut owner = Owner::connected(Config::default(), &get(1));
    owner.request(1).expect("in progress").end(0);
    owner.write();
    owner.connection.shutdown();
    let next = get(1);
    let (front, back) = next.split_at(20);
    owner.feed(front);
    owner.pass(Duration::from_secs(10));
    assert_eq!(owner.connection.life(), Life::LastRequests);
    assert_eq!(owner.feed(back).len(), 2);
}

#[test]
fn a_connection_without_a_request_for_a_second_is_closed_at_once() {
    let mut owner = Owner::connected(Config::default(), &get(1));
    owner.request(1).expect("in progress").end(0);
    owner.write();
    assert_eq!(owner.pass(Duration::from_secs(1)), ["quiet"]);
    owner.connection.shutdown();
    assert_eq!(owner.connection.life(), Life::Draining);
}

/// HAProxy may send several on it, of which only the first would be served.
#[test]
fn a_connection_that_takes_several_requests_at_a_time_is_closed_at_once() {
    let mut owner = Owner::connected(multiplexing(), &get(1));
    owner.request(1).expect("in progress").end(0);
    owner.write();
    owner.connection.shutdown();
    assert_eq!(owner.connection.life(), Life::Draining);
}

/// Of several requests at a time it is behind the last one.
#[test]
fn the_record_follows_the_last_of_several_requests() {
    let mut owner = Owner::connected(multiplexing(), &get_from("nginx/1.22.1", 1));
    let pairs = [("CONTENT_LENGTH", "0"), ("SERVER_SOFTWARE", "nginx/1.22.1")];
    owner.feed(&wire(&[&begin(2, 1, 1), &params(2, &pairs)]));
    owner.connection.shutdown();
    owner.request(1).expect("in progress").end(0);
    assert_eq!(owner.write(), COMPLETE);
    owner.request(2).expect("in progress").end(0);
    assert!(owner.write().ends_with(MARKER));
}
