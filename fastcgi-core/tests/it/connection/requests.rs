//! How a request reaches the application.

use bytes::BytesMut;
use fastcgi_core::{Config, Event, Life, NewRequest, cgi::BodyLength, record::Role};

use crate::{
    owner::Owner,
    support::{
        BEGIN, COMPLETE, PARAMS_END, STDIN_END, begin, complete, record, serve, watch, wire,
    },
};

#[test]
fn a_get_is_a_request_and_the_end_of_stdin() {
    let input = wire(&[BEGIN, &record(4, 1, b"\x01\x01A1"), PARAMS_END, STDIN_END]);
    let seen = complete(&Config::default(), &input);
    assert_eq!(seen.events, ["request 1 RESPONDER keep A=1", "stdin end 1"]);
    assert_eq!(seen.output, COMPLETE);
    assert_eq!(seen.in_progress, 0);
    assert_eq!(seen.leftover, 0);
    assert_eq!(seen.life, Life::Open);
}

/// The end of STDIN is here because core waits for the first STDIN record when no length is announced (B-5).
#[test]
fn a_request_may_have_no_params() {
    let seen = watch(&wire(&[BEGIN, PARAMS_END, STDIN_END]));
    assert_eq!(seen.events, ["request 1 RESPONDER keep", "stdin end 1"]);
}

#[test]
fn a_request_does_not_wait_for_stdin() {
    // An Authorizer gets none (6.3); two peers start only at the first STDIN record. Its body is complete at once.
    let input = b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x02\x01\x00\x00\x00\x00\x00\
        \x01\x04\x00\x01\x00\x00\x00\x00";
    let seen = serve(&Config::default().authorizer(true), input, |_, _| {});
    assert_eq!(seen.events, ["request 1 AUTHORIZER keep", "stdin end 1"]);
}

/// Roles that are not served are refused by core (B-13); those that are served are reported.
#[test]
fn every_role_is_reported() {
    let config = Config::default().authorizer(true).filter(true);
    for (role, line) in [
        (1, "request 1 RESPONDER close"),
        (2, "request 1 AUTHORIZER close"),
        (3, "request 1 FILTER close"),
    ] {
        let seen = serve(
            &config,
            &wire(&[&begin(1, role, 0), PARAMS_END, STDIN_END]),
            |_, _| {},
        );
        assert_eq!(seen.events.first().map(String::as_str), Some(line));
    }
    let seen = watch(
        b"\x01\x01\x00\x01\x00\x08\x00\x00\x12\x34\x00\x00\x00\x00\x00\x00\
          \x01\x04\x00\x01\x00\x00\x00\x00",
    );
    assert_eq!(seen.events, ["refused 1 Role(Role(4660))"]);
}

#[test]
fn unknown_flags_and_reserved_bytes_mean_nothing() {
    let seen = watch(
        b"\x01\x01\x00\x01\x00\x08\x00\xff\x00\x01\xfe\xff\xff\xff\xff\xff\
          \x01\x04\x00\x01\x00\x00\x00\x00\
          \x01\x05\x00\x01\x00\x00\x00\x00",
    );
    assert_eq!(seen.events, ["request 1 RESPONDER close", "stdin end 1"]);
}

#[test]
fn stdin_comes_in_order() {
    let input = wire(&[
        BEGIN,
        PARAMS_END,
        // With three bytes of padding.
        b"\x01\x05\x00\x01\x00\x05\x03\x00hello\x00\x00\x00",
        &record(5, 1, b" world"),
        STDIN_END,
    ]);
    let seen = watch(&input);
    assert_eq!(
        seen.events,
        [
            "request 1 RESPONDER keep",
            "stdin 1: hello world",
            "stdin end 1"
        ]
    );
}

#[test]
fn stdin_is_not_copied() {
    let mut owner = Owner::connected(Config::default(), &wire(&[BEGIN, PARAMS_END]));
    let mut input = BytesMut::from(&record(5, 1, b"hello")[..]);
    let content = input.as_ptr().wrapping_add(8);
    // B-5: the first record of a body of unknown length hands the request out.
    let event = owner.connection.next_event(&mut input);
    assert!(matches!(event, Some(Event::Request(_))), "{event:?}");
    let event = owner.connection.next_event(&mut input);
    let Some(Event::Stdin { data, .. }) = event else {
        panic!("data, not {event:?}");
    };
    assert_eq!(data.as_ptr(), content);
}

#[test]
fn a_part_of_a_record_waits() {
    let whole = wire(&[BEGIN, PARAMS_END]);
    let part = whole.get(..12).unwrap();
    let seen = watch(part);
    assert!(seen.events.is_empty());
    assert_eq!((seen.error, seen.leftover), (None, 12));
}

/// The request that `input` begins.
fn handed_out(config: Config, input: &[u8]) -> NewRequest {
    let mut owner = Owner::new(config);
    let mut input = BytesMut::from(input);
    match owner.connection.next_event(&mut input) {
        Some(Event::Request(request)) => request,
        other => panic!("a request, not {other:?}"),
    }
}

#[test]
fn a_request_knows_the_lengths_of_its_streams() {
    let lengths = |role, pairs: &[(&str, &str)], stdin: &[u8]| {
        let params = crate::support::params(1, pairs);
        let input = wire(&[&begin(1, role, 1), &params, stdin]);
        let config = Config::default().authorizer(true).filter(true);
        let request = handed_out(config, &input);
        (request.length, request.data_length)
    };
    let x = &record(5, 1, b"x")[..];
    // H-4: the length is announced, unknown, or (an empty first record) known to be 0 (B-5).
    assert_eq!(
        lengths(1, &[("CONTENT_LENGTH", "13")], b""),
        (Some(13), Some(0))
    );
    assert_eq!(lengths(1, &[("CONTENT_LENGTH", "")], x), (None, Some(0)));
    assert_eq!(lengths(1, &[("CONTENT_LENGTH", "-1")], x), (None, Some(0)));
    assert_eq!(lengths(1, &[], STDIN_END), (Some(0), Some(0)));
    // An invalid one is refused where a request is made of the params.
    assert_eq!(lengths(1, &[("CONTENT_LENGTH", "x")], x), (None, Some(0)));
    // B-13: an Authorizer is sent no body.
    assert_eq!(
        lengths(2, &[("CONTENT_LENGTH", "13")], b""),
        (Some(0), Some(0))
    );
    let file = ("FCGI_DATA_LENGTH", "8");
    assert_eq!(
        lengths(3, &[("CONTENT_LENGTH", "0"), file], b""),
        (Some(0), Some(8))
    );
    assert_eq!(lengths(3, &[], STDIN_END), (Some(0), None));
}

#[test]
fn a_request_has_its_id_role_and_flag() {
    let request = handed_out(
        Config::default(),
        &wire(&[
            &begin(0x0102, 1, 0),
            &record(4, 0x0102, b""),
            &record(5, 0x0102, b""),
        ]),
    );
    assert_eq!(request.id.get(), 0x0102);
    assert_eq!(request.role, Role::RESPONDER);
    assert!(!request.keep_conn);
    assert_eq!(request.key.index(), 0);
}

#[test]
fn debug_prints_states_and_no_values() {
    let pairs = [("CONTENT_LENGTH", "9"), ("HTTP_AUTHORIZATION", "secret")];
    let mut owner = Owner::connected(Config::default(), &super::request(1, &pairs));
    owner.feed(&record(5, 1, b"secret"));
    let mut request = owner.request(1).expect("in progress");
    request.head(
        b"Set-Cookie: secret\r\n\r\n"[..].into(),
        BodyLength::Unknown,
    );
    let printed = format!("{request:?}");
    for printed in [printed, format!("{:#?}", owner.connection)] {
        assert!(printed.contains("HeadHeld"), "{printed}");
        assert!(!printed.contains("secret"), "{printed}");
    }
}
