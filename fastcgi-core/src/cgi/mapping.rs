//! From the params of a request to the head of an `http::Request`.
//!
//! No two web servers send the same path in the same variables, so how they are read is configurable; the defaults are
//! right for most (RFC 3875, 4.1).

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;

use http::{HeaderMap, Method, Request, Uri, Version, request};

use super::error::InvalidRequest;
use super::fields::HeaderFields;
use super::headers::Headers;
use super::left_out::LeftOut;
use super::mounted::Mount;
use super::names::Names;
use super::path::{self, PathRule};
use super::response::ResponseMapping;
use super::script_name::ScriptName;
use super::variables::Variables;
use crate::params::{Params, meta};

/// How params become requests.
///
/// By default, where the application is mounted is concluded from the params; not every web server says enough for that.
/// [`script_name`](Self::script_name) is right behind all of them.
///
/// ```
/// use fastcgi_core::{Params, cgi::{Mapping, ScriptName}};
///
/// // What nginx sends from `location /app/`.
/// let params: Params = [
///     ("REQUEST_METHOD", "GET"),
///     ("REQUEST_URI", "/app/caf%C3%A9?milk=1"),
///     ("SCRIPT_NAME", "/app/café"),
///     ("QUERY_STRING", "milk=1"),
///     ("SERVER_PROTOCOL", "HTTP/1.1"),
///     ("HTTP_HOST", "example.org"),
/// ]
/// .into_iter()
/// .collect();
///
/// let request = Mapping::default().script_name("/app".parse()?).request(&params)?;
/// assert_eq!(request.uri, "/caf%C3%A9?milk=1");
/// assert_eq!(request.headers["host"], "example.org");
///
/// let script_name: &ScriptName = request.extensions.get().ok_or("every request has one")?;
/// assert_eq!(script_name.external_uri(&request.uri), "/app/caf%C3%A9?milk=1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Mapping {
    pub(super) script_name: Option<ScriptName>,
    pub(super) path_source: PathSource,
    pub(super) on_mismatch: OnMismatch,
    pub(super) is_cgi: bool,
    pub(super) mounts_redirects: bool,
}

impl Mapping {
    /// Where the application is mounted, in place of what the web server says (T-8). Default: what the web server says.
    #[must_use]
    pub fn script_name(mut self, script_name: ScriptName) -> Self {
        self.script_name = Some(script_name);
        self
    }

    /// Which variable has the path. Default: [`PathSource::Auto`].
    #[must_use]
    pub fn path_source(mut self, path_source: PathSource) -> Self {
        self.path_source = path_source;
        self
    }

    /// What to do with requests outside the configured script name. Default: [`OnMismatch::Keep`].
    #[must_use]
    pub fn on_mismatch(mut self, on_mismatch: OnMismatch) -> Self {
        self.on_mismatch = on_mismatch;
        self
    }

    /// Whether redirects and cookies of an application that knows nothing of its mount are sent as its clients need them (R-18).
    /// Default: `false`.
    ///
    /// A path outside the script name gets it in front: in `Location` and `Content-Location`, where the reference begins with
    /// a slash or names the site of the request, and in the `Path` of `Set-Cookie`.
    /// [`RequestHead::response_mapping`] does it.
    #[must_use]
    pub fn mount_redirects(mut self, mount: bool) -> Self {
        self.mounts_redirects = mount;
        self
    }

    /// Whether the params are the environment of a CGI program, which the web server has started for this one request.
    /// Default: `false`.
    ///
    /// `SCRIPT_NAME` is the URL of this very program then.
    #[must_use]
    pub fn cgi(mut self, is_cgi: bool) -> Self {
        self.is_cgi = is_cgi;
        self
    }

    /// The head of the request that `params` describe.
    ///
    /// Its URI is in origin form, relative to the script name, and free of dot segments. Among its extensions are the
    /// [`ScriptName`] and the [`Params`]. Header values, and the URI where it can be, share the buffer of `params`.
    ///
    /// # Errors
    ///
    /// When the request is invalid, or not safe to route. Answer with [the error's status](InvalidRequest::status).
    pub fn request(&self, params: &Params) -> Result<request::Parts, InvalidRequest> {
        let mut headers = HeaderMap::new();
        let head = self.head(params, &mut headers)?;
        Ok(head.into_parts(headers, params))
    }

    /// As [`request`](Self::request), with the header fields in a map of the caller's: for HTTP libraries with types of
    /// their own.
    ///
    /// `fields` should be empty. It may have got some when this fails.
    ///
    /// # Errors
    ///
    /// The same.
    pub fn head<'a, F: HeaderFields>(
        &self,
        params: &'a Params,
        fields: &mut F,
    ) -> Result<RequestHead<'a>, InvalidRequest> {
        Names::with(|names| self.head_with(params, names, fields))
    }

    fn head_with<'a, F: HeaderFields>(
        &self,
        params: &'a Params,
        names: &mut Names<F::Name>,
        fields: &mut F,
    ) -> Result<RequestHead<'a>, InvalidRequest> {
        let mut variables = Variables::default();
        fields.reserve(expected_fields(params));
        let mut headers = Headers::new(params, names, fields);
        for (name, value) in params {
            match name.strip_prefix(b"HTTP_") {
                Some(name) => headers.add(name, value)?,
                None => variables.set(name, value),
            }
        }
        let method = method(&variables)?;
        let target = path::resolve(self, params, &method, &variables)?;
        let mount = self.mounts_redirects && !target.script_name.is_empty();
        let mount = mount.then(|| {
            let host = target.host.clone().or_else(|| headers.host(&variables));
            Box::new(Mount {
                script_name: target.script_name.clone(),
                is_https: meta::is_https(variables.https, variables.request_scheme),
                host: host.unwrap_or_default(),
            })
        });
        let left_out = headers.finish(&variables, target.host)?;
        Ok(RequestHead {
            method,
            uri: target.uri,
            version: version(&variables),
            script_name: target.script_name,
            path_rule: target.rule,
            left_out,
            mount,
            params,
            https: variables.https,
            request_scheme: variables.request_scheme,
        })
    }
}

/// The head of a request but for its header fields.
#[derive(Debug)]
#[non_exhaustive]
pub struct RequestHead<'a> {
    /// The method.
    pub method: Method,
    /// What is asked for: in origin form, relative to the script name, and free of dot segments.
    pub uri: Uri,
    /// The version that the client speaks to the web server.
    pub version: Version,
    /// Where the application is mounted.
    pub script_name: ScriptName,
    /// Why the URI has this path.
    pub path_rule: PathRule,
    /// The header fields that were left out: for logs.
    pub left_out: Vec<LeftOut>,
    /// R-18: where the application is mounted, if that is to be put in front of its redirects.
    mount: Option<Box<Mount>>,
    // Read when they are asked for.
    params: &'a Params,
    https: Option<&'a [u8]>,
    request_scheme: Option<&'a [u8]>,
}

impl RequestHead<'_> {
    /// The head as the `http` crate has it, with `headers` and the extensions of [`Mapping::request`].
    pub fn into_parts(self, headers: HeaderMap, params: &Params) -> request::Parts {
        let (mut parts, ()) = self.into_request(headers, ()).into_parts();
        parts.extensions.insert(params.clone());
        parts
    }

    /// The request with this head, `headers` and `body`. The [`ScriptName`] is among its extensions. The caller inserts the
    /// [`Params`], without a clone if they are of no other use.
    pub fn into_request<B>(self, headers: HeaderMap, body: B) -> Request<B> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.version_mut() = self.version;
        *request.headers_mut() = headers;
        request.extensions_mut().insert(self.script_name);
        request
    }

    /// How the response to this request becomes a CGI header block: for the web server that sent `params`, and with what
    /// [`Mapping::mount_redirects`] asks for.
    pub fn response_mapping(&self, params: &Params) -> ResponseMapping {
        ResponseMapping::answering(params).mounted(self.mount.clone())
    }

    /// The client's address, as [`Params::remote_addr`] has it.
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        self.params.remote_addr()
    }

    /// Whether the client speaks HTTPS to the web server, as [`Params::is_https`] has it.
    pub fn is_https(&self) -> bool {
        meta::is_https(self.https, self.request_scheme)
    }
}

/// A pair takes some 32 bytes, more often more. A map that grows places all its fields anew, so a guess too high is the
/// better one; at most 256 fields are accepted.
fn expected_fields(params: &Params) -> usize {
    const LENGTH_OF_PAIR: usize = 32;
    (params.as_bytes().len() / LENGTH_OF_PAIR).clamp(24, 256)
}

/// Which variable the path of a request is taken from.
///
/// This may grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PathSource {
    /// The part of `REQUEST_URI` that is `PATH_INFO`; one of them alone, when they do not agree.
    #[default]
    Auto,
    /// `PATH_INFO`, encoded anew: what rewrite rules made of the path. Spelling, as of `%2F`, is lost.
    PathInfo,
    /// `REQUEST_URI`, without the script name if one is configured: what the client sent. An application whose own
    /// routes begin with the path it is mounted at needs this, and no script name.
    RequestUri,
}

/// `auto`, `path-info` or `request-uri`.
impl FromStr for PathSource {
    type Err = InvalidPathSource;

    fn from_str(text: &str) -> Result<Self, InvalidPathSource> {
        match text {
            "auto" => Ok(Self::Auto),
            "path-info" => Ok(Self::PathInfo),
            "request-uri" => Ok(Self::RequestUri),
            _ => Err(InvalidPathSource(text.to_owned())),
        }
    }
}

/// A text that names no [`PathSource`].
///
/// `Debug` prints the same as `Display`, as `main` does with what it returns.
#[derive(Clone, PartialEq, Eq)]
pub struct InvalidPathSource(String);

impl fmt::Display for InvalidPathSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no path source: that is auto, path-info or request-uri",
            self.0
        )
    }
}

impl fmt::Debug for InvalidPathSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for InvalidPathSource {}

/// What becomes of requests outside the configured script name.
///
/// This may grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OnMismatch {
    /// The application gets the whole path. A proxy further out may have removed the script name already.
    #[default]
    Keep,
    /// They are answered with 404. For web servers that authorise by path, and send on more than the script name.
    NotFound,
}

/// T-16: as it came. HEAD stays HEAD, and methods are case-sensitive.
pub(super) fn method(variables: &Variables<'_>) -> Result<Method, InvalidRequest> {
    let method = Method::from_bytes(variables.request_method.unwrap_or_default())
        .map_err(|_| InvalidRequest::Method)?;
    // T-4
    if method == Method::CONNECT {
        return Err(InvalidRequest::Connect);
    }
    Ok(method)
}

/// T-17: the version of the client's hop. RFC 3875, 4.1.16: `INCLUDED` is a protocol, too.
fn version(variables: &Variables<'_>) -> Version {
    match variables.server_protocol.unwrap_or_default() {
        b"HTTP/1.0" => Version::HTTP_10,
        b"HTTP/2" | b"HTTP/2.0" => Version::HTTP_2,
        b"HTTP/3" | b"HTTP/3.0" => Version::HTTP_3,
        _ => Version::HTTP_11,
    }
}
