//! Responses that are complete before the request is (B-9, B-14).

use bytes::Bytes;
use fastcgi_core::{Config, ConnectionError, Ending, Life, Limits, cgi::BodyLength};

use super::{get, request};
use crate::{
    owner::Owner,
    support::{BEGIN, COMPLETE, HEAD, STDIN_END, begin, multiplexing, params, record, wire},
};

const STDOUT_END: &[u8] = b"\x01\x06\x00\x01\x00\x00\x00\x00";

/// A request of h2o with a body of one byte.
fn h2o(flags: u8) -> Vec<u8> {
    let pairs = [("SERVER_SOFTWARE", "h2o/2.2.5"), ("CONTENT_LENGTH", "1")];
    wire(&[&begin(1, 1, flags), &params(1, &pairs)])
}

mod on_a_kept_connection {
    use super::*;

    #[test]
    fn the_rest_of_the_body_is_ignored_and_the_next_request_served() {
        let post = request(1, &[("CONTENT_LENGTH", "9")]);
        let mut owner = Owner::connected(Config::default(), &post);
        owner.request(1).expect("in progress").end(0);
        assert_eq!(owner.write(), COMPLETE);
        assert_eq!(owner.connection.life(), Life::Open);
        assert!(
            owner
                .feed(&wire(&[&record(5, 1, b"body"), STDIN_END]))
                .is_empty()
        );
        assert_eq!(owner.feed(&get(1)).len(), 2);
        assert_eq!(owner.connection.error(), None);
    }

    #[test]
    fn no_event_names_a_request_that_has_ended() {
        // The request and the end of its body have arrived together.
        for fails in [false, true] {
            let mut owner = Owner::new(Config::default());
            let seen = owner.drive(&[&get(1)], |connection, event| {
                if let fastcgi_core::Event::Request(request) = event {
                    let request = connection.request(request.key).expect("in progress");
                    if fails {
                        request.fail(0)
                    } else {
                        request.end(0)
                    };
                }
            });
            assert_eq!(seen.events, ["request 1 RESPONDER keep CONTENT_LENGTH=0"]);
            assert!(seen.output.ends_with(COMPLETE));
        }
    }
}

mod h2o_2_2 {
    use super::*;

    /// What is sent, and the life of the connection then, when a request is answered before its `rest` has arrived.
    fn answered(input: &[u8], rest: &[u8], respond: impl FnOnce(&mut Owner)) -> (Vec<u8>, Life) {
        let mut owner = Owner::connected(Config::default(), input);
        respond(&mut owner);
        owner.feed(rest);
        if let Some(request) = owner.request(1) {
            assert_eq!(request.end(0), Ending::Complete);
        }
        (owner.write(), owner.connection.life())
    }

    fn nothing(_: &mut Owner) {}

    fn head_leaves(owner: &mut Owner) {
        let mut request = owner.request(1).expect("in progress");
        request.head(HEAD.into(), BodyLength::Unknown);
        request.flush();
    }

    fn rest() -> Vec<u8> {
        wire(&[&record(5, 1, b"x"), STDIN_END])
    }

    #[test]
    fn an_early_answer_ends_with_the_connection() {
        assert_eq!(
            answered(&h2o(1), b"", nothing),
            (STDOUT_END.to_vec(), Life::Draining)
        );
        // The bytes are all here, and the end record is not.
        assert_eq!(
            answered(&h2o(1), &record(5, 1, b"x"), nothing),
            (STDOUT_END.to_vec(), Life::Draining)
        );
    }

    #[test]
    fn an_answer_that_began_early_ends_with_the_connection() {
        let sent = wire(&[&record(6, 1, HEAD), STDOUT_END]);
        assert_eq!(
            answered(&h2o(1), &rest(), head_leaves),
            (sent.clone(), Life::Draining)
        );
        let with_data = |owner: &mut Owner| {
            let mut request = owner.request(1).expect("in progress");
            assert_eq!(request.stdout(Bytes::from_static(HEAD)), Ok(0));
        };
        assert_eq!(
            answered(&h2o(1), &rest(), with_data),
            (sent, Life::Draining)
        );
    }

    #[test]
    fn an_answer_behind_the_end_of_stdin_is_ended_as_ever() {
        assert_eq!(
            answered(&h2o(1), &rest(), nothing),
            (COMPLETE.to_vec(), Life::Open)
        );
        // A head that was held has not begun.
        let held = |owner: &mut Owner| {
            let mut request = owner.request(1).expect("in progress");
            request.head(HEAD.into(), BodyLength::Unknown);
            request.stderr(Bytes::from_static(b"held, too"));
        };
        let (sent, life) = answered(&h2o(1), &rest(), held);
        assert!(sent.starts_with(&record(6, 1, HEAD)));
        assert!(sent.ends_with(&record(3, 1, &[0; 8])));
        assert_eq!(life, Life::Open);
    }

    #[test]
    fn the_answer_of_an_authorizer_begins_when_it_leaves() {
        let pairs = [("SERVER_SOFTWARE", "h2o/2.2.5")];
        let input = wire(&[&begin(1, 2, 1), &params(1, &pairs)]);
        let mut owner = Owner::connected(Config::default().authorizer(true), &input);
        let mut request = owner.request(1).expect("in progress");
        request.head(HEAD.into(), BodyLength::Unknown);
        request.flush();
        assert_eq!(request.stdout(Bytes::from_static(b"hello")), Ok(0));
        owner.feed(STDIN_END);
        owner.request(1).expect("in progress").end(0);
        let whole = record(6, 1, b"Status: 200 OK\r\n\r\nhello");
        assert_eq!(owner.write(), wire(&[&whole, COMPLETE]));
        assert_eq!(owner.connection.life(), Life::Open);
    }

    #[test]
    fn a_connection_that_is_not_kept_is_ended_as_ever() {
        assert_eq!(
            answered(&h2o(0), b"", nothing),
            (COMPLETE.to_vec(), Life::Draining)
        );
    }

    #[test]
    fn other_web_servers_are_answered_as_ever() {
        for software in ["nginx/1.28.0", "H2O/2.2.5", "h2o", ""] {
            let pairs = [("SERVER_SOFTWARE", software), ("CONTENT_LENGTH", "1")];
            assert_eq!(
                answered(&request(1, &pairs), b"", nothing),
                (COMPLETE.to_vec(), Life::Open),
                "{software}"
            );
        }
    }

    #[test]
    fn a_refusal_ends_with_the_connection() {
        // Its params are here, and STDIN is not.
        let pairs = [("SERVER_SOFTWARE", "h2o/2.2.5")];
        let input = wire(&[&begin(1, 2, 1), &params(1, &pairs)]);
        let mut owner = Owner::connected(Config::default(), &input);
        let sent = owner.write();
        assert!(sent.get(8..).unwrap().starts_with(b"Status: 403 "));
        assert!(sent.ends_with(b"403 Forbidden\n\x01\x06\x00\x01\x00\x00\x00\x00"));
        assert_eq!(owner.connection.life(), Life::Draining);
    }

    #[test]
    fn so_does_a_refusal_of_whoever_may_be_h2o() {
        let refused = |pairs: &[(&str, &str)]| {
            // Room for the first.
            let limits = Limits::default().max_params_size(30);
            let mut owner = Owner::connected(Config::default().limits(limits), BEGIN);
            owner.feed(&params(1, pairs));
            let sent = owner.write();
            let end = &record(3, 1, &[0; 8])[..];
            (sent.ends_with(end), owner.connection.life())
        };
        // The params that were read do not say who this is.
        let long = ("B", "a value of more than 30 bytes, with all of this");
        assert_eq!(refused(&[("A", "1"), long]), (false, Life::Draining));
        let nginx = ("SERVER_SOFTWARE", "nginx/1.28.0");
        assert_eq!(refused(&[nginx, long]), (true, Life::Open));
    }

    #[test]
    fn other_requests_are_worth_more() {
        let mut owner = Owner::connected(multiplexing(), &wire(&[&get(2), &h2o(1)]));
        owner.request(1).expect("in progress").end(0);
        assert_eq!(owner.write(), COMPLETE);
        assert_eq!(owner.connection.life(), Life::Open);
    }

    #[test]
    fn a_request_that_ends_with_its_connection_ends_its_streams() {
        let mut owner = Owner::connected(Config::default(), &h2o(1));
        let mut request = owner.request(1).expect("in progress");
        assert_eq!(request.stdout(Bytes::from_static(b"all")), Ok(0));
        request.stderr(Bytes::from_static(b"oh"));
        assert_eq!(request.end(0), Ending::Complete);
        assert_eq!(
            owner.write(),
            b"\x01\x06\x00\x01\x00\x03\x00\x00all\x01\x07\x00\x01\x00\x02\x00\x00oh\
              \x01\x06\x00\x01\x00\x00\x00\x00\x01\x07\x00\x01\x00\x00\x00\x00"
        );
        assert!(owner.request(1).is_none());
        assert_eq!(owner.connection.life(), Life::Draining);
    }

    #[test]
    fn no_request_follows_one_that_ends_with_its_connection() {
        let mut owner = Owner::connected(Config::default(), &h2o(1));
        owner.request(1).expect("in progress").end(0);
        assert!(owner.feed(&get(2)).is_empty());
        assert_eq!(owner.write(), STDOUT_END);
    }

    #[test]
    fn a_request_beside_another_does_not_end_with_its_connection() {
        let mut owner = Owner::connected(multiplexing(), &wire(&[&h2o(1), &begin(2, 1, 1)]));
        owner.request(1).expect("in progress").end(0);
        assert_eq!(owner.write(), COMPLETE);
        assert_eq!(owner.connection.life(), Life::Open);
    }
}

#[test]
fn what_follows_the_last_request_in_its_last_record_is_of_no_use() {
    // The owner answers at the end of the body, behind which the same record has more than is ignored.
    let config = Config::default().limits(Limits::default().max_ignored(0));
    let input = wire(&[
        &begin(1, 1, 0),
        &params(1, &[("CONTENT_LENGTH", "1")]),
        &record(5, 1, b"xy"),
    ]);
    let seen = crate::support::complete(&config, &input);
    assert_eq!(seen.error, None);
    assert_eq!(seen.life, Life::Draining);
}

#[test]
fn ignored_bytes_on_a_kept_connection_are_limited() {
    let config = Config::default().limits(Limits::default().max_ignored(10));
    let mut owner = Owner::connected(config, &request(1, &[("CONTENT_LENGTH", "90")]));
    owner.request(1).expect("in progress").end(0);
    owner.write();
    owner.feed(&record(5, 1, &[0; 10]));
    assert_eq!(owner.connection.error(), None);
    owner.feed(&record(5, 1, b"x"));
    assert_eq!(
        owner.connection.error(),
        Some(&ConnectionError::TooMuchIgnored)
    );
}
