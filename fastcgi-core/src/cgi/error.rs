//! Why a request cannot be given to an application.

use std::fmt;

use http::StatusCode;

use crate::params::InvalidContentLength;

/// Params that do not make an HTTP request.
///
/// Each answers the client with a [status](Self::status) of its own. Neither `Display` nor `Debug` shows what the
/// client sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum InvalidRequest {
    /// `REQUEST_METHOD` is missing, or no token.
    Method,
    /// `CONNECT` asks for a tunnel, and FastCGI has none.
    Connect,
    /// No path can be found in `REQUEST_URI`, or it is `*` without the method `OPTIONS`.
    Target,
    /// The path has `.` or `..` segments that the web server did not resolve.
    DotSegment,
    /// `PATH_INFO` does not begin with a slash, and nothing is known of what precedes it.
    PathInfo,
    /// The web server has split the path by a pattern that ended before a line feed: `PATH_INFO` is not all of it.
    LineFeed,
    /// The request target is longer than `http::Uri` can hold.
    TargetTooLong,
    /// The path lies outside the configured script name, and the configuration asks to refuse such.
    OutsideScriptName,
    /// Apache or lighttpd calls a front controller for an error of this status, and does not say which page is meant.
    ///
    /// The page that was asked for is not the one: it may be the one that was denied. The directive needs a path behind
    /// the script: `ErrorDocument 403 /index.fcgi/errors/403`, `server.error-handler = "/errors"`.
    ErrorPage(StatusCode),
    /// Apache includes a front controller into a page (`include virtual`), and does not say which resource is meant.
    Included,
    /// The host holds control characters, or the request target has an invalid one.
    Host,
    /// `CONTENT_LENGTH` is no number, or was sent twice with different numbers.
    ContentLength,
    /// There are more header fields than any client needs.
    TooManyHeaders,
}

impl InvalidRequest {
    /// The status to answer with.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Method
            | Self::Target
            | Self::DotSegment
            | Self::PathInfo
            | Self::LineFeed
            | Self::Included
            | Self::Host
            | Self::ContentLength => StatusCode::BAD_REQUEST,
            Self::ErrorPage(status) => *status,
            Self::OutsideScriptName => StatusCode::NOT_FOUND,
            Self::TargetTooLong => StatusCode::URI_TOO_LONG,
            Self::TooManyHeaders => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::Connect => StatusCode::NOT_IMPLEMENTED,
        }
    }

    /// Whether the configuration of the web server has to change: it does not say which resource is meant (T-8a).
    pub fn is_ambiguous(&self) -> bool {
        matches!(self, Self::ErrorPage(_) | Self::Included)
    }
}

impl From<InvalidContentLength> for InvalidRequest {
    fn from(_: InvalidContentLength) -> Self {
        Self::ContentLength
    }
}

impl fmt::Display for InvalidRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ErrorPage(_) => {
                "the web server does not say which page it wants for an error: give ErrorDocument (Apache) or \
                 server.error-handler (lighttpd) a path behind the script"
            }
            Self::Included => {
                "the web server does not say which page it includes: give include virtual a path behind the script"
            }
            Self::Method => "REQUEST_METHOD is not a method",
            Self::Connect => "the method CONNECT needs a tunnel, which FastCGI does not have",
            Self::Target => "the request target has no path",
            Self::DotSegment => "the path has dot segments that the web server did not resolve",
            Self::PathInfo => "PATH_INFO does not begin with a slash",
            Self::LineFeed => "the path goes on behind a line feed, where PATH_INFO ends",
            Self::TargetTooLong => "the request target is longer than 65534 bytes",
            Self::OutsideScriptName => "the path is outside the configured script name",
            Self::Host => "the host is invalid",
            Self::ContentLength => "CONTENT_LENGTH is not one decimal number",
            Self::TooManyHeaders => "the request has more than 256 header fields",
        })
    }
}

impl std::error::Error for InvalidRequest {}
