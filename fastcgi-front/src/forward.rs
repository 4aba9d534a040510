//! The HTTP server, and the way of a request to the application.

use std::{future::poll_fn, io, net::SocketAddr, sync::Arc};

use axum::{
    body::Body,
    extract::{ConnectInfo, Request, State, connect_info::Connected},
    handler::Handler,
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
    serve::{IncomingStream, Listener},
};
use fastcgi_tower::client::{Client, ClientError, ServerInfo};
use http_body_util::BodyExt;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::oneshot,
};
use tower_service::Service;

use crate::error::explain;

/// What every request needs.
#[derive(Clone, Debug)]
pub(crate) struct Front {
    client: Client,
    server: ServerInfo,
    mount: Arc<str>,
}

impl Front {
    /// Serves the application of `client` below the path `mount`, which is empty for the root.
    pub(crate) fn new(client: Client, mount: String) -> Self {
        let software = concat!("fastcgi-front/", env!("CARGO_PKG_VERSION"));
        Self {
            client,
            server: ServerInfo::default()
                .software(software)
                .script_name(mount.as_str()),
            mount: mount.into(),
        }
    }

    fn is_mounted_at(&self, uri: &Uri) -> bool {
        match uri.path().strip_prefix(&*self.mount) {
            Some(rest) => self.mount.is_empty() || rest.is_empty() || rest.starts_with('/'),
            None => false,
        }
    }
}

/// Serves until `shut_down`, and then until the requests in progress are answered.
pub(crate) async fn serve(listener: TcpListener, front: Front, shut_down: oneshot::Receiver<()>) {
    let service = forward
        .with_state(front)
        .into_make_service_with_connect_info::<Peer>();
    let served = axum::serve(Http(listener), service).with_graceful_shutdown(async {
        _ = shut_down.await;
    });
    if let Err(error) = served.await {
        tracing::error!(%error, "the HTTP server failed");
    }
}

/// Where HTTP comes from.
#[derive(Debug)]
struct Http(TcpListener);

/// The two ends of a client's connection.
#[derive(Clone, Copy, Debug)]
struct Peer {
    remote: SocketAddr,
    local: Option<SocketAddr>,
}

impl Listener for Http {
    type Io = TcpStream;
    type Addr = Peer;

    async fn accept(&mut self) -> (TcpStream, Peer) {
        let (io, remote) = Listener::accept(&mut self.0).await;
        // Only slower without it: pieces of a response would wait for each other.
        _ = io.set_nodelay(true);
        let local = io.local_addr().ok();
        (io, Peer { remote, local })
    }

    fn local_addr(&self) -> io::Result<Peer> {
        let local = self.0.local_addr()?;
        Ok(Peer {
            remote: local,
            local: Some(local),
        })
    }
}

impl Connected<IncomingStream<'_, Http>> for Peer {
    fn connect_info(stream: IncomingStream<'_, Http>) -> Self {
        *stream.remote_addr()
    }
}

async fn forward(
    State(mut front): State<Front>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    mut request: Request,
) -> Response {
    if !front.is_mounted_at(request.uri()) {
        let text = format!("fastcgi-front: the application is at {}/\n", front.mount);
        return (StatusCode::NOT_FOUND, text).into_response();
    }
    let mut server = front.server.remote_addr(peer.remote);
    if let Some(local) = peer.local {
        server = server.local_addr(local);
    }
    request.extensions_mut().insert(server);
    match call(&mut front.client, request).await {
        Ok(response) => response,
        Err(error) => {
            let text = format!("fastcgi-front: {}\n", explain(&error));
            let status = if error.is_timeout() {
                StatusCode::GATEWAY_TIMEOUT
            } else {
                StatusCode::BAD_GATEWAY
            };
            (status, text).into_response()
        }
    }
}

async fn call(client: &mut Client, request: Request) -> Result<Response, ClientError> {
    poll_fn(|cx| Service::<Request>::poll_ready(client, cx)).await?;
    let response = client.call(request).await?;
    Ok(response.map(|body| {
        Body::new(body.map_err(|error| {
            // The client sees no more of this than a connection that is cut.
            tracing::warn!("{}", explain(&error));
            error
        }))
    }))
}
