//! The path when only the web server says where the application is mounted (T-8, N1 to N7).

use super::sent::{Sent, Server};
use super::{Choice, Path, align};
use crate::cgi::error::InvalidRequest;
use crate::cgi::percent;
use crate::cgi::script_name::ScriptName;

pub(super) fn choose<'a>(sent: &'a Sent<'_>) -> Result<Choice<'a>, InvalidRequest> {
    if !sent.path_info.is_empty() {
        return with_path_info(sent);
    }
    match sent.raw_path() {
        Some(raw) => Ok(without_path_info(sent, raw)),
        // N6, N7
        None => Ok(Choice {
            path: Path::encode(sent.script_name_bytes())?,
            script_name: ScriptName::default(),
        }),
    }
}

fn with_path_info<'a>(sent: &'a Sent<'_>) -> Result<Choice<'a>, InvalidRequest> {
    let aligned = sent
        .raw_path()
        .and_then(|raw| align::align(raw, &sent.path_info));
    let mut choice = match aligned {
        // N1: what precedes the path in the URL. SCRIPT_NAME would be /index.fcgi behind a rewrite rule.
        Some(at) => raw_from(sent, at),
        // N2
        None => Choice {
            path: Path::encode(&sent.path_info)?,
            script_name: resolved_prefix(sent).unwrap_or_else(|| sent.script_name()),
        },
    };
    // lighttpd's strip-request-uri shortens REQUEST_URI and leaves SCRIPT_NAME.
    let is_stripped = sent.server == Server::Lighttpd && !is_script(sent.script_name_bytes());
    if is_stripped && choice.script_name.is_empty() {
        choice.script_name = sent.script_name();
    }
    Ok(choice)
}

/// T-5: what precedes `PATH_INFO` when the dot segments of the raw path are resolved.
fn resolved_prefix(sent: &Sent<'_>) -> Option<ScriptName> {
    let resolved = align::resolve_dot_segments(sent.dotted_path()?);
    let path_info: Vec<u8> = align::squash(sent.path_info.iter().copied()).collect();
    let prefix = resolved.strip_suffix(&*path_info)?;
    Some(ScriptName::from_decoded(prefix.to_vec().into()))
}

fn without_path_info<'a>(sent: &Sent<'_>, raw: &[u8]) -> Choice<'a> {
    // N3
    if let Some(at) = proxied_path(sent).and_then(|path| align::align(raw, &path)) {
        return raw_from(sent, at);
    }
    // N4: the URL of the script itself. Its extension proves it: with `ProxyFCGIBackendType GENERIC`, SCRIPT_NAME is
    // the whole path of every request.
    let script_name = sent.script_name_bytes();
    if !script_name.is_empty()
        && is_script(sent.script_filename)
        && align::is_same(raw, script_name)
    {
        return Choice {
            path: Path::ROOT,
            script_name: sent.script_name(),
        };
    }
    // N5r: only SCRIPT_NAME shows that a rewrite rule of nginx removed a prefix.
    if sent.server == Server::Nginx {
        match align::align(raw, sent.sent_script_name) {
            Some(at) if at > 0 => return raw_from(sent, at),
            _ => {}
        }
    }
    // N5
    raw_from(sent, 0)
}

/// The path that mod_proxy_fcgi would have sent as a URL: only `SCRIPT_FILENAME`, `proxy:fcgi://host:9000/path`, shows
/// what `ProxyPass` removed.
fn proxied_path(sent: &Sent<'_>) -> Option<Vec<u8>> {
    if !sent.is_proxied() {
        return None;
    }
    let url = sent.script_filename;
    let scheme_end = url.windows(3).position(|window| window == b"://");
    let authority = scheme_end.and_then(|at| url.get(at + 3..)).unwrap_or(url);
    let path = authority.get(authority.iter().position(|&byte| byte == b'/')?..)?;
    let path = path.split(|&byte| byte == b'?').next()?;
    Some(percent::decode(path).collect())
}

fn raw_from<'a>(sent: &Sent<'_>, at: usize) -> Choice<'a> {
    Choice {
        path: Path::Raw(at),
        script_name: ScriptName::from_raw(sent.raw_prefix(at)),
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
