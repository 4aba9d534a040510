//! Any order of commands, reads, writes and times.

use std::time::Duration;

use bytes::BytesMut;
use fastcgi_core::{
    cgi::BodyLength,
    record::{Decoder, RecordType, RequestId},
};

use super::owner::Owner;

pub(super) fn check(options: u8, script: &[u8], input: &[u8]) {
    let mut owner = Owner::new(options);
    let mut rest = input;
    for step in script.chunks_exact(2) {
        if let [kind, argument] = step {
            take(&mut owner, *kind, *argument, &mut rest);
            owner.check();
        }
    }
    owner.feed(rest, usize::MAX);
    owner.check();
    finish(&mut owner);
    owner.check_output(&begun(input));
}

/// One step. The argument chooses the request, and how much there is of what is done.
fn take(owner: &mut Owner, kind: u8, argument: u8, rest: &mut &[u8]) {
    let amount = usize::from(argument / 4);
    match kind % 22 {
        0 => owner.feed(next(rest, 1 + amount), usize::MAX),
        1 => owner.feed(next(rest, 1 + 16 * amount), 1),
        2 => owner.feed(b"", usize::from(argument)),
        3 => owner.head(
            argument,
            match argument / 64 {
                0 => BodyLength::Unknown,
                1 => BodyLength::None,
                2 => BodyLength::Exactly(0),
                _ => BodyLength::Exactly(100),
            },
        ),
        4 => owner.stdout(argument, [0, 1, 100, 5000, 70_000][amount % 5]),
        5 => owner.stderr(argument, [0, 1, 5000, 65_536][amount % 4]),
        6 => owner.flush(argument),
        7 => owner.end(argument, false),
        8 => owner.end(argument, true),
        9 => owner.hold(argument, [0, 1, 1000, 10_000, usize::MAX][amount % 5]),
        10 => owner.write([1, 8, 100, 5000, usize::MAX][usize::from(argument) % 5]),
        11 => owner.pass(Duration::from_millis(
            u64::from(argument) * u64::from(argument),
        )),
        12 => drop(owner.wait()),
        13 => owner.shutdown(),
        14 => owner.end_of_file(),
        15 => owner.lost(),
        16 => owner.write_side_closed(usize::from(argument % 2)),
        17 => owner.release(),
        18 => owner.lend([0, 4096, 32_768, 1 << 20, usize::MAX][amount % 5]),
        19 => owner.lend_output([0, 1, 8192, 1 << 20][amount % 4]),
        20 => owner.keep([0, 4096, 32_768, 1 << 20, usize::MAX][amount % 5]),
        _ => owner.others_go_on(),
    }
}

fn next<'a>(rest: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (piece, after) = rest.split_at(length.min(rest.len()));
    *rest = after;
    piece
}

/// However it has been used, a connection comes to its end, once there is memory for it.
fn finish(owner: &mut Owner) {
    owner.keep(0);
    owner.lend(usize::MAX);
    loop {
        owner.feed(b"", usize::MAX);
        owner.check();
        if !owner.end_one() {
            break;
        }
    }
    owner.write(usize::MAX);
    owner.check();
    owner.shutdown();
    let mut steps = 0;
    while !owner.is_over() && owner.wait() {
        owner.feed(b"", usize::MAX);
        // A body that did not come has handed its request out.
        while owner.end_one() {}
        owner.write(usize::MAX);
        owner.check();
        steps += 1;
        assert!(steps < 1000, "a connection that nobody uses ends");
    }
    assert!(owner.is_over(), "a connection that was told to ends");
}

/// The ids of the requests that `input` begins, as often as it does.
fn begun(input: &[u8]) -> Vec<RequestId> {
    let mut decoder = Decoder::new();
    let mut rest = BytesMut::from(input);
    let mut begun = Vec::new();
    while let Ok(Some(record)) = decoder.decode(&mut rest) {
        if record.record_type == RecordType::BEGIN_REQUEST {
            begun.extend(record.request_id);
        }
    }
    begun
}
