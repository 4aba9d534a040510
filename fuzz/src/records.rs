//! Bytes to records, against a reading of section 3.3 that knows nothing of parts.

use bytes::BytesMut;
use fastcgi_core::record::{Decoder, RecordType};

use super::cut::cut;

/// A record as it is compared: type, id, content, and whether the content is all of it.
type Found = (u8, u16, Vec<u8>);

/// The first byte says where to cut; the rest is the stream.
pub fn check(data: &[u8]) {
    let Some((&seed, stream)) = data.split_first() else {
        return;
    };
    let expected = read(stream);
    assert_eq!(decode(&cut(stream, 0)), expected, "whole");
    assert_eq!(decode(&cut(stream, 1)), expected, "byte by byte");
    assert_eq!(decode(&cut(stream, seed)), expected, "cut by {seed}");
}

/// What the decoder gives, with the parts of stream records joined, and whether it ended in an error.
fn decode(pieces: &[&[u8]]) -> (Vec<Found>, bool) {
    let mut decoder = Decoder::new();
    let mut input = BytesMut::new();
    let mut found = Vec::new();
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(record)) => {
                    let id = record.request_id.map_or(0, |id| id.get());
                    push(
                        &mut found,
                        (record.record_type.as_u8(), id, record.content.into()),
                    );
                }
                Ok(None) => break,
                Err(_) => return (found, true),
            }
        }
        assert!(input.len() < 8 + 65_535, "{} bytes wait", input.len());
    }
    (found, false)
}

/// Joins neighbours of one stream, because parts and records look alike. The end of a stream stays alone.
fn push(found: &mut Vec<Found>, record: Found) {
    let (record_type, id, content) = &record;
    let stream = RecordType::from(*record_type).is_stream() && !content.is_empty();
    match found.last_mut() {
        Some((last_type, last_id, last))
            if stream && last_type == record_type && last_id == id && !last.is_empty() =>
        {
            last.extend_from_slice(content);
        }
        _ => found.push(record),
    }
}

/// The records that stand in `stream`.
fn read(stream: &[u8]) -> (Vec<Found>, bool) {
    let mut found = Vec::new();
    let mut rest = stream;
    while let Some(([version, record_type, id1, id0, length1, length0, padding, _], after)) =
        rest.split_first_chunk::<8>()
    {
        if *version != 1 {
            return (found, true);
        }
        let length = usize::from(u16::from_be_bytes([*length1, *length0]));
        let id = u16::from_be_bytes([*id1, *id0]);
        let content = after.get(..length);
        let is_stream = (4..=8).contains(record_type);
        match content {
            Some(content) => push(&mut found, (*record_type, id, content.to_vec())),
            None if is_stream && !after.is_empty() => {
                push(&mut found, (*record_type, id, after.to_vec()));
            }
            None => {}
        }
        rest = after
            .get(length + usize::from(*padding)..)
            .unwrap_or_default();
        if content.is_none() {
            break;
        }
    }
    (found, false)
}
