//! The words after a status code.

use bytes::Bytes;
use http::StatusCode;

/// A reason phrase other than the usual one, for the extensions of a response.
///
/// [`ResponseMapping::write_head`](super::ResponseMapping::write_head) writes it after the status code (R-1).
///
/// ```
/// use bytes::{Bytes, BytesMut};
/// use fastcgi_core::cgi::{ReasonPhrase, ResponseMapping};
/// use http::{Method, Response};
///
/// let phrase = ReasonPhrase::new(Bytes::from_static(b"Gone fishing")).ok_or("no reason phrase")?;
/// let (parts, ()) = Response::builder().status(410).extension(phrase).body(())?.into_parts();
///
/// let mut out = BytesMut::new();
/// ResponseMapping::default().write_head(&parts, &Method::GET, None, &mut out)?;
/// assert_eq!(out, "Status: 410 Gone fishing\r\n\r\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReasonPhrase {
    // Invariant: some text, and no control characters but tabs (RFC 9112, 4).
    text: Bytes,
}

impl ReasonPhrase {
    /// Checks a phrase; `None` when it is blank or holds control characters.
    ///
    /// A line break would end the header line (R-5), and some web servers pass a missing phrase on or put `OK` in its
    /// place, whatever the code (R-1).
    pub fn new(text: impl Into<Bytes>) -> Option<Self> {
        let text = text.into();
        let is_clean = text
            .iter()
            .all(|&byte| byte == b'\t' || !byte.is_ascii_control());
        let is_blank = text.trim_ascii().is_empty();
        (is_clean && !is_blank).then_some(Self { text })
    }

    /// The usual phrase of a status; `Unknown` where it has none, because web servers want one (R-1).
    pub fn usual(status: StatusCode) -> &'static str {
        status.canonical_reason().unwrap_or("Unknown")
    }

    /// The phrase. Nothing promises UTF-8.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }
}
