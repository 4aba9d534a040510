//! Listeners that were written for `axum::serve`.

use std::{fmt, future::Future, io, net::IpAddr};

use axum::serve::Listener as AxumListener;
use fastcgi_tower::Listener;

/// A listener that was written for `axum::serve`, to be served over FastCGI.
///
/// The server has to know where connections come from: whoever connects is trusted with everything. So it is told how to
/// find the IP address in the listener's addresses, or that they have none.
///
/// ```no_run
/// use std::net::SocketAddr;
///
/// use axum::{Router, serve::ListenerExt};
/// use axum_fastcgi::ForeignListener;
///
/// # async fn run(app: Router) -> std::io::Result<()> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:9000").await?;
/// let listener = listener.tap_io(|io| {
///     io.set_nodelay(true).ok();
/// });
/// let listener = ForeignListener::new(listener, |addr: &SocketAddr| Some(addr.ip()));
/// axum_fastcgi::serve(listener, app).await
/// # }
/// ```
pub struct ForeignListener<L, F> {
    listener: L,
    ip: F,
    has_addresses: bool,
}

impl<L, F> ForeignListener<L, F>
where
    L: AxumListener,
    F: Fn(&L::Addr) -> Option<IpAddr>,
{
    /// A listener in whose addresses `ip` finds the IP address; `None` is for those that have none, such as Unix sockets.
    pub fn new(listener: L, ip: F) -> Self {
        Self {
            listener,
            ip,
            has_addresses: true,
        }
    }
}

impl<L: AxumListener> ForeignListener<L, fn(&L::Addr) -> Option<IpAddr>> {
    /// A listener whose addresses have no IP address, such as a Unix socket.
    ///
    /// **With a TCP socket the guard is off**: nothing keeps the server from listening where other machines can connect,
    /// and whoever connects can be anybody to the application. With `FCGI_WEB_SERVER_ADDRS` set, every connection is
    /// refused.
    pub fn without_addresses(listener: L) -> Self {
        Self {
            has_addresses: false,
            ..Self::new(listener, |_| None)
        }
    }
}

impl<L, F> Listener for ForeignListener<L, F>
where
    L: AxumListener<Addr: fmt::Debug>,
    F: Fn(&L::Addr) -> Option<IpAddr> + Send + 'static,
{
    type Io = L::Io;
    type Addr = L::Addr;

    fn accept(&mut self) -> impl Future<Output = (L::Io, L::Addr)> + Send {
        self.listener.accept()
    }

    fn local_addr(&self) -> io::Result<L::Addr> {
        self.listener.local_addr()
    }

    fn local_ips(&self) -> io::Result<Vec<IpAddr>> {
        if !self.has_addresses {
            return Ok(Vec::new());
        }
        let addr = self.listener.local_addr()?;
        Ok(self.ip(&addr).into_iter().collect())
    }

    fn ip(&self, addr: &L::Addr) -> Option<IpAddr> {
        (self.ip)(addr)
    }
}

impl<L: fmt::Debug, F> fmt::Debug for ForeignListener<L, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForeignListener")
            .field("listener", &self.listener)
            .finish_non_exhaustive()
    }
}
