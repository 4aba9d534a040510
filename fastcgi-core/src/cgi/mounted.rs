//! the paths in a response, as the client has to see them.
//!
//! An application below a mount that knows nothing of it names paths of its own. Web servers put the mount in front of them for
//! HTTP (`proxy_redirect`, `ProxyPassReverse`), and not for FastCGI. What may be another site, or means something else to a
//! browser than to RFC 3986, is left as it is.

use std::borrow::Cow;

use bytes::Bytes;

use super::host;
use super::path::align;
use super::path::target::without_authority;
use super::percent;
use super::script_name::ScriptName;

/// Where an application is mounted, and on which site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    /// Not empty.
    pub(super) script_name: ScriptName,
    pub(super) is_https: bool,
    /// As the request names it; empty when it names none.
    pub(super) host: Bytes,
}

impl Mount {
    /// `Location` and `Content-Location` (RFC 9110, 8.7 and 10.2.2).
    pub(super) fn reference<'a>(&self, reference: &'a [u8]) -> Cow<'a, [u8]> {
        let moved = self.path_of(reference).and_then(|(before, path, after)| {
            let path = self.below(path)?;
            Some([before, &path, after].concat())
        });
        moved.map_or(Cow::Borrowed(reference), Cow::Owned)
    }

    /// `Set-Cookie` (RFC 6265, 4.1 and 5.2): every `Path` in it.
    ///
    /// Without one, the cookie is for the directory of the page as the browser sees it. `__Host-` is a promise that the path is
    /// `/`.
    pub(super) fn cookie<'a>(&self, cookie: &'a [u8]) -> Cow<'a, [u8]> {
        let is_for_the_host = cookie
            .trim_ascii_start()
            .get(..HOST_PREFIX.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(HOST_PREFIX));
        // A `;` would end the attribute.
        let fits = !self.script_name.as_raw().contains(&b';');
        if is_for_the_host || !fits {
            return cookie.into();
        }
        let mut parts = cookie.split(|&byte| byte == b';');
        let mut moved = parts.next().unwrap_or_default().to_vec();
        let mut is_moved = false;
        for attribute in parts {
            moved.push(b';');
            match self.cookie_path(attribute) {
                Some(path) => {
                    moved.extend_from_slice(&path);
                    is_moved = true;
                }
                None => moved.extend_from_slice(attribute),
            }
        }
        if is_moved {
            moved.into()
        } else {
            cookie.into()
        }
    }

    /// An attribute of a cookie, if it is a path that lies outside.
    fn cookie_path(&self, attribute: &[u8]) -> Option<Vec<u8>> {
        let equals = attribute.iter().position(|&byte| byte == b'=')?;
        let (name, value) = attribute.split_at_checked(equals + 1)?;
        let is_path = name
            .strip_suffix(b"=")?
            .trim_ascii()
            .eq_ignore_ascii_case(b"path");
        let path = value.trim_ascii();
        let (quote, path) = match path {
            [b'"', path @ .., b'"'] => (&b"\""[..], path),
            path => (&b""[..], path),
        };
        if !is_path || !path.starts_with(b"/") || self.script_name.as_raw().contains(&b'"') {
            return None;
        }
        let path = match path {
            // RFC 6265, 5.1.4: `/app` is also the path of `/app/`, and not the other way round.
            b"/" => self.script_name.as_raw().to_vec(),
            path => self.below(path)?,
        };
        Some([name, quote, &path, quote].concat())
    }

    /// What precedes the path of a reference to this site, the path, and what follows it.
    fn path_of<'a>(&self, reference: &'a [u8]) -> Option<(&'a [u8], &'a [u8], &'a [u8])> {
        // Browsers strip tabs and line breaks, so that the rest could name another site.
        if reference.iter().any(u8::is_ascii_control) {
            return None;
        }
        let start = match reference {
            [b'/', b'/', rest @ ..] => self.after_authority(reference, rest)?,
            [b'/', ..] => 0,
            _ => {
                let (_, rest) = without_authority(reference);
                let scheme: &[u8] = if self.is_https { b"https:" } else { b"http:" };
                let (start, authority) = reference.split_at_checked(scheme.len())?;
                if rest.len() == reference.len() || !start.eq_ignore_ascii_case(scheme) {
                    return None;
                }
                self.after_authority(reference, authority.strip_prefix(b"//")?)?
            }
        };
        let (before, rest) = reference.split_at_checked(start)?;
        let (path, after) = rest.split_at_checked(end_of_path(rest))?;
        Some((before, path, after))
    }

    /// Where the path begins in `reference`, whose end is `authority` and what follows it, if that is the authority of this
    /// site.
    fn after_authority(&self, reference: &[u8], authority: &[u8]) -> Option<usize> {
        let end = authority
            .iter()
            .position(|byte| matches!(byte, b'/' | b'\\' | b'?' | b'#'))
            .unwrap_or(authority.len());
        let (authority, rest) = authority.split_at_checked(end)?;
        let is_this = !self.host.is_empty() && host::is_same(authority, &self.host, self.is_https);
        is_this.then_some(reference.len() - rest.len())
    }

    /// `path` behind the mount, unless it is below it already or may be read in two ways.
    fn below(&self, path: &[u8]) -> Option<Vec<u8>> {
        let path = if path.is_empty() { b"/" } else { path };
        let is_ambiguous = path.contains(&b'\\') || align::has_dot_segment(percent::decode(path));
        let is_below = align::strip(path, self.script_name.as_bytes()).is_some();
        (!is_ambiguous && !is_below).then(|| [self.script_name.as_raw(), path].concat())
    }
}

fn end_of_path(rest: &[u8]) -> usize {
    let end = rest.iter().position(|byte| matches!(byte, b'?' | b'#'));
    end.unwrap_or(rest.len())
}

const HOST_PREFIX: &[u8] = b"__Host-";
