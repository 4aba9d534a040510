//! The machine of `connection/input.rs`: where a body ends (B-1 to B-6).

use std::time::Duration;

use fastcgi_core::Config;

use super::request;
use crate::{
    owner::Owner,
    support::{BEGIN, PARAMS_END, STDIN_END, params, record, watch, wire},
};

fn post(length: &str) -> Vec<u8> {
    request(1, &[("CONTENT_LENGTH", length)])
}

/// mod_fcgid sends its `SERVER_SOFTWARE`, and a file that is not a `proxy:`.
fn mod_fcgid(length: &str) -> Vec<u8> {
    request(
        1,
        &[
            ("SERVER_SOFTWARE", "Apache/2.4.66 (Unix)"),
            ("SCRIPT_FILENAME", "/srv/app.fcgi"),
            ("CONTENT_LENGTH", length),
        ],
    )
}

/// The events behind that of the request.
fn events(front: &[u8], stdin: &[&[u8]]) -> Vec<String> {
    let seen = watch(&wire(&[front, &wire(stdin)]));
    assert_eq!(seen.error, None);
    seen.events.get(1..).unwrap_or_default().to_vec()
}

// Params → Open

#[test]
fn an_announced_body_hands_the_request_out_with_its_params() {
    assert_eq!(
        watch(&post("5")).events,
        ["request 1 RESPONDER keep CONTENT_LENGTH=5"]
    );
}

#[test]
fn a_body_of_unknown_length_hands_the_request_out_with_its_first_record() {
    let front = wire(&[BEGIN, PARAMS_END]);
    assert!(watch(&front).events.is_empty());
    let with_data = watch(&wire(&[&front, &record(5, 1, b"x")]));
    assert_eq!(with_data.events, ["request 1 RESPONDER keep", "stdin 1: x"]);
    let with_end = watch(&wire(&[&front, STDIN_END]));
    assert_eq!(with_end.events, ["request 1 RESPONDER keep", "stdin end 1"]);
}

// Params → Full

#[test]
fn an_announced_body_of_nothing_is_complete_at_once() {
    assert_eq!(events(&post("0"), &[]), ["stdin end 1"]);
    assert_eq!(events(&post("0"), &[STDIN_END]), ["stdin end 1"]);
}

// Open → Open → Full → Ended

#[test]
fn the_last_announced_byte_is_the_end() {
    let five = record(5, 1, b"hello");
    assert_eq!(
        events(&post("5"), &[&record(5, 1, b"hell")]),
        ["stdin 1: hell"]
    );
    assert_eq!(
        events(&post("5"), &[&five]),
        ["stdin 1: hello", "stdin end 1"]
    );
    assert_eq!(
        events(&post("5"), &[&five, STDIN_END]),
        ["stdin 1: hello", "stdin end 1"],
        "the end is reported once"
    );
    assert_eq!(
        events(&post("5"), &[&five, STDIN_END, STDIN_END]),
        ["stdin 1: hello", "stdin end 1"]
    );
}

// Open → Ended

#[test]
fn the_first_end_of_a_body_of_unknown_length_is_its_end() {
    let front = wire(&[BEGIN, PARAMS_END]);
    assert_eq!(
        events(&front, &[&record(5, 1, b"some"), STDIN_END, STDIN_END]),
        ["stdin 1: some", "stdin end 1"]
    );
}

#[test]
fn an_end_before_the_announced_length_is_a_short_body_at_once() {
    // nginx's auth_request sends the client's CONTENT_LENGTH and an empty STDIN.
    assert_eq!(
        events(&post("13"), &[STDIN_END]),
        ["stdin end 1 incomplete"]
    );
    assert_eq!(
        events(&post("13"), &[&record(5, 1, b"hello"), STDIN_END]),
        ["stdin 1: hello", "stdin end 1 incomplete"]
    );
    // mod_proxy_fcgi is Apache, too, and does not send one by mistake.
    let mod_proxy_fcgi = request(
        1,
        &[
            ("SERVER_SOFTWARE", "Apache/2.4.66 (Unix)"),
            ("SCRIPT_FILENAME", "proxy:fcgi://localhost:9000/app"),
            ("CONTENT_LENGTH", "13"),
        ],
    );
    assert_eq!(
        events(&mod_proxy_fcgi, &[STDIN_END]),
        ["stdin end 1 incomplete"]
    );
}

#[test]
fn what_follows_a_short_body_is_no_part_of_it() {
    assert_eq!(
        events(&post("13"), &[STDIN_END, &record(5, 1, b"hello, world!")]),
        ["stdin end 1 incomplete", "surplus 1"]
    );
}

// Open ⇄ Suspended

/// Core decides now what an early end means; it was reported each time, and data followed.
#[test]
fn an_early_end_of_stdin_is_reported_and_data_may_follow() {
    // B-1: recorded of mod_fcgid, with HTTP/2 and no Content-Length.
    let stdin = [STDIN_END, &record(5, 1, b"hello, world!"), STDIN_END];
    assert_eq!(
        events(&mod_fcgid("13"), &stdin),
        ["stdin 1: hello, world!", "stdin end 1"],
        "the early end is not one"
    );
}

#[test]
fn a_body_may_be_suspended_more_than_once() {
    let (hello, world) = (record(5, 1, b"hello, "), record(5, 1, b"world!"));
    assert_eq!(
        events(
            &mod_fcgid("13"),
            &[&hello, STDIN_END, STDIN_END, &world, STDIN_END]
        ),
        ["stdin 1: hello, world!", "stdin end 1"]
    );
}

#[test]
fn a_body_of_unknown_length_is_not_suspended() {
    let front = wire(&[
        BEGIN,
        &params(1, &[("SERVER_SOFTWARE", "Apache"), ("CONTENT_LENGTH", "")]),
    ]);
    assert_eq!(events(&front, &[STDIN_END]), ["stdin end 1"]);
}

// Suspended → Failed

#[test]
fn the_time_of_a_suspended_body_begins_with_the_first_deadline() {
    let mut owner = Owner::connected(Config::default(), &mod_fcgid("13"));
    assert_eq!(owner.connection.next_event(&mut STDIN_END.into()), None);
    owner.now += Duration::from_secs(5);
    assert_eq!(owner.deadline(), Some(Duration::from_secs(10)));
    owner.now += Duration::from_secs(5);
    assert_eq!(owner.deadline(), Some(Duration::from_secs(5)));
}

#[test]
fn a_suspended_body_fails_after_10_s() {
    let mut owner = Owner::connected(
        Config::default(),
        &wire(&[&mod_fcgid("13"), &record(5, 1, b"hello"), STDIN_END]),
    );
    assert_eq!(owner.deadline(), Some(Duration::from_secs(10)));
    assert_eq!(owner.pass(Duration::from_millis(9_999)), [""; 0]);
    assert_eq!(
        owner.pass(Duration::from_millis(1)),
        ["stdin end 1 incomplete"]
    );
    assert_eq!(
        owner.feed(&record(5, 1, b", world!")),
        ["surplus 1"],
        "nothing more is taken"
    );
    assert_eq!(owner.feed(STDIN_END), [""; 0]);
    assert!(owner.request(1).is_some(), "the application still answers");
}

#[test]
fn data_ends_the_suspension() {
    let mut owner = Owner::connected(Config::default(), &wire(&[&mod_fcgid("13"), STDIN_END]));
    owner.pass(Duration::from_secs(6));
    assert_eq!(owner.feed(&record(5, 1, b"hello")), ["stdin 1: hello"]);
    assert_eq!(owner.deadline(), None, "data may take its time");
    // The time counts from the latest early end.
    assert_eq!(owner.feed(STDIN_END), [""; 0]);
    assert_eq!(owner.deadline(), Some(Duration::from_secs(10)));
}

// Open → Failed

#[test]
fn an_aborted_body_has_no_end() {
    let seen = watch(&wire(&[
        &post("13"),
        &record(5, 1, b"hello"),
        crate::support::ABORT,
        &record(5, 1, b", world!"),
        STDIN_END,
    ]));
    assert_eq!(
        seen.events.get(1..).unwrap(),
        ["stdin 1: hello", "aborted 1"]
    );
}

// B-3

#[test]
fn surplus_is_discarded_and_reported_once() {
    let rest = record(5, 1, b" and more");
    let events = events(
        &post("5"),
        &[&record(5, 1, b"hello, world!"), &rest, &rest, STDIN_END],
    );
    assert_eq!(events, ["stdin 1: hello", "stdin end 1", "surplus 1"]);
}

#[test]
fn surplus_of_an_empty_body_is_discarded() {
    assert_eq!(
        events(&post("0"), &[&record(5, 1, b"hello")]),
        ["stdin end 1", "surplus 1"]
    );
}

#[test]
fn surplus_counts_as_what_is_ignored() {
    let config = Config::default().limits(fastcgi_core::Limits::default().max_ignored(4));
    let error = |stdin: &[u8]| {
        let input = wire(&[&post("5"), &record(5, 1, stdin)]);
        crate::support::serve(&config, &input, |_, _| {}).error
    };
    assert_eq!(error(b"hello1234"), None);
    assert_eq!(
        error(b"hello12345"),
        Some(fastcgi_core::ConnectionError::TooMuchIgnored)
    );
}

#[test]
fn an_announced_length_of_64_bits_is_no_reason_to_overflow() {
    let front = post("18446744073709551615");
    assert_eq!(
        events(&front, &[&record(5, 1, b"hello")]),
        ["stdin 1: hello"]
    );
    assert_eq!(events(&front, &[STDIN_END]), ["stdin end 1 incomplete"]);
}

#[test]
fn data_for_a_responder_is_ignored() {
    // B-13
    let front = wire(&[BEGIN, PARAMS_END, STDIN_END]);
    let seen = watch(&wire(&[
        &front,
        &record(8, 1, b"a file"),
        &record(8, 1, b""),
    ]));
    assert_eq!(seen.error, None);
    assert_eq!(seen.events, ["request 1 RESPONDER keep", "stdin end 1"]);
}
