//! Scripts that are called for every path, without `PATH_INFO` (T-8a).
//!
//! `SCRIPT_NAME` is the same for all requests then, and something else has to say which resource is meant.

use http::StatusCode;

use super::align;
use super::script;
use super::sent::Sent;
use super::target::without_authority;
use crate::cgi::error::InvalidRequest;

/// What names the resource that is meant.
pub(super) enum Meant<'a> {
    /// `REDIRECT_URL`: the last URL before Apache's rules led to the script; its path.
    RedirectUrl(&'a [u8]),
    /// `REQUEST_URI`: the path as the client spelled it.
    RequestUri(&'a [u8]),
}

/// What a front controller was called for; `None` where `SCRIPT_NAME` and `PATH_INFO` say it.
///
/// # Errors
///
/// When the script was called for an error page, or was included, and nothing says which resource is meant.
pub(super) fn meant<'a>(sent: &Sent<'a>) -> Result<Option<Meant<'a>>, InvalidRequest> {
    let is_front_controller = sent.path_info.is_empty()
        && sent.proxied.is_empty()
        && script::may_be_front_controller(sent);
    if !is_front_controller {
        return Ok(None);
    }
    let redirect_url = redirect_url(sent);
    let is_redirected = redirect_url.is_some_and(|url| !sent.is_requested(url));
    // 1
    if let Some(status) = error_status(sent) {
        let is_latest = sent.variables.redirect_redirect_status != sent.variables.redirect_status;
        if !is_redirected || is_latest {
            return Err(InvalidRequest::ErrorPage(status));
        }
    }
    if sent.is_included() && !is_redirected {
        return Err(InvalidRequest::Included);
    }
    // 2
    if is_asked_for(sent, redirect_url) {
        return Ok(None);
    }
    // 3
    if let Some(url) = redirect_url.filter(|_| is_redirected) {
        return Ok(Some(Meant::RedirectUrl(url)));
    }
    // 4
    let is_vouched_for = redirect_url.is_some() || sent.is_cgi;
    if !is_vouched_for && sent.has_client_written(script::last_segment(sent.script_name)) {
        return Ok(None);
    }
    match (sent.raw_path(), sent.dotted_path()) {
        // T-5
        (None, Some(_)) => Err(InvalidRequest::DotSegment),
        (raw, _) => Ok(raw.map(Meant::RequestUri)),
    }
}

/// Whether the client, or the last redirect, asked for the script itself.
pub(super) fn is_script_asked_for(sent: &Sent<'_>) -> bool {
    !sent.mount().is_empty() && is_asked_for(sent, redirect_url(sent))
}

/// `REDIRECT_URL`, without scheme and host: `QualifyRedirectURL` puts them in front.
fn redirect_url<'a>(sent: &Sent<'a>) -> Option<&'a [u8]> {
    let url = sent.variables.redirect_url.filter(|url| !url.is_empty())?;
    // Not at `?` and `#`: it is decoded.
    Some(match without_authority(url) {
        (Some(_), b"") => b"/",
        (_, path) => path,
    })
}

/// The status of the error for which the script was called.
///
/// 404 does not count: `ErrorDocument 404` is how sites without rewrite rules call a front controller.
fn error_status(sent: &Sent<'_>) -> Option<StatusCode> {
    let status = sent.error_status()?;
    (status != StatusCode::NOT_FOUND).then_some(status)
}

fn is_asked_for(sent: &Sent<'_>, redirect_url: Option<&[u8]>) -> bool {
    let name = sent.mount();
    let with_slash = [name, b"/"].concat();
    match redirect_url {
        Some(url) => align::is_same(url, name) || align::is_same(url, &with_slash),
        None => {
            sent.target.path.is_empty() || sent.is_requested(name) || sent.is_requested(&with_slash)
        }
    }
}
