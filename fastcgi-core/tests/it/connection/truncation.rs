//! Responses that break off, so that the client can see it.

use bytes::Bytes;
use fastcgi_core::{Config, ConnectionError, Ending, Life, cgi::BodyLength};

use super::{get, request};
use crate::{
    owner::Owner,
    support::{END_1, HEAD, end, multiplexing, record, wire},
};

/// A record of STDOUT whose version is 0 and whose content does not come.
const BROKEN: &[u8] = b"\x00\x06\x00\x01\x00\x08\x00\x00";

/// A request whose response has begun.
fn begun(input: &[u8]) -> Owner {
    let mut owner = Owner::connected(multiplexing(), input);
    let mut request = owner.request(1).expect("in progress");
    request.head(HEAD.into(), BodyLength::Exactly(10));
    assert_eq!(request.stdout(Bytes::from_static(b"half")), Ok(0));
    owner
}

fn sent() -> Vec<u8> {
    wire(&[&record(6, 1, HEAD), &record(6, 1, b"half")])
}

// Streaming → Broken, by each of its causes

#[test]
fn a_truncated_request_leaves_a_broken_record() {
    let mut owner = begun(&get(1));
    assert_eq!(
        owner.request(1).map(|it| it.fail(0)),
        Some(Ending::Truncated)
    );
    assert!(owner.request(1).is_none());
    assert_eq!(owner.connection.error(), Some(&ConnectionError::Truncated));
    assert_eq!(
        owner.connection.life(),
        Life::LastRequests,
        "nothing can follow a broken record"
    );
    // B-8: a web server may have to write the rest of a body before it reads.
    assert!(owner.connection.wants_input());
    assert_eq!(owner.write(), wire(&[&sent(), BROKEN]));
    assert_eq!(owner.connection.life(), Life::Reset);
}

#[test]
fn a_response_shorter_than_announced_is_truncated() {
    let mut owner = begun(&get(1));
    assert_eq!(
        owner.request(1).map(|it| it.end(0)),
        Some(Ending::Truncated)
    );
    assert_eq!(owner.write(), wire(&[&sent(), BROKEN]));
    assert_eq!(owner.connection.life(), Life::Reset);
}

#[test]
fn a_response_whose_head_was_flushed_is_truncated() {
    let mut owner = Owner::connected(Config::default(), &get(1));
    let mut request = owner.request(1).expect("in progress");
    request.head(HEAD.into(), BodyLength::Unknown);
    request.flush();
    assert_eq!(request.fail(0), Ending::Truncated);
    assert_eq!(owner.write(), wire(&[&record(6, 1, HEAD), BROKEN]));
}

#[test]
fn a_truncated_connection_is_reset_even_if_nothing_can_be_written() {
    let mut owner = begun(&get(1));
    owner.request(1).map(|it| it.fail(0));
    owner.connection.lost();
    assert_eq!(owner.connection.life(), Life::Reset);
    assert_eq!(owner.deadline(), None);
}

#[test]
fn a_truncated_connection_is_reset_when_the_web_server_does_not_read() {
    let mut owner = begun(&get(1));
    owner.request(1).map(|it| it.fail(0));
    assert!(owner.pass(std::time::Duration::from_secs(60)).is_empty());
    assert_eq!(owner.connection.life(), Life::Reset);
    assert_eq!(owner.connection.error(), Some(&ConnectionError::Truncated));
}

#[test]
fn what_arrives_behind_a_truncated_response_is_of_no_use() {
    let mut owner = begun(&get(1));
    owner.request(1).map(|it| it.fail(0));
    assert!(owner.feed(&get(2)).is_empty());
    assert_eq!(owner.write(), wire(&[&sent(), BROKEN]));
}

#[test]
fn a_truncated_request_beside_another_fails_alone() {
    let mut owner = begun(&wire(&[&get(1), &get(2)]));
    assert_eq!(
        owner.request(1).map(|it| it.fail(0)),
        Some(Ending::Truncated)
    );
    assert_eq!(owner.write(), wire(&[&sent(), END_1]));
    assert_eq!(owner.connection.life(), Life::Open);
    assert_eq!(owner.connection.error(), None);
    let mut request = owner.request(2).expect("in progress");
    assert_eq!(request.stdout(Bytes::from_static(b"half")), Ok(0));
    assert_eq!(request.fail(0), Ending::Truncated);
    assert_eq!(
        owner.write(),
        wire(&[&record(6, 2, b"half"), b"\x00\x06\x00\x02\x00\x08\x00\x00"])
    );
    assert_eq!(owner.connection.life(), Life::Reset);
}

#[test]
fn a_truncated_request_beside_one_that_is_beginning_fails_alone() {
    let mut owner = begun(&wire(&[&get(1), &crate::support::begin(2, 1, 1)]));
    assert_eq!(
        owner.request(1).map(|it| it.fail(7)),
        Some(Ending::Truncated)
    );
    assert_eq!(owner.write(), wire(&[&sent(), END_1]));
    assert_eq!(owner.connection.life(), Life::Open);
}

#[test]
fn a_truncated_request_ends_its_stderr_beside_another() {
    let mut owner = begun(&wire(&[&get(1), &get(2)]));
    let mut request = owner.request(1).expect("in progress");
    request.stderr(Bytes::from_static(b"oh"));
    assert_eq!(request.fail(0), Ending::Truncated);
    let ends = wire(&[
        &record(6, 1, b""),
        &record(7, 1, b""),
        &record(3, 1, &[0, 0, 0, 1, 0, 0, 0, 0]),
    ]);
    assert_eq!(owner.write(), wire(&[&sent(), &record(7, 1, b"oh"), &ends]));
}

#[test]
fn a_response_that_is_held_beside_a_truncated_one_is_not_lost() {
    // The truncation is that of request 1 alone.
    let mut owner = begun(&wire(&[&get(1), &request(2, &[("CONTENT_LENGTH", "0")])]));
    let mut other = owner.request(2).expect("in progress");
    other.head(HEAD.into(), BodyLength::None);
    owner.request(1).map(|it| it.fail(0));
    assert_eq!(owner.request(2).map(|it| it.end(0)), Some(Ending::Complete));
    let expected = [sent(), END_1.to_vec(), record(6, 2, HEAD), end(2, 0, 0)];
    assert_eq!(owner.write(), expected.concat());
}
