//! `SCRIPT_FILENAME` as mod_proxy_fcgi sends it: the URL to which it would have proxied.

use crate::params::server::PROXIED;

/// Whether `file` came through mod_proxy_fcgi.
pub(super) fn is_proxied(file: &[u8]) -> bool {
    file.starts_with(PROXIED)
}

/// Whether `file` is where mod_proxy_fcgi expects a file: the other form is that of `ProxyFCGIBackendType GENERIC`.
pub(super) fn is_made_of_path(file: &[u8]) -> bool {
    is_proxied(file) || file.starts_with(b"//")
}

/// The path of `proxy:fcgi://host:9000/path`, as it is spelled there; `None` where there is no such URL.
///
/// It is encoded for `ProxyPass`, and not for `SetHandler`.
pub(super) fn raw_path(file: &[u8]) -> Option<&[u8]> {
    let url = file.strip_prefix(PROXIED)?;
    let scheme_end = url.windows(3).position(|window| window == b"://");
    let authority = scheme_end.and_then(|at| url.get(at + 3..)).unwrap_or(url);
    let path = authority.get(authority.iter().position(|&byte| byte == b'/')?..)?;
    path.split(|&byte| byte == b'?').next()
}
