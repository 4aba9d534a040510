//! What the applications of the contract share: the texts that they answer with. The contract is in the README of
//! fastcgi-conformance.

use std::{env, fmt::Write as _};

use bytes::Bytes;
use fastcgi_core::{Limits, Params};

/// How many bytes [`piece`] has at most.
const PIECE: usize = 26 * 1000;

/// The limits of the application: `--multiplex` takes 100 requests at a time on a connection.
#[must_use]
pub fn limits() -> Limits {
    if env::args().any(|arg| arg == "--multiplex") {
        Limits::default().max_reqs(100)
    } else {
        Limits::default()
    }
}

/// `/params`: the params whose names begin with `T_`, in their order.
#[must_use]
pub fn params(params: &Params) -> String {
    let mut text = String::new();
    for (name, value) in params.iter().filter(|(name, _)| name.starts_with(b"T_")) {
        _ = writeln!(text, "{}={}", encoded(name), encoded(value));
    }
    text
}

fn encoded(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte {
            b'_' | b'-' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                text.push(char::from(*byte))
            }
            _ => _ = write!(text, "%{byte:02X}"),
        }
    }
    text
}

/// `/headers`: a line for each field.
pub fn headers<'a>(fields: impl Iterator<Item = (&'a str, &'a [u8])>) -> Vec<u8> {
    let lines = fields.map(|(name, value)| [name.as_bytes(), b": ", value, b"\n"].concat());
    lines.collect::<Vec<_>>().concat()
}

/// `/target`: which resource was asked for.
#[must_use]
pub fn target(method: &str, script: &str, path: &str, query: &str) -> String {
    format!("method={method}\nscript={script}\npath={path}\nquery={query}\n")
}

/// `/bytes/LENGTH`: the piece behind `sent` bytes, empty at the end.
#[must_use]
pub fn piece(sent: usize, length: usize) -> Bytes {
    let alphabet = b"abcdefghijklmnopqrstuvwxyz";
    let mut piece = alphabet.repeat(PIECE / alphabet.len());
    piece.truncate(length - sent);
    piece.into()
}

/// `/fields`: a value of 4,000 bytes.
#[must_use]
pub fn long_value() -> String {
    "x".repeat(4000)
}
