//! Comparing paths that one web server spelled in two ways.
//!
//! A raw path is the client's, percent-encoded; a decoded one is the server's, and has runs of slashes merged. Every
//! comparison is one pass over both, whatever they hold.

use crate::cgi::percent;

/// Where the end of a raw path is a decoded path, by T-6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alignment {
    /// The leftmost slash at which that end begins.
    pub(super) at: usize,
    decoding: Decoding,
}

impl Alignment {
    /// T-12: how many slashes the decoded path has in front.
    pub(super) fn leading_slashes(self, path: &[u8]) -> usize {
        match self.decoding {
            Decoding::Whole => leading_slashes(path),
            // Here an encoded slash of the path is the client's encoded slash.
            Decoding::ButSlashes | Decoding::Nothing => leading_raw_slashes(path).0,
        }
    }
}

/// T-6: where the suffix of `raw` begins that the server gives decoded as `path`.
///
/// Three ways of decoding are tried, unless the server is known to decode wholly. Repeated slashes do not count.
pub(super) fn align(raw: &[u8], path: &[u8], decodes_wholly: bool) -> Option<Alignment> {
    let is_spelled_plainly = !raw.contains(&b'%');
    if raw == path && raw.starts_with(b"/") && (is_spelled_plainly || !decodes_wholly) {
        return Some(Alignment {
            at: 0,
            decoding: Decoding::Nothing,
        });
    }
    let whole = align_decoded(raw, path, Decoding::Whole);
    if is_spelled_plainly || decodes_wholly {
        return whole;
    }
    let but_slashes = align_decoded(raw, path, Decoding::ButSlashes);
    let nothing = align_decoded(raw, path, Decoding::Nothing);
    [whole, but_slashes, nothing]
        .into_iter()
        .flatten()
        .min_by_key(|alignment| alignment.at)
}

/// Walks both from their ends, which is where they agree.
fn align_decoded(raw: &[u8], path: &[u8], decoding: Decoding) -> Option<Alignment> {
    let mut wanted = squash(path.iter().rev().copied());
    let mut rest = raw;
    let mut last = None;
    // The leftmost slash that is no escape, in the run of slashes being read.
    let mut start = None;
    while let Some((before, byte)) = decoding.split_last(rest) {
        if byte != b'/' || last != Some(b'/') {
            match wanted.next() {
                Some(expected) if expected == byte => start = None,
                Some(_) => return None,
                None => break,
            }
        }
        if byte == b'/' && before.len() + 1 == rest.len() {
            start = Some(before.len());
        }
        (rest, last) = (before, Some(byte));
    }
    match (wanted.next(), start) {
        (None, Some(at)) => Some(Alignment { at, decoding }),
        _ => None,
    }
}

/// What a server decodes in the path it gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decoding {
    Whole,
    /// Apache's `AllowEncodedSlashes NoDecode` leaves `%2F` and `%5C` in a path that is decoded otherwise.
    ButSlashes,
    /// mod_proxy_fcgi's `proxy-fcgi-pathinfo`, and servers that pass the path as it came.
    Nothing,
}

impl Decoding {
    /// The last byte that `raw` represents, and what comes before it.
    fn split_last(self, raw: &[u8]) -> Option<(&[u8], u8)> {
        match (self, percent::split_last(raw)) {
            (Self::ButSlashes, Some((_, b'/' | b'\\'))) | (Self::Nothing, _) => {
                raw.split_last().map(|(&byte, before)| (before, byte))
            }
            (_, decoded) => decoded,
        }
    }
}

/// T-7: where `raw` continues after the decoded `prefix`, which has no repeated slashes and none at its end; `None` when
/// that is not a whole number of segments.
///
/// A run of slashes in front of `raw` is not one slash: `//app` is not below `/app` (T-9).
pub(in crate::cgi) fn strip(raw: &[u8], prefix: &[u8]) -> Option<usize> {
    if !prefix.is_empty() && leading_raw_slashes(raw).0 != 1 {
        return None;
    }
    let mut wanted = prefix.iter();
    let mut rest = raw;
    let mut last = None;
    while !wanted.as_slice().is_empty() {
        let (byte, after) = percent::split_first(rest)?;
        if (byte != b'/' || last != Some(b'/')) && wanted.next() != Some(&byte) {
            return None;
        }
        (rest, last) = (after, Some(byte));
    }
    (rest.is_empty() || rest.starts_with(b"/")).then(|| raw.len() - rest.len())
}

/// T-9: the rest of a decoded path below `prefix`, by whole segments, compared as they are.
pub(super) fn below<'a>(path: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let rest = path.strip_prefix(prefix)?;
    (rest.is_empty() || rest.starts_with(b"/")).then_some(rest)
}

/// Whether two decoded paths are the same, but for repeated slashes.
pub(super) fn is_same<'a>(
    one: impl IntoIterator<Item = &'a u8>,
    other: impl IntoIterator<Item = &'a u8>,
) -> bool {
    squash(one.into_iter().copied()).eq(squash(other.into_iter().copied()))
}

/// Whether a percent-encoded path has a segment `.` or `..` once it is decoded: `%2e%2e` and `..%2Fx` count (T-5).
///
/// Web servers authorise such a path without these segments, and resolve them before they pass it on.
///
/// ```
/// use fastcgi_core::cgi::has_dot_segments;
///
/// assert!(has_dot_segments(b"/a/%2e%2E%2fb"));
/// assert!(!has_dot_segments(b"/a..b/.../%252e"));
/// ```
pub fn has_dot_segments(raw: &[u8]) -> bool {
    memchr::memchr2(b'.', b'%', raw).is_some() && has_dot_segment(percent::decode(raw))
}

/// T-5: whether a decoded path has a segment `.` or `..`.
pub(in crate::cgi) fn has_dot_segment(path: impl Iterator<Item = u8>) -> bool {
    // The dots of a segment so far; 3 when it is no dot segment any more.
    let mut dots = 0;
    for byte in path {
        match byte {
            b'/' if matches!(dots, 1 | 2) => return true,
            b'/' => dots = 0,
            b'.' if dots < 3 => dots += 1,
            _ => dots = 3,
        }
    }
    matches!(dots, 1 | 2)
}

/// The decoded path of `raw` with its dot segments resolved.
pub(super) fn resolve_dot_segments(raw: &[u8]) -> Vec<u8> {
    resolved(&squash(percent::decode(raw)).collect::<Vec<_>>())
}

/// All that servers make of `raw`: they merge slashes before they resolve dot segments, or do not, and decode slashes, or do
/// not unless they are known to. Slashes are merged in the end.
pub(super) fn resolutions(raw: &[u8], decodes_wholly: bool) -> impl Iterator<Item = Vec<u8>> {
    let decoded: Vec<u8> = percent::decode(raw).collect();
    let but_slashes = (!decodes_wholly).then(|| percent::decode_but_slashes(raw));
    [decoded].into_iter().chain(but_slashes).flat_map(|path| {
        let merged: Vec<u8> = squash(path.iter().copied()).collect();
        [path, merged].map(|path| squash(resolved(&path).into_iter()).collect())
    })
}

fn resolved(path: &[u8]) -> Vec<u8> {
    let mut segments = Vec::new();
    for segment in path.split(|&byte| byte == b'/').skip(1) {
        match segment {
            b".." => drop(segments.pop()),
            b"." => {}
            other => segments.push(other),
        }
    }
    let mut resolved = vec![b'/'];
    resolved.extend(segments.join(&b'/'));
    if !resolved.ends_with(b"/") && (path.ends_with(b"/.") || path.ends_with(b"/..")) {
        resolved.push(b'/');
    }
    resolved
}

/// T-12: `//evil.example/x` would be another host's URL, if an application put it into `Location`.
pub(in crate::cgi) fn with_one_leading_slash(path: &[u8]) -> &[u8] {
    let mut path = path;
    while let Some(rest @ [b'/', ..]) = path.strip_prefix(b"/") {
        path = rest;
    }
    path
}

/// How many slashes a decoded path has in front.
pub(super) fn leading_slashes(path: &[u8]) -> usize {
    path.iter().take_while(|&&byte| byte == b'/').count()
}

/// How many slashes a raw path has in front, encoded ones included, and what follows them.
pub(super) fn leading_raw_slashes(raw: &[u8]) -> (usize, &[u8]) {
    let mut slashes = 0;
    let mut rest = raw;
    while let Some((b'/', after)) = percent::split_first(rest) {
        slashes += 1;
        rest = after;
    }
    (slashes, rest)
}

/// `path` with every run of slashes merged into one.
pub(super) fn squash(path: impl Iterator<Item = u8>) -> impl Iterator<Item = u8> {
    let mut last = None;
    path.filter(move |&byte| {
        let repeated = byte == b'/' && last == Some(b'/');
        last = Some(byte);
        !repeated
    })
}
