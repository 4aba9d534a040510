//! No deadline is reported again and again: when one was handled, the next is later, or there is none.

use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use fastcgi_core::{Config, Connection, Life, Timeouts, cgi::BodyLength};

use super::{get, request};
use crate::{
    owner::Owner,
    support::{BEGIN, HEAD, PARAMS_END, STDIN_END, begin, params, record, wire},
};

/// Connections in every situation in which something is awaited, and in some in which nothing is.
fn situations(config: &Config) -> Vec<(&'static str, Owner)> {
    let owner = |input: &[u8]| {
        let mut owner = Owner::new(config.clone());
        owner.feed(input);
        owner
    };
    let with = |mut owner: Owner, change: &dyn Fn(&mut Owner)| {
        change(&mut owner);
        owner
    };
    let post = request(1, &[("CONTENT_LENGTH", "9")]);
    let mod_fcgid = request(1, &[("SERVER_SOFTWARE", "Apache"), ("CONTENT_LENGTH", "9")]);
    let last = wire(&[&begin(1, 1, 0), &params(1, &[("CONTENT_LENGTH", "9")])]);
    let filter = wire(&[&begin(1, 3, 1), &params(1, &[("FCGI_DATA_LENGTH", "9")])]);
    let answer = |owner: &mut Owner| {
        if let Some(mut request) = owner.request(1) {
            request.head(HEAD.into(), BodyLength::Unknown);
            let _ = request.stdout(Bytes::from_static(b"unwritten"));
        }
    };
    let hold = |owner: &mut Owner| {
        if let Some(key) = owner.key(1) {
            owner.connection.set_held(key, 64 * 1024);
        }
    };
    let ended = |owner: &mut Owner| {
        owner.request(1).map(|request| request.end(0));
    };
    let fails = |owner: &mut Owner| {
        answer(owner);
        owner.request(1).map(|request| request.fail(0));
    };
    let written = |owner: &mut Owner| {
        owner.write();
    };
    vec![
        ("nothing has come", owner(b"")),
        ("a part of a record", owner(b"\x01")),
        ("a question that is not answered", owner(&record(9, 0, b""))),
        (
            "told to shut down",
            with(owner(b""), &|it| it.connection.shutdown()),
        ),
        (
            "told, a part of a record",
            with(owner(b"\x01"), &|it| it.connection.shutdown()),
        ),
        ("params", owner(BEGIN)),
        ("params of two", owner(&wire(&[BEGIN, &begin(2, 1, 1)]))),
        (
            "params beside a request",
            owner(&wire(&[&get(1), &begin(2, 1, 1)])),
        ),
        ("the first of a body", owner(&wire(&[BEGIN, PARAMS_END]))),
        ("a body", owner(&post)),
        (
            "a body of which some has come",
            owner(&wire(&[&post, &record(5, 1, b"some")])),
        ),
        ("a suspended body", owner(&wire(&[&mod_fcgid, STDIN_END]))),
        ("a file", owner(&filter)),
        ("an answer", with(owner(&get(1)), &answer)),
        ("a body that is held", with(owner(&post), &hold)),
        (
            "a body that is held, unwritten",
            with(owner(&post), &|it| {
                answer(it);
                hold(it);
            }),
        ),
        ("between requests, unwritten", with(owner(&get(1)), &ended)),
        (
            "between requests",
            with(owner(&get(1)), &|it| {
                ended(it);
                written(it);
            }),
        ),
        ("the last request", owner(&last)),
        ("the last request, unwritten", with(owner(&last), &ended)),
        (
            "our side is to be closed",
            with(owner(&last), &|it| {
                ended(it);
                written(it);
            }),
        ),
        ("a broken response", with(owner(&get(1)), &fails)),
        (
            "an error, unwritten",
            with(owner(&get(1)), &|it| {
                answer(it);
                it.feed(&[0; 8]);
            }),
        ),
        (
            "lost, unwritten",
            with(owner(&get(1)), &|it| {
                answer(it);
                it.connection.lost();
            }),
        ),
        (
            "the end of file, unwritten",
            with(owner(&get(1)), &|it| {
                ended(it);
                it.connection.end_of_file();
            }),
        ),
        (
            "the end of file",
            with(owner(&post), &|it| it.connection.end_of_file()),
        ),
    ]
}

/// Handles deadlines until there is none, and gives how many there were.
fn handle_all(connection: &mut Connection, mut now: Instant, case: &str) -> usize {
    for count in 0..1000 {
        let Some(until) = connection.deadline(now) else {
            return count;
        };
        now = now.max(until);
        connection.handle_deadline(now);
        let next = connection.deadline(now);
        assert!(
            next.is_none_or(|next| next > now),
            "{case}: {next:?} is not after {now:?}"
        );
    }
    panic!("{case}: there is always another deadline");
}

#[test]
fn deadlines_come_to_an_end() {
    let all = |limit: Duration| {
        Timeouts::default()
            .params(limit)
            .idle(Some(limit))
            .read(Some(limit))
            .write(limit)
    };
    for timeouts in [
        Timeouts::default(),
        all(Duration::ZERO),
        all(Duration::from_nanos(1)),
        all(Duration::from_secs(1)),
        all(Duration::MAX),
    ] {
        let config = Config::default().timeouts(timeouts.clone()).filter(true);
        for (case, mut owner) in situations(&config) {
            if case == "a body that is held" {
                // Looked at once a second, as long as it is: see departure.rs.
                continue;
            }
            let now = owner.now;
            let count = handle_all(&mut owner.connection, now, case);
            assert!(count < 20, "{case}, {timeouts:?}: {count} deadlines");
        }
    }
}

/// What is held back is looked at again and again, but not at once.
#[test]
fn a_slow_application_is_looked_at_once_in_a_read_timeout() {
    let config = Config::default().timeouts(Timeouts::default().read(Some(Duration::ZERO)));
    let mut owner = Owner::connected(config, &request(1, &[("CONTENT_LENGTH", "9")]));
    let key = owner.key(1).expect("a request");
    owner.connection.set_held(key, 1);
    let start = owner.now;
    let mut now = start;
    for _ in 0..100 {
        let until = owner.connection.deadline(now).expect("a deadline");
        assert!(until > now);
        now = until;
        owner.connection.handle_deadline(now);
    }
    assert_eq!(now - start, Duration::from_millis(100));
}

#[test]
fn nothing_is_awaited_of_a_connection_that_is_over() {
    for (case, mut owner) in situations(&Config::default().filter(true)) {
        owner.connection.lost();
        assert!(matches!(
            owner.connection.life(),
            Life::Closed | Life::Reset
        ));
        let error = owner.connection.error().cloned();
        assert_eq!(owner.deadline(), None, "{case}");
        let much_later = owner.now + Duration::from_secs(86_400);
        owner.connection.handle_deadline(much_later);
        assert_eq!(owner.connection.error().cloned(), error, "{case}");
    }
}

#[test]
fn a_connection_that_is_left_alone_is_closed_or_waits_for_the_application() {
    let timeouts = Timeouts::default()
        .idle(Some(Duration::from_secs(300)))
        .read(Some(Duration::from_secs(300)));
    for (case, mut owner) in situations(&Config::default().timeouts(timeouts).filter(true)) {
        owner.pass(Duration::from_secs(3600));
        let connection = &mut owner.connection;
        let is_over = matches!(connection.life(), Life::Closed | Life::Reset);
        assert!(is_over || connection.requests_in_progress() > 0, "{case}");
        assert!(is_over || connection.outgoing().remaining() == 0, "{case}");
    }
}
