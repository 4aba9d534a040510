//! HTTP on top of exchanges: a tower service of HTTP requests, seen as a service of [`Exchange`]s.

mod param_to_header;
mod reply;
mod request_ext;

use std::{
    pin::Pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, ready},
};

use http::{HeaderMap, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use proto::{
    cgi::{self, LeftOut, Mapping, OnMismatch, PathRule, PathSource, ScriptName},
    record::Role,
};
use tower_service::Service;
use tracing::Span;

pub use self::{
    param_to_header::{ParamToHeaderLayer, ParamToHeaderService},
    reply::{RefusedRequest, ReplyTo, ResponseBody},
    request_ext::{FastCgi, RequestExt},
};
use crate::{
    error::BoxError,
    exchange::{Exchange, Incoming, Reply},
};

/// Turns exchanges into HTTP requests for `S`, and its HTTP responses into replies.
///
/// A request has the web server's [`Params`](crate::Params), its [`ScriptName`] and a [`RequestHandle`](crate::RequestHandle) in its
/// extensions, and the [`Role`] when it is not that of a Responder. What is not an HTTP request is answered with 400, 404,
/// 414, 431 or 501 and does not reach `S`.
///
/// ```
/// use std::convert::Infallible;
///
/// use fastcgi_tower::{HttpService, Incoming, PathSource};
/// use http::{Request, Response};
///
/// async fn hello(_: Request<Incoming>) -> Result<Response<String>, Infallible> {
///     Ok(Response::new("hello".to_owned()))
/// }
///
/// let service = HttpService::new(tower::service_fn(hello)).path_source(PathSource::PathInfo);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a service does nothing unless it is called"]
pub struct HttpService<S> {
    service: S,
    mapping: Mapping,
}

impl<S> HttpService<S> {
    /// A service of exchanges out of a service of HTTP requests.
    pub fn new(service: S) -> Self {
        Self {
            service,
            mapping: Mapping::default(),
        }
    }

    /// Where the application is mounted, in place of what the web server says (T-8). Default: what the web server says.
    pub fn script_name(mut self, script_name: ScriptName) -> Self {
        self.mapping = self.mapping.script_name(script_name);
        self
    }

    /// Which variable has the path of a request (T-8). Default: [`PathSource::Auto`].
    pub fn path_source(mut self, path_source: PathSource) -> Self {
        self.mapping = self.mapping.path_source(path_source);
        self
    }

    /// What happens to a request outside [`script_name`](Self::script_name) (T-9). Default: [`OnMismatch::Keep`].
    pub fn on_mismatch(mut self, on_mismatch: OnMismatch) -> Self {
        self.mapping = self.mapping.on_mismatch(on_mismatch);
        self
    }

    /// Whether redirects and cookies of an application that knows nothing of its mount get it in front of their paths
    /// ([`Mapping::mount_redirects`], R-18). Default: `false`.
    pub fn mount_redirects(mut self, mount: bool) -> Self {
        self.mapping = self.mapping.mount_redirects(mount);
        self
    }

    /// The service of HTTP requests.
    pub fn get_ref(&self) -> &S {
        &self.service
    }

    /// The service of HTTP requests.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.service
    }

    /// The service of HTTP requests.
    pub fn into_inner(self) -> S {
        self.service
    }
}

impl<S, B> Service<Exchange> for HttpService<S>
where
    S: Service<Request<Incoming>, Response = Response<B>, Error: Into<BoxError>>,
    B: Body<Error: Into<BoxError>>,
{
    type Response = Reply<ResponseBody<B>>;
    type Error = BoxError;
    type Future = HttpServiceFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.service.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, exchange: Exchange) -> Self::Future {
        let mapping = exchange.mapping(&self.mapping);
        let mut headers = HeaderMap::new();
        let state = match mapping.head(&exchange.params, &mut headers) {
            Ok(head) => {
                log_head(&head);
                let reply_to = ReplyTo::new(&head, &exchange.params);
                let mut request = head.into_request(headers, exchange.stdin);
                let extensions = request.extensions_mut();
                extensions.insert(exchange.params);
                extensions.insert(exchange.handle);
                if exchange.role != Role::RESPONDER {
                    extensions.insert(exchange.role);
                }
                let future = self.service.call(request);
                FutureState::Called { future, reply_to }
            }
            Err(error) => FutureState::Refused {
                request: RefusedRequest::new(&exchange.params, error),
            },
        };
        HttpServiceFuture { state }
    }
}

/// Says in the span of the request what it is for: the method and the path, without the query. Logs what was left out of it, and
/// what concerns the configuration. For facades that make requests of their own.
pub fn log_head(head: &cgi::RequestHead<'_>) {
    static HAS_NOTED: AtomicBool = AtomicBool::new(false);
    if tracing::enabled!(tracing::Level::DEBUG) {
        Span::current()
            .record("method", head.method.as_str())
            .record("path", head.uri.path());
    }
    for LeftOut { name, reason, .. } in &head.left_out {
        tracing::debug!(name = %name.escape_ascii(), "leaving out a header field: {reason}");
    }
    // That is as it should be after an internal redirect, and otherwise for every request the same path.
    if head.path_rule == PathRule::N6 && !HAS_NOTED.swap(true, Ordering::Relaxed) {
        tracing::debug!(
            "SCRIPT_NAME is not a part of REQUEST_URI, and is what the application is asked for: after an internal \
             redirect, or because a script without PATH_INFO is not named .fcgi, .fcg, .cgi or index.php"
        );
    }
}

pin_project! {
    /// The future of an [`HttpService`].
    #[derive(Debug)]
    pub struct HttpServiceFuture<F> {
        #[pin]
        state: FutureState<F>,
    }
}

pin_project! {
    #[project = FutureStateProj]
    #[derive(Debug)]
    enum FutureState<F> {
        Refused { request: RefusedRequest },
        Called { #[pin] future: F, reply_to: ReplyTo },
    }
}

impl<F, B, E> Future for HttpServiceFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
    B: Body,
    E: Into<BoxError>,
{
    type Output = Result<Reply<ResponseBody<B>>, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(Ok(match self.project().state.project() {
            FutureStateProj::Refused { request } => request.reply(),
            FutureStateProj::Called { future, reply_to } => {
                let response = ready!(future.poll(cx)).map_err(Into::into)?;
                reply_to.reply(response)
            }
        }))
    }
}
