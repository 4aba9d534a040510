//! `SCRIPT_NAME`: where an application is mounted.
//!
//! An application that links to itself has to put this in front of its paths (RFC 3875, 4.1.13).

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use bytes::{Bytes, BytesMut};
use http::Uri;

use super::path::align;
use super::percent;

/// The part of the URL path in front of the application, such as `/app`; empty when the application has the root.
///
/// Every request of [`Mapping::request`](super::Mapping::request) carries one among its extensions. Cloning is cheap.
///
/// Without a [configured](super::Mapping::script_name) script name it is concluded from the request, and then clients
/// may have a say in it. `FromStr` reads a configured one: it is percent-decoded, slashes are put in front, merged, and
/// dropped at the end.
///
/// ```
/// use fastcgi_core::cgi::ScriptName;
///
/// let script_name: ScriptName = "app/".parse()?;
/// assert_eq!(script_name.as_str(), "/app");
///
/// let external = script_name.external_uri(&"/login?next=%2F".parse()?);
/// assert_eq!(external, "/app/login?next=%2F");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct ScriptName {
    // Invariant: empty, or begins with a slash, ends without one, and has no two in a row.
    decoded: Bytes,
    // Invariant: decodes to `decoded` but for repeated slashes, fits `http::Uri`, and begins with exactly one slash
    // unless empty.
    raw: Bytes,
}

impl ScriptName {
    /// The decoded bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.decoded
    }

    /// As it is written in a URL, percent-encoded.
    pub(super) fn as_raw(&self) -> &[u8] {
        &self.raw
    }

    /// The decoded text; what is not UTF-8 in it becomes U+FFFD.
    pub fn as_str(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.decoded)
    }

    /// Whether the application has the root.
    pub fn is_empty(&self) -> bool {
        self.decoded.is_empty()
    }

    /// `uri`, which the application sees, as its client sees it: with this script name in front, spelled as the client
    /// did if that is known.
    ///
    /// Only the path changes. A `uri` without a path, such as `*`, and one that would be too long stay as they are.
    pub fn external_uri(&self, uri: &Uri) -> Uri {
        self.put_in_front(uri).unwrap_or_else(|| uri.clone())
    }

    fn put_in_front(&self, uri: &Uri) -> Option<Uri> {
        let path_and_query = uri.path_and_query()?.as_str();
        if self.raw.is_empty() || !path_and_query.starts_with('/') {
            return None;
        }
        let mut external = BytesMut::with_capacity(self.raw.len() + path_and_query.len());
        external.extend_from_slice(&self.raw);
        external.extend_from_slice(path_and_query.as_bytes());

        let mut parts = uri.clone().into_parts();
        parts.path_and_query = http::uri::PathAndQuery::from_maybe_shared(external.freeze()).ok();
        parts.path_and_query.as_ref()?;
        Uri::from_parts(parts).ok()
    }

    /// A script name that was given decoded.
    pub(super) fn from_decoded(decoded: Bytes) -> Self {
        let decoded = normalise(decoded);
        let raw = match percent::encode(&decoded) {
            Cow::Borrowed(_) => decoded.clone(),
            Cow::Owned(raw) => raw.into(),
        };
        Self { decoded, raw }
    }

    /// The beginning of a raw path.
    pub(super) fn from_raw(raw: Bytes) -> Self {
        if raw.is_empty() {
            return Self::default();
        }
        // T-12
        let raw = raw.slice_ref(align::with_one_leading_slash(&raw));
        let decoded = match percent_encoding::percent_decode(&raw).into() {
            Cow::Borrowed(_) => raw.clone(),
            Cow::Owned(decoded) => decoded.into(),
        };
        let decoded = normalise(decoded);
        if decoded.is_empty() {
            return Self::default();
        }
        let raw = match percent::repair_path(&raw) {
            Cow::Borrowed(_) => raw.clone(),
            Cow::Owned(raw) => raw.into(),
        };
        Self { decoded, raw }
    }

    /// This script name in the spelling of `raw`, if `raw` is a spelling of it (T-14).
    pub(super) fn spelled(&self, raw: Bytes) -> Self {
        if self.raw == raw {
            return self.clone();
        }
        let spelled = Self::from_raw(raw);
        if spelled == *self {
            spelled
        } else {
            self.clone()
        }
    }
}

/// The decoded bytes decide.
impl PartialEq for ScriptName {
    fn eq(&self, other: &Self) -> bool {
        self.decoded == other.decoded
    }
}

impl Eq for ScriptName {}

impl FromStr for ScriptName {
    type Err = InvalidScriptName;

    fn from_str(path: &str) -> Result<Self, InvalidScriptName> {
        let decoded: Bytes = percent::decode(path.as_bytes()).collect();
        if path.contains(['?', '#'])
            || path.contains("://")
            || decoded.contains(&0)
            || align::has_dot_segment(decoded.iter().copied())
        {
            return Err(InvalidScriptName(path.to_owned()));
        }
        Ok(Self::from_decoded(decoded))
    }
}

impl TryFrom<&str> for ScriptName {
    type Error = InvalidScriptName;

    fn try_from(path: &str) -> Result<Self, InvalidScriptName> {
        path.parse()
    }
}

impl TryFrom<String> for ScriptName {
    type Error = InvalidScriptName;

    fn try_from(path: String) -> Result<Self, InvalidScriptName> {
        path.parse()
    }
}

/// As it is written in a URL, percent-encoded.
impl fmt::Display for ScriptName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.raw))
    }
}

impl fmt::Debug for ScriptName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ScriptName").field(&self.as_str()).finish()
    }
}

/// A configured script name that is no path: it has a scheme, a query, a fragment, a NUL byte, or dot segments.
///
/// `Debug` prints the same as `Display`, as `main` does with what it returns.
#[derive(Clone, PartialEq, Eq)]
pub struct InvalidScriptName(String);

impl fmt::Display for InvalidScriptName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no script name: that is a path, such as /app, without scheme, query, fragment, NUL and dot segments",
            self.0
        )
    }
}

impl fmt::Debug for InvalidScriptName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for InvalidScriptName {}

/// So that settings take a [`ScriptName`] as well as a text.
impl From<Infallible> for InvalidScriptName {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// T-14: one slash in front, none at the end, no two in a row. Copies only what is not so already.
fn normalise(decoded: Bytes) -> Bytes {
    let runs = decoded.windows(2).any(|pair| pair == b"//");
    if decoded.is_empty() || (decoded.starts_with(b"/") && !decoded.ends_with(b"/") && !runs) {
        return decoded;
    }
    let mut normal = Vec::with_capacity(decoded.len() + 1);
    for segment in decoded
        .split(|&byte| byte == b'/')
        .filter(|segment| !segment.is_empty())
    {
        normal.push(b'/');
        normal.extend_from_slice(segment);
    }
    normal.into()
}
