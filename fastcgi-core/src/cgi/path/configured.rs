//! The path when the operator says where the application is mounted (T-8, O1 to O8).

use super::align;
use super::front_controller::{self, Meant};
use super::sent::Sent;
use super::split;
use super::{Choice, Path, PathRule};
use crate::cgi::error::InvalidRequest;
use crate::cgi::mapping::OnMismatch;
use crate::cgi::script_name::ScriptName;

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

    match front_controller::meant(sent)? {
        Some(Meant::RequestUri(raw)) => {
            return strip(sent, raw, script_name, on_mismatch, PathRule::OF);
        }
        Some(Meant::RedirectUrl(url)) => {
            let below = align::below(url, script_name.as_bytes());
            if below.is_none() {
                outside()?;
            }
            return choice(Path::spelled(sent, below.unwrap_or(url))?, PathRule::OF);
        }
        None => {}
    }
    if split::is_real(sent, Some(script_name)) {
        if sent.is_beside_mount || !is_under(sent, script_name) {
            outside()?;
        }
        let path = Path::spelled(sent, &*sent.path_info)?;
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
    let whole = sent.whole_path();
    // The whole path, or what is below the script name.
    let spelled = |prefix: &[u8]| match &whole {
        _ if sent.is_rewritten_by_proxy() => Path::proxied(sent, prefix),
        whole => {
            let path = align::below(whole, prefix).unwrap_or(whole);
            Path::spelled(sent, path.to_vec())
        }
    };
    // A rewrite rule may have removed the mount from a path that begins with it twice: so this comes before O4.
    if let Some(alignment) = sent.align(&whole) {
        let precedes = ScriptName::from_raw(sent.raw_prefix(alignment.at));
        if !script_name.is_empty() && precedes == *script_name {
            return choice(Path::aligned(alignment, &whole), PathRule::O1);
        }
    }
    // Of the web server's path, not of the client's: an error page below the mount would be the denied page.
    if align::below(&whole, script_name.as_bytes()).is_some() {
        return choice(spelled(script_name.as_bytes())?, PathRule::O4);
    }
    let is_rewritten = sent.is_rewritten_by_proxy()
        || (sent.script_name.is_empty() && sent.has_target() && !sent.is_requested(&whole));
    if is_rewritten {
        if sent.is_beside_mount {
            outside()?;
        }
        return choice(spelled(b"")?, PathRule::O3);
    }
    outside()?;
    choice(spelled(b"")?, PathRule::O5)
}

/// The raw path without `script_name` (T-7).
pub(super) fn strip<'a>(
    sent: &Sent<'_>,
    raw: &[u8],
    script_name: &ScriptName,
    on_mismatch: OnMismatch,
    rule: PathRule,
) -> Result<Choice<'a>, InvalidRequest> {
    match align::strip(raw, script_name.as_bytes()) {
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

/// Whether the path is below `script_name` by the web server's split, or the client's URL has exactly that in front of
/// `PATH_INFO`.
pub(super) fn is_under(sent: &Sent<'_>, script_name: &ScriptName) -> bool {
    align::below(sent.script_name, script_name.as_bytes()).is_some()
        || sent.align(&sent.path_info).is_some_and(|alignment| {
            ScriptName::from_raw(sent.raw_prefix(alignment.at)) == *script_name
        })
}
