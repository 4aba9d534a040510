//! Programs that a web server calls for other paths than their own: what is known of them.

use super::proxied;
use super::sent::Sent;
use crate::params::server::Server;

/// Whether a path names a script, by its extension.
fn is_script(path: &[u8]) -> bool {
    is_php(path)
        || [&b".fcgi"[..], b".fcg", b".cgi"]
            .into_iter()
            .any(|extension| ends_with(path, extension))
}

fn is_php(path: &[u8]) -> bool {
    ends_with(path, b".php")
}

/// Whether a path has this extension, in any case.
fn ends_with(path: &[u8], extension: &[u8]) -> bool {
    let end = path
        .len()
        .checked_sub(extension.len())
        .and_then(|at| path.get(at..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(extension))
}

/// Whether `SCRIPT_NAME` is the name of a program: by its extension, or because this process is that program.
pub(super) fn is_program(sent: &Sent<'_>) -> bool {
    is_called(sent) || is_script(sent.mount())
}

/// Whether `SCRIPT_NAME` may be called for every path (T-8a): a program, but of PHP's names only the usual one, as pages are
/// named so, too.
pub(super) fn may_be_front_controller(sent: &Sent<'_>) -> bool {
    let name = sent.mount();
    is_called(sent) || is_script(name) && (!is_php(name) || last_segment(name) == b"index.php")
}

fn is_called(sent: &Sent<'_>) -> bool {
    sent.is_cgi && sent.server != Server::Nginx && !sent.mount().is_empty()
}

/// Whether `SCRIPT_NAME` is where the application is, and not the name of a program.
pub(super) fn is_mount(sent: &Sent<'_>) -> bool {
    let is_alias = sent.variables.context_prefix == Some(sent.script_name);
    let is_of_mod_fcgid = sent.server.is_mod_fcgid(sent.script_filename());
    !sent.mount().is_empty() && !is_program(sent) && (is_alias || !is_of_mod_fcgid)
}

/// Whether the web server has found the file of `SCRIPT_NAME`, so that no client can have invented that name.
pub(super) fn is_on_disk(sent: &Sent<'_>) -> bool {
    let file = sent.script_filename();
    if sent.is_cgi {
        // fcgiwrap runs one program for all paths: there it counts if nginx has split it off, by a setting.
        let is_split_off =
            || sent.variables.path_info.is_some() && file.ends_with(sent.script_name);
        return sent.server != Server::Nginx || is_split_off();
    }
    // These look for the file. Others, mod_proxy_fcgi among them, make SCRIPT_FILENAME of the path, whatever is there.
    if !matches!(sent.server, Server::Apache | Server::H2o) || proxied::is_made_of_path(file) {
        return false;
    }
    let context = sent.variables.context_prefix;
    context.is_some_and(|prefix| prefix == sent.script_name)
        || (is_script(file) && (context.is_none() || sent.is_file_of_script(file)))
}

/// The directory of a script, without a slash at its end.
pub(super) fn directory(path: &[u8]) -> &[u8] {
    let name = last_segment(path).len();
    let end = path.len().saturating_sub(name + 1);
    path.split_at(end).0
}

/// What follows the last slash.
pub(super) fn last_segment(path: &[u8]) -> &[u8] {
    let mut segments = path.rsplit(|&byte| byte == b'/');
    segments.next().expect("a split has a first part")
}
