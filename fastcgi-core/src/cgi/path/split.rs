//! Whether the web server put a boundary between `SCRIPT_NAME` and `PATH_INFO`, or the client did (T-8).
//!
//! Where a path is split behind whatever looks like a script, or where a file happened to be, the client chooses the place:
//! `/zzz/admin` is split behind `/zzz`, and is no request for `/admin`.

use super::align;
use super::proxied;
use super::script;
use super::sent::Sent;
use crate::cgi::percent;
use crate::cgi::script_name::ScriptName;
use crate::params::server::Server;

/// Whether the split is real. `script_name` is the configured one.
pub(super) fn is_real(sent: &Sent<'_>, script_name: Option<&ScriptName>) -> bool {
    if sent.mount().is_empty() || sent.path_info.is_empty() {
        return false;
    }
    if script::is_program(sent) {
        return is_of_own_program(sent, script_name);
    }
    if is_where_a_file_was(sent) {
        return false;
    }
    match script_name {
        // The mount is what the operator says, and S another one only where the web server leads there.
        Some(script_name) => script::is_on_disk(sent) || is_behind(sent, script_name),
        None => true,
    }
}

/// Whether a program was called that the client cannot have invented.
fn is_of_own_program(sent: &Sent<'_>, script_name: Option<&ScriptName>) -> bool {
    // A rule put the program in front of the page for an error, or of what the client asked for.
    if sent.is_error_page() || sent.is_behind_program() {
        return true;
    }
    // mod_fcgid's `FcgidWrapper ... virtual` looks for no file. The operator knows where the application is.
    let is_asked_for = || sent.may_be_requested(&sent.script_and_path_info());
    script::is_on_disk(sent) && (script_name.is_none() || !is_asked_for())
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
    (sent.server == Server::Lighttpd && !sent.is_cgi) || proxied::is_made_of_path(file)
}

/// Whether the client's path is `script_name`, which is a mount, and `PATH_INFO`.
fn is_behind(sent: &Sent<'_>, script_name: &ScriptName) -> bool {
    let alignment = sent.align(&sent.path_info);
    !script_name.is_empty()
        && alignment.is_some_and(|alignment| {
            ScriptName::from_raw(sent.raw_prefix(alignment.at)) == *script_name
        })
}

/// Whether a split that is real is below `script_name`, by what the web server or the client says.
pub(super) fn is_under(sent: &Sent<'_>, script_name: &ScriptName) -> bool {
    align::below(sent.script_name, script_name.as_bytes()).is_some() || is_behind(sent, script_name)
}
