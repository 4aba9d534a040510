//! What waits for the socket.

use std::io::IoSlice;

use bytes::{Buf, Bytes};
use fastcgi_core::{Config, Connection, Outgoing};

use crate::{
    owner::Owner,
    support::{BEGIN, every_split, params, wire},
};

/// A request in progress.
fn owner() -> Owner {
    let input = wire(&[BEGIN, &params(1, &[("CONTENT_LENGTH", "0")])]);
    Owner::connected(Config::default(), &input)
}

/// Part of its response.
fn stdout(owner: &mut Owner, data: Bytes) {
    let mut request = owner.request(1).expect("in progress");
    assert_eq!(request.stdout(data), Ok(0));
}

/// Runs `check` on what waits after these pieces of a response.
fn waiting<T>(contents: &[usize], check: impl FnOnce(&mut Outgoing) -> T) -> T {
    let mut owner = owner();
    for (content, byte) in contents.iter().zip(b'a'..) {
        stdout(&mut owner, vec![byte; *content].into());
    }
    check(owner.connection.outgoing())
}

fn expected(contents: &[usize]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (&content, byte) in contents.iter().zip(b'a'..) {
        let length = u16::try_from(content).expect("one record");
        bytes.extend(b"\x01\x06\x00\x01");
        bytes.extend(length.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(vec![byte; content]);
    }
    bytes
}

const MIXED: &[usize] = &[3, 4096, 4097, 5, 5000, 6000, 1];

#[test]
fn small_contents_leave_in_one_piece() {
    waiting(&[10, 20, 4096], |outgoing| {
        assert_eq!(outgoing.chunk(), expected(&[10, 20, 4096]));
        assert_eq!(outgoing.chunk().len(), outgoing.remaining());
    });
}

#[test]
fn large_contents_are_not_copied() {
    let mut owner = owner();
    let content = Bytes::from(vec![b'x'; 10_000]);
    stdout(&mut owner, content.clone());
    let outgoing = owner.connection.outgoing();
    outgoing.advance(8);
    assert_eq!(outgoing.chunk().as_ptr(), content.as_ptr());
}

#[test]
fn nothing_waits_at_first() {
    let mut connection = Connection::new(Config::default());
    let outgoing = connection.outgoing();
    assert_eq!(outgoing.remaining(), 0);
    assert!(outgoing.chunk().is_empty());
    assert_eq!(outgoing.chunks_vectored(&mut [IoSlice::new(b"")]), 0);
}

#[test]
fn every_way_of_writing_gives_the_same_bytes() {
    // Sockets take what they like: the lengths of the pieces here are how much one takes at a time.
    let expected = expected(MIXED);
    for most in [1, 2, 7, 8, 9, 4095, 4096, 4097, 10_000, usize::MAX] {
        let written = waiting(MIXED, |outgoing| {
            let mut written = Vec::new();
            while outgoing.has_remaining() {
                let chunk = outgoing.chunk();
                let taken = chunk.get(..most.min(chunk.len())).unwrap().to_vec();
                outgoing.advance(taken.len());
                written.extend(taken);
            }
            written
        });
        assert!(written == expected, "{most} at a time");
    }
}

#[test]
fn advancing_may_cross_chunks() {
    let expected = expected(MIXED);
    // Every place around a border of chunks, and some between.
    for first in (0..=expected.len()).filter(|first| first % 97 == 0 || first % 4096 < 60) {
        waiting(MIXED, |outgoing| {
            outgoing.advance(first);
            assert_eq!(outgoing.remaining(), expected.len() - first);
            let rest = outgoing.copy_to_bytes(outgoing.remaining());
            assert!(Some(&rest[..]) == expected.get(first..), "{first} first");
        });
    }
}

#[test]
fn a_vectored_write_sees_everything_in_order() {
    waiting(MIXED, |outgoing| {
        let mut slices = [IoSlice::new(b""); 16];
        let filled = outgoing.chunks_vectored(&mut slices);
        let seen: Vec<u8> = slices
            .iter()
            .take(filled)
            .flat_map(|slice| slice.to_vec())
            .collect();
        assert!(seen == expected(MIXED));
        assert!(slices.iter().take(filled).all(|slice| !slice.is_empty()));
    });
}

#[test]
fn a_vectored_write_may_see_a_part() {
    waiting(MIXED, |outgoing| {
        let mut slices = [IoSlice::new(b""); 2];
        assert_eq!(outgoing.chunks_vectored(&mut slices), 2);
        let seen: usize = slices.iter().map(|slice| slice.len()).sum();
        assert!(seen < outgoing.remaining());
        assert_eq!(outgoing.chunks_vectored(&mut []), 0);
    });
}

#[test]
fn more_may_be_put_between_writes() {
    let written = every_split(&expected(&[5, 4100, 7]), |pieces| {
        let mut owner = owner();
        let mut contents = [5, 4100, 7].into_iter().zip(b'a'..);
        let mut written = Vec::new();
        for piece in pieces {
            while owner.connection.outgoing().remaining() < piece.len() {
                let (length, byte) = contents.next().expect("as much as is expected");
                stdout(&mut owner, vec![byte; length].into());
            }
            written.extend(owner.connection.outgoing().copy_to_bytes(piece.len()));
        }
        written
    });
    assert!(written == expected(&[5, 4100, 7]));
}

#[test]
fn release_keeps_what_waits() {
    waiting(MIXED, |outgoing| {
        outgoing.advance(10);
        let remaining = outgoing.remaining();
        outgoing.release();
        assert_eq!(outgoing.remaining(), remaining);
        outgoing.advance(remaining);
        outgoing.release();
        assert!(!outgoing.has_remaining());
    });
}

/// Each in memory of its own would cost three allocations.
#[test]
fn headers_of_large_contents_share_their_memory() {
    waiting(&[5000; 20], |outgoing| {
        let mut slices = [IoSlice::new(&[]); 40];
        assert_eq!(outgoing.chunks_vectored(&mut slices), 40);
        let headers: Vec<_> = slices.iter().step_by(2).map(|it| it.as_ptr()).collect();
        let (first, last) = (headers[0] as usize, headers[19] as usize);
        assert_eq!(last - first, 19 * 8, "{headers:?}");
    });
}
