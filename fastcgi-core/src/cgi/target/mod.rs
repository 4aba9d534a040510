//! Which path a request is for.
//!
//! `PATH_INFO` says which path, `REQUEST_URI` how the client spelled it: where one is the end of the other, the raw
//! spelling is used, because decoding loses `%2F`; where a rewrite rule changed the path, `PATH_INFO` is encoded anew
//! (RFC 3875, 4.1.5).

mod assemble;
mod configured;
mod detected;
mod given;
pub(super) mod path;

use std::borrow::Cow;

use http::{Method, Uri};

use self::given::Given;
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
    let given = Given::new(params, variables)?;
    // T-4
    if given.target.whole == b"*" {
        return match *method {
            Method::OPTIONS => Ok((Uri::from_static("*"), ScriptName::default())),
            _ => Err(InvalidRequest::Target),
        };
    }
    // T-8
    let choice = match (mapping.path_source, &mapping.script_name) {
        (PathSource::PathInfo, script_name) => path_info(&given, script_name.as_ref())?,
        (PathSource::RequestUri, script_name) => {
            request_uri(&given, script_name.as_ref(), mapping.on_mismatch)?
        }
        (PathSource::Auto, Some(script_name)) => {
            configured::choose(&given, script_name, mapping.on_mismatch)?
        }
        (PathSource::Auto, None) => detected::choose(&given)?,
    };
    let uri = assemble::uri(&given, &choice.path, variables.query_string)?;
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
        if path::has_dot_segment(decoded.iter().copied()) {
            return Err(InvalidRequest::DotSegment);
        }
        Ok(Self::Encoded(percent::encode(decoded)))
    }
}

fn path_info<'a>(
    given: &'a Given<'_>,
    script_name: Option<&ScriptName>,
) -> Result<Choice<'a>, InvalidRequest> {
    Ok(Choice {
        path: Path::encode(&given.path_info)?,
        script_name: script_name.map_or_else(|| given.script_name(), Clone::clone),
    })
}

fn request_uri<'a>(
    given: &Given<'_>,
    script_name: Option<&ScriptName>,
    on_mismatch: OnMismatch,
) -> Result<Choice<'a>, InvalidRequest> {
    let raw = given.raw_path().ok_or(InvalidRequest::Target)?;
    match script_name {
        None => Ok(Choice {
            path: Path::Raw(0),
            script_name: ScriptName::default(),
        }),
        Some(script_name) => configured::strip(given, raw, script_name, on_mismatch),
    }
}
