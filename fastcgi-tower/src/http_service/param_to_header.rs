//! Middleware that exposes params as request headers.

use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, header::InvalidHeaderName};
use proto::Params;
use tower_layer::Layer;
use tower_service::Service;

/// Exposes params of the web server as headers of the request, for applications that look for headers.
///
/// A header of such a name that the *client* sent is removed first, whether or not there is a param, so that it cannot
/// be forged. An empty value is no header: nginx sends an empty `REMOTE_USER` for clients without a login. Of several params
/// of one name the last one counts (T-1). A value that cannot be a header, because it has control characters, is left
/// out.
///
/// ```
/// use fastcgi_tower::ParamToHeaderLayer;
/// use http::HeaderName;
///
/// // The application finds the user that the web server has authenticated in `x-remote-user`.
/// let one = ParamToHeaderLayer::new("REMOTE_USER", HeaderName::from_static("x-remote-user"));
///
/// // Several.
/// let several = one.and("SSL_CLIENT_S_DN", HeaderName::from_static("x-client-dn"));
///
/// // All that the web server set itself: REMOTE_USER is in `x-fcgi-remote-user`.
/// let all = ParamToHeaderLayer::all("x-fcgi-")?;
/// # Ok::<(), http::header::InvalidHeaderName>(())
/// ```
#[derive(Clone, Debug)]
pub struct ParamToHeaderLayer {
    rules: Rules,
}

#[derive(Clone, Debug)]
enum Rules {
    Named(Vec<(Bytes, HeaderName)>),
    /// Every param that is not a header already, under a name that begins so.
    All {
        prefix: String,
    },
}

impl ParamToHeaderLayer {
    /// Exposes one param.
    pub fn new(param: impl Into<Bytes>, header: HeaderName) -> Self {
        Self {
            rules: Rules::Named(vec![(param.into(), header)]),
        }
    }

    /// Exposes one param more.
    ///
    /// After [`all`](Self::all) it changes nothing, because all are exposed already.
    #[must_use]
    pub fn and(mut self, param: impl Into<Bytes>, header: HeaderName) -> Self {
        if let Rules::Named(rules) = &mut self.rules {
            rules.push((param.into(), header));
        }
        self
    }

    /// Exposes every param that does not come from a request header, which are those whose names do not begin with
    /// `HTTP_`: under `prefix` and its name in lower case with `-` for `_`. All headers of the client that begin with
    /// `prefix` are removed.
    ///
    /// # Errors
    ///
    /// When `prefix` is empty, which would remove every header, or cannot begin the name of a header.
    pub fn all(prefix: &str) -> Result<Self, InvalidHeaderName> {
        // An empty name is invalid, and so is an empty prefix.
        let prefix = HeaderName::from_bytes(prefix.as_bytes())?;
        Ok(Self {
            rules: Rules::All {
                prefix: prefix.as_str().to_owned(),
            },
        })
    }

    /// Whether a header of this name, in lower case, is removed from what the client sent.
    ///
    /// With [`expose`](Self::expose) this is all that the layer does, for middleware of frameworks other than tower's.
    pub fn removes(&self, header: &str) -> bool {
        match &self.rules {
            Rules::Named(rules) => rules.iter().any(|(_, name)| name.as_str() == header),
            Rules::All { prefix } => header.starts_with(prefix.as_str()),
        }
    }

    /// Calls `put` with each header that is made of a param. It takes the place of an earlier one of the same name: of
    /// several params the last wins (T-1). With `None` there is no header of that name: the value is empty, or cannot be
    /// a header.
    pub fn expose(&self, params: &Params, mut put: impl FnMut(HeaderName, Option<HeaderValue>)) {
        let mut put = |name: HeaderName, value: &[u8]| {
            let value = header_value(&name, value);
            put(name, value);
        };
        match &self.rules {
            Rules::Named(rules) => {
                for (param, header) in rules {
                    if let Some(value) = params.get(param) {
                        put(header.clone(), value);
                    }
                }
            }
            Rules::All { prefix } => {
                for (param, value) in params {
                    if let Some(header) = header_name(prefix, param) {
                        put(header, value);
                    }
                }
            }
        }
    }
}

impl<S> Layer<S> for ParamToHeaderLayer {
    type Service = ParamToHeaderService<S>;

    fn layer(&self, inner: S) -> ParamToHeaderService<S> {
        ParamToHeaderService {
            inner,
            layer: self.clone(),
        }
    }
}

/// The service of a [`ParamToHeaderLayer`].
#[derive(Clone, Debug)]
pub struct ParamToHeaderService<S> {
    inner: S,
    layer: ParamToHeaderLayer,
}

impl<S> ParamToHeaderService<S> {
    /// The service that is called with the headers.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service that is called with the headers.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The service that is called with the headers.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S, B> Service<Request<B>> for ParamToHeaderService<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        // Without params there is nothing to expose, but there is still something to remove.
        let params = request.extensions().get::<Params>().cloned();
        let params = params.unwrap_or_default();
        apply(&self.layer, &params, request.headers_mut());
        self.inner.call(request)
    }
}

fn apply(layer: &ParamToHeaderLayer, params: &Params, headers: &mut HeaderMap) {
    let forged: Vec<_> = headers
        .keys()
        .filter(|name| layer.removes(name.as_str()))
        .cloned()
        .collect();
    for name in forged {
        headers.remove(name);
    }
    layer.expose(params, |name, value| {
        let inserted = value.map(|value| headers.try_insert(name.clone(), value));
        if !matches!(inserted, Some(Ok(_))) {
            headers.remove(name);
        }
    });
}

fn header_name(prefix: &str, param: &[u8]) -> Option<HeaderName> {
    if param.starts_with(b"HTTP_") {
        return None;
    }
    let mut name = Vec::with_capacity(prefix.len() + param.len());
    name.extend_from_slice(prefix.as_bytes());
    name.extend(
        param
            .iter()
            .map(|&byte| if byte == b'_' { b'-' } else { byte }),
    );
    let name = HeaderName::from_bytes(&name);
    if name.is_err() {
        tracing::debug!("leaving out a param whose name cannot be a header");
    }
    name.ok()
}

/// The value of a header for that of a param; `None` when that is empty, or a header cannot hold it.
fn header_value(name: &HeaderName, value: &[u8]) -> Option<HeaderValue> {
    if value.is_empty() {
        return None;
    }
    let value = HeaderValue::from_bytes(value);
    if value.is_err() {
        tracing::debug!(header = %name, "leaving out a param whose value cannot be a header");
    }
    value.ok()
}
