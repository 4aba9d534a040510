//! Several requests at a time on one connection (B-12).

use fastcgi_core::{Config, Life, Limits};

use crate::support::{BEGIN, BEGIN_CLOSE, COMPLETE, PARAMS_END, STDIN_END, complete, record, wire};

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
    assert_eq!(seen.life, Life::LastRequests, "request 2 is in progress");
    let seen = complete(&Config::default(), &wire(&[&input, &record(5, 2, b"")]));
    assert_eq!(seen.life, Life::Draining);
}

#[test]
fn a_second_request_is_refused_where_multiplexing_is_off() {
    // B-12: END_REQUEST with FCGI_CANT_MPX_CONN; HAProxy tries again elsewhere. The rest of it is ignored.
    let config = Config::default().limits(Limits::default().mpxs_conns(false));
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
    let refused = b"\x01\x03\x00\x02\x00\x08\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00";
    assert_eq!(seen.output, wire(&[refused, COMPLETE]));
}
