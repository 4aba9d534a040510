//! The HTTP twin of a program: the same service, for a browser or a web server that speaks HTTP.
//!
//! It is the web server's half in front of the one driver, over socket pairs inside the process. So every rule and limit of a
//! FastCGI connection holds here, too.

mod body;
mod refusal;

use std::{
    convert::Infallible,
    error::Error,
    future::{IntoFuture, poll_fn},
    io::{self, Write},
    net::SocketAddr,
    pin::pin,
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body::Body;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use proto::{Timeouts, cgi::status_text};
use tokio::{
    net::{TcpListener, TcpStream},
    select,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower_service::Service;

use self::{body::TwinBody, refusal::refusal};
use crate::{
    client::{Client, ClientError, ServerInfo},
    ending::Signal,
    exchange::ExchangeService,
    listener::AnyListener,
    process::cannot_serve_http,
    serve::{Serve, serve_exchanges},
};

/// How long requests in progress may take: short, because a developer waits for it.
const GRACE_PERIOD: Duration = Duration::from_secs(3);
/// How long a client may pause within a body (B-15): no web server in front limits this.
const BODY_PAUSE: Duration = Duration::from_secs(60);
/// Requests at a time, each on a connection of its own inside the process.
const MAX_REQUESTS: usize = 1024;
/// After an error of accepting, which is mostly that there are too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves `service` over HTTP on `addr`, and says so on standard error.
pub(super) async fn serve<S>(
    addr: SocketAddr,
    service: S,
    configure: impl FnOnce(Serve<AnyListener, S>) -> Serve<AnyListener, S>,
    signal: Signal,
) -> io::Result<()>
where
    S: ExchangeService<Future: Send> + Clone + Send + 'static,
    S::Body: Body<Data: Send> + Send + 'static,
{
    let http = TcpListener::bind(addr)
        .await
        .map_err(|error| cannot_serve_http(addr, &error))?;
    announce(http.local_addr()?);
    let (listener, connector) = AnyListener::inside();
    let client = Client::inside(connector).max_connections(MAX_REQUESTS);
    let stop = CancellationToken::new();
    let server = serve_exchanges(listener, service)
        .grace_period(GRACE_PERIOD)
        .timeouts(Timeouts::default().read(Some(BODY_PAUSE)));
    let server = configure(server).with_graceful_shutdown(stop.clone().cancelled_owned());
    let mut server = pin!(server.into_future());
    let connections = TaskTracker::new();
    let result = select! {
        result = &mut server => Some(result),
        () = signal => None,
        () = accept(&http, &client, &connections, &stop) => None,
    };
    drop(http);
    // With it go the idle connections inside, which would be kept for another request.
    drop(client);
    stop.cancel();
    connections.close();
    let ended = async {
        let result = match result {
            Some(result) => result,
            None => server.await,
        };
        connections.wait().await;
        result
    };
    // The server's own limit has passed then, too.
    let limit = GRACE_PERIOD + Duration::from_secs(1);
    timeout(limit, ended).await.unwrap_or(Ok(()))
}

fn announce(addr: SocketAddr) {
    let line = format!(
        "HTTP on http://{addr}/ (to deploy over FastCGI, let a web server start this program, or set FCGI_LISTEN to a path \
         or host:port)\n"
    );
    // Not `eprintln!`, which panics where standard error is closed.
    let _ = io::stderr().write_all(line.as_bytes());
}

async fn accept(
    http: &TcpListener,
    client: &Client,
    connections: &TaskTracker,
    stop: &CancellationToken,
) {
    loop {
        match http.accept().await {
            Ok((io, peer)) if connections.len() < MAX_REQUESTS => {
                connections.spawn(connection(io, peer, client.clone(), stop.clone()));
            }
            // There are as many connections as are allowed: this one is closed.
            Ok(_) => tracing::debug!("too many connections over HTTP"),
            Err(error) => {
                tracing::debug!(%error, "a connection over HTTP cannot be accepted");
                sleep(PAUSE).await;
            }
        }
    }
}

async fn connection(io: TcpStream, peer: SocketAddr, client: Client, stop: CancellationToken) {
    // If this fails, the connection is only slower.
    let _ = io.set_nodelay(true);
    let mut server = ServerInfo::default()
        .software(concat!("fastcgi-tower/", env!("CARGO_PKG_VERSION")))
        .remote_addr(peer);
    if let Ok(local) = io.local_addr() {
        server = server.local_addr(local).port(local.port());
    }
    let service = service_fn(move |request| forward(client.clone(), server.clone(), request));
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(io), service)
    );
    let result = select! {
        result = &mut connection => result,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection over HTTP failed");
    }
}

async fn forward(
    mut client: Client,
    server: ServerInfo,
    mut request: Request<Incoming>,
) -> Result<Response<TwinBody>, Infallible> {
    if let Some(status) = refusal(&request) {
        return Ok(plain(status));
    }
    request.extensions_mut().insert(server);
    Ok(match call(&mut client, request).await {
        Ok(response) => response.map(TwinBody::from),
        Err(error) => {
            let cause = error.source().map(tracing::field::display);
            tracing::debug!(%error, cause, "a request over HTTP failed");
            plain(if error.is_request_body() {
                StatusCode::BAD_REQUEST
            } else {
                StatusCode::BAD_GATEWAY
            })
        }
    })
}

fn plain(status: StatusCode) -> Response<TwinBody> {
    let text = Bytes::from(status_text(status));
    let mut response = Response::new(TwinBody::from(text));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

async fn call(
    client: &mut Client,
    request: Request<Incoming>,
) -> Result<Response<crate::client::ClientBody<Incoming>>, ClientError> {
    poll_fn(|cx| Service::<Request<Incoming>>::poll_ready(client, cx)).await?;
    client.call(request).await
}
