//! One request, and no more.

use std::{
    future::{Future, poll_fn},
    io,
    pin::Pin,
};

use super::{task::report, web_servers::WebServers};
use crate::{
    builder::ConnectionBuilder,
    exchange::ExchangeService,
    listener::{Listener, PeerAddr},
};

/// Serves exactly one request of `listener`, and closes its connection then: for a program that ends after it, or does something
/// else before the next.
///
/// `service` answers [`Exchange`](crate::Exchange)s; for one that answers HTTP requests, see [`HttpService`](crate::HttpService).
/// A connection that brings no request does not count. Nothing is spawned. Other connections wait to be
/// accepted meanwhile.
///
/// ```no_run
/// # async fn hello(_: http::Request<fastcgi_tower::Incoming>) -> Result<http::Response<String>, std::convert::Infallible> {
/// #     Ok(http::Response::new(String::new()))
/// # }
/// # async fn run() -> std::io::Result<()> {
/// use fastcgi_tower::{HttpService, listener::AnyListener, serve_request};
///
/// let mut listener = AnyListener::from_env()?;
/// serve_request(&mut listener, HttpService::new(tower::service_fn(hello))).await
/// # }
/// ```
///
/// # Errors
///
/// When the listener is on an address that other machines can reach, and `FCGI_WEB_SERVER_ADDRS` does not name the web servers.
/// How the connection ends is no error.
pub async fn serve_request<L, S>(listener: &mut L, mut service: S) -> io::Result<()>
where
    L: Listener,
    S: ExchangeService + Clone,
{
    let web_servers = WebServers::from_env()?;
    web_servers.check(listener, false)?;
    loop {
        let (io, peer) = listener.accept().await;
        if !web_servers.admits(&peer) {
            tracing::debug!(?peer, "connection refused: not in FCGI_WEB_SERVER_ADDRS");
            continue;
        }
        let next = service.clone();
        let settings = ConnectionBuilder::new()
            .over_tcp(peer.ip().is_some())
            .plain_cgi(peer.is_plain_cgi());
        let connection = settings.serve_connection(io, std::mem::replace(&mut service, next));
        let mut connection = connection.over_transport();
        let mut is_last = false;
        let result = poll_fn(|cx| {
            let ended = Pin::new(&mut connection).poll(cx);
            if ended.is_pending() && !is_last && connection.requests_begun() > 0 {
                is_last = true;
                Pin::new(&mut connection).graceful_shutdown();
                return Pin::new(&mut connection).poll(cx);
            }
            ended
        })
        .await;
        let requests = connection.requests_begun();
        if let Err(error) = result {
            report(connection, &error);
        }
        if requests > 0 {
            return Ok(());
        }
    }
}
