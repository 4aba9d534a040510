//! Whether the web server put a boundary between `SCRIPT_NAME` and `PATH_INFO`, or split the path where a file happened to
//! be (T-8).
//!
//! Where it looked for a file, the client chooses the place: `/zzz/admin` is split behind `/zzz`, and is no request for
//! `/admin`.

use super::align;
use super::configured;
use super::proxied;
use super::sent::Sent;
use crate::cgi::percent;
use crate::cgi::script_name::ScriptName;
use crate::params::server::Server;

/// Whether the split is real. `script_name` is the configured one.
pub(super) fn is_real(sent: &Sent<'_>, script_name: Option<&ScriptName>) -> bool {
    if sent.mount().is_empty() || sent.path_info.is_empty() {
        return false;
    }
    if is_where_a_file_was(sent) && !is_behind_a_script(sent) {
        return false;
    }
    // lighttpd under another name.
    match script_name {
        Some(script_name) => {
            is_script(sent.script_name)
                || configured::is_under(sent, script_name)
                || !sent.is_whole_requested()
        }
        None => true,
    }
}

/// Whether the web server splits paths where it finds, or does not find, a file.
fn is_where_a_file_was(sent: &Sent<'_>) -> bool {
    let file = sent.script_filename();
    if proxied::is_proxied(file) {
        let path = proxied::raw_path(file).unwrap_or_default();
        let decoded: Vec<u8> = percent::decode(path).collect();
        let is_path_info = [path, &decoded]
            .into_iter()
            .any(|path| align::is_same(path, &*sent.path_info));
        return !is_path_info || sent.is_file_of_script(path);
    }
    (sent.server == Server::Lighttpd && !sent.is_cgi) || file.starts_with(b"//")
}

/// Whether a rewrite rule put a script in front of the path: the client did not ask for it.
fn is_behind_a_script(sent: &Sent<'_>) -> bool {
    is_script(sent.script_name)
        && !sent.is_whole_requested()
        && (sent.is_requested(&sent.path_info)
            || !sent.has_client_written(last_segment(sent.script_name)))
}

/// Whether a path names a script, by its extension.
pub(super) fn is_script(path: &[u8]) -> bool {
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

/// What follows the last slash.
pub(super) fn last_segment(path: &[u8]) -> &[u8] {
    path.rsplit(|&byte| byte == b'/').next().unwrap_or_default()
}
