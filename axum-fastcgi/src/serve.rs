//! The server: `axum::serve`, over FastCGI.

use std::convert::Infallible;

use axum::{extract::Request, response::Response};
use fastcgi_tower::{HttpService, Listener};
use tower_service::Service;

use crate::{
    make_service::{IncomingRequest, prepare},
    request_service::RequestService,
};

/// Serves an axum application on the connections of web servers.
///
/// Takes what `axum::serve` takes: a [`Router`](axum::Router), a [`MethodRouter`](axum::routing::MethodRouter), a
/// [`Handler`](axum::handler::Handler) with its state, and what `into_make_service` and
/// `into_make_service_with_connect_info` give. The listener is tokio's TCP or Unix listener, or one of
/// [`listener`](crate::listener).
///
/// The future never ends, unless there is a [graceful shutdown](Serve::with_graceful_shutdown) or an invalid setting.
///
/// ```no_run
/// use axum::{Router, routing::get};
///
/// # async fn run() -> std::io::Result<()> {
/// let app = Router::new().route("/", get(|| async { "Hello, world!" }));
/// let listener = axum_fastcgi::UnixSocket::bind("/run/app/app.sock")?;
/// axum_fastcgi::serve(listener, app)
///     .script_name("/app")
///     .with_graceful_shutdown(async {
///         tokio::signal::ctrl_c().await.ok();
///     })
///     .await
/// # }
/// ```
pub fn serve<L, M, S>(listener: L, mut make_service: M) -> Serve<L, M>
where
    L: Listener,
    M: Service<IncomingRequest, Error = Infallible, Response = S> + Clone + Send + 'static,
    M::Future: Send,
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    prepare(&mut make_service);
    fastcgi_tower::serve(listener, RequestService::new(make_service))
}

/// The future of [`serve()`], with its settings.
pub type Serve<L, M> = fastcgi_tower::Serve<L, HttpService<RequestService<M>>>;
