//! The path when the operator says where the application is mounted (T-8, O1 to O6).

use super::given::Given;
use super::{Choice, Path, path};
use crate::cgi::error::InvalidRequest;
use crate::cgi::mapping::OnMismatch;
use crate::cgi::script_name::ScriptName;

pub(super) fn choose<'a>(
    given: &'a Given<'_>,
    script_name: &ScriptName,
    on_mismatch: OnMismatch,
) -> Result<Choice<'a>, InvalidRequest> {
    match given.raw_path() {
        // O4, O5
        Some(raw) if given.path_info.is_empty() => strip(given, raw, script_name, on_mismatch),
        Some(raw) => split(given, raw, script_name, on_mismatch),
        None => without_raw_path(given, script_name, on_mismatch),
    }
}

/// The raw path without `script_name` (T-7).
pub(super) fn strip<'a>(
    given: &Given<'_>,
    raw: &[u8],
    script_name: &ScriptName,
    on_mismatch: OnMismatch,
) -> Result<Choice<'a>, InvalidRequest> {
    match path::strip(raw, script_name.as_bytes()) {
        Some(at) => Ok(raw_from(given, at, script_name)),
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
    given: &'a Given<'_>,
    raw: &[u8],
    script_name: &ScriptName,
    on_mismatch: OnMismatch,
) -> Result<Choice<'a>, InvalidRequest> {
    let unsplit = given.script_name_bytes().iter().chain(&*given.path_info);
    if !given.has_real_split() && path::is_same(raw, unsplit) {
        match path::strip(raw, script_name.as_bytes()) {
            // O1: the whole path is in PATH_INFO, or was split where it happened to be.
            Some(at) => return Ok(raw_from(given, at, script_name)),
            // T-9
            None if on_mismatch == OnMismatch::NotFound => {
                return Err(InvalidRequest::OutsideScriptName);
            }
            None => {}
        }
    }
    match path::align(raw, &given.path_info) {
        // O2: what the rewrite rule meant, even where it is not behind the script name.
        Some(at) => Ok(raw_from(given, at, script_name)),
        // O3
        None => Ok(Choice {
            path: Path::encode(&given.path_info)?,
            script_name: script_name.clone(),
        }),
    }
}

fn without_raw_path<'a>(
    given: &'a Given<'_>,
    script_name: &ScriptName,
    on_mismatch: OnMismatch,
) -> Result<Choice<'a>, InvalidRequest> {
    let sent = given.script_name_bytes();
    let path = match (sent, &*given.path_info) {
        // O6
        (sent, b"") => {
            let path = Path::encode(sent)?;
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
                None if on_mismatch == OnMismatch::NotFound && !is_inside(given, script_name) => {
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
fn is_inside(given: &Given<'_>, script_name: &ScriptName) -> bool {
    let resolved = given.dotted_path().map(path::resolve_dot_segments);
    resolved.is_some_and(|resolved| {
        let rest = resolved.strip_prefix(script_name.as_bytes());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    })
}

fn strip_encoded<'a>(path: &Path<'_>, script_name: &ScriptName) -> Option<Path<'a>> {
    let Path::Encoded(path) = path else {
        return None;
    };
    let at = path::strip(path.as_bytes(), script_name.as_bytes())?;
    Some(Path::Encoded(path.get(at..)?.to_owned().into()))
}

/// T-14: the script name is spelled as the client did, where that can be known.
fn raw_from<'a>(given: &Given<'_>, at: usize, script_name: &ScriptName) -> Choice<'a> {
    Choice {
        path: Path::Raw(at),
        script_name: script_name.spelled(given.raw_prefix(at)),
    }
}
