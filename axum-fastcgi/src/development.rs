//! HTTP for development: the same application, with a browser in front instead of a web server.

use std::{
    convert::Infallible,
    future::IntoFuture,
    io::{self, Write},
    net::SocketAddr,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    ServiceExt,
    extract::{ConnectInfo, Request},
    response::Response,
};
use fastcgi_core::client::{self, ServerInfo};
use fastcgi_tower::{HttpService, process::Signal};
use tokio::{net::TcpListener, select, sync::oneshot, time::sleep};
use tower_service::Service;

use crate::{
    make_service::IncomingRequest,
    request_service::{RequestService, RequestServiceFuture},
};

/// Serves HTTP, and says so on standard error: somebody started the program by hand, perhaps for the first time.
pub(crate) async fn serve<M, S>(
    addr: SocketAddr,
    service: HttpService<RequestService<M>>,
    signal: Signal,
) -> io::Result<()>
where
    M: Service<IncomingRequest, Error = Infallible, Response = S> + Clone + Send + 'static,
    M::Future: Send,
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let listener = TcpListener::bind(addr).await?;
    let addr = listener.local_addr()?;
    let line = format!(
        "HTTP for development on http://{addr}/ (to deploy over FastCGI, let a web server start this program, or set \
         FCGI_LISTEN to a path or host:port)\n"
    );
    // Not `eprintln!`, which panics where nobody reads.
    let _ = io::stderr().write_all(line.as_bytes());
    let service = service.into_inner();
    let service = Development { service, addr };
    let (stopping, stopped) = oneshot::channel::<()>();
    let served = axum::serve(
        listener,
        service.into_make_service_with_connect_info::<SocketAddr>(),
    )
    .with_graceful_shutdown(async {
        signal.await;
        drop(stopping);
    })
    .into_future();
    select! {
        served = served => served,
        () = async {
            _ = stopped.await;
            sleep(GRACE_PERIOD).await;
        } => Ok(()),
    }
}

/// How long requests in progress may take: somebody waits at the keyboard.
const GRACE_PERIOD: Duration = Duration::from_secs(3);

/// Gives requests the params that a web server would send.
#[derive(Clone, Debug)]
struct Development<M> {
    service: RequestService<M>,
    addr: SocketAddr,
}

impl<M, S> Service<Request> for Development<M>
where
    M: Service<IncomingRequest, Response = S, Error = Infallible>,
    S: Service<Request, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = RequestServiceFuture<M::Future, S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request>::poll_ready(&mut self.service, cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let mut server = ServerInfo::default()
            .local_addr(self.addr)
            .port(self.addr.port());
        if let Some(ConnectInfo(client)) = parts.extensions.get::<ConnectInfo<SocketAddr>>() {
            server = server.remote_addr(*client);
        }
        let params = client::params(&parts, &server, [("", ""); 0]);
        parts.extensions.insert(params);
        self.service.call(Request::from_parts(parts, body))
    }
}
