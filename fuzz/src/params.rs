//! Name-value pairs, against a reading of section 3.4 that copies everything.

use bytes::{Bytes, BytesMut};
use fastcgi_core::{Config, Connection, Event, Limits, Params};

use super::cut::{Lengths, cut};

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// The first byte says where to cut; the rest is the block.
pub fn check(data: &[u8]) {
    let Some((&seed, block)) = data.split_first() else {
        return;
    };
    let expected = read(block);
    let params = Params::parse(Bytes::copy_from_slice(block)).ok();
    assert_eq!(params.as_ref().map(pairs), expected);
    if let Some(params) = &params {
        check_lookups(params);
        check_copy(params);
    }
    assert_eq!(
        through_a_connection(block, seed),
        expected.map(within_limits)
    );
}

fn pairs(params: &Params) -> Pairs {
    params
        .iter()
        .map(|(name, value)| (name.to_vec(), value.to_vec()))
        .collect()
}

/// What a connection makes of pairs: nothing, where they are refused. It takes 1000, with names of 1024 bytes.
fn within_limits(pairs: Pairs) -> Option<Pairs> {
    let is_refused = pairs.len() > 1000 || pairs.iter().any(|(name, _)| name.len() > 1024);
    (!is_refused).then_some(pairs)
}

/// The pairs that stand in `block`, if it is nothing else.
fn read(block: &[u8]) -> Option<Pairs> {
    let mut bytes = block.iter().copied();
    let mut pairs = Vec::new();
    while bytes.len() > 0 {
        let name_length = read_length(&mut bytes)?;
        let value_length = read_length(&mut bytes)?;
        if name_length + value_length > bytes.len() as u64 {
            return None;
        }
        let name = (0..name_length).filter_map(|_| bytes.next()).collect();
        let value = (0..value_length).filter_map(|_| bytes.next()).collect();
        pairs.push((name, value));
    }
    Some(pairs)
}

fn read_length(bytes: &mut impl Iterator<Item = u8>) -> Option<u64> {
    let first = bytes.next()?;
    if first < 128 {
        return Some(u64::from(first));
    }
    let mut length = u64::from(first) - 128;
    for _ in 0..3 {
        length = length * 256 + u64::from(bytes.next()?);
    }
    Some(length)
}

fn check_lookups(params: &Params) {
    for (name, _) in params.iter().take(50) {
        let all: Vec<_> = params
            .iter()
            .filter(|(other, _)| *other == name)
            .map(|(_, value)| value)
            .collect();
        assert_eq!(params.get(name), all.last().copied());
        assert!(params.get_all(name).eq(all));
    }
    assert_eq!(params.is_empty(), params.iter().next().is_none());
}

/// Writing the pairs again changes nothing but the form of their lengths.
fn check_copy(params: &Params) {
    let copy: Params = params.iter().collect();
    assert!(copy.iter().eq(params.iter()));
    assert_eq!(read(copy.as_bytes()).as_ref(), Some(&pairs(params)));
    assert!(copy.as_bytes().len() <= params.as_bytes().len());
}

/// What arrives of `block`, in records and reads of any length: `None` for an error, and nothing in it for a refusal.
fn through_a_connection(block: &[u8], seed: u8) -> Option<Option<Pairs>> {
    let mut wire = b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00".to_vec();
    let mut lengths = Lengths::new(seed.wrapping_add(1));
    let mut rest = block;
    while !rest.is_empty() {
        let (content, after) = rest.split_at(lengths.length().min(rest.len()));
        put_params(&mut wire, content);
        rest = after;
    }
    put_params(&mut wire, b"");
    // Without an announced length, the end of STDIN hands the request out.
    wire.extend(b"\x01\x05\x00\x01\x00\x00\x00\x00");

    let limits = Limits::default().max_params_size(usize::MAX);
    let mut connection = Connection::new(Config::default().limits(limits));
    let mut input = BytesMut::new();
    let mut seen = None;
    for piece in cut(&wire, seed) {
        input.extend_from_slice(piece);
        while let Some(event) = connection.next_event(&mut input) {
            match event {
                Event::Request(request) => {
                    assert!(seen.is_none(), "one request");
                    seen = Some(Some(pairs(&request.params)));
                }
                Event::Refused { .. } => {
                    assert!(seen.is_none(), "one request");
                    seen = Some(None);
                }
                Event::StdinEnd { .. } => assert!(seen.is_some(), "a request first"),
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(seen.is_some(), connection.error().is_none());
    seen
}

fn put_params(wire: &mut Vec<u8>, content: &[u8]) {
    let length = u16::try_from(content.len()).expect("a short piece");
    wire.extend([1, 4, 0, 1]);
    wire.extend(length.to_be_bytes());
    wire.extend([0, 0]);
    wire.extend(content);
}
