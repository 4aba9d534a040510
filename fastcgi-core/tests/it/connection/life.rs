//! The machine of `connection/closing.rs`: how a connection lives and ends (B-14). What is read before it is closed is in
//! `draining.rs`.

use std::time::Duration;

use fastcgi_core::{Config, ConnectionError, Life, Limits};

use super::get;
use crate::{
    owner::Owner,
    support::{
        BEGIN, BEGIN_CLOSE, CANT_MPX_CONN, COMPLETE, PARAMS_END, STDIN_END, begin, complete, end,
        end_when_over, multiplexing, params, record, wire,
    },
};

// Open → Open

#[test]
fn the_connection_goes_on_after_a_request_with_keep_conn() {
    let request = wire(&[BEGIN, PARAMS_END, STDIN_END]);
    let seen = complete(&Config::default(), &request.repeat(3));
    assert_eq!(
        seen.events,
        ["request 1 RESPONDER keep", "stdin end 1"].repeat(3)
    );
    assert_eq!(seen.output, COMPLETE.repeat(3));
    assert_eq!(seen.life, Life::Open);
}

// Open → LastRequests → Draining → Closed, by a request without KEEP_CONN

/// Core says what there is to do, step by step: the owner had `is_finished` alone.
#[test]
fn the_connection_is_finished_after_a_request_without_keep_conn() {
    let mut owner = Owner::connected(
        Config::default(),
        &wire(&[BEGIN_CLOSE, PARAMS_END, STDIN_END]),
    );
    assert_eq!(
        owner.connection.life(),
        Life::LastRequests,
        "the request is in progress"
    );
    owner.request(1).expect("in progress").end(0);
    assert_eq!(
        owner.connection.life(),
        Life::LastRequests,
        "something waits to be written"
    );
    assert_eq!(owner.write(), COMPLETE);
    assert_eq!(owner.connection.life(), Life::Draining);
    assert!(owner.connection.wants_input());
    owner.connection.write_side_closed(0);
    assert_eq!(owner.connection.life(), Life::Closed);
    assert!(!owner.connection.wants_input());
    assert_eq!(owner.connection.error(), None);
}

/// Core answered one behind the last with FCGI_CANT_MPX_CONN, and the driver discarded it: the driver's rule counts.
#[test]
fn a_request_after_the_last_one_is_refused() {
    let last = wire(&[BEGIN_CLOSE, PARAMS_END, STDIN_END]);
    let input = wire(&[&last, BEGIN, PARAMS_END, STDIN_END]);
    let seen = complete(&multiplexing(), &input);
    assert_eq!(seen.events, ["request 1 RESPONDER close", "stdin end 1"]);
    assert_eq!(seen.life, Life::Draining);
    assert_eq!((seen.output, seen.leftover), (COMPLETE.to_vec(), 0));
    // As long as the last one is in progress, it gets an answer.
    let second = wire(&[&begin(2, 1, 1), &params(2, &[]), &record(5, 2, b"")]);
    let input = wire(&[BEGIN_CLOSE, &second, PARAMS_END, STDIN_END]);
    let seen = complete(&multiplexing(), &input);
    assert_eq!(
        seen.events,
        [
            "refused 2 Multiplexed",
            "request 1 RESPONDER close",
            "stdin end 1"
        ]
    );
    assert_eq!(seen.output, wire(&[CANT_MPX_CONN, COMPLETE]));
}

#[test]
fn a_flag_that_is_missing_on_one_of_several_is_the_end_for_all() {
    let mut owner = Owner::connected(Config::default(), &wire(&[&get(2), BEGIN_CLOSE]));
    assert_eq!(owner.connection.life(), Life::LastRequests);
    assert_eq!(owner.feed(&begin(3, 1, 1)), ["refused 3 Multiplexed"]);
}

// Open → LastRequests, by a shutdown

#[test]
fn shutdown_lets_the_requests_in_progress_end() {
    let mut owner = Owner::connected(
        multiplexing(),
        &wire(&[BEGIN, PARAMS_END, &record(5, 1, b"some ")]),
    );
    owner.connection.shutdown();
    assert_eq!(owner.connection.life(), Life::LastRequests);
    let input = wire(&[
        &begin(2, 1, 1),
        &record(4, 2, b""),
        &record(5, 1, b"more"),
        STDIN_END,
    ]);
    let seen = owner.drive(&[&input], end_when_over);
    assert_eq!(
        seen.events,
        ["refused 2 Multiplexed", "stdin 1: more", "stdin end 1"]
    );
    assert_eq!(seen.output, wire(&[CANT_MPX_CONN, COMPLETE]));
    assert_eq!(seen.life, Life::Draining);
}

#[test]
fn shutdown_ends_an_idle_connection_that_has_had_a_request() {
    let mut owner = Owner::connected(Config::default(), &get(1));
    owner.request(1).expect("in progress").end(0);
    owner.write();
    // Before that, its next request may be on its way: see stopping.rs.
    owner.pass(Duration::from_secs(1));
    owner.connection.shutdown();
    assert_eq!(owner.connection.life(), Life::Draining);
}

#[test]
fn shutdown_lets_params_arrive() {
    let mut owner = Owner::connected(Config::default(), BEGIN);
    owner.connection.shutdown();
    assert_eq!(owner.connection.life(), Life::LastRequests);
    assert_eq!(
        owner.feed(&params(1, &[("CONTENT_LENGTH", "0")])),
        ["request 1 RESPONDER keep CONTENT_LENGTH=0", "stdin end 1"]
    );
}

// Open → FirstIsLast → LastRequests

/// A connection without a request was finished at once for core. The driver gave it 250 ms, and now core does.
#[test]
fn shutdown_finishes_an_idle_connection() {
    let mut owner = Owner::new(Config::default());
    assert_eq!(owner.connection.life(), Life::Open);
    owner.connection.shutdown();
    assert_eq!(owner.connection.life(), Life::FirstIsLast);
    assert_eq!(owner.deadline(), Some(Duration::from_millis(250)));
    owner.pass(Duration::from_millis(249));
    assert_eq!(owner.connection.life(), Life::FirstIsLast);
    owner.pass(Duration::from_millis(1));
    assert_eq!(owner.connection.life(), Life::Draining);
    owner.connection.write_side_closed(0);
    assert_eq!(owner.connection.life(), Life::Closed);
    assert_eq!(owner.connection.error(), None);
}

#[test]
fn the_first_request_after_a_shutdown_is_the_last() {
    let mut owner = Owner::new(multiplexing());
    owner.connection.shutdown();
    assert_eq!(owner.feed(&get(1)).len(), 2);
    assert_eq!(owner.connection.life(), Life::LastRequests);
    assert_eq!(owner.feed(&begin(2, 1, 1)), ["refused 2 Multiplexed"]);
    owner.request(1).expect("in progress").end(0);
    assert_eq!(owner.write(), wire(&[CANT_MPX_CONN, &end(1, 0, 0)]));
    assert_eq!(owner.connection.life(), Life::Draining);
}

#[test]
fn a_second_shutdown_changes_nothing() {
    let mut owner = Owner::new(Config::default());
    owner.connection.shutdown();
    owner.pass(Duration::from_millis(100));
    owner.connection.shutdown();
    assert_eq!(owner.connection.life(), Life::FirstIsLast);
    assert_eq!(owner.deadline(), Some(Duration::from_millis(150)));
}

#[test]
fn values_do_not_make_a_connection_begin() {
    let mut owner = Owner::connected(Config::default(), &record(9, 0, b""));
    owner.write();
    owner.connection.shutdown();
    assert_eq!(owner.connection.life(), Life::FirstIsLast);
    owner.feed(&record(9, 0, b""));
    assert_eq!(owner.connection.life(), Life::FirstIsLast);
    assert_eq!(owner.write(), record(10, 0, b""));
    assert_eq!(owner.feed(&get(1)).len(), 2);
}

#[test]
fn the_first_request_may_be_refused() {
    let mut owner = Owner::new(Config::default());
    owner.connection.shutdown();
    let authorizer = wire(&[&begin(1, 2, 1), &params(1, &[]), STDIN_END]);
    assert_eq!(owner.feed(&authorizer), ["refused 1 Role(AUTHORIZER)"]);
    assert!(!owner.write().is_empty());
    assert_eq!(owner.connection.life(), Life::Draining);
}

#[test]
fn the_end_of_file_before_the_first_request_is_the_end() {
    for is_told in [false, true] {
        let mut owner = Owner::new(Config::default());
        if is_told {
            owner.connection.shutdown();
        }
        owner.connection.end_of_file();
        assert_eq!(owner.connection.life(), Life::Closed);
        assert_eq!(owner.connection.error(), None);
    }
}

// LastRequests → Closed

#[test]
fn nothing_is_drained_when_nothing_more_can_arrive() {
    let mut owner = Owner::connected(
        Config::default(),
        &wire(&[BEGIN_CLOSE, PARAMS_END, STDIN_END]),
    );
    owner.request(1).expect("in progress").end(0);
    owner.connection.end_of_file();
    assert_eq!(owner.connection.life(), Life::LastRequests);
    assert_eq!(owner.write(), COMPLETE);
    assert_eq!(owner.connection.life(), Life::Closed);
}

// LastRequests → Reset is in truncation.rs.

// Any → Closed

#[test]
fn shutdown_after_an_error_changes_nothing() {
    let mut owner = Owner::new(Config::default());
    owner.feed(b"GET / HTTP/1.1\r\n\r\n");
    let error = owner.connection.error().cloned();
    assert!(error.is_some());
    owner.connection.shutdown();
    assert_eq!(owner.connection.life(), Life::Closed);
    assert_eq!(owner.connection.error().cloned(), error);
}

#[test]
fn a_closed_connection_stays_closed() {
    let mut owner = Owner::connected(Config::default(), &get(1));
    owner.connection.lost();
    owner.events();
    owner.connection.shutdown();
    owner.connection.write_side_closed(0);
    owner.connection.end_of_file();
    owner.connection.written();
    assert!(owner.feed(&get(2)).is_empty());
    assert!(owner.feed(b"GET / HTTP/1.1").is_empty());
    owner.pass(Duration::from_secs(3600));
    assert_eq!(owner.connection.life(), Life::Closed);
    assert_eq!(owner.connection.error(), None);
}

#[test]
fn our_side_is_closed_only_when_it_is_asked_for() {
    let mut owner = Owner::new(Config::default());
    owner.connection.write_side_closed(0);
    assert_eq!(owner.connection.life(), Life::Open);
    assert_eq!(owner.feed(&get(1)).len(), 2);
    owner.connection.write_side_closed(0);
    owner.connection.shutdown();
    owner.connection.write_side_closed(0);
    assert_eq!(owner.connection.life(), Life::LastRequests);
}

#[test]
fn the_first_error_is_the_one_that_is_reported() {
    let config = Config::default().limits(Limits::default().max_ignored(0));
    let mut owner = Owner::connected(config, &record(9, 0, b""));
    owner.feed(&record(5, 1, b"x"));
    assert_eq!(
        owner.connection.error(),
        Some(&ConnectionError::TooMuchIgnored)
    );
    // The web server does not read the answer either.
    owner.pass(Duration::from_secs(60));
    assert_eq!(owner.connection.life(), Life::Closed);
    assert_eq!(
        owner.connection.error(),
        Some(&ConnectionError::TooMuchIgnored)
    );
}
