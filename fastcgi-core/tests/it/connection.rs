//! The application's end of a connection.

use bytes::{Bytes, BytesMut};
use fastcgi_core::{
    Config, Connection, ConnectionError, Event, Truncated,
    record::{EndRequest, ProtocolStatus, RecordType, RequestId},
};

use crate::support::{
    ABORT, BEGIN, BEGIN_CLOSE, COMPLETE, PARAMS_END, STDIN_END, complete, drain, drive,
    end_when_over, id, record, serve, watch, wire,
};

// ABORT_REQUEST during PARAMS, and what `truncate` does beside others: END_REQUEST with an application status of 1.
const END_1: &[u8] =
    b"\x01\x06\x00\x01\x00\x00\x00\x00\x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00";

/// A connection with the requests that `input` begins.
fn connected(input: &[u8]) -> Connection {
    let mut connection = Connection::new(Config::default());
    let outcome = drive(&mut connection, &[input], |_, _| {});
    assert_eq!(outcome.error, None);
    connection
}

/// The next input of `connection`.
fn feed(connection: &mut Connection, input: &[u8]) -> Vec<String> {
    let outcome = drive(connection, &[input], |_, _| {});
    assert_eq!(outcome.error, None);
    outcome.events
}

mod requests {
    use super::*;

    #[test]
    fn a_get_is_a_request_and_the_end_of_stdin() {
        let input = wire(&[BEGIN, &record(4, 1, b"\x01\x01A1"), PARAMS_END, STDIN_END]);
        let seen = complete(&Config::default(), &input);
        assert_eq!(seen.events, ["request 1 RESPONDER keep A=1", "stdin end 1"]);
        assert_eq!(seen.output, COMPLETE);
        assert_eq!(seen.in_progress, 0);
        assert_eq!(seen.leftover, 0);
    }

    #[test]
    fn a_request_may_have_no_params() {
        let seen = watch(&wire(&[BEGIN, PARAMS_END]));
        assert_eq!(seen.events, ["request 1 RESPONDER keep"]);
    }

    #[test]
    fn a_request_does_not_wait_for_stdin() {
        // An Authorizer gets none (6.3); two peers start only at the first STDIN record.
        let seen = watch(
            b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x02\x01\x00\x00\x00\x00\x00\
              \x01\x04\x00\x01\x00\x00\x00\x00",
        );
        assert_eq!(seen.events, ["request 1 AUTHORIZER keep"]);
    }

    #[test]
    fn every_role_is_reported() {
        let seen = watch(
            b"\x01\x01\x00\x01\x00\x08\x00\x00\x12\x34\x00\x00\x00\x00\x00\x00\
              \x01\x04\x00\x01\x00\x00\x00\x00",
        );
        assert_eq!(seen.events, ["request 1 Role(4660) close"]);
    }

    #[test]
    fn unknown_flags_and_reserved_bytes_mean_nothing() {
        let seen = watch(
            b"\x01\x01\x00\x01\x00\x08\x00\xff\x00\x01\xfe\xff\xff\xff\xff\xff\
              \x01\x04\x00\x01\x00\x00\x00\x00",
        );
        assert_eq!(seen.events, ["request 1 RESPONDER close"]);
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
    fn an_early_end_of_stdin_is_reported_and_data_may_follow() {
        // B-1: recorded of mod_fcgid, with HTTP/2 and no Content-Length.
        let input = wire(&[
            BEGIN,
            &record(4, 1, b"\x0e\x02CONTENT_LENGTH13"),
            PARAMS_END,
            STDIN_END,
            &record(5, 1, b"hello, world!"),
            STDIN_END,
        ]);
        assert_eq!(
            watch(&input).events,
            [
                "request 1 RESPONDER keep CONTENT_LENGTH=13",
                "stdin end 1",
                "stdin 1: hello, world!",
                "stdin end 1",
            ]
        );
    }

    #[test]
    fn a_filter_gets_data() {
        // Appendix B has no Filter; 6.4: STDIN first, then DATA.
        let input = wire(&[
            b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x03\x01\x00\x00\x00\x00\x00",
            PARAMS_END,
            STDIN_END,
            &record(8, 1, b"the file"),
            &record(8, 1, b""),
        ]);
        assert_eq!(
            watch(&input).events,
            [
                "request 1 FILTER keep",
                "stdin end 1",
                "data 1: the file",
                "data end 1"
            ]
        );
    }

    #[test]
    fn stdin_is_not_copied() {
        let mut connection = connected(&wire(&[BEGIN, PARAMS_END]));
        let mut input = BytesMut::from(&record(5, 1, b"hello")[..]);
        let content = input.as_ptr().wrapping_add(8);
        let event = connection.poll_event(&mut input).unwrap();
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
}

mod keeping {
    use super::*;

    #[test]
    fn the_connection_is_finished_after_a_request_without_keep_conn() {
        let mut connection = connected(&wire(&[BEGIN_CLOSE, PARAMS_END, STDIN_END]));
        assert!(!connection.is_finished(), "the request is in progress");
        let request = connection.request(RequestId::ONE).expect("in progress");
        request.end(EndRequest::COMPLETE);
        assert!(connection.is_finished());
    }

    #[test]
    fn the_connection_goes_on_after_a_request_with_keep_conn() {
        let request = wire(&[BEGIN, PARAMS_END, STDIN_END]);
        let seen = complete(&Config::default(), &request.repeat(3));
        assert_eq!(
            seen.events,
            ["request 1 RESPONDER keep", "stdin end 1"].repeat(3)
        );
        assert_eq!(seen.output, COMPLETE.repeat(3));
        assert!(!seen.is_finished);
    }

    #[test]
    fn a_request_after_the_last_one_is_refused() {
        let input = wire(&[
            BEGIN_CLOSE,
            PARAMS_END,
            STDIN_END,
            BEGIN,
            PARAMS_END,
            STDIN_END,
        ]);
        let seen = complete(&Config::default(), &input);
        assert_eq!(seen.events, ["request 1 RESPONDER close", "stdin end 1"]);
        assert!(seen.is_finished);
        let refused = b"\x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00";
        assert_eq!(seen.output, wire(&[COMPLETE, refused]));
    }

    #[test]
    fn shutdown_lets_the_requests_in_progress_end() {
        let mut connection = connected(&wire(&[BEGIN, PARAMS_END]));
        connection.shutdown();
        assert!(!connection.is_finished());
        let begin = b"\x01\x01\x00\x02\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00";
        let input = wire(&[begin, &record(4, 2, b""), &record(5, 1, b"more"), STDIN_END]);
        let seen = drive(&mut connection, &[&input], end_when_over);
        assert_eq!(seen.events, ["stdin 1: more", "stdin end 1"]);
        let refused = b"\x01\x03\x00\x02\x00\x08\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00";
        assert_eq!(seen.output, wire(&[refused, COMPLETE]));
        assert!(seen.is_finished);
    }

    #[test]
    fn shutdown_finishes_an_idle_connection() {
        let mut connection = Connection::new(Config::default());
        assert!(!connection.is_finished());
        connection.shutdown();
        assert!(connection.is_finished());
    }

    #[test]
    fn shutdown_after_an_error_changes_nothing() {
        let mut connection = Connection::new(Config::default());
        let mut input = BytesMut::from(&b"GET / HTTP/1.1\r\n\r\n"[..]);
        let error = connection.poll_event(&mut input).unwrap_err();
        connection.shutdown();
        assert!(connection.is_finished());
        assert_eq!(connection.poll_event(&mut input), Err(error));
    }
}

mod ids {
    use super::*;

    #[test]
    fn an_id_may_be_used_again_once_its_request_has_ended() {
        // One of the peers never forgets an id, another hands a late abort to the new request.
        let request = wire(&[BEGIN, PARAMS_END, STDIN_END]);
        let late = wire(&[ABORT, STDIN_END, PARAMS_END, &record(5, 1, b"late")]);
        let seen = complete(&Config::default(), &wire(&[&request, &late, &request]));
        assert_eq!(
            seen.events,
            ["request 1 RESPONDER keep", "stdin end 1"].repeat(2)
        );
        assert_eq!(seen.output, COMPLETE.repeat(2));
    }

    #[test]
    fn an_id_in_use_is_an_error() {
        for between in [&b""[..], PARAMS_END] {
            let seen = watch(&wire(&[BEGIN, between, BEGIN]));
            assert_eq!(
                seen.error,
                Some(ConnectionError::DuplicateRequest(RequestId::ONE))
            );
            assert!(seen.is_finished);
        }
    }

    #[test]
    fn an_application_record_without_an_id_is_an_error() {
        for number in 1..=8 {
            // BEGIN_REQUEST has eight bytes; the others may have any number.
            let seen = watch(&record(number, 0, &[0, 1, 0, 0, 0, 0, 0, 0]));
            let error = ConnectionError::MissingRequestId(RecordType::from(number));
            assert_eq!(seen.error, Some(error), "type {number}");
            assert!(seen.output.is_empty());
        }
    }

    #[test]
    fn the_largest_id_is_one() {
        let seen = complete(
            &Config::default(),
            b"\x01\x01\xff\xff\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\
              \x01\x04\xff\xff\x00\x00\x00\x00\
              \x01\x05\xff\xff\x00\x00\x00\x00",
        );
        assert_eq!(
            seen.events,
            ["request 65535 RESPONDER close", "stdin end 65535"]
        );
        assert_eq!(
            seen.output,
            b"\x01\x06\xff\xff\x00\x00\x00\x00\
              \x01\x03\xff\xff\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        );
    }

    #[test]
    fn responses_carry_the_id_of_their_request() {
        // A peer answers everything as request 1.
        let seen = serve(
            &Config::default(),
            &wire(&[
                b"\x01\x01\x01\x02\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00",
                &record(4, 0x0102, b""),
            ]),
            |connection, _| {
                let mut request = connection.request(id(0x0102)).expect("in progress");
                request.stdout(Bytes::from_static(b"out"));
                request.stderr(Bytes::from_static(b"err"));
                request.end(EndRequest::COMPLETE);
            },
        );
        assert_eq!(
            seen.output,
            b"\x01\x06\x01\x02\x00\x03\x00\x00out\
              \x01\x07\x01\x02\x00\x03\x00\x00err\
              \x01\x06\x01\x02\x00\x00\x00\x00\
              \x01\x07\x01\x02\x00\x00\x00\x00\
              \x01\x03\x01\x02\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        );
    }

    #[test]
    fn records_of_requests_never_begun_are_ignored() {
        // 3.3: also of types that would be an error in a request in progress.
        let records: Vec<u8> = (2..=255)
            .flat_map(|number| record(number, 9, b"x"))
            .collect();
        let seen = watch(&wire(&[BEGIN, &records, PARAMS_END]));
        assert_eq!(seen.events, ["request 1 RESPONDER keep"]);
        assert_eq!((seen.error, seen.output), (None, Vec::new()));
    }

    #[test]
    fn late_records_are_ignored() {
        // tokio-fastcgi closes the connection over a STDIN record behind the end.
        let mut connection = connected(&wire(&[BEGIN, PARAMS_END]));
        let request = connection.request(RequestId::ONE).expect("in progress");
        request.end(EndRequest::COMPLETE);
        let late = wire(&[
            &record(5, 1, b"late"),
            STDIN_END,
            ABORT,
            &record(8, 1, b"x"),
        ]);
        assert!(feed(&mut connection, &late).is_empty());
        assert_eq!(drain(connection.outgoing()), b"", "drained by feed");
        assert_eq!(feed(&mut connection, &wire(&[BEGIN, PARAMS_END])).len(), 1);
    }
}

mod multiplexing {
    use super::*;

    fn begin(id: u8) -> Vec<u8> {
        record(1, u16::from(id), &[0, 1, 1, 0, 0, 0, 0, 0])
    }

    #[test]
    fn requests_interleave() {
        // 3.2 of the appendix, turned round: the streams of three requests in one another.
        let input = wire(&[
            &begin(2),
            &begin(1),
            &record(4, 2, b"\x01\x01"),
            &begin(3),
            &record(4, 1, b"\x01\x01A1"),
            &record(4, 2, b"B2"),
            &record(4, 2, b""),
            &record(5, 2, b"two"),
            &record(4, 1, b""),
            &record(5, 1, b"one"),
            &record(5, 2, b" 2"),
            &record(5, 2, b""),
            &record(4, 3, b""),
            &record(5, 3, b""),
            &record(5, 1, b""),
        ]);
        let seen = complete(&Config::default(), &input);
        assert_eq!(
            seen.events,
            [
                "request 2 RESPONDER keep B=2",
                "stdin 2: two",
                "request 1 RESPONDER keep A=1",
                "stdin 1: one",
                "stdin 2:  2",
                "stdin end 2",
                "request 3 RESPONDER keep",
                "stdin end 3",
                "stdin end 1",
            ]
        );
        let ends: Vec<u8> = [2, 3, 1]
            .into_iter()
            .flat_map(|id| [record(6, id, b""), record(3, id, &[0; 8])].concat())
            .collect();
        assert_eq!(seen.output, ends);
    }

    #[test]
    fn the_last_request_ends_the_connection_and_not_its_neighbours() {
        let input = wire(&[
            &begin(2),
            &record(4, 2, b""),
            BEGIN_CLOSE,
            PARAMS_END,
            STDIN_END,
        ]);
        let seen = complete(&Config::default(), &input);
        assert_eq!(seen.in_progress, 1);
        assert!(!seen.is_finished, "request 2 is in progress");
        let seen = complete(&Config::default(), &wire(&[&input, &record(5, 2, b"")]));
        assert!(seen.is_finished);
    }

    #[test]
    fn a_second_request_is_refused_where_multiplexing_is_off() {
        // B-12: END_REQUEST with FCGI_CANT_MPX_CONN; HAProxy tries again elsewhere. The rest of it is ignored.
        let config = Config::default().mpxs_conns(false);
        let input = wire(&[
            BEGIN,
            &begin(2),
            &record(4, 2, b"\x01\x01A1"),
            &record(4, 2, b""),
            PARAMS_END,
            &record(5, 2, b"ignored"),
            &record(5, 2, b""),
            STDIN_END,
            &begin(2),
            &record(4, 2, b""),
        ]);
        let seen = complete(&config, &input);
        assert_eq!(
            seen.events,
            [
                "request 1 RESPONDER keep",
                "stdin end 1",
                "request 2 RESPONDER keep"
            ]
        );
        let refused = b"\x01\x03\x00\x02\x00\x08\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00";
        assert_eq!(seen.output, wire(&[refused, COMPLETE]));
    }

    #[test]
    fn requests_over_the_limit_are_refused() {
        let config = Config::default().max_reqs(2);
        let input = wire(&[
            &begin(1),
            &begin(2),
            &begin(3),
            &record(4, 3, b""),
            &record(5, 3, b""),
            &record(4, 1, b""),
        ]);
        let seen = complete(&config, &input);
        assert_eq!(
            seen.events,
            [
                "refused 3 RESPONDER keep TooManyRequests",
                "request 1 RESPONDER keep"
            ]
        );
        assert_eq!(seen.in_progress, 2);
        assert_eq!(
            seen.output,
            b"\x01\x06\x00\x03\x00\x00\x00\x00\
              \x01\x03\x00\x03\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        );
    }

    #[test]
    fn a_refused_request_without_keep_conn_is_the_last() {
        let config = Config::default().max_reqs(1);
        let begin = b"\x01\x01\x00\x02\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00";
        let seen = complete(&config, &wire(&[BEGIN, PARAMS_END, begin, STDIN_END]));
        assert_eq!(
            seen.events,
            [
                "request 1 RESPONDER keep",
                "refused 2 RESPONDER close TooManyRequests",
                "stdin end 1"
            ]
        );
        assert!(seen.is_finished);
    }
}

mod management {
    use super::*;

    fn values(query: &[u8]) -> Vec<u8> {
        let config = Config::default()
            .max_conns(100)
            .max_reqs(7)
            .mpxs_conns(false);
        let seen = complete(&config, &record(9, 0, query));
        assert_eq!((seen.events, seen.error), (Vec::new(), None));
        assert!(!seen.is_finished);
        seen.output
    }

    #[test]
    fn values_are_answered_before_any_request() {
        // 4.1: nothing in the record behind it, and no padding; a peer waits for more bytes here.
        assert_eq!(
            values(b"\x0e\x00FCGI_MAX_CONNS\x0d\x00FCGI_MAX_REQS\x0f\x00FCGI_MPXS_CONNS"),
            b"\x01\x0a\x00\x00\x00\x35\x00\x00\
              \x0e\x03FCGI_MAX_CONNS100\x0d\x01FCGI_MAX_REQS7\x0f\x01FCGI_MPXS_CONNS0"
        );
    }

    #[test]
    fn only_the_values_asked_for_are_answered() {
        assert_eq!(
            values(b"\x0f\x00FCGI_MPXS_CONNS"),
            b"\x01\x0a\x00\x00\x00\x12\x00\x00\x0f\x01FCGI_MPXS_CONNS0"
        );
    }

    #[test]
    fn an_empty_query_has_an_empty_answer() {
        assert_eq!(values(b""), b"\x01\x0a\x00\x00\x00\x00\x00\x00");
    }

    #[test]
    fn unknown_values_are_left_out() {
        assert_eq!(
            values(b"\x04\x00FCGI\x0d\x00FCGI_MAX_REQS\x0e\x00fcgi_max_conns"),
            b"\x01\x0a\x00\x00\x00\x10\x00\x00\x0d\x01FCGI_MAX_REQS7"
        );
    }

    #[test]
    fn a_repeated_value_is_answered_once() {
        // libfcgi writes over its stack from 30 repetitions on, fastcgi++ answers without end.
        assert_eq!(
            values(&b"\x0d\x00FCGI_MAX_REQS".repeat(30)),
            b"\x01\x0a\x00\x00\x00\x10\x00\x00\x0d\x01FCGI_MAX_REQS7"
        );
    }

    #[test]
    fn the_values_of_a_query_mean_nothing() {
        assert_eq!(
            values(b"\x0d\x02FCGI_MAX_REQS99"),
            b"\x01\x0a\x00\x00\x00\x10\x00\x00\x0d\x01FCGI_MAX_REQS7"
        );
    }

    #[test]
    fn multiplexing_is_advertised_as_1() {
        let seen = complete(
            &Config::default(),
            &record(9, 0, b"\x0f\x00FCGI_MPXS_CONNS"),
        );
        assert_eq!(
            seen.output,
            b"\x01\x0a\x00\x00\x00\x12\x00\x00\x0f\x01FCGI_MPXS_CONNS1"
        );
    }

    #[test]
    fn values_are_answered_within_a_request() {
        let input = wire(&[
            BEGIN,
            &record(9, 0, b""),
            PARAMS_END,
            &record(9, 0, b""),
            STDIN_END,
        ]);
        let seen = complete(&Config::default(), &input);
        assert_eq!(seen.events, ["request 1 RESPONDER keep", "stdin end 1"]);
        let answer = b"\x01\x0a\x00\x00\x00\x00\x00\x00";
        assert_eq!(seen.output, wire(&[answer, answer, COMPLETE]));
    }

    #[test]
    fn a_broken_query_is_an_error() {
        let seen = watch(&record(9, 0, b"\x0e\x00FCGI"));
        assert!(matches!(
            seen.error,
            Some(ConnectionError::InvalidParams(_))
        ));
        assert!(seen.output.is_empty());
    }

    #[test]
    fn unknown_types_are_named_in_the_answer() {
        // 4.2: the type, and seven reserved bytes; its own request id is 0. One of the peers answers with another id,
        // one dies of types from 11 on, Go answers nothing.
        for number in [0, 10, 11, 12, 0x7f, 0x80, 0xff] {
            let seen = watch(&record(number, 0, b"whatever"));
            assert_eq!(
                seen.output,
                [1, 11, 0, 0, 0, 8, 0, 0, number, 0, 0, 0, 0, 0, 0, 0],
                "type {number}"
            );
            assert_eq!((seen.events, seen.error), (Vec::new(), None));
        }
    }

    #[test]
    fn management_records_with_an_id_are_ignored() {
        for number in [0, 9, 10, 11, 12, 0xff] {
            let seen = watch(&wire(&[
                BEGIN,
                PARAMS_END,
                &record(number, 1, b"x"),
                STDIN_END,
            ]));
            assert_eq!(seen.events, ["request 1 RESPONDER keep", "stdin end 1"]);
            assert_eq!(
                (seen.error, seen.output),
                (None, Vec::new()),
                "type {number}"
            );
        }
    }
}

mod aborting {
    use super::*;

    #[test]
    fn an_abort_is_reported_and_the_request_still_ends() {
        // A peer sends no END_REQUEST then, and a web server that keeps the connection waits for it.
        let seen = complete(&Config::default(), &wire(&[BEGIN, PARAMS_END, ABORT]));
        assert_eq!(seen.events, ["request 1 RESPONDER keep", "abort 1"]);
        assert_eq!(seen.output, COMPLETE);
    }

    #[test]
    fn an_abort_during_stdin_is_reported() {
        let input = wire(&[BEGIN, PARAMS_END, &record(5, 1, b"some"), ABORT]);
        assert_eq!(
            watch(&input).events,
            ["request 1 RESPONDER keep", "stdin 1: some", "abort 1"]
        );
    }

    #[test]
    fn an_abort_during_params_is_answered_once() {
        for params in [&b""[..], b"\x01\x04\x00\x01\x00\x03\x00\x00\x01\x01A"] {
            let seen = watch(&wire(&[BEGIN, params, ABORT, ABORT, PARAMS_END, STDIN_END]));
            assert_eq!((seen.events, seen.error), (Vec::new(), None));
            assert_eq!(seen.output, END_1);
            assert_eq!(seen.in_progress, 0);
            assert!(!seen.is_finished);
        }
    }

    #[test]
    fn an_abort_during_the_params_of_the_last_request_finishes() {
        let seen = watch(&wire(&[BEGIN_CLOSE, ABORT]));
        assert_eq!(seen.output, END_1);
        assert!(seen.is_finished);
    }

    #[test]
    fn an_abort_does_not_reach_the_neighbours() {
        let begin = b"\x01\x01\x00\x02\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00";
        let input = wire(&[begin, &record(4, 2, b""), BEGIN, ABORT, &record(5, 2, b"")]);
        let seen = complete(&Config::default(), &input);
        assert_eq!(seen.events, ["request 2 RESPONDER keep", "stdin end 2"]);
        let end = b"\x01\x06\x00\x02\x00\x00\x00\x00\
            \x01\x03\x00\x02\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
        assert_eq!(seen.output, wire(&[END_1, end]));
    }
}

mod errors {
    use super::*;

    #[test]
    fn an_error_is_returned_again() {
        let mut connection = Connection::new(Config::default());
        let mut input = BytesMut::from(&b"\x02\x01\x00\x01\x00\x08\x00\x00"[..]);
        let error = connection.poll_event(&mut input).unwrap_err();
        assert!(matches!(error, ConnectionError::UnsupportedVersion(_)));
        let mut good = BytesMut::from(BEGIN);
        assert_eq!(connection.poll_event(&mut good), Err(error.clone()));
        assert_eq!(connection.poll_event(&mut BytesMut::new()), Err(error));
        assert!(connection.is_finished());
    }

    #[test]
    fn what_was_said_before_an_error_is_kept() {
        let input = wire(&[BEGIN, PARAMS_END, STDIN_END, b"GET / HTTP/1.1"]);
        let seen = complete(&Config::default(), &input);
        assert_eq!(seen.events, ["request 1 RESPONDER keep", "stdin end 1"]);
        assert!(matches!(
            seen.error,
            Some(ConnectionError::UnsupportedVersion(_))
        ));
        assert_eq!(seen.output, COMPLETE);
        assert!(seen.is_finished);
    }

    #[test]
    fn a_request_can_be_ended_after_an_error() {
        let mut connection = Connection::new(Config::default());
        let input = wire(&[BEGIN, PARAMS_END, &[0; 8]]);
        let seen = drive(&mut connection, &[&input], |_, _| {});
        assert!(seen.error.is_some());
        connection
            .request(RequestId::ONE)
            .expect("in progress")
            .end(EndRequest::COMPLETE);
        assert_eq!(drain(connection.outgoing()), COMPLETE);
    }

    #[test]
    fn begin_request_of_another_length_is_an_error() {
        // Two peers panic or die of a short one.
        for length in [0, 1, 7, 9, 300] {
            let seen = watch(&record(1, 1, &vec![0; length]));
            let error = ConnectionError::InvalidLength(RecordType::BEGIN_REQUEST, length);
            assert_eq!(seen.error, Some(error));
        }
    }

    #[test]
    fn records_out_of_order_are_errors() {
        let before = |record: &[u8]| wire(&[BEGIN, record, PARAMS_END]);
        let after = |record: &[u8]| wire(&[BEGIN, PARAMS_END, record]);
        for (number, input) in [
            // The streams of a request whose params have not ended.
            (5, before(&record(5, 1, b"x"))),
            (5, before(STDIN_END)),
            (8, before(&record(8, 1, b"x"))),
            (8, before(&record(8, 1, b""))),
            // Params behind their end; a second end kills the peer's connection without a word.
            (4, after(&record(4, 1, b"\x01\x01A1"))),
            (4, after(PARAMS_END)),
            // What only applications send.
            (3, before(&record(3, 1, &[0; 8]))),
            (6, after(&record(6, 1, b"x"))),
            (7, after(&record(7, 1, b""))),
        ] {
            let error = ConnectionError::UnexpectedRecord(RecordType::from(number));
            assert_eq!(watch(&input).error, Some(error));
        }
    }

    #[test]
    fn messages_say_what_was_found() {
        let message = |input: &[u8]| {
            let mut connection = Connection::new(Config::default());
            let seen = drive(&mut connection, &[input], |_, _| {});
            seen.error.expect("an error").to_string()
        };
        assert_eq!(message(b"GET / HT"), "unsupported protocol version");
        assert_eq!(
            message(&record(1, 1, b"")),
            "BEGIN_REQUEST record with a content of 0 bytes"
        );
        assert_eq!(
            message(&wire(&[BEGIN, BEGIN])),
            "BEGIN_REQUEST for request 1, which is in progress"
        );
        assert_eq!(
            message(&record(5, 0, b"")),
            "STDIN record without a request id"
        );
        assert_eq!(
            message(&wire(&[BEGIN, STDIN_END])),
            "unexpected STDIN record"
        );
        assert_eq!(
            message(&STDIN_END.repeat(1001)),
            "too many records that carry nothing"
        );
        assert_eq!(
            message(&record(9, 0, b"").repeat(101)),
            "too many answers that are not read"
        );
        let none = Config::default().max_ignored(0);
        let ignored = complete(&none, &record(5, 1, b"x")).error;
        assert_eq!(
            ignored.expect("an error").to_string(),
            "too much data for requests that are over"
        );
        assert_eq!(message(&record(9, 0, b"\x01")), "invalid name-value pairs");
    }

    #[test]
    fn sources_say_why() {
        use std::error::Error as _;
        let error = |input: &[u8]| watch(input).error.expect("an error");
        let source = |input: &[u8]| error(input).source().map(ToString::to_string);
        assert_eq!(
            source(b"GET / HT").as_deref(),
            Some("record of version 71, wanted 1")
        );
        assert_eq!(
            source(&record(9, 0, b"\x01")).as_deref(),
            Some("a name-value pair is longer than the block that holds it")
        );
        assert_eq!(source(&wire(&[BEGIN, BEGIN])), None);
    }
}

mod floods {
    use super::*;

    /// Without the splits: 8 KiB of tiny records are cut enough.
    fn flood(front: &[u8], record: &[u8], count: usize) -> Option<ConnectionError> {
        let mut connection = Connection::new(Config::default());
        let input = wire(&[front, &record.repeat(count)]);
        let pieces: Vec<_> = input.chunks(1000).collect();
        drive(&mut connection, &pieces, |_, _| {}).error
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
        let mut connection = connected(front);
        for count in 0..2000 {
            let seen = drive(&mut connection, &[record], |_, _| {});
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

    fn is_stopped_after_100_replies(config: &Config, front: &[u8], record: &[u8]) {
        let taken = |count| {
            let input = wire(&[front, &record.repeat(count)]);
            let mut connection = Connection::new(config.clone());
            drive(&mut connection, &[&input], end_when_over).error
        };
        assert_eq!(taken(100), None);
        assert_eq!(taken(101), Some(ConnectionError::TooManyReplies));
    }

    #[test]
    fn replies_that_nobody_reads_are_limited() {
        let default = Config::default();
        is_stopped_after_100_replies(&default, b"", &record(9, 0, b""));
        is_stopped_after_100_replies(&default, b"", &record(200, 0, b"x"));
        let begin = b"\x01\x01\x00\x02\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00";
        is_stopped_after_100_replies(&default.clone().max_reqs(1), BEGIN, begin);
        is_stopped_after_100_replies(&default.clone().mpxs_conns(false), BEGIN, begin);
        is_stopped_after_100_replies(&default, BEGIN_CLOSE, begin);
    }

    #[test]
    fn replies_that_are_read_do_not_count() {
        let begin = b"\x01\x01\x00\x02\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00";
        assert_eq!(taken(BEGIN_CLOSE, begin), (2000, None));
    }

    #[test]
    fn padding_is_no_progress() {
        let mut padded = b"\x01\x05\x00\x01\x00\x00\xff\x00".to_vec();
        padded.extend([0; 255]);
        is_stopped_after_1000(&wire(&[BEGIN, PARAMS_END]), &padded);
    }

    #[test]
    fn data_is_progress() {
        let stdin = wire(&[&record(5, 1, b"x"), &STDIN_END.repeat(900)]);
        assert_eq!(flood(&wire(&[BEGIN, PARAMS_END]), &stdin, 3), None);
    }

    #[test]
    fn aborted_params_are_no_progress() {
        is_stopped_after_1000(b"", &wire(&[BEGIN, ABORT]));
    }

    fn ignored(config: &Config, input: &[u8]) -> Option<ConnectionError> {
        complete(config, input).error
    }

    #[test]
    fn data_of_requests_that_are_over_is_limited() {
        let config = Config::default().max_ignored(100);
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
        let config = Config::default().max_ignored(100);
        let request = wire(&[BEGIN, PARAMS_END, STDIN_END, &record(5, 1, &[0; 100])]);
        assert_eq!(ignored(&config, &request.repeat(3)), None);
    }

    #[test]
    fn nothing_need_be_ignored() {
        let config = Config::default().max_ignored(0);
        let request = wire(&[BEGIN, PARAMS_END, STDIN_END]);
        assert_eq!(ignored(&config, &wire(&[&request, STDIN_END])), None);
        let error = Some(ConnectionError::TooMuchIgnored);
        assert_eq!(
            ignored(&config, &wire(&[&request, &record(5, 1, b"x")])),
            error
        );
    }
}

mod responses {
    use super::*;

    /// What is sent for one request.
    fn respond(respond: impl FnOnce(&mut Connection)) -> Vec<u8> {
        let mut connection = connected(&wire(&[BEGIN, PARAMS_END, STDIN_END]));
        respond(&mut connection);
        drain(connection.outgoing())
    }

    #[test]
    fn the_end_is_sent_once() {
        let mut connection = connected(&wire(&[BEGIN, PARAMS_END]));
        let request = connection.request(RequestId::ONE).expect("in progress");
        request.end(EndRequest::COMPLETE);
        assert!(connection.request(RequestId::ONE).is_none());
        assert_eq!(connection.requests_in_progress(), 0);
        assert_eq!(drain(connection.outgoing()), COMPLETE);
    }

    #[test]
    fn a_response_is_framed() {
        // Appendix B, 1, with its padding left out.
        let output = respond(|connection| {
            let mut request = connection.request(RequestId::ONE).expect("in progress");
            request.stdout_slice(b"Content-type: text/html\r\n\r\n");
            request.stdout(Bytes::from_static(b"<html>"));
            request.end(EndRequest::COMPLETE);
        });
        let head = b"\x01\x06\x00\x01\x00\x1b\x00\x00Content-type: text/html\r\n\r\n";
        let body = b"\x01\x06\x00\x01\x00\x06\x00\x00<html>";
        assert_eq!(output, wire(&[head, body, COMPLETE]));
    }

    #[test]
    fn nothing_is_sent_for_nothing() {
        let output = respond(|connection| {
            let mut request = connection.request(RequestId::ONE).expect("in progress");
            request.stdout(Bytes::new());
            request.stdout_slice(b"");
            request.stderr(Bytes::new());
        });
        assert_eq!(output, b"");
    }

    #[test]
    fn stderr_is_ended_when_it_was_used() {
        let output = respond(|connection| {
            let mut request = connection.request(RequestId::ONE).expect("in progress");
            request.stderr(Bytes::from_static(b"oops"));
            request.stderr(Bytes::new());
            request.end(EndRequest {
                app_status: 0x0102_0304,
                protocol_status: ProtocolStatus::OVERLOADED,
            });
        });
        // Appendix B, 3.
        assert_eq!(
            output,
            b"\x01\x07\x00\x01\x00\x04\x00\x00oops\
              \x01\x06\x00\x01\x00\x00\x00\x00\
              \x01\x07\x00\x01\x00\x00\x00\x00\
              \x01\x03\x00\x01\x00\x08\x00\x00\x01\x02\x03\x04\x02\x00\x00\x00"
        );
    }

    #[test]
    fn stderr_is_not_ended_when_it_was_empty() {
        let output = respond(|connection| {
            let mut request = connection.request(RequestId::ONE).expect("in progress");
            request.stderr(Bytes::new());
            request.end(EndRequest::COMPLETE);
        });
        assert_eq!(output, COMPLETE);
    }

    #[test]
    fn large_contents_are_split_at_65528_bytes() {
        // The largest multiple of eight: 3.3 recommends that records are aligned.
        let content: Bytes = (0..2 * 65_528 + 5)
            .map(|n: u32| n.to_be_bytes()[3])
            .collect();
        let by_value = respond(|connection| {
            let mut request = connection.request(RequestId::ONE).expect("in progress");
            request.stdout(content.clone());
        });
        let by_slice = respond(|connection| {
            let mut request = connection.request(RequestId::ONE).expect("in progress");
            request.stdout_slice(&content);
        });
        let (first, rest) = content.split_at(65_528);
        let (second, third) = rest.split_at(65_528);
        let header = b"\x01\x06\x00\x01\xff\xf8\x00\x00";
        let last = b"\x01\x06\x00\x01\x00\x05\x00\x00";
        let expected = wire(&[header, first, header, second, last, third]);
        assert!(by_value == expected);
        assert!(by_slice == expected);
    }

    #[test]
    fn contents_up_to_a_record_stay_in_one() {
        let output = respond(|connection| {
            let mut request = connection.request(RequestId::ONE).expect("in progress");
            request.stderr(vec![b'e'; 65_528].into());
        });
        assert_eq!(output.len(), 8 + 65_528);
    }

    #[test]
    fn a_request_that_ends_with_its_connection_ends_its_streams() {
        let mut connection = connected(&wire(&[BEGIN, PARAMS_END]));
        let mut request = connection.request(RequestId::ONE).expect("in progress");
        request.stdout_slice(b"all");
        request.stderr(Bytes::from_static(b"oh"));
        request.end_by_closing(EndRequest::COMPLETE);
        assert_eq!(
            drain(connection.outgoing()),
            b"\x01\x06\x00\x01\x00\x03\x00\x00all\x01\x07\x00\x01\x00\x02\x00\x00oh\
              \x01\x06\x00\x01\x00\x00\x00\x00\x01\x07\x00\x01\x00\x00\x00\x00"
        );
        assert!(connection.request(RequestId::ONE).is_none());
        assert!(connection.is_finished(), "closing is all that is left");
    }

    #[test]
    fn a_request_beside_another_does_not_end_with_its_connection() {
        let begin = b"\x01\x01\x00\x02\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00";
        let mut connection = connected(&wire(&[BEGIN, PARAMS_END, begin, &record(4, 2, b"")]));
        let request = connection.request(RequestId::ONE).expect("in progress");
        request.end_by_closing(EndRequest::COMPLETE);
        assert_eq!(
            drain(connection.outgoing()),
            b"\x01\x06\x00\x01\x00\x00\x00\x00\
              \x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
        );
        assert!(!connection.is_finished());
    }

    #[test]
    fn a_truncated_request_leaves_a_broken_record() {
        let mut connection = connected(&wire(&[BEGIN, PARAMS_END]));
        let mut request = connection.request(RequestId::ONE).expect("in progress");
        request.stdout_slice(b"half");
        assert_eq!(request.truncate(), Truncated::Connection);
        assert_eq!(
            drain(connection.outgoing()),
            b"\x01\x06\x00\x01\x00\x04\x00\x00half\x00\x06\x00\x01\x00\x08\x00\x00"
        );
        assert!(connection.request(RequestId::ONE).is_none());
        assert!(
            connection.is_finished(),
            "nothing can follow a broken record"
        );
    }

    #[test]
    fn a_truncated_request_beside_another_fails_alone() {
        let begin = b"\x01\x01\x00\x02\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00";
        let mut connection = connected(&wire(&[BEGIN, PARAMS_END, begin, &record(4, 2, b"")]));
        let request = connection.request(RequestId::ONE).expect("in progress");
        assert_eq!(request.truncate(), Truncated::Request);
        assert_eq!(drain(connection.outgoing()), END_1);
        assert!(!connection.is_finished());
        let request = connection.request(id(2)).expect("in progress");
        assert_eq!(request.truncate(), Truncated::Connection);
        assert_eq!(
            drain(connection.outgoing()),
            b"\x00\x06\x00\x02\x00\x08\x00\x00"
        );
    }
}
