//! Web servers that send what is of no use, or ask and do not read (B-15).

use bytes::Buf;
use fastcgi_core::{Config, ConnectionError, Limits};

use super::request;
use crate::{
    owner::Owner,
    support::{
        ABORT, BEGIN, BEGIN_CLOSE, PARAMS_END, STDIN_END, begin, complete, end_when_over,
        multiplexing, params, record, wire,
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

/// How many records are taken of a web server that reads all answers, and the error behind them.
fn taken(front: &[u8], record: &[u8]) -> (usize, Option<ConnectionError>) {
    let mut owner = Owner::connected(Config::default(), front);
    for count in 0..2000 {
        let seen = owner.drive(&[record], |_, _| {});
        if seen.error.is_some() {
            return (count, seen.error);
        }
    }
    (2000, None)
}

#[test]
fn management_records_are_no_progress() {
    let stopped = (1000, Some(ConnectionError::TooManyEmptyRecords));
    assert_eq!(taken(b"", &record(9, 0, b"")), stopped);
    assert_eq!(taken(b"", &record(9, 0, b"\x0d\x00FCGI_MAX_REQS")), stopped);
    assert_eq!(taken(b"", &record(200, 0, b"x")), stopped);
}

fn is_stopped_after_100_replies(limits: Limits, front: &[u8], record: &[u8]) {
    let config = Config::default().limits(limits);
    let taken = |count| {
        let input = wire(&[front, &record.repeat(count)]);
        Owner::new(config.clone())
            .drive(&[&input], end_when_over)
            .error
    };
    assert_eq!(taken(100), None);
    assert_eq!(taken(101), Some(ConnectionError::TooManyReplies));
}

#[test]
fn replies_that_nobody_reads_are_limited() {
    let default = Limits::default;
    is_stopped_after_100_replies(default(), b"", &record(9, 0, b""));
    is_stopped_after_100_replies(default(), b"", &record(200, 0, b"x"));
    let third = begin(3, 1, 1);
    is_stopped_after_100_replies(default(), BEGIN, &third);
    let two = wire(&[BEGIN, &begin(2, 1, 1)]);
    is_stopped_after_100_replies(default().max_reqs(2), &two, &third);
    is_stopped_after_100_replies(default(), BEGIN_CLOSE, &third);
}

/// Each of these costs the connection an answer that nobody reads, and is not limited by what may be unwritten: the
/// rest of a body is always read (B-8).
#[test]
fn refusals_and_aborts_that_nobody_reads_are_limited() {
    let post = [("CONTENT_LENGTH", "5")];
    let small = Limits::default().max_params_size(8);
    // Beside another: alone, it may be h2o's, and ends with its connection (B-9).
    is_stopped_after_100_replies(small, &begin(2, 1, 1), &request(1, &post));
    let authorizer = wire(&[&begin(1, 2, 1), &params(1, &post)]);
    is_stopped_after_100_replies(Limits::default(), b"", &authorizer);
    let aborted = wire(&[&request(1, &post), ABORT]);
    is_stopped_after_100_replies(Limits::default(), b"", &aborted);
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
fn replies_that_are_read_do_not_count() {
    assert_eq!(taken(BEGIN_CLOSE, &begin(2, 1, 1)), (2000, None));
    let post = request(1, &[("CONTENT_LENGTH", "5")]);
    assert_eq!(taken(b"", &wire(&[&post, ABORT])), (2000, None));
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

#[test]
fn aborted_params_are_no_progress() {
    // Of a web server that reads the answers; of one that does not, they are limited, too.
    let stopped = (1000, Some(ConnectionError::TooManyEmptyRecords));
    assert_eq!(taken(b"", &wire(&[BEGIN, ABORT])), stopped);
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
