//! Messages for the log of the web server: they follow the head of the response.

use bytes::Bytes;
use fastcgi_core::{Ending, cgi::BodyLength};

use super::output::{respond, stdout};
use crate::support::{COMPLETE, HEAD, record};

#[test]
fn stderr_is_ended_when_it_was_used() {
    let output = respond(|mut request| {
        request.stderr(Bytes::from_static(b"oops"));
        request.stderr(Bytes::new());
        assert_eq!(request.end(0), Ending::Complete);
    });
    // Appendix B, 3.
    assert_eq!(
        output,
        b"\x01\x07\x00\x01\x00\x04\x00\x00oops\
          \x01\x06\x00\x01\x00\x00\x00\x00\
          \x01\x07\x00\x01\x00\x00\x00\x00\
          \x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    );
}

#[test]
fn stderr_is_not_ended_when_it_was_empty() {
    let output = respond(|mut request| {
        request.stderr(Bytes::new());
        request.end(0);
    });
    assert_eq!(output, COMPLETE);
}

#[test]
fn stderr_follows_the_head() {
    // nginx counts what comes before against the buffer for the head.
    let output = respond(|mut request| {
        request.stderr(Bytes::from_static(b"one"));
        request.head(HEAD.into(), BodyLength::Unknown);
        request.stderr(Bytes::from_static(b"two"));
        stdout(&mut request, b"hello");
        request.stderr(Bytes::from_static(b"three"));
    });
    let expected = [
        record(6, 1, HEAD),
        record(7, 1, b"one"),
        record(7, 1, b"two"),
        record(6, 1, b"hello"),
        record(7, 1, b"three"),
    ];
    assert_eq!(output, expected.concat());
}

#[test]
fn at_most_64_kib_of_stderr_wait_for_the_head() {
    let message = Bytes::from(vec![b'm'; 32 * 1024]);
    let output = respond(|mut request| {
        request.head(HEAD.into(), BodyLength::Unknown);
        request.stderr(message.clone());
        request.stderr(message.slice(1..));
        // One byte is left.
        request.stderr(Bytes::from_static(b"ab"));
        request.stderr(Bytes::from_static(b"c"));
        request.stderr(Bytes::from_static(b"d"));
        request.flush();
        request.stderr(Bytes::from_static(b"after"));
    });
    let expected = [
        record(6, 1, HEAD),
        record(7, 1, &message),
        record(7, 1, &message[1..]),
        record(7, 1, b"c"),
        record(7, 1, b"after"),
    ];
    assert!(output == expected.concat());
}

#[test]
fn stderr_that_leaves_at_once_does_not_wait_for_the_head() {
    let output = respond(|mut request| {
        request.stderr_now(Bytes::from_static(b"before"));
        request.stderr(Bytes::from_static(b"behind"));
        request.head(HEAD.into(), BodyLength::Unknown);
        request.stderr_now(Bytes::from_static(b"still before"));
        stdout(&mut request, b"hello");
        request.stderr_now(Bytes::new());
    });
    let expected = [
        record(7, 1, b"before"),
        record(7, 1, b"still before"),
        record(6, 1, HEAD),
        record(7, 1, b"behind"),
        record(6, 1, b"hello"),
    ];
    assert_eq!(output, expected.concat());
}

/// It is no part of the response.
#[test]
fn after_stderr_alone_a_failure_is_answered_with_500() {
    let output = respond(|mut request| {
        request.stderr_now(Bytes::from_static(b"before"));
        request.head(HEAD.into(), BodyLength::Unknown);
        let ending = request.fail(0);
        assert!(matches!(ending, Ending::Replaced(status) if status == 500));
    });
    assert!(output.starts_with(&record(7, 1, b"before")));
    let ends = [record(6, 1, b""), record(7, 1, b"")].concat();
    assert!(output.windows(ends.len()).any(|it| it == ends));
}
