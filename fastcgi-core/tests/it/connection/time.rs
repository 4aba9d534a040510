//! Until when things are awaited, and what happens then (B-4, B-14, B-15, R-13). Time is arithmetic: nothing sleeps.

use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use fastcgi_core::{Awaited, Config, ConnectionError, Event, Life, Limits, Timeouts};

use super::{get, request};
use crate::{
    owner::Owner,
    support::{BEGIN, COMPLETE, PARAMS_END, STDIN_END, begin, params, record, wire},
};

pub(super) fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(super) fn with(timeouts: Timeouts) -> Config {
    Config::default().timeouts(timeouts)
}

/// A request of which all has arrived.
fn whole() -> Vec<u8> {
    wire(&[&get(1), STDIN_END])
}

/// A connection that is kept, on which one request has been answered.
pub(super) fn kept(config: Config) -> Owner {
    let mut owner = Owner::connected(config, &whole());
    owner.request(1).expect("in progress").end(0);
    assert_eq!(owner.write(), COMPLETE);
    owner
}

pub(super) const LATE_PARAMS: Option<&ConnectionError> =
    Some(&ConnectionError::TimedOut(Awaited::Params));
const LATE_WRITE: Option<&ConnectionError> = Some(&ConnectionError::TimedOut(Awaited::Write));

mod write_timeout {
    use super::*;

    fn unwritten(config: Config) -> Owner {
        let mut owner = Owner::connected(config, &get(1));
        let mut request = owner.request(1).expect("in progress");
        assert_eq!(request.stdout(Bytes::from_static(b"hello")), Ok(0));
        owner.events();
        owner
    }

    fn fails_in(owner: &mut Owner, time: Duration) {
        assert_eq!(owner.deadline(), Some(time));
        owner.pass(time - Duration::from_nanos(1));
        assert_eq!(owner.connection.error(), None);
        assert_eq!(owner.pass(Duration::from_nanos(1)), ["aborted 1"]);
        assert_eq!(owner.connection.error(), LATE_WRITE);
        assert_eq!(
            owner.connection.life(),
            Life::Closed,
            "nobody waits for it to read about that"
        );
        assert_eq!(owner.deadline(), None);
    }

    #[test]
    fn a_web_server_has_60_s_to_read_something() {
        fails_in(&mut unwritten(Config::default()), s(60));
    }

    #[test]
    fn the_time_starts_anew_with_every_byte() {
        let mut owner = unwritten(Config::default());
        owner.pass(s(59));
        owner.connection.outgoing().advance(1);
        owner.connection.written();
        fails_in(&mut owner, s(60));
    }

    #[test]
    fn what_arrives_does_not_prolong_it() {
        let mut owner = unwritten(Config::default());
        owner.pass(s(50));
        owner.feed(STDIN_END);
        fails_in(&mut owner, s(10));
    }

    #[test]
    fn there_is_none_when_all_is_written() {
        let mut owner = unwritten(Config::default());
        owner.write();
        assert_eq!(owner.deadline(), None);
        owner.pass(s(3600));
        assert_eq!(owner.connection.error(), None);
    }

    #[test]
    fn the_last_of_a_connection_has_it_too() {
        let mut owner = Owner::connected(
            Config::default(),
            &wire(&[&begin(1, 1, 0), &params(1, &[]), STDIN_END]),
        );
        owner.request(1).expect("in progress").end(0);
        owner.events();
        assert_eq!(owner.connection.life(), Life::LastRequests);
        assert_eq!(owner.deadline(), Some(s(60)));
        owner.pass(s(60));
        assert_eq!(owner.connection.error(), LATE_WRITE);
        assert_eq!(owner.connection.life(), Life::Closed);
    }

    #[test]
    fn the_limit_can_be_set() {
        fails_in(&mut unwritten(with(Timeouts::default().write(s(7)))), s(7));
    }
}

mod idle_timeout {
    use super::*;

    fn idle() -> Config {
        with(Timeouts::default().idle(Some(s(300))))
    }

    /// `Quiet` comes in between.
    fn ends_in(owner: &mut Owner, time: Duration) {
        owner.pass(time - Duration::from_nanos(1));
        assert_eq!(owner.connection.life(), Life::Open);
        owner.pass(Duration::from_nanos(1));
        assert_eq!(owner.connection.life(), Life::Draining);
        assert_eq!(owner.connection.error(), None);
    }

    #[test]
    fn there_is_none_by_default() {
        let mut owner = kept(Config::default());
        assert_eq!(owner.pass(s(1)), ["quiet"]);
        assert_eq!(owner.deadline(), None);
        assert!(owner.pass(s(86_400)).is_empty());
        assert_eq!(owner.connection.life(), Life::Open);
    }

    #[test]
    fn a_connection_without_a_request_ends() {
        let mut owner = kept(idle());
        ends_in(&mut owner, s(300));
        owner.connection.write_side_closed(0);
        assert_eq!(owner.connection.life(), Life::Closed);
    }

    #[test]
    fn every_request_starts_the_time_anew() {
        let mut owner = kept(idle());
        owner.pass(s(200));
        owner.feed(&whole());
        owner.request(1).expect("in progress").end(0);
        // A request that is answered in one go.
        owner.write();
        ends_in(&mut owner, s(300));
    }

    #[test]
    fn over_tcp_it_is_5_minutes_unless_a_setting_says_otherwise() {
        let tcp = || Config::default().over_tcp(true);
        ends_in(&mut kept(tcp()), s(300));
        let ten = Timeouts::default().idle(Some(s(10)));
        ends_in(&mut kept(tcp().timeouts(ten)), s(10));
        let mut owner = kept(tcp().timeouts(Timeouts::default().idle(None)));
        owner.pass(s(86_400));
        assert_eq!(owner.connection.life(), Life::Open);
    }

    #[test]
    fn a_request_in_progress_is_not_idle() {
        let mut owner = kept(idle());
        owner.feed(&whole());
        owner.pass(s(1000));
        assert_eq!(owner.connection.life(), Life::Open);
        owner.request(1).expect("in progress").end(0);
        owner.pass(s(50));
        assert_eq!(
            owner.connection.life(),
            Life::Open,
            "something waits to be written"
        );
        owner.write();
        ends_in(&mut owner, s(300));
    }

    #[test]
    fn a_connection_that_has_had_no_request_is_not_idle() {
        let mut owner = Owner::new(with(Timeouts::default().idle(Some(s(1)))));
        owner.pass(s(29));
        assert_eq!(owner.connection.life(), Life::Open);
        owner.pass(s(1));
        assert_eq!(owner.connection.error(), LATE_PARAMS);
    }

    #[test]
    fn a_request_that_was_refused_is_one() {
        let authorizer = wire(&[&begin(1, 2, 1), &params(1, &[]), STDIN_END]);
        let mut owner = Owner::connected(idle(), &authorizer);
        owner.write();
        ends_in(&mut owner, s(300));
    }
}

mod quiet {
    use super::*;

    #[test]
    fn it_is_reported_once_after_1_s() {
        let mut owner = kept(Config::default());
        assert_eq!(owner.deadline(), Some(s(1)));
        assert!(owner.pass(Duration::from_millis(999)).is_empty());
        assert_eq!(owner.pass(Duration::from_millis(1)), ["quiet"]);
        assert!(owner.pass(s(3600)).is_empty());
    }

    #[test]
    fn it_is_reported_again_after_the_next_request() {
        let mut owner = kept(Config::default());
        assert_eq!(owner.pass(s(1)), ["quiet"]);
        owner.feed(&get(1));
        owner.request(1).expect("in progress").end(0);
        owner.write();
        assert_eq!(owner.pass(s(1)), ["quiet"]);
    }

    #[test]
    fn requests_in_quick_succession_are_not_quiet() {
        let mut owner = kept(Config::default());
        for _ in 0..10 {
            assert!(owner.pass(Duration::from_millis(900)).is_empty());
            owner.feed(&get(1));
            owner.request(1).expect("in progress").end(0);
            owner.write();
        }
    }

    #[test]
    fn a_connection_is_not_quiet_before_its_first_request() {
        let mut owner = Owner::new(Config::default());
        assert!(owner.pass(s(29)).is_empty());
    }

    #[test]
    fn a_request_in_progress_is_not_quiet() {
        let mut owner = kept(Config::default());
        owner.feed(&get(1));
        assert!(owner.pass(s(100)).is_empty());
    }
}

mod after_a_shutdown {
    use super::*;

    #[test]
    fn a_request_that_is_beginning_has_its_whole_time() {
        // The 250 ms are for its first byte.
        let mut owner = Owner::new(Config::default());
        owner.connection.shutdown();
        owner.pass(Duration::from_millis(200));
        let request = get(1);
        let (front, back) = request.split_at(1);
        owner.feed(front);
        owner.pass(s(10));
        assert_eq!(owner.connection.life(), Life::FirstIsLast);
        assert_eq!(owner.feed(back).len(), 2);
    }

    #[test]
    fn it_is_still_limited_from_the_opening() {
        let mut owner = Owner::new(Config::default());
        owner.pass(s(20));
        owner.connection.shutdown();
        owner.feed(b"\x01");
        owner.pass(s(10));
        assert_eq!(owner.connection.error(), LATE_PARAMS);
    }
}

/// A driver need not ask for a deadline before it has answered.
#[test]
fn a_request_that_is_answered_in_one_go_starts_times_anew() {
    let mut owner = kept(with(Timeouts::default().idle(Some(s(300)))));
    assert_eq!(owner.pass(s(200)), ["quiet"]);
    let mut input = BytesMut::from(&whole()[..]);
    let connection = &mut owner.connection;
    while let Some(event) = connection.next_event(&mut input) {
        if let Event::Request(request) = event {
            connection.request(request.key).expect("in progress").end(0);
        }
    }
    let length = connection.outgoing().remaining();
    connection.outgoing().advance(length);
    connection.written();
    assert_eq!(owner.deadline(), Some(s(1)));
    assert_eq!(owner.pass(s(299)), ["quiet"]);
    assert_eq!(owner.connection.life(), Life::Open);
    owner.pass(s(1));
    assert_eq!(owner.connection.life(), Life::Draining);
}

/// What is late together is handled together.
#[test]
fn everything_that_is_late_is_handled() {
    let timeouts = Timeouts::default().idle(Some(s(5)));
    let mut owner = kept(with(timeouts));
    // The owner slept too long: it has been quiet, and idle.
    owner.now += s(10);
    let now = owner.now;
    owner.connection.handle_deadline(now);
    assert_eq!(owner.connection.life(), Life::Draining);
    assert_eq!(owner.events(), ["quiet"]);
    assert_eq!(owner.deadline(), Some(s(2)), "until the web server closes");
}

#[test]
fn limits_too_large_for_the_clock_are_no_limits() {
    let forever = Duration::MAX;
    let timeouts = Timeouts::default()
        .params(forever)
        .write(forever)
        .read(Some(forever))
        .idle(Some(forever));
    let mut owner = Owner::new(with(timeouts));
    assert_eq!(owner.deadline(), None);
    owner.feed(&wire(&[BEGIN, PARAMS_END]));
    assert_eq!(owner.deadline(), None);
    owner.feed(&wire(&[
        &record(5, 1, b"x"),
        &request(2, &[("CONTENT_LENGTH", "9")]),
    ]));
    let mut request = owner.request(1).expect("in progress");
    assert_eq!(request.stdout(Bytes::from_static(b"unwritten")), Ok(0));
    assert_eq!(owner.deadline(), None);
    assert!(owner.pass(s(86_400 * 365)).is_empty());
    assert_eq!(owner.connection.error(), None);
}

#[test]
fn a_deadline_that_has_not_come_changes_nothing() {
    let config = Config::default().limits(Limits::default());
    let mut owner = Owner::connected(config, &wire(&[BEGIN, PARAMS_END]));
    let now = owner.now;
    for _ in 0..3 {
        owner.connection.handle_deadline(now);
    }
    assert!(owner.events().is_empty());
    assert_eq!(owner.deadline(), Some(s(30)));
}
