//! The path when the operator says where the application is mounted (T-8, O1 to O8).

use super::align;
use super::front_controller::{self, Meant};
use super::sent::Sent;
use super::split;
use super::{Choice, Path, PathRule};
use crate::cgi::error::InvalidRequest;
use crate::cgi::mapping::OnMismatch;
use crate::cgi::script_name::ScriptName;
use crate::params::server::Server;

pub(super) fn choose<'a>(
    sent: &'a Sent<'_>,
    script_name: &ScriptName,
    on_mismatch: OnMismatch,
) -> Result<Choice<'a>, InvalidRequest> {
    let choice = |path: Path<'a>, rule| {
        Ok(Choice {
            script_name: match path.raw_start() {
                // T-14: spelled as the client did, where that can be known.
                Some(at) => script_name.spelled(sent.raw_prefix(at)),
                None => script_name.clone(),
            },
            path,
            rule,
        })
    };
    // T-9
    let outside = || match on_mismatch {
        OnMismatch::NotFound => Err(InvalidRequest::OutsideScriptName),
        OnMismatch::Keep => Ok(()),
    };

    let mount = script_name.as_bytes();
    let whole = sent.whole_path();
    // Spelled as it is, or behind the script name, which a rule has removed.
    let kept = || {
        if sent.is_rewritten_by_proxy() {
            Path::proxied(sent, b"", &[b"", mount])
        } else {
            Path::spelled(sent, whole.clone(), &[b"", mount])
        }
    };
    if !is_for_rules_of_haproxy(sent, script_name) {
        outside()?;
        return choice(kept()?, PathRule::O5);
    }
    match front_controller::meant(sent)? {
        Some(Meant::RequestUri(raw)) => {
            return strip(sent, raw, script_name, on_mismatch, PathRule::OF);
        }
        Some(Meant::RedirectUrl(url)) => {
            let below = align::below(url, mount);
            if below.is_none() {
                outside()?;
            }
            let path = Path::spelled(sent, below.unwrap_or(url), &[mount])?;
            return choice(path, PathRule::OF);
        }
        None => {}
    }
    if split::is_real(sent, Some(script_name)) {
        if sent.is_beside_mount || !split::is_under(sent, script_name) {
            outside()?;
        }
        let mut mounts = sent.mounts_of_path_info();
        mounts.extend((!mount.is_empty()).then_some(mount));
        let path = Path::spelled(sent, &*sent.path_info, &mounts)?;
        let rule = path.raw_start().map_or(PathRule::O3, |_| PathRule::O2);
        return choice(path, rule);
    }
    if sent.is_cgi && sent.path_info.is_empty() && front_controller::is_script_asked_for(sent) {
        return choice(Path::ROOT, PathRule::O7);
    }
    if sent.is_silent() {
        return match sent.raw_path() {
            Some(raw) => strip(sent, raw, script_name, on_mismatch, PathRule::O8),
            None => choice(Path::ROOT, PathRule::N7),
        };
    }
    // A rewrite rule may have removed the mount from a path that begins with it twice: so this comes before O4.
    if let Some(alignment) = sent.align(&whole) {
        let precedes = ScriptName::from_raw(sent.raw_prefix(alignment.at));
        if !script_name.is_empty() && precedes == *script_name {
            return choice(Path::aligned(alignment, &whole), PathRule::O1);
        }
    }
    // Of the web server's path, not of the client's: an error page below the mount would be the denied page.
    if let Some(below) = align::below(&whole, mount) {
        let path = if sent.is_rewritten_by_proxy() {
            Path::proxied(sent, mount, &[mount])
        } else {
            Path::spelled(sent, below.to_vec(), &[mount])
        };
        return choice(path?, PathRule::O4);
    }
    if sent.is_rewritten_by_proxy() {
        return choice(kept()?, PathRule::O3);
    }
    // Where S says nothing, a rule may have changed what was below the mount.
    let is_changed = sent.script_name.is_empty() && sent.has_target() && !sent.is_requested(&whole);
    if !is_changed || sent.is_beside_mount || !sent.is_requested_below(mount) {
        outside()?;
    }
    let rule = if is_changed {
        PathRule::O3
    } else {
        PathRule::O5
    };
    choice(kept()?, rule)
}

/// T-9: HAProxy's rules are for the path as it is spelled, so that is what has to begin with the script name.
fn is_for_rules_of_haproxy(sent: &Sent<'_>, script_name: &ScriptName) -> bool {
    let encoded = script_name.to_string();
    sent.server != Server::HaProxy || align::below(sent.target.path, encoded.as_bytes()).is_some()
}

/// The raw path without `script_name` (T-7).
pub(super) fn strip<'a>(
    sent: &Sent<'_>,
    raw: &[u8],
    script_name: &ScriptName,
    on_mismatch: OnMismatch,
    rule: PathRule,
) -> Result<Choice<'a>, InvalidRequest> {
    let rest = align::strip(raw, script_name.as_bytes());
    match rest.filter(|_| is_for_rules_of_haproxy(sent, script_name)) {
        Some(at) => Ok(Choice {
            path: Path::unconfirmed(raw, at),
            script_name: script_name.spelled(sent.raw_prefix(at)),
            rule,
        }),
        // T-9
        None if on_mismatch == OnMismatch::NotFound => Err(InvalidRequest::OutsideScriptName),
        None => Ok(Choice {
            path: Path::unconfirmed(raw, 0),
            script_name: script_name.clone(),
            rule,
        }),
    }
}
