//! The path when only the web server says where the application is mounted (T-8, N1 to N7).

use super::given::{Given, Server};
use super::{Choice, Path, path};
use crate::cgi::error::InvalidRequest;
use crate::cgi::percent;
use crate::cgi::script_name::ScriptName;

pub(super) fn choose<'a>(given: &'a Given<'_>) -> Result<Choice<'a>, InvalidRequest> {
    if !given.path_info.is_empty() {
        return with_path_info(given);
    }
    match given.raw_path() {
        Some(raw) => Ok(without_path_info(given, raw)),
        // N6, N7
        None => Ok(Choice {
            path: Path::encode(given.script_name_bytes())?,
            script_name: ScriptName::default(),
        }),
    }
}

fn with_path_info<'a>(given: &'a Given<'_>) -> Result<Choice<'a>, InvalidRequest> {
    let aligned = given
        .raw_path()
        .and_then(|raw| path::align(raw, &given.path_info));
    let mut choice = match aligned {
        // N1: what precedes the path in the URL. SCRIPT_NAME would be /index.fcgi behind a rewrite rule.
        Some(at) => raw_from(given, at),
        // N2
        None => Choice {
            path: Path::encode(&given.path_info)?,
            script_name: resolved_prefix(given).unwrap_or_else(|| given.script_name()),
        },
    };
    // lighttpd's strip-request-uri shortens REQUEST_URI and leaves SCRIPT_NAME.
    let is_stripped = given.server == Server::Lighttpd && !is_script(given.script_name_bytes());
    if is_stripped && choice.script_name.is_empty() {
        choice.script_name = given.script_name();
    }
    Ok(choice)
}

/// T-5: what precedes `PATH_INFO` when the dot segments of the raw path are resolved.
fn resolved_prefix(given: &Given<'_>) -> Option<ScriptName> {
    let resolved = path::resolve_dot_segments(given.dotted_path()?);
    let path_info: Vec<u8> = path::squash(given.path_info.iter().copied()).collect();
    let prefix = resolved.strip_suffix(&*path_info)?;
    Some(ScriptName::from_decoded(prefix.to_vec().into()))
}

fn without_path_info<'a>(given: &Given<'_>, raw: &[u8]) -> Choice<'a> {
    // N3
    if let Some(at) = proxied_path(given).and_then(|path| path::align(raw, &path)) {
        return raw_from(given, at);
    }
    // N4: the URL of the script itself. Its extension proves it: with `ProxyFCGIBackendType GENERIC`, SCRIPT_NAME is
    // the whole path of every request.
    let script_name = given.script_name_bytes();
    if !script_name.is_empty()
        && is_script(given.script_filename)
        && path::is_same(raw, script_name)
    {
        return Choice {
            path: Path::ROOT,
            script_name: given.script_name(),
        };
    }
    // N5r: only SCRIPT_NAME shows that a rewrite rule of nginx removed a prefix.
    if given.server == Server::Nginx {
        match path::align(raw, given.sent_script_name) {
            Some(at) if at > 0 => return raw_from(given, at),
            _ => {}
        }
    }
    // N5
    raw_from(given, 0)
}

/// The path that mod_proxy_fcgi would have sent as a URL: only `SCRIPT_FILENAME`, `proxy:fcgi://host:9000/path`, shows
/// what `ProxyPass` removed.
fn proxied_path(given: &Given<'_>) -> Option<Vec<u8>> {
    if !given.is_proxied() {
        return None;
    }
    let url = given.script_filename;
    let scheme_end = url.windows(3).position(|window| window == b"://");
    let authority = scheme_end.and_then(|at| url.get(at + 3..)).unwrap_or(url);
    let path = authority.get(authority.iter().position(|&byte| byte == b'/')?..)?;
    let path = path.split(|&byte| byte == b'?').next()?;
    Some(percent::decode(path).collect())
}

fn raw_from<'a>(given: &Given<'_>, at: usize) -> Choice<'a> {
    Choice {
        path: Path::Raw(at),
        script_name: ScriptName::from_raw(given.raw_prefix(at)),
    }
}

/// Whether a path names a script, by its extension.
fn is_script(path: &[u8]) -> bool {
    [&b".fcgi"[..], b".fcg", b".cgi"]
        .into_iter()
        .any(|extension| {
            let end = path
                .len()
                .checked_sub(extension.len())
                .and_then(|at| path.get(at..));
            end.is_some_and(|end| end.eq_ignore_ascii_case(extension))
        })
}
