//! What core refuses itself, and with which response (R-10a, B-12, B-13).

use std::time::Duration;

use fastcgi_core::{Config, Life, Limits};

use super::{get, request};
use crate::{
    owner::Owner,
    support::{
        ABORT, BEGIN, Outcome, PARAMS_END, STDIN_END, begin, complete, end, multiplexing, params,
        record, wire,
    },
};

/// A whole response with a short text, for `id`.
fn refused(id: u16, status: &str, length: u8, protocol_status: u8) -> Vec<u8> {
    let text = format!(
        "Status: {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {length}\r\n\r\n{status}\n"
    );
    wire(&[
        &record(6, id, text.as_bytes()),
        &end(id, 0, protocol_status),
    ])
}

fn too_large(id: u16) -> Vec<u8> {
    refused(id, "431 Request Header Fields Too Large", 36, 0)
}

/// The answer to HEAD.
fn without_body(mut refused: Vec<u8>, text: &str) -> Vec<u8> {
    let at = refused.len() - end(1, 0, 0).len() - text.len();
    refused.drain(at..at + text.len());
    // The length of the record, which is less than 256.
    refused[5] -= u8::try_from(text.len()).expect("a short text");
    refused
}

fn limited(limits: Limits) -> Config {
    Config::default().limits(limits)
}

// 503

/// The answer is core's now; its owner had to end the request, and could do so without a response.
#[test]
fn requests_over_the_limit_are_refused() {
    let input = wire(&[
        &begin(1, 1, 1),
        &begin(2, 1, 1),
        &begin(3, 1, 1),
        &record(4, 3, b""),
        &record(5, 3, b""),
        &params(1, &[("CONTENT_LENGTH", "5")]),
    ]);
    let seen = complete(&limited(Limits::default().max_reqs(2)), &input);
    assert_eq!(
        seen.events,
        [
            "refused 3 TooManyRequests",
            "request 1 RESPONDER keep CONTENT_LENGTH=5"
        ]
    );
    assert_eq!(seen.in_progress, 2);
    assert_eq!(seen.output, refused(3, "503 Service Unavailable", 24, 0));
}

#[test]
fn a_refused_request_without_keep_conn_is_the_last() {
    let input = wire(&[BEGIN, PARAMS_END, &begin(2, 1, 0), STDIN_END]);
    let seen = complete(&Config::default(), &input);
    assert_eq!(
        seen.events,
        [
            "refused 2 Multiplexed",
            "request 1 RESPONDER keep",
            "stdin end 1"
        ]
    );
    assert_eq!(seen.life, Life::Draining);
}

#[test]
fn a_refused_request_is_over_at_once() {
    // It came back to life with a limit of one request, when its params were complete.
    let seen = complete(
        &Config::default(),
        &wire(&[
            BEGIN,
            &get(2),
            &record(5, 2, b"x"),
            &params(1, &[]),
            STDIN_END,
        ]),
    );
    assert_eq!(
        seen.events,
        [
            "refused 2 Multiplexed",
            "request 1 RESPONDER keep",
            "stdin end 1"
        ]
    );
    assert_eq!(seen.in_progress, 0);
}

// 431

/// Refused, and the next request on the connection served.
fn over_the_limit(pairs: &[(&str, &str)]) -> Outcome {
    let input = wire(&[
        // Alone, a request that does not say whose it is may be h2o's, and ends with its connection (B-9).
        &begin(2, 1, 1),
        BEGIN,
        &params(1, pairs),
        &record(5, 1, b"the body of the refused request"),
        STDIN_END,
        &get(1),
    ]);
    let limits = Limits::default().max_reqs(2).max_params_size(26);
    let seen = complete(&limited(limits), &input);
    assert_eq!(
        seen.events,
        [
            "refused 1 ParamsTooLarge",
            "request 1 RESPONDER keep CONTENT_LENGTH=0",
            "stdin end 1"
        ]
    );
    assert_eq!((&seen.error, seen.life), (&None, Life::Open));
    seen
}

#[test]
fn params_over_a_limit_are_answered_with_431() {
    let seen = over_the_limit(&[("A", "1"), ("B", "2"), ("C", "as long as all may be")]);
    assert_eq!(seen.output, wire(&[&too_large(1), &end(1, 0, 0)]));
}

/// What is known of the params decides: it was in the event of the refusal, and is not any more.
#[test]
fn a_refusal_of_a_head_request_has_no_body() {
    let expected = without_body(too_large(1), "431 Request Header Fields Too Large\n");
    let head = ("REQUEST_METHOD", "HEAD");
    let seen = over_the_limit(&[head, ("A", "1"), ("B", "2")]);
    assert_eq!(seen.output, wire(&[&expected, &end(1, 0, 0)]));
    let seen = over_the_limit(&[head, ("LONG", "what is behind is not known")]);
    assert_eq!(seen.output, wire(&[&expected, &end(1, 0, 0)]));
    let seen = over_the_limit(&[("LONG", "what is behind is not known"), head]);
    assert_eq!(seen.output, wire(&[&too_large(1), &end(1, 0, 0)]));
}

#[test]
fn params_over_a_limit_are_refused_before_the_role_is() {
    let input = wire(&[&begin(1, 2, 1), &params(1, &[("A", "1"), ("B", "2")])]);
    let seen = complete(&limited(Limits::default().max_params_size(7)), &input);
    assert_eq!(seen.events, ["refused 1 ParamsTooLarge"]);
}

// 403

#[test]
fn roles_that_are_not_served_are_answered_with_403_and_unknown_role() {
    // For lighttpd a bare END_REQUEST of an Authorizer is a yes.
    for (role, line) in [
        (2, "refused 1 Role(AUTHORIZER)"),
        (3, "refused 1 Role(FILTER)"),
        (0, "refused 1 Role(Role(0))"),
        (4, "refused 1 Role(Role(4))"),
    ] {
        let input = wire(&[&begin(1, role, 1), &params(1, &[]), &get(2)]);
        let seen = complete(&Config::default(), &input);
        assert_eq!(
            seen.events,
            [
                line,
                "request 2 RESPONDER keep CONTENT_LENGTH=0",
                "stdin end 2"
            ]
        );
        let refusal = refused(1, "403 Forbidden", 14, 3);
        assert_eq!(seen.output, wire(&[&refusal, &end(2, 0, 0)]));
        assert_eq!((seen.error, seen.life), (None, Life::Open));
    }
}

#[test]
fn each_role_is_served_by_its_own_setting() {
    let events = |config: Config, role| {
        let input = wire(&[&begin(1, role, 1), &params(1, &[("CONTENT_LENGTH", "1")])]);
        complete(&config, &input).events[0].clone()
    };
    let authorizer = || Config::default().authorizer(true);
    let filter = || Config::default().filter(true);
    assert_eq!(events(filter(), 2), "refused 1 Role(AUTHORIZER)");
    assert_eq!(events(authorizer(), 3), "refused 1 Role(FILTER)");
    assert!(events(authorizer(), 2).starts_with("request 1 AUTHORIZER"));
    assert!(events(filter(), 3).starts_with("request 1 FILTER"));
    assert!(events(authorizer(), 1).starts_with("request 1 RESPONDER"));
}

#[test]
fn a_refusal_of_an_authorizer_with_the_method_head_has_no_body() {
    let input = wire(&[&begin(1, 2, 1), &params(1, &[("REQUEST_METHOD", "HEAD")])]);
    let seen = complete(&Config::default(), &input);
    let refusal = refused(1, "403 Forbidden", 14, 3);
    assert_eq!(seen.output, without_body(refusal, "403 Forbidden\n"));
}

// 408

#[test]
fn slow_params_beside_another_request_are_answered_with_408() {
    let mut owner = Owner::connected(multiplexing(), &wire(&[&get(1), &begin(2, 1, 1)]));
    owner.feed(b"\x01\x04\x00\x02\x00\x03\x00\x00\x01\x01A");
    assert_eq!(
        owner.pass(Duration::from_secs(30)),
        ["refused 2 ParamsTooSlow"]
    );
    assert_eq!(owner.write(), refused(2, "408 Request Timeout", 20, 0));
    assert_eq!(owner.connection.life(), Life::Open);
    assert!(owner.request(1).is_some(), "the other goes on");
    // What still arrives of it is ignored.
    assert!(
        owner
            .feed(&wire(&[&record(4, 2, b""), &record(5, 2, b"x")]))
            .is_empty()
    );
    assert_eq!(owner.connection.error(), None);
}

// FCGI_CANT_MPX_CONN

#[test]
fn a_request_on_a_connection_that_ends_is_refused_as_a_second_one_is() {
    let mut owner = Owner::connected(multiplexing(), &get(1));
    owner.connection.shutdown();
    let mut post = request(2, &[("CONTENT_LENGTH", "1")]);
    post.extend(record(5, 2, b"x"));
    assert_eq!(owner.feed(&post), ["refused 2 Multiplexed"]);
    assert_eq!(owner.write(), refused(2, "503 Service Unavailable", 24, 1));
    assert_eq!(owner.connection.requests_in_progress(), 1);
}

// Once

#[test]
fn nothing_is_sent_of_a_refused_request_when_it_is_aborted() {
    let input = wire(&[&begin(1, 2, 1), &params(1, &[]), ABORT, STDIN_END]);
    let seen = complete(&Config::default(), &input);
    assert_eq!(seen.output, refused(1, "403 Forbidden", 14, 3));
}
