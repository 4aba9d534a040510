//! Requests that no web server would pass on to a CGI program.

use http::{Method, Request, StatusCode, Version, header::HOST};
use proto::cgi::has_dot_segments;

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
    let path = request.uri().path();
    let is_refused = !has_host || path.contains("%00") || has_dot_segments(path.as_bytes());
    is_refused.then_some(StatusCode::BAD_REQUEST)
}
