//! Which path a request is for.
//!
//! `PATH_INFO` says which path, `REQUEST_URI` how the client spelled it: where one is the end of the other, the raw
//! spelling is used, because decoding loses `%2F`; where a rewrite rule changed the path, `PATH_INFO` is encoded anew
//! (RFC 3875, 4.1.5).

pub(super) mod align;
mod configured;
mod detected;
mod sent;
mod uri;

use std::borrow::Cow;

use http::{Method, Uri};

use self::sent::Sent;
use super::error::InvalidRequest;
use super::mapping::{Mapping, OnMismatch, PathSource};
use super::percent;
use super::script_name::ScriptName;
use super::variables::Variables;
use crate::Params;

/// The URI for the application, and where the application is mounted.
pub(super) fn resolve(
    mapping: &Mapping,
    params: &Params,
    method: &Method,
    variables: &Variables<'_>,
) -> Result<(Uri, ScriptName), InvalidRequest> {
    let sent = Sent::new(params, variables)?;
    // T-4
    if sent.target.whole == b"*" {
        return match *method {
            Method::OPTIONS => Ok((Uri::from_static("*"), ScriptName::default())),
            _ => Err(InvalidRequest::Target),
        };
    }
    // T-8
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
    let uri = uri::uri(&sent, &choice.path, variables.query_string)?;
    Ok((uri, choice.script_name))
}

/// What T-8 chooses.
struct Choice<'a> {
    path: Path<'a>,
    script_name: ScriptName,
}

/// The path for the application. It has no dot segments.
enum Path<'a> {
    /// The raw path from this byte on.
    Raw(usize),
    /// A decoded path, encoded.
    Encoded(Cow<'a, str>),
}

impl<'a> Path<'a> {
    const ROOT: Self = Self::Encoded(Cow::Borrowed("/"));

    /// T-5: Caddy and HAProxy do not resolve dot segments, so that the path they give may have some, too.
    fn encode(decoded: &'a [u8]) -> Result<Self, InvalidRequest> {
        if align::has_dot_segment(decoded.iter().copied()) {
            return Err(InvalidRequest::DotSegment);
        }
        Ok(Self::Encoded(percent::encode(decoded)))
    }
}

fn path_info<'a>(
    sent: &'a Sent<'_>,
    script_name: Option<&ScriptName>,
) -> Result<Choice<'a>, InvalidRequest> {
    Ok(Choice {
        path: Path::encode(&sent.path_info)?,
        script_name: script_name.map_or_else(|| sent.script_name(), Clone::clone),
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
            path: Path::Raw(0),
            script_name: ScriptName::default(),
        }),
        Some(script_name) => configured::strip(sent, raw, script_name, on_mismatch),
    }
}
