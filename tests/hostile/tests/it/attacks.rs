//! Each attack of the table in docs/security.md, against a release build at default settings.
//!
//! The process may use no more memory than it needs by itself and the documented sum, and a well-behaved client beside it is
//! answered in time.

#![expect(clippy::print_stdout, reason = "shown with --nocapture")]

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use fastcgi_hostile::{
    Attack, SUM, Victim, Witness,
    wire::{
        ABORT, AUTHORIZER, DATA, FILTER, GET_VALUES, PARAMS, RESPONDER, STDIN, begin, get, head,
        open, pair, record,
    },
};
use tokio::runtime::Runtime;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// As many as there are places, less a few for others.
const CROWD: usize = 900;
/// How long a client may wait beside an attack, on a machine that does much else.
const IN_TIME: Duration = Duration::from_secs(10);

/// What was seen.
struct Seen {
    /// Bytes that were resident at most, beyond what the process needs by itself.
    peak: u64,
    /// Bytes that the application took.
    taken: usize,
    /// Connections that are open at the end.
    open: usize,
    /// What the first connection was sent.
    received: Vec<u8>,
}

/// One at a time: each has the machine for itself.
static TURN: Mutex<()> = Mutex::new(());

fn attack(attack: Attack) -> Seen {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut victim = Victim::start();
    let runtime = Runtime::new().expect("a runtime");
    let seen = runtime.block_on(async {
        let witness = Witness::begin(victim.socket()).await;
        victim.limit();
        let mut attacking = attack.run(&victim.socket()).await;
        let (answers, longest) = witness.end().await;
        assert!(answers > 0);
        assert!(longest < IN_TIME, "an answer took {longest:?}");
        println!("{answers} answers beside it, the slowest after {longest:?}");
        Seen {
            peak: victim.peak(),
            taken: attacking.taken(),
            open: attacking.open(),
            received: attacking.read().await,
        }
    });
    println!(
        "{} MiB taken, {} MiB at most",
        seen.taken / MIB,
        seen.peak >> 20
    );
    assert!(seen.peak < SUM, "{} MiB", seen.peak >> 20);
    seen
}

/// A role that nobody serves.
fn refused() -> Vec<u8> {
    head(9, "GET", "/", None)
}

#[test]
fn refused_roles_whose_answers_nobody_reads() {
    let seen = attack(Attack::from(20).rounds(&refused(), 64 * MIB));
    // The answers that wait are few, and so is what is taken.
    assert!(seen.taken < 64 * MIB, "{} bytes", seen.taken);
    assert_eq!(seen.open, 20, "they are held back, not closed");
    assert!(seen.peak < 64 << 20, "{} MiB", seen.peak >> 20);
}

#[test]
fn aborted_requests_whose_ends_nobody_reads() {
    let aborted = [begin(1, RESPONDER), record(ABORT, 1, b"")].concat();
    let seen = attack(Attack::from(20).rounds(&aborted, 64 * MIB));
    assert!(seen.peak < 64 << 20, "{} MiB", seen.peak >> 20);
}

#[test]
fn params_that_are_too_large_whose_refusals_nobody_reads() {
    let many = pair("A", "").repeat(1001);
    let large = [
        open(RESPONDER, "GET", "/"),
        record(PARAMS, 1, &many),
        record(PARAMS, 1, b""),
    ];
    let seen = attack(Attack::from(20).rounds(&large.concat(), 64 * MIB));
    assert!(seen.peak < 16 << 20, "{} MiB", seen.peak >> 20);
}

#[test]
fn questions_whose_answers_nobody_reads() {
    let question = record(
        GET_VALUES,
        0,
        b"\x0e\x00FCGI_MAX_CONNS\x0d\x00FCGI_MAX_REQS",
    );
    let seen = attack(Attack::from(20).rounds(&question, 64 * MIB));
    assert!(seen.peak < 64 << 20, "{} MiB", seen.peak >> 20);
    // The connection is held back, not closed: what was asked is answered.
    let answers = seen
        .received
        .chunks(8)
        .filter(|it| it.starts_with(&[1, 10]));
    assert!(answers.count() > 100, "{} bytes", seen.received.len());
}

#[test]
fn bytes_of_a_body_beside_data_that_is_ignored() {
    let post = head(RESPONDER, "POST", "/hold", None);
    let round = [
        record(STDIN, 1, b"x"),
        record(DATA, 1, &[0; 60 * KIB]),
        record(DATA, 1, &[0; 60 * KIB]),
    ];
    let seen = attack(
        Attack::from(100)
            .opening(post)
            .rounds(&round.concat(), 40 * MIB),
    );
    assert!(seen.peak < 128 << 20, "{} MiB", seen.peak >> 20);
}

/// As above, where the application sends back what it is sent, and nobody reads that.
#[test]
fn pieces_of_an_echo_beside_data_that_is_ignored() {
    let post = head(RESPONDER, "POST", "/echo", None);
    let round = [
        record(STDIN, 1, &[b'x'; 5000]),
        record(DATA, 1, &[0; 65_000]).repeat(2),
    ];
    attack(
        Attack::from(CROWD)
            .opening(post)
            .rounds(&round.concat(), 8 * MIB),
    );
}

#[test]
fn a_body_in_records_of_one_byte() {
    let post = head(RESPONDER, "POST", "/echo", None);
    attack(
        Attack::from(100)
            .opening(post)
            .rounds(&record(STDIN, 1, b"x"), 16 * MIB),
    );
}

#[test]
fn params_that_do_not_end() {
    let cookie = record(PARAMS, 1, &pair("HTTP_COOKIE", &"c".repeat(60 * KIB)));
    let opening = open(RESPONDER, "GET", "/");
    attack(
        Attack::from(CROWD)
            .opening(opening)
            .rounds(&cookie, 2 * MIB),
    );
}

#[test]
fn params_that_announce_2_gib() {
    let lie = [&[0xff; 8][..], b"x"].concat();
    let params = [
        begin(1, RESPONDER),
        record(PARAMS, 1, &lie),
        record(PARAMS, 1, b""),
    ];
    let seen = attack(Attack::from(CROWD).opening(params.concat()));
    assert!(seen.peak < 128 << 20, "{} MiB", seen.peak >> 20);
}

/// B-8: each could be a web server that writes all before it reads.
#[test]
fn uploads_to_an_echo_that_nobody_reads() {
    let post = head(RESPONDER, "POST", "/echo", Some(1 << 30));
    let body = record(STDIN, 1, &[b'x'; 32 * KIB]);
    attack(Attack::from(CROWD).opening(post).rounds(&body, 20 * MIB));
}

#[test]
fn uploads_that_the_application_does_not_read() {
    let post = head(RESPONDER, "POST", "/hold", Some(1 << 30));
    let body = record(STDIN, 1, &[b'x'; 32 * KIB]);
    let seen = attack(Attack::from(CROWD).opening(post).rounds(&body, 20 * MIB));
    assert!(seen.taken < CROWD * MIB, "{} MiB taken", seen.taken / MIB);
}

#[test]
fn downloads_that_nobody_reads() {
    attack(Attack::from(CROWD).opening(get("/download/1000000000")));
}

#[test]
fn records_that_carry_nothing() {
    let post = head(RESPONDER, "POST", "/hold", None);
    let seen = attack(
        Attack::from(100)
            .opening(post)
            .rounds(&record(STDIN, 7, b""), MIB),
    );
    assert!(seen.peak < 64 << 20, "{} MiB", seen.peak >> 20);
    assert_eq!(seen.open, 0, "all are closed");
}

#[test]
fn rests_of_bodies_of_requests_that_are_over() {
    let post = head(RESPONDER, "POST", "/refuse", None);
    let first = record(STDIN, 1, b"x");
    let body = record(STDIN, 1, &[b'x'; 32 * KIB]);
    let seen = attack(
        Attack::from(10)
            .opening([post, first].concat())
            .rounds(&body, 120 * MIB),
    );
    assert!(seen.peak < 64 << 20, "{} MiB", seen.peak >> 20);
    assert_eq!(seen.open, 0, "all are closed");
}

#[test]
fn authorizers_with_large_params() {
    let cookie = record(PARAMS, 1, &pair("HTTP_COOKIE", &"c".repeat(60 * KIB)));
    let opening = open(AUTHORIZER, "GET", "/hold");
    attack(
        Attack::from(CROWD)
            .opening(opening)
            .rounds(&cookie, 2 * MIB),
    );
}

#[test]
fn filters_are_refused() {
    let filter = head(FILTER, "POST", "/echo", Some(5));
    let data = record(DATA, 1, &[0; 32 * KIB]);
    let seen = attack(Attack::from(10).rounds(&[filter, data].concat(), 64 * MIB));
    assert!(seen.peak < 64 << 20, "{} MiB", seen.peak >> 20);
    assert!(seen.taken < 256 * MIB, "{} MiB taken", seen.taken / MIB);
    assert_eq!(seen.open, 10, "they are held back, not closed");
}
