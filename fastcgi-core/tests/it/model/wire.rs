//! The wire format, written and read without the crate's own encoder and decoder (specification, 3.3 and 8).

use std::sync::LazyLock;

use super::random::Random;

pub(super) const BEGIN_REQUEST: u8 = 1;
pub(super) const ABORT_REQUEST: u8 = 2;
pub(super) const END_REQUEST: u8 = 3;
pub(super) const PARAMS: u8 = 4;
pub(super) const STDIN: u8 = 5;
pub(super) const STDOUT: u8 = 6;
pub(super) const STDERR: u8 = 7;
pub(super) const DATA: u8 = 8;
pub(super) const GET_VALUES: u8 = 9;
pub(super) const GET_VALUES_RESULT: u8 = 10;
pub(super) const UNKNOWN_TYPE: u8 = 11;

pub(super) const RESPONDER: u8 = 1;
pub(super) const AUTHORIZER: u8 = 2;
pub(super) const FILTER: u8 = 3;

pub(super) const KEEP_CONN: u8 = 1;

/// A record, without padding.
pub(super) fn record(kind: u8, id: u16, content: &[u8]) -> Vec<u8> {
    padded_record(kind, id, content, 0)
}

pub(super) fn padded_record(kind: u8, id: u16, content: &[u8], padding: u8) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a content of at most 65 535 bytes");
    let mut record = vec![1, kind];
    record.extend(id.to_be_bytes());
    record.extend(length.to_be_bytes());
    record.extend([padding, 0]);
    record.extend_from_slice(content);
    record.resize(record.len() + usize::from(padding), 0xee);
    record
}

/// A name and a value, with their lengths in front.
pub(super) fn put_pair(name: &str, value: &str, block: &mut Vec<u8>) {
    for length in [name.len(), value.len()] {
        match u8::try_from(length) {
            Ok(length) if length < 128 => block.push(length),
            _ => block.extend((length as u32 | 1 << 31).to_be_bytes()),
        }
    }
    block.extend_from_slice(name.as_bytes());
    block.extend_from_slice(value.as_bytes());
}

/// A record that has arrived.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'a> {
    pub(super) version: u8,
    pub(super) kind: u8,
    pub(super) id: u16,
    pub(super) content: &'a [u8],
    /// Its length on the wire.
    pub(super) size: usize,
}

/// The first record of `bytes`, once it is whole. Of a record of another version, the header is enough.
pub(super) fn first_record(bytes: &[u8]) -> Option<Record<'_>> {
    let &[version, kind, id1, id0, length1, length0, padding, _] = bytes.get(..8)? else {
        return None;
    };
    let length = usize::from(u16::from_be_bytes([length1, length0]));
    let is_known = version == 1;
    Some(Record {
        version,
        kind,
        id: u16::from_be_bytes([id1, id0]),
        content: if is_known {
            bytes.get(8..8 + length)?
        } else {
            &[]
        },
        size: if is_known {
            8 + length + usize::from(padding)
        } else {
            8
        },
    })
    .filter(|record| record.size <= bytes.len())
}

/// `length` bytes that are those of `stream` from `offset` on, and of no other stream.
pub(super) fn pattern(stream: usize, offset: usize, length: usize) -> &'static [u8] {
    static PATTERN: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut random = Random::new(1);
        let words = 0..(1 << 17);
        words.flat_map(|_| random.next().to_ne_bytes()).collect()
    });
    let start = stream * 8009 % 65_536 + offset;
    &PATTERN[start..start + length]
}
