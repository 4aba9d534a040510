//! What axum calls for each connection, called for each request.
//!
//! Behind FastCGI a connection is the web server's, and its requests are of many clients. So the make-service that axum
//! asks for each connection is asked here for each request.

use std::{
    any::Any,
    convert::Infallible,
    future::{Ready, ready},
    mem,
    net::{Ipv4Addr, SocketAddr},
    task::{Context, Poll},
};

use axum::{
    Router, extract::connect_info::Connected, handler::HandlerService, routing::MethodRouter,
};
use fastcgi_tower::Params;
use tower_service::Service;

/// A request that a service is asked for: the counterpart of axum's `IncomingStream`.
///
/// For connect info of your own implement [`Connected<IncomingRequest>`](Connected), in place of
/// `Connected<IncomingStream<'_, L>>`: an `IncomingStream` can be made by axum alone, and is one connection, which here is the
/// web server's. What `remote_addr` of it gives over HTTP is [`Params::remote_addr`]; what is known of its `io`, such as a
/// certificate, is in [`Params`], too. A program that also calls `axum::serve` implements both.
///
/// ```
/// use axum::{Router, extract::{ConnectInfo, connect_info::Connected}, routing::get};
/// use axum_fastcgi::IncomingRequest;
///
/// #[derive(Clone)]
/// struct User(Option<Vec<u8>>);
///
/// impl Connected<IncomingRequest> for User {
///     fn connect_info(request: IncomingRequest) -> Self {
///         Self(request.params().remote_user().map(<[u8]>::to_vec))
///     }
/// }
///
/// # async fn run(listener: tokio::net::TcpListener) -> std::io::Result<()> {
/// let app = Router::new().route("/", get(async |ConnectInfo(User(user)): ConnectInfo<User>| format!("{user:?}")));
/// axum_fastcgi::serve(listener, app.into_make_service_with_connect_info::<User>()).await
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct IncomingRequest {
    params: Params,
}

impl IncomingRequest {
    pub(crate) fn new(params: Params) -> Self {
        Self { params }
    }

    /// What the web server knows about the request.
    pub fn params(&self) -> &Params {
        &self.params
    }
}

/// The address of the client, from `REMOTE_ADDR` and `REMOTE_PORT` (C-1).
///
/// Where there is none, as behind a web server that itself listens on a Unix socket, it is `0.0.0.0:0`, which no
/// application trusts (C-2).
impl Connected<IncomingRequest> for SocketAddr {
    fn connect_info(request: IncomingRequest) -> Self {
        let unspecified = || Self::from((Ipv4Addr::UNSPECIFIED, 0));
        request.params.remote_addr().unwrap_or_else(unspecified)
    }
}

/// A service that is its own make-service: a clone of it answers the request.
macro_rules! make_self {
    ($($generics:ident),*; $service:ty $(where $($bound:ident),*)?) => {
        impl<$($generics),*> Service<IncomingRequest> for $service
        $(where $($bound: Clone),*)?
        {
            type Response = Self;
            type Error = Infallible;
            type Future = Ready<Result<Self, Infallible>>;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, _: IncomingRequest) -> Self::Future {
                ready(Ok(self.clone()))
            }
        }
    };
}

make_self!(; Router<()>);
make_self!(; MethodRouter<()>);
make_self!(H, T, S; HandlerService<H, T, S> where H, S);

/// Has a router turn its handlers into routes once, before the first request, and not again for each.
///
/// `axum::serve` does it for each connection. The type does not change by it, so it cannot be asked for by a bound.
pub(crate) fn prepare(make_service: &mut dyn Any) {
    if let Some(router) = make_service.downcast_mut::<Router>() {
        *router = mem::take(router).with_state(());
    } else if let Some(router) = make_service.downcast_mut::<MethodRouter>() {
        *router = mem::take(router).with_state(());
    }
}
