//! The wire format of the reference server.

use std::{
    io::{self, BufReader, Read},
    process::exit,
};

use crate::{Stream, fault};

pub(crate) struct Record {
    pub(crate) kind: u8,
    pub(crate) id: u16,
    pub(crate) content: Vec<u8>,
    pub(crate) reserved: u8,
}

/// Reads a record, or nothing at the end of the stream.
pub(crate) fn read(stream: &mut BufReader<Stream>) -> io::Result<Option<Record>> {
    let mut header = [0; 8];
    let first = stream.read(&mut header)?;
    if first == 0 {
        return Ok(None);
    }
    if first == 1 && fault("a-header-comes-at-once") {
        return Err(io::Error::other("a part of a header"));
    }
    if let Some(rest) = header.get_mut(first..) {
        stream.read_exact(rest)?;
    }
    let [version, kind, id_high, id_low, high, low, padding, reserved] = header;
    if version != 1 {
        if fault("another-version-ends-the-process") {
            exit(1);
        }
        return Err(io::Error::other("another version"));
    }
    let mut content = vec![0; usize::from(u16::from_be_bytes([high, low]))];
    stream.read_exact(&mut content)?;
    if !fault("padding-is-not-skipped") {
        let mut padding = vec![0; usize::from(padding)];
        stream.read_exact(&mut padding)?;
    }
    if kind == 9 && fault("queries-come-in-eight-bytes") {
        let missing = content.len().wrapping_add(usize::from(padding)) % 8;
        if missing != 0 {
            stream.read_exact(&mut vec![0; 8 - missing])?;
        }
    }
    Ok(Some(Record {
        kind,
        id: u16::from_be_bytes([id_high, id_low]),
        content,
        reserved,
    }))
}

/// A record with padding to a multiple of eight bytes.
pub(crate) fn record(kind: u8, id: u16, content: &[u8]) -> Vec<u8> {
    let version = u8::from(!fault("version-0"));
    let length = u16::try_from(content.len()).unwrap_or(0).to_be_bytes();
    let padding = content.len().next_multiple_of(8) - content.len();
    let id = if fault("ids-have-one-byte") {
        id & 0xff
    } else {
        id
    };
    let id = id.to_be_bytes();
    let padding_length = u8::try_from(padding).unwrap_or(0);
    let header = [
        version,
        kind,
        id[0],
        id[1],
        length[0],
        length[1],
        padding_length,
        0,
    ];
    let mut bytes = header.to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len() + padding, 0);
    bytes
}

pub(crate) type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// Why pairs cannot be read.
pub(crate) enum Broken {
    /// More was announced than there is, by far.
    FalseLength,
    Cut,
    Refused,
}

/// Takes name-value pairs apart.
pub(crate) fn pairs(mut bytes: &[u8]) -> Result<Pairs, Broken> {
    let mut pairs = Vec::new();
    while !bytes.is_empty() {
        let name_length = length(&mut bytes, true)?;
        let value_length = length(&mut bytes, false)?;
        if name_length.saturating_add(value_length) > 1 << 24 {
            return Err(Broken::FalseLength);
        }
        let (name, rest) = bytes.split_at_checked(name_length).ok_or(Broken::Cut)?;
        let (value, rest) = rest.split_at_checked(value_length).ok_or(Broken::Cut)?;
        bytes = rest;
        if name.is_empty() && fault("names-are-not-empty") {
            return Err(Broken::Refused);
        }
        if std::str::from_utf8(value).is_err() && fault("values-are-utf-8") {
            return Err(Broken::Refused);
        }
        if (value.is_empty() && fault("empty-values-are-dropped"))
            || (pairs.len() >= 200 && fault("200-pairs-at-most"))
        {
            continue;
        }
        pairs.push((name.to_vec(), value.to_vec()));
    }
    Ok(pairs)
}

fn length(bytes: &mut &[u8], is_name: bool) -> Result<usize, Broken> {
    let (first, rest) = bytes.split_first().ok_or(Broken::Cut)?;
    let is_short = *first < 128 && !(*first == 127 && fault("127-has-four-bytes"));
    if is_short || (is_name && fault("names-have-one-byte")) || fault("lengths-have-one-byte") {
        *bytes = rest;
        return Ok(usize::from(first & 0x7f));
    }
    let (four, rest) = bytes.split_first_chunk::<4>().ok_or(Broken::Cut)?;
    *bytes = rest;
    let length = u32::from_be_bytes(*four) & 0x7fff_ffff;
    if length < 127 && fault("four-bytes-are-for-long-ones") {
        return Err(Broken::Refused);
    }
    Ok(usize::try_from(length).unwrap_or(usize::MAX))
}

pub(crate) fn encode(pairs: &[(&str, String)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in pairs {
        for length in [name.len(), value.len()] {
            // All are shorter than 128 bytes.
            bytes.push(u8::try_from(length).unwrap_or(0));
        }
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(value.as_bytes());
    }
    bytes
}
