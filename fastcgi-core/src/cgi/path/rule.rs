//! Which line of T-8 applied.

use std::fmt;

/// The line of rule T-8 by which a path was chosen, named as in `docs/rules.md`.
///
/// For logs and tests: why does a request have this path? This may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PathRule {
    /// The request target `*` of `OPTIONS` (T-4).
    Asterisk,
    /// [`PathSource::PathInfo`](super::PathSource::PathInfo).
    PathInfo,
    /// [`PathSource::RequestUri`](super::PathSource::RequestUri).
    RequestUri,
    /// With a script name: a front controller without `PATH_INFO`.
    OF,
    /// With a script name: the end of the whole path, behind exactly the script name.
    O1,
    /// With a script name: `PATH_INFO`, spelled as in `REQUEST_URI`.
    O2,
    /// With a script name: what the web server made of the path.
    O3,
    /// With a script name: the whole path without the script name.
    O4,
    /// With a script name: the whole path, which is outside.
    O5,
    /// With a script name: the program itself, under CGI.
    O7,
    /// With a script name: `REQUEST_URI`, because nothing else is there.
    O8,
    /// `PATH_INFO`, which is the end of `REQUEST_URI`.
    N1,
    /// `PATH_INFO`, encoded.
    N2,
    /// The path in the URL of mod_proxy_fcgi.
    N3,
    /// The URL of the program itself.
    N4,
    /// `SCRIPT_NAME`, which is all of `REQUEST_URI`.
    N5,
    /// `SCRIPT_NAME`, which is the end of `REQUEST_URI`.
    N5r,
    /// `SCRIPT_NAME`, encoded.
    N6,
    /// Nothing says which path: the root.
    N7,
    /// `REQUEST_URI`, because nothing else is there.
    N8,
    /// `SCRIPT_NAME` and `PATH_INFO`, which the client may have split.
    N9,
    /// A front controller without `PATH_INFO`.
    NF,
}

impl PathRule {
    /// What the line takes for the path, in a few words: for logs and for people.
    pub fn description(self) -> &'static str {
        match self {
            Self::Asterisk => "the request target of OPTIONS, which is no path",
            Self::PathInfo => "PATH_INFO, as configured",
            Self::RequestUri => "REQUEST_URI, as configured",
            Self::OF => "with a script name: the path for which a front controller was called",
            Self::O1 => "with a script name: the end of REQUEST_URI behind the script name",
            Self::O2 => "with a script name: PATH_INFO, spelled as in REQUEST_URI",
            Self::O3 => "with a script name: what the web server made of the path",
            Self::O4 => "with a script name: the whole path without the script name",
            Self::O5 => "with a script name: the whole path, which is outside",
            Self::O7 => "with a script name: the program itself was asked for, under CGI",
            Self::O8 => "with a script name: REQUEST_URI, because nothing else is there",
            Self::N1 => "PATH_INFO, which is the end of REQUEST_URI",
            Self::N2 => "PATH_INFO, encoded",
            Self::N3 => "the path in the URL of mod_proxy_fcgi",
            Self::N4 => "the program itself was asked for",
            Self::N5 => "SCRIPT_NAME, which is all of REQUEST_URI",
            Self::N5r => "SCRIPT_NAME, which is the end of REQUEST_URI",
            Self::N6 => "SCRIPT_NAME, encoded",
            Self::N7 => "nothing says which path: the root",
            Self::N8 => "REQUEST_URI, because nothing else is there",
            Self::N9 => "SCRIPT_NAME and PATH_INFO, which the client may have split",
            Self::NF => "the path for which a front controller was called",
        }
    }
}

impl fmt::Display for PathRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asterisk => f.write_str("*"),
            Self::PathInfo => f.write_str("P"),
            Self::RequestUri => f.write_str("U"),
            line => fmt::Debug::fmt(line, f),
        }
    }
}
