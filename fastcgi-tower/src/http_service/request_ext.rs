//! What the web server knows about a request, in one place.

use http::{Extensions, Request, request};
use proto::{Params, cgi::ScriptName};

use crate::exchange::RequestHandle;

/// What a FastCGI request has and an HTTP request has not.
///
/// Each part is among the request's extensions, too.
#[derive(Clone, Debug)]
pub struct FastCgi {
    params: Params,
    script_name: ScriptName,
    handle: RequestHandle,
}

impl FastCgi {
    /// Of these parts: for facades whose library has request types of its own.
    pub fn new(params: Params, script_name: ScriptName, handle: RequestHandle) -> Self {
        Self {
            params,
            script_name,
            handle,
        }
    }

    /// What the web server says about the request: ordered, with duplicates, as bytes.
    pub fn params(&self) -> &Params {
        &self.params
    }

    /// Where the application is mounted.
    pub fn script_name(&self) -> &ScriptName {
        &self.script_name
    }

    /// The way to the web server's log and to the exit status.
    pub fn handle(&self) -> &RequestHandle {
        &self.handle
    }
}

/// Gets from a request what FastCGI has and HTTP has not.
///
/// ```
/// use fastcgi_tower::RequestExt;
///
/// fn user<B>(request: &http::Request<B>) -> Option<String> {
///     let fastcgi = request.fastcgi()?;
///     Some(fastcgi.params().remote_user()?.escape_ascii().to_string())
/// }
/// # assert_eq!(user(&http::Request::new(())), None);
/// ```
pub trait RequestExt {
    /// What the web server knows about this request; `None` if it did not arrive over FastCGI.
    fn fastcgi(&self) -> Option<FastCgi>;
}

impl RequestExt for Extensions {
    fn fastcgi(&self) -> Option<FastCgi> {
        Some(FastCgi {
            params: self.get::<Params>()?.clone(),
            script_name: self.get::<ScriptName>()?.clone(),
            handle: self.get::<RequestHandle>()?.clone(),
        })
    }
}

impl<B> RequestExt for Request<B> {
    fn fastcgi(&self) -> Option<FastCgi> {
        self.extensions().fastcgi()
    }
}

impl RequestExt for request::Parts {
    fn fastcgi(&self) -> Option<FastCgi> {
        self.extensions.fastcgi()
    }
}
