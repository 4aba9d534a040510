//! Percent-coding of paths and queries.
//!
//! Web servers send paths decoded, and `http::Uri` takes them encoded; raw paths hold bytes that `http::Uri` refuses
//! (RFC 3986, 2.1 and 3.3).

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode, percent_encode};

/// T-10: a decoded path as it is written in a URI. Unreserved characters, sub-delimiters, `:`, `@` and `/` stay.
pub(crate) fn encode(path: &[u8]) -> Cow<'_, str> {
    encode_but(path, NOT_IN_PATH)
}

/// T-11: a path that is encoded already, without the bytes that `http::Uri` refuses, and without backslashes.
///
/// A lone `%` is left alone: it is what the client sent, and `http::Uri` accepts it.
pub(super) fn repair_path(raw: &[u8]) -> Cow<'_, str> {
    encode_but(raw, REFUSED_IN_PATH)
}

/// T-11, for the query, in which `http::Uri` refuses `"` too.
pub(super) fn repair_query(raw: &[u8]) -> Cow<'_, str> {
    encode_but(raw, REFUSED_IN_QUERY)
}

/// Borrowed when there is nothing to encode.
fn encode_but<'a>(input: &'a [u8], set: &'static AsciiSet) -> Cow<'a, str> {
    match percent_encode(input, set).into() {
        // One byte alone, encoded, is borrowed from a table.
        Cow::Borrowed(encoded) if encoded.len() != input.len() => encoded.to_owned().into(),
        encoded => encoded,
    }
}

/// The decoded bytes of `raw`.
pub(super) fn decode(raw: &[u8]) -> impl Iterator<Item = u8> {
    percent_decode(raw)
}

/// The decoded bytes of `raw`, except that encoded slashes and backslashes stay as they are.
pub(super) fn decode_but_slashes(raw: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((byte, after)) = split_first(rest) {
        let (spelled, after) = rest.split_at(rest.len() - after.len());
        match byte {
            b'/' | b'\\' => decoded.extend_from_slice(spelled),
            other => decoded.push(other),
        }
        rest = after;
    }
    decoded
}

/// The first decoded byte of `raw`, and what follows it.
pub(super) fn split_first(raw: &[u8]) -> Option<(u8, &[u8])> {
    if let [b'%', high, low, rest @ ..] = raw {
        if let Some(byte) = byte(*high, *low) {
            return Some((byte, rest));
        }
    }
    raw.split_first().map(|(&byte, rest)| (byte, rest))
}

/// The last decoded byte of `raw`, and what comes before it.
///
/// Reading backwards finds the same escapes as reading forwards, because `%` is no hexadecimal digit: two escapes
/// cannot overlap.
pub(super) fn split_last(raw: &[u8]) -> Option<(&[u8], u8)> {
    if let [before @ .., b'%', high, low] = raw {
        if let Some(byte) = byte(*high, *low) {
            return Some((before, byte));
        }
    }
    raw.split_last().map(|(&byte, before)| (before, byte))
}

fn byte(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

const NOT_IN_PATH: &AsciiSet = &NON_ALPHANUMERIC
    // unreserved
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    // sub-delims
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    // the rest of pchar, and what separates segments
    .remove(b':')
    .remove(b'@')
    .remove(b'/');

const REFUSED: &AsciiSet = &CONTROLS.add(b' ').add(b'#').add(b'<').add(b'>').add(b'`');

/// Browsers read `/\\host` as `//host`.
const REFUSED_IN_PATH: &AsciiSet = &REFUSED.add(b'\\');

const REFUSED_IN_QUERY: &AsciiSet = &REFUSED.add(b'"');
