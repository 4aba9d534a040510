//! Every limit, by its default: what is at it passes, and what is over it does not.
//!
//! Those of output are in `output.rs`, `stderr.rs` and `authorizers.rs`, of floods in `floods.rs`, of time in `arriving.rs`
//! and `time.rs`, of what is discarded in `draining.rs`, of what is held in `pressure.rs`.

use std::time::Duration;

use fastcgi_core::{Config, ConnectionError, Life, Limits, Timeouts};

use super::get;
use crate::{
    owner::Owner,
    support::{BEGIN, PARAMS_END, STDIN_END, begin, end, multiplexing, record, wire},
};

#[test]
fn the_default_limits_are_those_documented() {
    assert_eq!(
        Limits::default(),
        Limits::default()
            .max_params_size(128 * 1024)
            .max_reqs(1)
            .max_ignored(100 * 1024 * 1024)
            .body_window(64 * 1024)
            .max_spill(16 * 1024 * 1024)
    );
    assert_eq!(
        Timeouts::default(),
        Timeouts::default()
            .params(Duration::from_secs(30))
            .read(None)
            .write(Duration::from_secs(60))
    );
    assert_eq!(
        Config::default(),
        Config::default()
            .limits(Limits::default())
            .timeouts(Timeouts::default())
            .authorizer(false)
            .filter(false)
            .over_tcp(false)
    );
}

/// The events of a request with this block of params, in records of any size.
fn events(block: &[u8]) -> Vec<String> {
    // Alone, a request that does not say whose it is may be h2o's, and ends with its connection (B-9).
    let input = wire(&[&begin(2, 1, 1), BEGIN]);
    let mut owner = Owner::connected(multiplexing(), &input);
    for content in block.chunks(60_000) {
        owner.feed(&record(4, 1, content));
    }
    let mut events = owner.feed(&wire(&[PARAMS_END, STDIN_END]));
    for line in &mut events {
        if line.starts_with("request 1 RESPONDER keep ") {
            line.truncate("request 1".len());
        }
    }
    assert_eq!(owner.connection.error(), None);
    assert_eq!(owner.connection.life(), Life::Open);
    events
}

const PASSES: [&str; 2] = ["request 1", "stdin end 1"];
const IS_REFUSED: [&str; 1] = ["refused 1 ParamsTooLarge"];

#[test]
fn params_may_be_128_kib_long() {
    let block = |size: usize| {
        // A name of one byte, four bytes for the length of the value (3.4).
        let value = u32::try_from(size - 6).expect("a few KiB");
        let [b3, b2, b1, b0] = (value | 0x8000_0000).to_be_bytes();
        let mut block = vec![1, b3, b2, b1, b0, b'A'];
        block.resize(size, b'v');
        block
    };
    assert_eq!(events(&block(128 * 1024)), PASSES);
    assert_eq!(events(&block(128 * 1024 + 1)), IS_REFUSED);
}

#[test]
fn there_may_be_1000_params() {
    assert_eq!(events(&b"\x01\x00A".repeat(1000)), PASSES);
    assert_eq!(events(&b"\x01\x00A".repeat(1001)), IS_REFUSED);
}

#[test]
fn a_name_may_be_1024_bytes_long() {
    let block = |length: u16| {
        let [b1, b0] = length.to_be_bytes();
        let mut block = vec![0x80, 0, b1, b0, 0];
        block.extend(vec![b'N'; usize::from(length)]);
        block
    };
    assert_eq!(events(&block(1024)), PASSES);
    assert_eq!(events(&block(1025)), IS_REFUSED);
    let long_and_short = [&*block(1025), b"\x01\x00A"].concat();
    assert_eq!(events(&long_and_short), IS_REFUSED);
}

#[test]
fn one_request_may_be_in_progress() {
    let mut owner = Owner::connected(Config::default(), &get(1));
    assert_eq!(owner.feed(&get(2)), ["refused 2 Multiplexed"]);
    assert_eq!(owner.connection.requests_in_progress(), 1);
    owner.request(1).expect("in progress").end(0);
    assert_eq!(owner.feed(&get(2)).len(), 2, "a request, and its end");
}

#[test]
fn as_many_as_allowed_may_be_in_progress() {
    let requests: Vec<u8> = (1..=64).flat_map(get).collect();
    let mut owner = Owner::connected(multiplexing(), &requests);
    assert_eq!(owner.connection.requests_in_progress(), 64);
    let keys: Vec<_> = (1..=64).map(|id| owner.key(id).unwrap().index()).collect();
    assert_eq!(keys, (0..64).collect::<Vec<_>>());
    assert_eq!(owner.feed(&get(65)), ["refused 65 TooManyRequests"]);
    assert_eq!(owner.connection.requests_in_progress(), 64);
    let answer = owner.write();
    assert!(answer.get(8..).unwrap().starts_with(b"Status: 503 "));
    assert!(answer.ends_with(&end(65, 0, 0)));
    // The key of a refused request is not used up.
    owner.request(30).expect("in progress").end(0);
    owner.feed(&get(66));
    assert_eq!(owner.key(66).map(|key| key.index()), Some(29));
}

#[test]
fn what_is_advertised_is_what_is_configured() {
    let query = b"\x0e\x00FCGI_MAX_CONNS\x0d\x00FCGI_MAX_REQS\x0f\x00FCGI_MPXS_CONNS";
    let mut owner = Owner::connected(Config::default(), &record(9, 0, query));
    let answer = b"\x0d\x01FCGI_MAX_REQS1\x0f\x01FCGI_MPXS_CONNS0";
    assert_eq!(owner.write(), record(10, 0, answer));
    let mut owner = Owner::connected(multiplexing().max_conns(1024), &record(9, 0, query));
    let answer = b"\x0e\x04FCGI_MAX_CONNS1024\x0d\x02FCGI_MAX_REQS64\x0f\x01FCGI_MPXS_CONNS1";
    assert_eq!(owner.write(), record(10, 0, answer));
}

#[test]
fn a_100_mib_of_what_is_ignored_are_taken() {
    let mut owner = Owner::new(Config::default());
    let record = record(5, 1, &[0; 65_528]);
    let limit = 100 * 1024 * 1024;
    for _ in 0..limit / 65_528 {
        owner.feed(&record);
    }
    owner.feed(&crate::support::record(5, 1, &vec![0; limit % 65_528]));
    assert_eq!(owner.connection.error(), None);
    owner.feed(&crate::support::record(5, 1, b"x"));
    let error = Some(&ConnectionError::TooMuchIgnored);
    assert_eq!(owner.connection.error(), error);
}
