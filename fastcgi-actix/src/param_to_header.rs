//! Middleware that exposes params as request headers.

use std::{
    future::{Ready, ready},
    task::{Context, Poll},
};

use actix_web::{
    HttpMessage,
    dev::{Service, ServiceRequest, ServiceResponse, Transform},
    http::header::{HeaderMap, HeaderName, HeaderValue, InvalidHeaderName},
};
use bytes::Bytes;
use fastcgi_tower::{ParamToHeaderLayer, Params};

/// Exposes params of the web server as headers of the request, for applications that look for headers.
///
/// A header of such a name that the *client* sent is removed first, whether or not there is a param, so that nobody can
/// forge it. A value that cannot be a header, because it has control characters, is left out.
///
/// ```
/// use actix_web::{App, http::header::HeaderName};
/// use fastcgi_actix::ParamToHeader;
///
/// // The application finds the user that the web server has authenticated in `x-remote-user`.
/// let one = ParamToHeader::new("REMOTE_USER", HeaderName::from_static("x-remote-user"));
/// let app = App::new().wrap(one);
///
/// // All that the web server set itself: REMOTE_USER is in `x-fcgi-remote-user`.
/// let all = ParamToHeader::all("x-fcgi-")?;
/// let app = App::new().wrap(all);
/// # Ok::<(), actix_web::http::header::InvalidHeaderName>(())
/// ```
#[derive(Clone, Debug)]
pub struct ParamToHeader {
    layer: ParamToHeaderLayer,
}

impl ParamToHeader {
    /// Exposes one param.
    pub fn new(param: impl Into<Bytes>, header: HeaderName) -> Self {
        Self {
            layer: ParamToHeaderLayer::new(param, http_1(&header)),
        }
    }

    /// Exposes one param more.
    ///
    /// After [`all`](Self::all) it changes nothing, because all are exposed already.
    #[must_use]
    pub fn and(self, param: impl Into<Bytes>, header: HeaderName) -> Self {
        Self {
            layer: self.layer.and(param, http_1(&header)),
        }
    }

    /// Exposes every param that does not come from a request header, which are those whose names do not begin with
    /// `HTTP_`: under `prefix` and its name in lower case with `-` for `_`. All headers of the client that begin with
    /// `prefix` are removed.
    ///
    /// # Errors
    ///
    /// When `prefix` is empty, which would remove every header, or cannot begin the name of a header.
    pub fn all(prefix: &str) -> Result<Self, InvalidHeaderName> {
        let prefix = HeaderName::from_bytes(prefix.as_bytes())?;
        Ok(Self {
            layer: ParamToHeaderLayer::all(prefix.as_str()).expect(SAME_NAMES),
        })
    }
}

fn http_1(name: &HeaderName) -> http::HeaderName {
    http::HeaderName::from_bytes(name.as_str().as_bytes()).expect(SAME_NAMES)
}

const SAME_NAMES: &str = "a name is a token in either version of the http crate";

impl<S, B> Transform<S, ServiceRequest> for ParamToHeader
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
{
    type Response = ServiceResponse<B>;
    type Error = actix_web::Error;
    type Transform = ParamToHeaderMiddleware<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        ready(Ok(ParamToHeaderMiddleware {
            service,
            layer: self.layer.clone(),
        }))
    }
}

/// The service of a [`ParamToHeader`].
#[derive(Debug)]
pub struct ParamToHeaderMiddleware<S> {
    service: S,
    layer: ParamToHeaderLayer,
}

impl<S> ParamToHeaderMiddleware<S> {
    /// The service that is called with the headers.
    pub fn get_ref(&self) -> &S {
        &self.service
    }

    /// The service that is called with the headers.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.service
    }

    /// The service that is called with the headers.
    pub fn into_inner(self) -> S {
        self.service
    }
}

impl<S, B> Service<ServiceRequest> for ParamToHeaderMiddleware<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error>,
{
    type Response = ServiceResponse<B>;
    type Error = actix_web::Error;
    type Future = S::Future;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(cx)
    }

    fn call(&self, mut request: ServiceRequest) -> S::Future {
        // Without params there is nothing to expose, but there is still something to remove.
        let params = request.extensions().get::<Params>().cloned();
        apply(
            &self.layer,
            &params.unwrap_or_default(),
            request.headers_mut(),
        );
        self.service.call(request)
    }
}

fn apply(layer: &ParamToHeaderLayer, params: &Params, headers: &mut HeaderMap) {
    headers.retain(|name, _| !layer.removes(name.as_str()));
    layer.expose(params, |name, value| {
        let name = HeaderName::from_bytes(name.as_str().as_bytes()).expect(SAME_NAMES);
        match value.and_then(|value| HeaderValue::from_bytes(value.as_bytes()).ok()) {
            Some(value) => drop(headers.insert(name, value)),
            None => drop(headers.remove(name)),
        }
    });
}
