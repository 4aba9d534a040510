//! `REQUEST_URI` in its parts.

use super::align;

/// What the client asked for (T-3).
pub(super) struct RequestTarget<'a> {
    /// What precedes `?`, raw.
    pub(super) path: &'a [u8],
    /// What follows it.
    pub(super) query: Option<&'a [u8]>,
    /// Both, as they are in the params; empty when they are not in one piece.
    pub(super) whole: &'a [u8],
    /// The authority of an absolute form.
    pub(super) authority: Option<&'a [u8]>,
}

impl<'a> RequestTarget<'a> {
    /// T-3: Apache and h2o pass absolute forms on.
    pub(super) fn parse(uri: &'a [u8]) -> Self {
        let (authority, whole) = without_authority(uri);
        let (whole, _) = split_at_byte(whole, b'#');
        let (path, query) = split_at_byte(whole, b'?');
        let (path, whole) = match (authority, path) {
            (Some(_), b"") => (&b"/"[..], &b""[..]),
            _ => (path, whole),
        };
        Self {
            path,
            query,
            whole,
            authority,
        }
    }

    /// Whether the path can be used as it is spelled.
    pub(super) fn spelling(&self) -> Spelling {
        if !self.path.starts_with(b"/") {
            Spelling::Absent
        } else if align::has_dot_segments(self.path) {
            Spelling::Dotted
        } else {
            Spelling::Usable
        }
    }
}

/// Whether the path of `REQUEST_URI` can be used as it is spelled.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    Usable,
    /// T-5: it has dot segments.
    Dotted,
    Absent,
}

/// The authority of a URL in absolute form, and what follows it.
pub(in crate::cgi) fn without_authority(uri: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let Some(rest) = without_scheme(uri) else {
        return (None, uri);
    };
    let end = rest
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?' | b'#'));
    let (authority, rest) = rest.split_at(end.unwrap_or(rest.len()));
    (Some(authority), rest)
}

fn without_scheme(uri: &[u8]) -> Option<&[u8]> {
    [&b"http://"[..], b"https://"]
        .into_iter()
        .find_map(|scheme| {
            let (start, rest) = uri.split_at_checked(scheme.len())?;
            start.eq_ignore_ascii_case(scheme).then_some(rest)
        })
}

/// What precedes the first `separator`, and what follows it.
fn split_at_byte(bytes: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    let mut parts = bytes.splitn(2, |&byte| byte == separator);
    let before = parts.next().expect("a split has a first part");
    (before, parts.next())
}
