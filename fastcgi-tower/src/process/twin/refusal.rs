//! Requests that no web server would pass on to a CGI program.

use http::{Method, Request, StatusCode, Version, header::HOST};

/// The status to refuse a request with.
///
/// A service of HTTP requests is never called with such a path (T-5). A service of exchanges gets it decoded, and may
/// make the name of a file of it: web servers resolve dot segments before, and refuse NUL.
pub(super) fn refusal<B>(request: &Request<B>) -> Option<StatusCode> {
    // CONNECT needs a tunnel, which FastCGI does not have.
    if request.method() == Method::CONNECT {
        return Some(StatusCode::METHOD_NOT_ALLOWED);
    }
    // RFC 9112, 3.2
    let hosts = request.headers().get_all(HOST).iter().count();
    let may_lack_host = request.version() < Version::HTTP_11;
    let has_host = hosts == 1 || (hosts == 0 && may_lack_host);
    (!has_host || is_ambiguous(request.uri().path())).then_some(StatusCode::BAD_REQUEST)
}

fn is_ambiguous(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let path = path.replace("%2e", ".").replace("%2f", "/");
    let mut segments = path.split('/');
    path.contains("%00") || segments.any(|segment| matches!(segment, "." | ".."))
}
