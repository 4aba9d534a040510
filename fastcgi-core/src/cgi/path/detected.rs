//! The path when only the web server says where the application is mounted (T-8, N1 to N9).

use super::align;
use super::front_controller::{self, Meant};
use super::script;
use super::sent::Sent;
use super::split;
use super::{Choice, Path, PathRule};
use crate::cgi::error::InvalidRequest;
use crate::cgi::script_name::ScriptName;

pub(super) fn choose<'a>(sent: &'a Sent<'_>) -> Result<Choice<'a>, InvalidRequest> {
    if !sent.path_info.is_empty() {
        return with_path_info(sent);
    }
    if !sent.proxied.is_empty() {
        return with_proxied_path(sent);
    }
    let at_root = |path, rule| Choice {
        path,
        script_name: ScriptName::default(),
        rule,
    };
    match front_controller::meant(sent)? {
        Some(Meant::RedirectUrl(url)) => {
            return Ok(at_root(Path::encode(url.to_vec())?, PathRule::NF));
        }
        Some(Meant::RequestUri(raw)) => {
            return Ok(at_root(Path::unconfirmed(raw, 0), PathRule::NF));
        }
        None => {}
    }
    if script::is_on_disk(sent) && front_controller::is_script_asked_for(sent) {
        return Ok(Choice {
            path: Path::ROOT,
            script_name: sent.script_name(),
            rule: PathRule::N4,
        });
    }
    match (sent.script_name, sent.raw_path()) {
        (b"", Some(raw)) => Ok(at_root(Path::unconfirmed(raw, 0), PathRule::N8)),
        (b"", None) => Ok(at_root(Path::ROOT, PathRule::N7)),
        (name, _) => match sent.align(name) {
            Some(alignment) => Ok(Choice {
                path: Path::spelled(sent, name, &[b""])?,
                script_name: ScriptName::from_raw(sent.raw_prefix(alignment.at)),
                rule: match alignment.at {
                    0 => PathRule::N5,
                    _ => PathRule::N5r,
                },
            }),
            None => Ok(at_root(Path::encode(name)?, PathRule::N6)),
        },
    }
}

fn with_path_info<'a>(sent: &'a Sent<'_>) -> Result<Choice<'a>, InvalidRequest> {
    if !sent.mount().is_empty() && !split::is_real(sent, None) {
        return Ok(Choice {
            path: Path::spelled(sent, sent.script_and_path_info(), &[b""])?,
            script_name: ScriptName::default(),
            rule: PathRule::N9,
        });
    }
    match sent.align(&sent.path_info) {
        Some(alignment) => Ok(Choice {
            path: Path::spelled(sent, &*sent.path_info, &sent.mounts_of_path_info())?,
            script_name: {
                let precedes = sent.raw_prefix(alignment.at);
                if script::is_mount(sent) {
                    sent.script_name().spelled(precedes)
                } else {
                    // Not /index.fcgi, which a rule has put there.
                    ScriptName::from_raw(precedes)
                }
            },
            rule: PathRule::N1,
        }),
        None => Ok(Choice {
            path: Path::encode(&*sent.path_info)?,
            script_name: resolved_prefix(sent).unwrap_or_else(|| sent.script_name()),
            rule: PathRule::N2,
        }),
    }
}

/// T-5: what precedes `PATH_INFO` when the dot segments of the raw path are resolved.
fn resolved_prefix(sent: &Sent<'_>) -> Option<ScriptName> {
    let resolved = align::resolve_dot_segments(sent.dotted_path()?);
    let path_info: Vec<u8> = align::squash(sent.path_info.iter().copied()).collect();
    let prefix = resolved.strip_suffix(&*path_info)?;
    Some(ScriptName::from_decoded(prefix.to_vec().into()))
}

/// With `ProxyPass /app/ fcgi://…/`, the URL of mod_proxy_fcgi is the only trace of the mount.
fn with_proxied_path<'a>(sent: &'a Sent<'_>) -> Result<Choice<'a>, InvalidRequest> {
    let mount = sent.script_name.strip_suffix(&*sent.proxied);
    let mount = mount.unwrap_or_default();
    let path = Path::proxied(sent, b"", &[mount])?;
    let mount = ScriptName::from_decoded(sent.share(mount));
    Ok(Choice {
        script_name: match path.raw_start() {
            Some(at) => mount.spelled(sent.raw_prefix(at)),
            None => mount,
        },
        path,
        rule: PathRule::N3,
    })
}
