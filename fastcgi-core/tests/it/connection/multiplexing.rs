//! Several requests at a time on one connection (B-12).

use fastcgi_core::{Config, Life, Limits};

use crate::support::{
    BEGIN, BEGIN_CLOSE, CANT_MPX_CONN, COMPLETE, PARAMS_END, STDIN_END, complete, multiplexing,
    record, wire,
};

fn begin(id: u16) -> Vec<u8> {
    crate::support::begin(id, 1, 1)
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
    let seen = complete(&multiplexing(), &input);
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
    let seen = complete(&multiplexing(), &input);
    assert_eq!(seen.in_progress, 1);
    assert_eq!(seen.life, Life::LastRequests, "request 2 is in progress");
    let seen = complete(&multiplexing(), &wire(&[&input, &record(5, 2, b"")]));
    assert_eq!(seen.life, Life::Draining);
}

/// HAProxy answers its client with this, and sends one request at a time on this connection from then on. After a bare
/// END_REQUEST the client waits (R-10a).
#[test]
fn a_second_request_is_refused_by_a_whole_response_and_cant_mpx_conn() {
    // The rest of it is ignored, and its id may be used again.
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
        &record(5, 2, b"x"),
    ]);
    let one = Config::default().limits(Limits::default().max_reqs(1));
    let none = Config::default().limits(Limits::default().max_reqs(0));
    for config in [Config::default(), one, none] {
        let seen = complete(&config, &input);
        assert_eq!(
            seen.events,
            [
                "refused 2 Multiplexed",
                "request 1 RESPONDER keep",
                "stdin end 1",
                "request 2 RESPONDER keep",
                "stdin 2: x"
            ]
        );
        assert_eq!(seen.output, wire(&[CANT_MPX_CONN, COMPLETE]));
        assert_eq!(seen.life, Life::Open);
    }
}
