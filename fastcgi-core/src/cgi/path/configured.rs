//! The path when the operator says where the application is mounted (T-8, O1 to O6).

use super::sent::Sent;
use super::{Choice, Path, align};
use crate::cgi::error::InvalidRequest;
use crate::cgi::mapping::OnMismatch;
use crate::cgi::script_name::ScriptName;

pub(super) fn choose<'a>(
    sent: &'a Sent<'_>,
    script_name: &ScriptName,
    on_mismatch: OnMismatch,
) -> Result<Choice<'a>, InvalidRequest> {
    match sent.raw_path() {
        // O4, O5
        Some(raw) if sent.path_info.is_empty() => strip(sent, raw, script_name, on_mismatch),
        Some(raw) => split(sent, raw, script_name, on_mismatch),
        None => without_raw_path(sent, script_name, on_mismatch),
    }
}

/// The raw path without `script_name` (T-7).
pub(super) fn strip<'a>(
    sent: &Sent<'_>,
    raw: &[u8],
    script_name: &ScriptName,
    on_mismatch: OnMismatch,
) -> Result<Choice<'a>, InvalidRequest> {
    match align::strip(raw, script_name.as_bytes()) {
        Some(at) => Ok(raw_from(sent, at, script_name)),
        // T-9
        None if on_mismatch == OnMismatch::NotFound => Err(InvalidRequest::OutsideScriptName),
        None => Ok(Choice {
            path: Path::Raw(0),
            script_name: script_name.clone(),
        }),
    }
}

/// `PATH_INFO` and `REQUEST_URI` are both there.
fn split<'a>(
    sent: &'a Sent<'_>,
    raw: &[u8],
    script_name: &ScriptName,
    on_mismatch: OnMismatch,
) -> Result<Choice<'a>, InvalidRequest> {
    let unsplit = sent.script_name_bytes().iter().chain(&*sent.path_info);
    if !sent.has_real_split() && align::is_same(raw, unsplit) {
        match align::strip(raw, script_name.as_bytes()) {
            // O1: the whole path is in PATH_INFO, or was split where it happened to be.
            Some(at) => return Ok(raw_from(sent, at, script_name)),
            // T-9
            None if on_mismatch == OnMismatch::NotFound => {
                return Err(InvalidRequest::OutsideScriptName);
            }
            None => {}
        }
    }
    match align::align(raw, &sent.path_info) {
        // O2: what the rewrite rule meant, even where it is not behind the script name.
        Some(at) => Ok(raw_from(sent, at, script_name)),
        // O3
        None => Ok(Choice {
            path: Path::encode(&sent.path_info)?,
            script_name: script_name.clone(),
        }),
    }
}

fn without_raw_path<'a>(
    sent: &'a Sent<'_>,
    script_name: &ScriptName,
    on_mismatch: OnMismatch,
) -> Result<Choice<'a>, InvalidRequest> {
    let name = sent.script_name_bytes();
    let path = match (name, &*sent.path_info) {
        // O6
        (name, b"") => {
            let path = Path::encode(name)?;
            match strip_encoded(&path, script_name) {
                Some(stripped) => stripped,
                // T-9
                None if on_mismatch == OnMismatch::NotFound => {
                    return Err(InvalidRequest::OutsideScriptName);
                }
                None => path,
            }
        }
        // O3, where PATH_INFO has the whole path
        (b"", path_info) => {
            let path = Path::encode(path_info)?;
            match strip_encoded(&path, script_name) {
                Some(stripped) => stripped,
                // T-9
                None if on_mismatch == OnMismatch::NotFound && !is_inside(sent, script_name) => {
                    return Err(InvalidRequest::OutsideScriptName);
                }
                None => path,
            }
        }
        // O3
        (_, path_info) => Path::encode(path_info)?,
    };
    Ok(Choice {
        path,
        script_name: script_name.clone(),
    })
}

/// Whether the client asked for something below `script_name`, so that a `PATH_INFO` that does not begin with it has lost
/// it to the web server. Without a `REQUEST_URI` there is no telling.
fn is_inside(sent: &Sent<'_>, script_name: &ScriptName) -> bool {
    let resolved = sent.dotted_path().map(align::resolve_dot_segments);
    resolved.is_some_and(|resolved| {
        let rest = resolved.strip_prefix(script_name.as_bytes());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    })
}

fn strip_encoded<'a>(path: &Path<'_>, script_name: &ScriptName) -> Option<Path<'a>> {
    let Path::Encoded(path) = path else {
        return None;
    };
    let at = align::strip(path.as_bytes(), script_name.as_bytes())?;
    Some(Path::Encoded(path.get(at..)?.to_owned().into()))
}

/// T-14: the script name is spelled as the client did, where that can be known.
fn raw_from<'a>(sent: &Sent<'_>, at: usize, script_name: &ScriptName) -> Choice<'a> {
    Choice {
        path: Path::Raw(at),
        script_name: script_name.spelled(sent.raw_prefix(at)),
    }
}
