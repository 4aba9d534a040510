//! What the web server says about the path, cleaned of what only some servers do.

use std::borrow::Cow;

use bytes::Bytes;

use super::align;
use crate::Params;
use crate::cgi::error::InvalidRequest;
use crate::cgi::percent;
use crate::cgi::script_name::ScriptName;
use crate::cgi::variables::Variables;

/// The variables that say something about the path.
pub(super) struct Sent<'a> {
    params: &'a Params,
    pub(super) server: Server,
    pub(super) target: RequestTarget<'a>,
    spelling: Spelling,
    /// `PATH_INFO`; empty, or begins with a slash.
    pub(super) path_info: Cow<'a, [u8]>,
    /// `SCRIPT_NAME` as it was sent.
    pub(super) sent_script_name: &'a [u8],
    pub(super) script_filename: &'a [u8],
}

/// Servers that need to be known by name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Server {
    Iis,
    Lighttpd,
    Nginx,
    Other,
}

/// Whether the path of `REQUEST_URI` can be used as it is spelled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Usable,
    Dotted,
    Absent,
}

impl<'a> Sent<'a> {
    pub(super) fn new(
        params: &'a Params,
        variables: &Variables<'a>,
    ) -> Result<Self, InvalidRequest> {
        let server = Server::named(variables.server_software.unwrap_or_default());
        let script_name = variables.script_name.unwrap_or_default();
        let mut path_info = with_leading_slash(variables.path_info.unwrap_or_default());
        let mut uri = variables.request_uri.unwrap_or_default();
        if server == Server::Iis {
            // T-2: REQUEST_URI does not survive its rewrites, and PATH_INFO begins with SCRIPT_NAME.
            uri = variables
                .unencoded_url
                .filter(|url| !url.is_empty())
                .unwrap_or(uri);
            path_info = without_script_name(path_info, cleaned(script_name));
        }
        let target = RequestTarget::parse(uri);
        if target.is_absolute && is_whole_uri(&path_info, uri) {
            path_info = Cow::default();
        }
        let spelling = Spelling::of(target.path);
        // T-5: servers authorise the path without dot segments. To route the one with them would pass by that.
        if spelling == Spelling::Dotted && path_info.is_empty() {
            return Err(InvalidRequest::DotSegment);
        }
        Ok(Self {
            params,
            server,
            target,
            spelling,
            path_info,
            sent_script_name: script_name,
            script_filename: variables.script_filename.unwrap_or_default(),
        })
    }

    /// The path of `REQUEST_URI`, if it can be used.
    pub(super) fn raw_path(&self) -> Option<&'a [u8]> {
        (self.spelling == Spelling::Usable).then_some(self.target.path)
    }

    /// The path of `REQUEST_URI`, if it cannot be used because of its dot segments.
    pub(super) fn dotted_path(&self) -> Option<&'a [u8]> {
        (self.spelling == Spelling::Dotted).then_some(self.target.path)
    }

    /// `SCRIPT_NAME`, decoded.
    pub(super) fn script_name_bytes(&self) -> &'a [u8] {
        cleaned(self.sent_script_name)
    }

    pub(super) fn script_name(&self) -> ScriptName {
        ScriptName::from_decoded(self.share(self.script_name_bytes()))
    }

    /// Whether the web server put a real boundary between `SCRIPT_NAME` and `PATH_INFO`, or split the path where it
    /// happened to find a file (T-8 O1).
    pub(super) fn has_real_split(&self) -> bool {
        let made_none = self.script_name_bytes().is_empty()
            || self.server == Server::Lighttpd
            || self.is_proxied()
            || self.script_filename.starts_with(b"//");
        !made_none
    }

    /// Whether this came through mod_proxy_fcgi.
    pub(super) fn is_proxied(&self) -> bool {
        self.script_filename.starts_with(b"proxy:")
    }

    /// The raw path in front of `at`.
    pub(super) fn raw_prefix(&self, at: usize) -> Bytes {
        self.share(self.target.path.get(..at).unwrap_or_default())
    }

    /// `slice`, which must be empty or part of the params, as `Bytes`.
    pub(super) fn share(&self, slice: &[u8]) -> Bytes {
        self.params.share(slice)
    }
}

impl Server {
    fn named(software: &[u8]) -> Self {
        [
            (&b"nginx"[..], Self::Nginx),
            (b"lighttpd", Self::Lighttpd),
            (b"Microsoft-IIS", Self::Iis),
        ]
        .into_iter()
        .find_map(|(name, server)| software.starts_with(name).then_some(server))
        .unwrap_or(Self::Other)
    }
}

impl Spelling {
    fn of(path: &[u8]) -> Self {
        if !path.starts_with(b"/") {
            Self::Absent
        } else if align::has_dot_segment(percent::decode(path)) {
            Self::Dotted
        } else {
            Self::Usable
        }
    }
}

/// `REQUEST_URI` in its parts.
pub(super) struct RequestTarget<'a> {
    /// What precedes `?`, raw.
    pub(super) path: &'a [u8],
    /// What follows it.
    pub(super) query: Option<&'a [u8]>,
    /// Both, as they stand in the params; empty when they do not.
    pub(super) whole: &'a [u8],
    is_absolute: bool,
}

impl<'a> RequestTarget<'a> {
    /// T-3: Apache passes absolute forms on. Its authority is not trusted over `HTTP_HOST`.
    fn parse(uri: &'a [u8]) -> Self {
        let after_scheme = without_scheme(uri);
        let whole = match after_scheme {
            None => uri,
            Some(rest) => {
                let end = rest
                    .iter()
                    .position(|byte| matches!(byte, b'/' | b'?' | b'#'));
                end.and_then(|end| rest.get(end..)).unwrap_or_default()
            }
        };
        let (whole, _fragment) = split_at_byte(whole, b'#');
        let (path, query) = split_at_byte(whole, b'?');
        let is_absolute = after_scheme.is_some();
        if is_absolute && path.is_empty() {
            return Self {
                path: b"/",
                query,
                whole: b"",
                is_absolute,
            };
        }
        Self {
            path,
            query,
            whole,
            is_absolute,
        }
    }
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
    (parts.next().unwrap_or_default(), parts.next())
}

/// T-2: `/` is as good as no `SCRIPT_NAME`.
fn cleaned(script_name: &[u8]) -> &[u8] {
    match script_name {
        b"/" => b"",
        other => other,
    }
}

/// T-2
fn with_leading_slash(path_info: &[u8]) -> Cow<'_, [u8]> {
    match path_info {
        [] | [b'/', ..] => path_info.into(),
        _ => [b"/", path_info].concat().into(),
    }
}

/// T-2: only whole segments are removed.
fn without_script_name<'a>(path_info: Cow<'a, [u8]>, script_name: &[u8]) -> Cow<'a, [u8]> {
    match path_info.strip_prefix(script_name) {
        Some(rest) if rest.is_empty() || rest.starts_with(b"/") => rest.to_vec().into(),
        _ => path_info,
    }
}

/// T-3: h2o 2.2 copies the whole of an absolute-form target into `PATH_INFO`, behind a slash.
fn is_whole_uri(path_info: &[u8], uri: &[u8]) -> bool {
    let mut decoded = percent::decode(uri);
    let copy = path_info.strip_prefix(b"/").unwrap_or(path_info);
    copy.windows(3).any(|window| window == b"://")
        && copy.iter().all(|byte| {
            decoded
                .next()
                .is_some_and(|other| other.eq_ignore_ascii_case(byte))
        })
}
