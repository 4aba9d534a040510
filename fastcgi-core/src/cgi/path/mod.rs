//! Which path a request is for.
//!
//! Which resource is meant is the web server's word: `SCRIPT_NAME` and `PATH_INFO` (RFC 3875, 3.3). `REQUEST_URI` is what
//! the client asked for, and another resource after an internal redirect. So it only says how a path is spelled, where all
//! of it is what the web server means: decoding loses `%2F`.

pub(super) mod align;
mod configured;
mod detected;
mod front_controller;
mod habits;
mod proxied;
mod rule;
mod script;
mod sent;
mod split;
pub(super) mod target;
mod uri;

use std::borrow::Cow;

use bytes::Bytes;
use http::{Method, Uri};

pub use self::align::has_dot_segments;
pub use self::rule::PathRule;

use self::align::Alignment;
use self::sent::Sent;
use super::error::InvalidRequest;
use super::host;
use super::mapping::{Mapping, OnMismatch, PathSource};
use super::percent;
use super::script_name::ScriptName;
use super::variables::Variables;
use crate::params::Params;

/// What the application is asked for.
pub(super) struct Target {
    /// In origin form, relative to the script name.
    pub(super) uri: Uri,
    /// Where the application is mounted.
    pub(super) script_name: ScriptName,
    pub(super) rule: PathRule,
    /// The host in a request target of absolute form.
    pub(super) host: Option<Bytes>,
}

/// The URI for the application, and where the application is mounted.
pub(super) fn resolve(
    mapping: &Mapping,
    params: &Params,
    method: &Method,
    variables: &Variables<'_>,
) -> Result<Target, InvalidRequest> {
    let mut sent = Sent::new(params, variables, mapping.is_cgi)?;
    // T-4
    if sent.target.whole == b"*" {
        return match *method {
            Method::OPTIONS => Ok(Target {
                uri: Uri::from_static("*"),
                script_name: ScriptName::default(),
                rule: PathRule::Asterisk,
                host: None,
            }),
            _ => Err(InvalidRequest::Target),
        };
    }
    // T-8
    if mapping.path_source == PathSource::Auto {
        sent.read_proxied();
    }
    let choice = match (mapping.path_source, &mapping.script_name) {
        (PathSource::PathInfo, script_name) => path_info(&sent, script_name.as_ref())?,
        (PathSource::RequestUri, script_name) => {
            request_uri(&sent, script_name.as_ref(), mapping.on_mismatch)?
        }
        (PathSource::Auto, Some(script_name)) => {
            configured::choose(&sent, script_name, mapping.on_mismatch)?
        }
        (PathSource::Auto, None) => detected::choose(&sent)?,
    };
    Ok(Target {
        uri: uri::uri(&sent, &choice.path, variables.query_string)?,
        script_name: choice.script_name,
        rule: choice.rule,
        host: host(&sent)?,
    })
}

/// T-3: the host of a target in absolute form is the one that is meant (RFC 9112, 3.2.2).
fn host(sent: &Sent<'_>) -> Result<Option<Bytes>, InvalidRequest> {
    let Some(authority) = sent.target.authority else {
        return Ok(None);
    };
    match host::from_target(authority) {
        Some(host) => Ok(Some(sent.share(host))),
        None => Err(InvalidRequest::Host),
    }
}

/// What T-8 chooses.
struct Choice<'a> {
    path: Path<'a>,
    script_name: ScriptName,
    rule: PathRule,
}

/// The path for the application. It has no dot segments.
enum Path<'a> {
    /// The raw path from the byte `at` on, with this many slashes in front (T-12); none makes the root.
    Raw { at: usize, slashes: usize },
    /// A decoded path, encoded.
    Encoded(Cow<'a, str>),
}

impl<'a> Path<'a> {
    const ROOT: Self = Self::Encoded(Cow::Borrowed("/"));

    /// The end of the raw path that is `word`.
    fn aligned(alignment: Alignment, word: &[u8]) -> Self {
        Self::Raw {
            at: alignment.at,
            slashes: alignment.leading_slashes(word),
        }
    }

    /// The raw path from `at` on, where nothing else says what is meant.
    fn unconfirmed(raw: &[u8], at: usize) -> Self {
        let (_, rest) = raw.split_at(at);
        Self::Raw {
            at,
            slashes: align::leading_raw_slashes(rest).0,
        }
    }

    /// T-5: Caddy and HAProxy do not resolve dot segments, so that the path they give may have some, too.
    fn encode(decoded: impl Into<Cow<'a, [u8]>>) -> Result<Self, InvalidRequest> {
        let decoded = decoded.into();
        if align::has_dot_segment(decoded.iter().copied()) {
            return Err(InvalidRequest::DotSegment);
        }
        let encoded = match decoded {
            Cow::Borrowed(decoded) => percent::encode(decoded),
            Cow::Owned(decoded) => percent::encode(&decoded).into_owned().into(),
        };
        Ok(Self::Encoded(encoded))
    }

    /// T-8: `word` as the client spelled it, where that is all that the client asked for, behind one of `mounts`.
    fn spelled(
        sent: &Sent<'_>,
        word: impl Into<Cow<'a, [u8]>>,
        mounts: &[&[u8]],
    ) -> Result<Self, InvalidRequest> {
        let word = word.into();
        match sent.spelling_of(&word, mounts) {
            _ if word.is_empty() => Ok(Self::ROOT),
            Some(alignment) => Ok(Self::aligned(alignment, &word)),
            None => Self::encode(word),
        }
    }

    /// T-8: the path in mod_proxy_fcgi's URL, without the decoded `prefix`. Where the client did not spell it, it stays as it
    /// was sent: it is encoded, and an encoded slash in it would be a slash once decoded.
    fn proxied(
        sent: &'a Sent<'_>,
        prefix: &[u8],
        mounts: &[&[u8]],
    ) -> Result<Self, InvalidRequest> {
        let rest = align::below(&sent.proxied, prefix).unwrap_or(&sent.proxied);
        let raw = align::strip(sent.raw_proxied, prefix)
            .and_then(|at| sent.raw_proxied.get(at..))
            .unwrap_or(sent.raw_proxied);
        match Self::spelled(sent, rest, mounts)? {
            Self::Encoded(_) if !rest.is_empty() => Ok(Self::Encoded(percent::repair_path(raw))),
            path => Ok(path),
        }
    }

    /// Where in the raw path this begins.
    fn raw_start(&self) -> Option<usize> {
        match *self {
            Self::Raw { at, .. } => Some(at),
            Self::Encoded(_) => None,
        }
    }
}

fn path_info<'a>(
    sent: &'a Sent<'_>,
    script_name: Option<&ScriptName>,
) -> Result<Choice<'a>, InvalidRequest> {
    Ok(Choice {
        path: Path::encode(&*sent.path_info)?,
        script_name: script_name.map_or_else(|| sent.script_name(), Clone::clone),
        rule: PathRule::PathInfo,
    })
}

fn request_uri<'a>(
    sent: &Sent<'_>,
    script_name: Option<&ScriptName>,
    on_mismatch: OnMismatch,
) -> Result<Choice<'a>, InvalidRequest> {
    let raw = sent.raw_path().ok_or(InvalidRequest::Target)?;
    match script_name {
        None => Ok(Choice {
            path: Path::unconfirmed(raw, 0),
            script_name: ScriptName::default(),
            rule: PathRule::RequestUri,
        }),
        Some(script_name) => {
            configured::strip(sent, raw, script_name, on_mismatch, PathRule::RequestUri)
        }
    }
}
