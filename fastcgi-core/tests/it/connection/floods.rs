//! Web servers that send what is of no use, or ask and do not read (B-15).

use std::time::Duration;

use bytes::Buf;
use fastcgi_core::{Awaited, Config, ConnectionError, Limits};

use super::request;
use crate::{
    owner::Owner,
    support::{
        ABORT, BEGIN, BEGIN_CLOSE, PARAMS_END, STDIN_END, begin, complete, multiplexing, params,
        record, wire,
    },
};

/// Without the splits: 8 KiB of tiny records are cut enough.
fn flood(front: &[u8], record: &[u8], count: usize) -> Option<ConnectionError> {
    let input = wire(&[front, &record.repeat(count)]);
    let pieces: Vec<_> = input.chunks(1000).collect();
    Owner::new(Config::default())
        .drive(&pieces, |_, _| {})
        .error
}

fn is_stopped_after_1000(front: &[u8], record: &[u8]) {
    assert_eq!(flood(front, record, 1000), None);
    let error = Some(ConnectionError::TooManyEmptyRecords);
    assert_eq!(flood(front, record, 1001), error);
}

#[test]
fn ends_of_stdin_are_no_progress() {
    is_stopped_after_1000(&wire(&[BEGIN, PARAMS_END]), STDIN_END);
}

#[test]
fn ends_of_data_are_no_progress() {
    is_stopped_after_1000(&wire(&[BEGIN, PARAMS_END]), &record(8, 1, b""));
}

#[test]
fn empty_records_of_unknown_requests_are_no_progress() {
    is_stopped_after_1000(b"", STDIN_END);
    is_stopped_after_1000(b"", &record(200, 9, b""));
}

/// Whether a web server that reads all answers may send `record` as often as it likes.
fn is_answered_for_ever(front: &[u8], record: &[u8]) {
    let mut owner = Owner::connected(Config::default(), front);
    for _ in 0..2000 {
        let seen = owner.drive(&[record], |_, _| {});
        assert_eq!(seen.error, None);
        assert!(!seen.output.is_empty());
    }
}

#[test]
fn questions_whose_answers_are_read_are_not_limited() {
    is_answered_for_ever(b"", &record(9, 0, b""));
    is_answered_for_ever(b"", &record(9, 0, b"\x0d\x00FCGI_MAX_REQS"));
    is_answered_for_ever(b"", &record(200, 0, b"x"));
}

/// How much waits to be written at most of answers that nobody reads.
const MAX_OWED: usize = 16 * 1024;

/// A web server that sends `record` again and again has to read the answers: until it does, no further record is taken,
/// and all of them are taken then.
fn waits_until_answers_are_read(limits: Limits, front: &[u8], record: &[u8]) {
    let config = Config::default().limits(limits);
    let mut owner = Owner::connected(config, front);
    owner.feed(&record.repeat(3000));
    let most = MAX_OWED + 300;
    let unwritten = owner.connection.outgoing().remaining();
    assert!((MAX_OWED..most).contains(&unwritten), "{unwritten} bytes");
    assert!(!owner.connection.wants_input());
    let mut rounds = 0;
    while !owner.connection.wants_input() {
        assert!(owner.write().len() < most);
        owner.events();
        rounds += 1;
        assert!(rounds < 100, "no end");
    }
    assert_eq!(owner.connection.error(), None);
}

#[test]
fn answers_that_nobody_reads_are_limited() {
    let default = Limits::default;
    waits_until_answers_are_read(default(), b"", &record(9, 0, b""));
    waits_until_answers_are_read(default(), b"", &record(200, 0, b"x"));
    let third = begin(3, 1, 1);
    waits_until_answers_are_read(default(), BEGIN, &third);
    let two = wire(&[BEGIN, &begin(2, 1, 1)]);
    waits_until_answers_are_read(default().max_reqs(2), &two, &third);
    waits_until_answers_are_read(default(), BEGIN_CLOSE, &third);
}

/// Each of these costs the connection an answer that nobody reads, and is not limited by what may be unwritten: the
/// rest of a body is always read (B-8).
#[test]
fn refusals_and_aborts_that_nobody_reads_are_limited() {
    let post = [("CONTENT_LENGTH", "5")];
    let small = Limits::default().max_params_size(8).max_reqs(2);
    // Beside another: alone, it may be h2o's, and ends with its connection (B-9).
    let beside = wire(&[&begin(2, 1, 1), &params(2, &[])]);
    waits_until_answers_are_read(small, &beside, &request(1, &post));
    let authorizer = wire(&[&begin(1, 2, 1), &params(1, &post)]);
    waits_until_answers_are_read(Limits::default(), b"", &authorizer);
    let aborted = wire(&[&request(1, &post), ABORT]);
    waits_until_answers_are_read(Limits::default(), b"", &aborted);
}

#[test]
fn a_web_server_that_never_reads_its_answers_has_60_s() {
    let mut owner = Owner::connected(Config::default(), b"");
    owner.feed(&record(9, 0, b"").repeat(3000));
    owner.pass(Duration::from_secs(59));
    assert_eq!(owner.connection.error(), None);
    owner.pass(Duration::from_secs(1));
    let error = ConnectionError::TimedOut(Awaited::Write);
    assert_eq!(owner.connection.error(), Some(&error));
}

#[test]
fn three_hundred_questions_in_one_write_are_three_hundred_answers() {
    let question = record(
        9,
        0,
        b"\x0e\x00FCGI_MAX_CONNS\x0d\x00FCGI_MAX_REQS\x0f\x00FCGI_MPXS_CONNS",
    );
    let mut owner = Owner::new(Config::default());
    owner.feed(&question.repeat(300));
    let mut output = owner.write();
    let mut writes = 1;
    while !owner.connection.wants_input() || owner.connection.outgoing().has_remaining() {
        owner.events();
        output.extend(owner.write());
        writes += 1;
        assert!(writes < 10, "no end");
    }
    owner.events();
    output.extend(owner.write());
    assert_eq!(owner.connection.error(), None);
    let one = {
        let mut owner = Owner::connected(Config::default(), &question);
        owner.write()
    };
    assert_eq!(output, one.repeat(300));
}

#[test]
fn what_a_busy_connection_has_read_does_not_count() {
    // All is never written, and so nothing is forgotten because of that; but every answer is read in the end.
    let mut owner = Owner::connected(multiplexing(), &super::get(1));
    for _ in 0..2000 {
        let mut response = owner.request(1).expect("in progress");
        assert_eq!(response.stdout(vec![b'x'; 5000].into()), Ok(0));
        owner.feed(&wire(&[&begin(2, 2, 1), &params(2, &[])]));
        assert_eq!(owner.connection.error(), None);
        owner.connection.outgoing().advance(5000);
        owner.connection.written();
        assert!(owner.connection.outgoing().has_remaining());
    }
}

#[test]
fn answers_that_are_read_do_not_count() {
    is_answered_for_ever(BEGIN_CLOSE, &begin(2, 1, 1));
    let post = request(1, &[("CONTENT_LENGTH", "5")]);
    is_answered_for_ever(b"", &wire(&[&post, ABORT]));
    is_answered_for_ever(b"", &wire(&[BEGIN, ABORT]));
}

#[test]
fn padding_is_no_progress() {
    let mut padded = b"\x01\x05\x00\x01\x00\x00\xff\x00".to_vec();
    padded.extend([0; 255]);
    is_stopped_after_1000(&wire(&[BEGIN, PARAMS_END]), &padded);
}

#[test]
fn data_is_progress() {
    // Of mod_fcgid, whose body goes on behind an empty record (B-1). What follows the end of a body is surplus.
    let stdin = wire(&[&record(5, 1, b"x"), &STDIN_END.repeat(900)]);
    let pairs = [("SERVER_SOFTWARE", "Apache"), ("CONTENT_LENGTH", "9")];
    assert_eq!(flood(&request(1, &pairs), &stdin, 3), None);
    let error = Some(ConnectionError::TooManyEmptyRecords);
    assert_eq!(flood(&wire(&[BEGIN, PARAMS_END]), &stdin, 3), error);
}

fn ignored(config: &Config, input: &[u8]) -> Option<ConnectionError> {
    complete(config, input).error
}

#[test]
fn data_of_requests_that_are_over_is_limited() {
    let config = Config::default().limits(Limits::default().max_ignored(100));
    let request = wire(&[BEGIN, PARAMS_END, STDIN_END]);
    let rest = |length| record(5, 1, &vec![0; length]);
    assert_eq!(ignored(&config, &wire(&[&request, &rest(100)])), None);
    assert_eq!(
        ignored(&config, &wire(&[&request, &rest(60), &rest(40)])),
        None
    );
    let error = Some(ConnectionError::TooMuchIgnored);
    assert_eq!(ignored(&config, &wire(&[&request, &rest(101)])), error);
    assert_eq!(
        ignored(&config, &wire(&[&request, &rest(60), &rest(41)])),
        error
    );
}

#[test]
fn the_count_of_what_is_ignored_starts_anew_with_a_request() {
    let config = Config::default().limits(Limits::default().max_ignored(100));
    let request = wire(&[BEGIN, PARAMS_END, STDIN_END, &record(5, 1, &[0; 100])]);
    assert_eq!(ignored(&config, &request.repeat(3)), None);
}

#[test]
fn data_for_a_responder_is_limited_whatever_arrives_beside_it() {
    let config = Config::default().limits(Limits::default().max_ignored(100));
    let post = request(1, &[("CONTENT_LENGTH", "9")]);
    let round = wire(&[&record(5, 1, b"x"), &record(8, 1, &[0; 20])]);
    assert_eq!(ignored(&config, &wire(&[&post, &round.repeat(5)])), None);
    let error = Some(ConnectionError::TooMuchIgnored);
    assert_eq!(ignored(&config, &wire(&[&post, &round.repeat(6)])), error);
}

#[test]
fn nothing_need_be_ignored() {
    let config = Config::default().limits(Limits::default().max_ignored(0));
    let request = wire(&[BEGIN, PARAMS_END, STDIN_END]);
    assert_eq!(ignored(&config, &wire(&[&request, STDIN_END])), None);
    let error = Some(ConnectionError::TooMuchIgnored);
    assert_eq!(
        ignored(&config, &wire(&[&request, &record(5, 1, b"x")])),
        error
    );
}
