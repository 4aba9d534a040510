//! Header fields that concern one connection and end with it (RFC 9110, 7.6.1).
//!
//! A FastCGI application is never on the client's connection, so such fields must cross in neither direction: some web
//! servers would obey them (R-4, H-5).

use http::HeaderMap;
use http::header::CONNECTION;

/// The hop-by-hop fields of one message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HopByHop<'a> {
    // Invariant: holds a `connection` field. Most messages have none, and then no name needs a look at it.
    nominating: Option<&'a HeaderMap>,
}

impl<'a> HopByHop<'a> {
    pub(crate) fn new(headers: &'a HeaderMap) -> Self {
        Self {
            nominating: headers.contains_key(CONNECTION).then_some(headers),
        }
    }

    /// Whether the field `name`, in lower case, is hop-by-hop: by its nature, or because `connection` nominates it.
    pub(crate) fn contains(&self, name: &str) -> bool {
        is_always_hop_by_hop(name.as_bytes())
            || self
                .nominating
                .is_some_and(|headers| nominates(headers, name))
    }
}

/// `name` in lower case.
pub(crate) fn is_always_hop_by_hop(name: &[u8]) -> bool {
    matches!(
        name,
        b"connection"
            | b"keep-alive"
            | b"proxy-connection"
            | b"transfer-encoding"
            | b"te"
            | b"trailer"
            | b"upgrade"
            | b"http2-settings"
    )
}

fn nominates(headers: &HeaderMap, name: &str) -> bool {
    headers
        .get_all(CONNECTION)
        .into_iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .any(|option| option.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
}
