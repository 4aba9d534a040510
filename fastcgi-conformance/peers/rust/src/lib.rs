//! What both peers answer with.

use std::fmt::Write as _;

/// `%XX` for what is no letter, digit, `_`, `-` or `.`.
pub fn encoded(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte {
            b'_' | b'-' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => text.push(char::from(*byte)),
            _ => _ = write!(text, "%{byte:02X}"),
        }
    }
    text
}

/// A header block. `fields` are whole lines.
pub fn head(status: u16, fields: &str) -> String {
    format!("Status: {status} OK\r\nContent-Type: text/plain\r\n{fields}\r\n")
}

/// A whole response, without a body where HTTP has none.
pub fn answer(method: &str, status: u16, fields: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = head(status, fields).into_bytes();
    if method != "HEAD" && status != 204 && status != 304 {
        bytes.extend_from_slice(body);
    }
    bytes
}

/// The fields of a redirect.
pub fn location(status: u16) -> &'static str {
    match status {
        304 => "",
        300..400 => "Location: /elsewhere\r\n",
        _ => "",
    }
}

/// The fields of `/fields`.
pub fn fields() -> String {
    format!("Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Long: {}\r\n", "x".repeat(4000))
}

/// A piece of `/bytes/LENGTH`.
pub fn piece(left: usize) -> Vec<u8> {
    let mut piece = b"abcdefghijklmnopqrstuvwxyz".repeat(1000);
    piece.truncate(left);
    piece
}

/// Why something is not offered.
pub const PARAMS: &[u8] = b"the library hands out params and streams";
