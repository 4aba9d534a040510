//! How long requests may take to arrive: their params, the first of their bodies, and the rest (B-4, B-5, B-15).

use std::time::Duration;

use fastcgi_core::{Config, Life, Timeouts};

use super::{
    get, request,
    time::{LATE_PARAMS, kept, s, with},
};
use crate::{
    owner::Owner,
    support::{
        BEGIN, COMPLETE, PARAMS_END, STDIN_END, begin, end, multiplexing, params, record, wire,
    },
};

mod params_timeout {
    use super::*;

    fn fails_in(owner: &mut Owner, time: Duration) {
        assert_eq!(owner.deadline(), Some(time));
        owner.pass(time - Duration::from_nanos(1));
        assert_eq!(owner.connection.error(), None);
        assert!(owner.pass(Duration::from_nanos(1)).is_empty());
        assert_eq!(owner.connection.error(), LATE_PARAMS);
        assert_eq!(owner.connection.life(), Life::Closed);
        assert_eq!(owner.connection.requests_in_progress(), 0);
        assert_eq!(owner.deadline(), None);
        assert_eq!(owner.write(), b"");
    }

    #[test]
    fn a_connection_has_30_s_for_its_first_request() {
        fails_in(&mut Owner::new(Config::default()), s(30));
    }

    /// Time that passes before the connection is asked for a deadline is not the web server's.
    #[test]
    fn a_wait_begins_with_the_first_deadline() {
        let mut owner = Owner::new(Config::default());
        for record in [BEGIN, PARAMS_END] {
            assert_eq!(owner.connection.next_event(&mut record.into()), None);
            owner.now += s(10);
            assert_eq!(owner.deadline(), Some(s(30)));
            owner.now += s(10);
            assert_eq!(owner.deadline(), Some(s(20)));
        }
    }

    #[test]
    fn questions_do_not_prolong_it() {
        let mut owner = Owner::new(Config::default());
        owner.pass(s(20));
        owner.feed(&record(9, 0, b""));
        owner.write();
        fails_in(&mut owner, s(10));
    }

    #[test]
    fn the_params_of_the_first_request_are_a_part_of_it() {
        let mut owner = Owner::new(Config::default());
        owner.pass(s(10));
        owner.feed(BEGIN);
        assert_eq!(owner.deadline(), Some(s(20)));
        owner.pass(s(10));
        owner.feed(b"\x01\x04\x00\x01\x00\x03\x00\x00\x01\x01A");
        fails_in(&mut owner, s(10));
    }

    #[test]
    fn params_that_have_come_are_no_more_awaited() {
        let mut owner = Owner::new(Config::default());
        owner.pass(s(29));
        owner.feed(&get(1));
        assert_eq!(owner.deadline(), None);
        owner.pass(s(3600));
        assert_eq!(owner.connection.error(), None);
    }

    #[test]
    fn a_later_request_has_30_s_from_its_first_byte() {
        let mut owner = kept(Config::default());
        owner.pass(s(100));
        let (front, back) = BEGIN.split_at(1);
        owner.feed(front);
        assert_eq!(owner.deadline(), Some(s(30)));
        owner.pass(s(10));
        owner.feed(back);
        fails_in(&mut owner, s(20));
    }

    #[test]
    fn a_part_of_a_record_is_the_first_byte_of_a_request() {
        let mut owner = kept(Config::default());
        owner.pass(s(100));
        owner.feed(b"\x01");
        fails_in(&mut owner, s(30));
    }

    #[test]
    fn a_record_that_was_no_request_does_not_count_for_the_next() {
        let mut owner = kept(Config::default());
        owner.feed(b"\x01\x09\x00\x00");
        owner.pass(s(20));
        owner.feed(b"\x00\x00\x00\x00");
        owner.write();
        owner.feed(BEGIN);
        fails_in(&mut owner, s(30));
    }

    #[test]
    fn each_request_has_its_own() {
        // The time of the second is not that of the first, and is not lost beside it.
        let mut owner = Owner::connected(multiplexing(), &get(1));
        owner.feed(&begin(2, 1, 1));
        owner.pass(s(10));
        owner.feed(&begin(3, 1, 1));
        owner.pass(s(10));
        owner.feed(&get(4));
        assert_eq!(owner.deadline(), Some(s(10)));
        assert_eq!(owner.pass(s(10)), ["refused 2 ParamsTooSlow"]);
        assert_eq!(owner.deadline(), Some(s(10)));
        assert_eq!(owner.pass(s(10)), ["refused 3 ParamsTooSlow"]);
        assert_eq!(owner.connection.error(), None);
        assert_eq!(owner.connection.requests_in_progress(), 2);
    }

    #[test]
    fn when_all_are_late_the_connection_fails_with_the_last() {
        let mut owner = Owner::connected(multiplexing(), &wire(&[BEGIN, &begin(2, 1, 1)]));
        assert_eq!(owner.pass(s(30)), ["refused 1 ParamsTooSlow"]);
        assert_eq!(owner.connection.error(), LATE_PARAMS);
        let answer = owner.write();
        assert!(answer.get(8..).unwrap().starts_with(b"Status: 408 "));
        assert!(answer.ends_with(&end(1, 0, 0)));
        assert_eq!(owner.connection.life(), Life::Closed);
    }

    #[test]
    fn the_limit_can_be_set() {
        let config = with(Timeouts::default().params(s(7)));
        fails_in(&mut Owner::new(config.clone()), s(7));
        let mut owner = kept(config);
        owner.feed(BEGIN);
        fails_in(&mut owner, s(7));
    }
}

mod first_of_the_body {
    use super::*;

    /// B-5: a request without a length waits for its first STDIN record.
    #[test]
    fn a_body_that_does_not_begin_fails_after_30_s() {
        let mut owner = Owner::new(Config::default());
        owner.pass(s(10));
        owner.feed(&wire(&[BEGIN, PARAMS_END]));
        assert_eq!(owner.deadline(), Some(s(30)), "from the end of the params");
        assert!(owner.pass(s(29)).is_empty());
        assert_eq!(
            owner.pass(s(1)),
            ["request 1 RESPONDER keep", "stdin end 1 incomplete"]
        );
        assert_eq!(owner.deadline(), None);
        assert_eq!(owner.connection.error(), None);
        owner.request(1).expect("in progress").end(0);
        assert_eq!(owner.write(), COMPLETE);
        assert_eq!(owner.connection.life(), Life::Open);
    }

    #[test]
    fn a_body_that_has_begun_may_take_its_time() {
        let mut owner = Owner::connected(Config::default(), &wire(&[BEGIN, PARAMS_END]));
        owner.pass(s(29));
        owner.feed(&record(5, 1, b"x"));
        assert_eq!(owner.deadline(), None);
    }

    #[test]
    fn each_request_has_its_own() {
        let first = wire(&[BEGIN, PARAMS_END]);
        let mut owner = Owner::connected(multiplexing(), &first);
        owner.pass(s(10));
        owner.feed(&wire(&[&begin(2, 1, 1), &params(2, &[])]));
        assert_eq!(
            owner.pass(s(20)),
            ["request 1 RESPONDER keep", "stdin end 1 incomplete"]
        );
        assert_eq!(
            owner.pass(s(10)),
            ["request 2 RESPONDER keep", "stdin end 2 incomplete"]
        );
    }
}

mod read_timeout {
    use super::*;

    fn owner(input: &[u8]) -> Owner {
        Owner::connected(with(Timeouts::default().read(Some(s(5)))), input)
    }

    fn post(id: u16) -> Vec<u8> {
        request(id, &[("CONTENT_LENGTH", "9")])
    }

    fn hold(owner: &mut Owner, id: u16, bytes: usize) {
        let key = owner.key(id).expect("a request");
        owner.connection.set_held(key, bytes);
    }

    #[test]
    fn there_is_none_by_default() {
        let mut owner = Owner::connected(Config::default(), &post(1));
        assert_eq!(owner.deadline(), None);
        assert!(owner.pass(s(86_400)).is_empty());
    }

    #[test]
    fn a_body_that_pauses_fails() {
        let mut owner = owner(&post(1));
        owner.pass(s(4));
        owner.feed(&record(5, 1, b"some"));
        assert_eq!(owner.deadline(), Some(s(5)), "the time starts anew");
        assert!(owner.pass(s(4)).is_empty());
        assert_eq!(owner.pass(s(1)), ["stdin end 1 incomplete"]);
        assert_eq!(owner.deadline(), None);
        assert_eq!(owner.connection.error(), None);
        assert!(owner.request(1).is_some(), "the application still answers");
    }

    #[test]
    fn a_body_that_is_complete_does_not() {
        let mut owner = owner(&wire(&[&post(1), &record(5, 1, b"123456789")]));
        assert_eq!(owner.deadline(), None);
    }

    #[test]
    fn nothing_fails_while_the_application_is_slow() {
        let mut owner = owner(&wire(&[&post(1), &record(5, 1, b"some")]));
        hold(&mut owner, 1, 4);
        assert!(owner.pass(s(12)).is_empty());
        // It began anew at 5 s and at 10 s.
        hold(&mut owner, 1, 0);
        assert!(owner.pass(Duration::from_millis(2_999)).is_empty());
        assert_eq!(
            owner.pass(Duration::from_millis(1)),
            ["stdin end 1 incomplete"]
        );
    }

    #[test]
    fn nothing_fails_while_the_socket_is_not_read() {
        let mut owner = owner(&wire(&[&post(1), &record(5, 1, b"some")]));
        hold(&mut owner, 1, 64 * 1024);
        assert_eq!(owner.pass(s(100)), ["HeldBack"; 100]);
        hold(&mut owner, 1, 0);
        assert_eq!(owner.deadline(), Some(s(5)));
    }

    #[test]
    fn each_request_has_its_own() {
        let config = multiplexing().timeouts(Timeouts::default().read(Some(s(5))));
        let mut owner = Owner::connected(config, &wire(&[&post(1), &post(2), &get(3)]));
        owner.pass(s(3));
        owner.feed(&record(5, 2, b"some"));
        assert_eq!(owner.pass(s(2)), ["stdin end 1 incomplete"]);
        // What is held of one does not excuse the other.
        hold(&mut owner, 1, 4);
        assert_eq!(owner.pass(s(3)), ["stdin end 2 incomplete"]);
        assert_eq!(owner.deadline(), None);
    }

    #[test]
    fn an_empty_record_is_no_data() {
        let pairs = [("SERVER_SOFTWARE", "Apache"), ("CONTENT_LENGTH", "9")];
        let mut owner = owner(&request(1, &pairs));
        owner.pass(s(4));
        owner.feed(STDIN_END);
        assert_eq!(owner.pass(s(1)), ["stdin end 1 incomplete"]);
    }

    #[test]
    fn it_is_at_least_1_ms() {
        let config = with(Timeouts::default().read(Some(Duration::ZERO)));
        let mut owner = Owner::connected(config, &wire(&[&post(1), &record(5, 1, b"some")]));
        hold(&mut owner, 1, 4);
        assert_eq!(owner.deadline(), Some(Duration::from_millis(1)));
        assert!(owner.pass(s(1)).is_empty());
    }
}
