//! Whether the socket is to be read (B-7, B-8, B-12, R-13).

use std::time::Duration;

use bytes::{Buf, Bytes};
use fastcgi_core::{Config, Limits};

use super::{get, request};
use crate::{
    owner::Owner,
    support::{BEGIN, begin, multiplexing, params, record, wire},
};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// How long nothing may be read before the web server is taken for one that first writes everything.
const STALL: Duration = Duration::from_millis(50);
/// How long the socket is not read before somebody looks whether the web server has left.
const LOOK: Duration = Duration::from_secs(1);

/// A request whose body is missing.
fn post(id: u16) -> Vec<u8> {
    request(id, &[("CONTENT_LENGTH", "99999999")])
}

fn owner(input: &[u8]) -> Owner {
    Owner::connected(multiplexing(), input)
}

impl Owner {
    fn hold(&mut self, id: u16, bytes: usize) {
        let key = self.key(id).expect("a request");
        self.connection.set_held(key, bytes);
    }

    fn wants_input(&self) -> bool {
        self.connection.wants_input()
    }

    /// Makes so many bytes wait to be written, as the response of `id`.
    fn fill(&mut self, id: u16, bytes: usize) {
        let start = self.connection.outgoing().remaining();
        let mut request = self.request(id).expect("in progress");
        let record = 8 + 992;
        for _ in 0..bytes / record {
            assert_eq!(request.stdout(Bytes::from_static(&[b'x'; 992])), Ok(0));
        }
        let rest = bytes % record;
        assert!(rest == 0 || rest > 8, "a record with something in it");
        if rest > 0 {
            assert_eq!(request.stdout(vec![b'x'; rest - 8].into()), Ok(0));
        }
        assert_eq!(self.connection.outgoing().remaining() - start, bytes);
    }
}

// B-7

#[test]
fn a_body_is_read_until_64_kib_wait() {
    let mut owner = owner(&post(1));
    assert!(owner.wants_input());
    owner.hold(1, 64 * KIB - 1);
    assert!(owner.wants_input());
    owner.hold(1, 64 * KIB);
    assert!(!owner.wants_input());
    owner.hold(1, 64 * KIB - 1);
    assert!(owner.wants_input());
}

#[test]
fn a_full_window_alone_is_no_stall() {
    // Nothing waits to be written: the web server is not the one who is waiting.
    let mut owner = owner(&post(1));
    owner.hold(1, 64 * KIB);
    assert_eq!(owner.deadline(), Some(LOOK));
    owner.pass(Duration::from_secs(3600));
    assert!(!owner.wants_input());
}

#[test]
fn what_is_held_of_a_request_goes_with_it() {
    let mut owner = owner(&post(1));
    owner.hold(1, 64 * KIB);
    assert!(!owner.wants_input());
    owner.request(1).expect("in progress").end(0);
    assert!(owner.wants_input(), "the rest of the body is discarded");
}

// B-8

#[test]
fn a_web_server_that_does_not_read_is_read_after_50_ms() {
    let mut owner = owner(&post(1));
    owner.fill(1, 100);
    owner.hold(1, 64 * KIB);
    assert!(!owner.wants_input());
    assert_eq!(owner.deadline(), Some(STALL));
    owner.pass(Duration::from_millis(49));
    assert!(!owner.wants_input());
    owner.pass(Duration::from_millis(1));
    assert!(owner.wants_input());
    owner.hold(1, 16 * MIB - 1);
    assert!(owner.wants_input());
    owner.hold(1, 16 * MIB);
    assert!(!owner.wants_input());
    // That is the end of it: 60 s without reading.
    assert_eq!(owner.deadline(), Some(LOOK));
    owner.pass(Duration::from_secs(60) - STALL - Duration::from_millis(1));
    assert_eq!(owner.connection.error(), None);
    owner.pass(Duration::from_millis(1));
    assert!(owner.connection.error().is_some());
}

#[test]
fn a_web_server_that_reads_is_not_stalled() {
    let mut owner = owner(&post(1));
    owner.fill(1, 100);
    owner.hold(1, 64 * KIB);
    owner.pass(Duration::from_millis(49));
    owner.connection.outgoing().advance(1);
    owner.connection.written();
    assert_eq!(owner.deadline(), Some(STALL), "the time starts anew");
    owner.pass(STALL);
    assert!(owner.wants_input());
    owner.connection.outgoing().advance(1);
    owner.connection.written();
    assert!(!owner.wants_input(), "it has read");
    owner.write();
    assert!(!owner.wants_input());
    assert_eq!(owner.deadline(), Some(LOOK));
}

#[test]
fn a_request_that_is_answered_does_not_stall_either() {
    // The response is complete, and so the body is held by nobody.
    let mut owner = owner(&post(1));
    owner.fill(1, 200 * KIB);
    owner.hold(1, MIB);
    owner.request(1).expect("in progress").end(0);
    assert!(owner.wants_input());
}

// B-12

#[test]
fn beside_another_request_16_mib_may_wait() {
    let mut owner = owner(&wire(&[&post(1), &get(2)]));
    owner.hold(1, 64 * KIB);
    assert!(owner.wants_input());
    owner.hold(1, 16 * MIB - 1);
    assert!(owner.wants_input());
    owner.hold(2, 1);
    assert!(!owner.wants_input(), "the sum counts");
    owner.hold(2, 0);
    owner.request(2).expect("in progress").end(0);
    assert!(!owner.wants_input(), "it is alone now");
}

#[test]
fn a_request_that_is_beginning_is_a_neighbour() {
    let mut owner = owner(&wire(&[&post(1), &begin(2, 1, 1)]));
    owner.hold(1, 64 * KIB);
    assert!(owner.wants_input());
}

#[test]
fn any_count_of_what_is_held_is_taken() {
    let mut owner = owner(&wire(&[&post(1), &post(2)]));
    owner.hold(1, usize::MAX);
    owner.hold(2, usize::MAX);
    assert!(!owner.wants_input());
}

//

#[test]
fn with_128_kib_unwritten_no_further_request_is_read() {
    let mut owner = owner(&get(1));
    owner.fill(1, 128 * KIB - 24);
    owner.request(1).expect("in progress").end(0);
    assert!(!owner.wants_input());
    owner.connection.outgoing().advance(1);
    owner.connection.written();
    assert!(owner.wants_input());
}

#[test]
fn the_params_of_one_that_has_begun_are_read() {
    let mut owner = owner(&get(1));
    owner.fill(1, 128 * KIB);
    owner.feed(&begin(2, 1, 1));
    owner.request(1).expect("in progress").end(0);
    assert_eq!(owner.connection.requests_in_progress(), 1);
    assert!(owner.wants_input());
}

#[test]
fn what_may_be_an_abort_is_read() {
    let mut owner = owner(&get(1));
    owner.fill(1, 256 * KIB);
    assert!(owner.wants_input());
}

#[test]
fn sixteen_requests_are_enough() {
    let requests: Vec<u8> = (1..=15).flat_map(get).collect();
    let mut owner = owner(&requests);
    owner.fill(1, 128 * KIB);
    assert!(owner.wants_input());
    owner.feed(&get(16));
    assert!(!owner.wants_input());
    owner.request(16).expect("in progress").end(0);
    assert!(owner.wants_input());
}

#[test]
fn the_rest_of_a_body_is_read_all_the_same() {
    // B-8: or a web server that writes all before it reads would wait for ever.
    let requests: Vec<u8> = (1..=15).flat_map(get).collect();
    let mut owner = owner(&wire(&[
        &requests,
        &request(16, &[("CONTENT_LENGTH", "1")]),
    ]));
    owner.fill(1, 256 * KIB);
    assert!(owner.wants_input());
    owner.feed(&record(5, 16, b"x"));
    assert!(!owner.wants_input(), "it is complete");
}

#[test]
fn the_rest_of_a_body_is_read_after_its_request_has_ended() {
    let mut owner = owner(&post(1));
    owner.fill(1, 256 * KIB);
    owner.request(1).expect("in progress").end(0);
    assert!(owner.wants_input());
    // The next request is a sign that all of it has come.
    owner.feed(&get(1));
    owner.request(1).expect("in progress").end(0);
    assert!(!owner.wants_input());
}

#[test]
fn a_web_server_that_has_enough_is_given_up_after_60_s() {
    let mut owner = owner(&get(1));
    owner.fill(1, 128 * KIB);
    owner.request(1).expect("in progress").end(0);
    owner.pass(Duration::from_secs(59));
    assert!(!owner.wants_input(), "no stall changes that");
    assert!(owner.connection.error().is_none());
    owner.pass(Duration::from_secs(1));
    assert!(owner.connection.error().is_some());
}

// The end of a connection

#[test]
fn the_last_request_is_held_back_like_any_other() {
    let input = wire(&[
        &begin(1, 1, 0),
        &params(1, &[("CONTENT_LENGTH", "99999999")]),
    ]);
    let mut owner = owner(&input);
    owner.hold(1, 64 * KIB);
    assert!(!owner.wants_input());
    owner.fill(1, 100);
    owner.pass(STALL);
    assert!(owner.wants_input());
}

#[test]
fn nothing_is_read_behind_the_end_of_file_or_an_error() {
    let mut at_eof = Owner::connected(Config::default(), &get(1));
    at_eof.connection.end_of_file();
    assert!(!at_eof.wants_input());
    let mut failed = owner(&get(1));
    failed.fill(1, 100);
    failed.feed(&[0; 8]);
    assert!(!failed.wants_input());
    // Nobody waits for the web server to read so that it can write.
    assert_eq!(failed.deadline(), Some(Duration::from_secs(60)));
}

// The limits

#[test]
fn the_window_and_the_spill_can_be_set() {
    let config = |window, spill| {
        Config::default().limits(
            Limits::default()
                .max_reqs(64)
                .body_window(window)
                .max_spill(spill),
        )
    };
    let wants = |config: Config, held, is_stalled| {
        let mut owner = Owner::connected(config, &post(1));
        owner.fill(1, 100);
        owner.hold(1, held);
        if is_stalled {
            owner.pass(STALL);
        }
        owner.wants_input()
    };
    assert!(wants(config(10, 20), 9, false));
    assert!(!wants(config(10, 20), 10, false));
    assert!(wants(config(10, 20), 19, true));
    assert!(!wants(config(10, 20), 20, true));
    // With no room at all, nothing would ever be read.
    assert!(wants(config(0, 0), 0, false));
    assert!(!wants(config(0, 0), 1, false));
    assert!(!wants(config(0, 0), 1, true));
}

#[test]
fn a_connection_without_requests_is_read() {
    assert!(owner(b"").wants_input());
    assert!(owner(BEGIN).wants_input());
    let mut owner = owner(&get(1));
    owner.request(1).expect("in progress").end(0);
    assert!(owner.wants_input());
    owner.write();
    assert!(owner.wants_input());
}
