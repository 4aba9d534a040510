//! Listeners of which nothing is known.

use std::{fmt, io, net::IpAddr};

use axum::serve::Listener as AxumListener;
use fastcgi_tower::listener::{Listener, PeerAddr};

use super::ForeignIo;

/// Any listener that was written for `axum::serve`, when you vouch for its peers.
///
/// **Each peer that can connect is trusted with everything**: it says who the client is. The server cannot find out which
/// machines reach the listener, and starts without that check. Use it where only the web server can connect, such as for
/// pipes inside the process, or where the listener checks its peers itself. For a listener whose addresses implement
/// [`PeerAddr`] take [`ForeignListener`](crate::ForeignListener), which keeps the check. Where `FCGI_WEB_SERVER_ADDRS` is set,
/// no connection is admitted: none has an IP address that is known.
///
/// ```no_run
/// use axum::{Router, serve::Listener};
/// use axum_fastcgi::TrustedListener;
/// use tokio::{io::DuplexStream, sync::mpsc::Receiver};
///
/// /// Connections that are made inside the process.
/// struct Inside(Receiver<DuplexStream>);
///
/// impl Listener for Inside {
///     type Io = DuplexStream;
///     type Addr = ();
///
///     async fn accept(&mut self) -> (DuplexStream, ()) {
///         match self.0.recv().await {
///             Some(io) => (io, ()),
///             None => std::future::pending().await,
///         }
///     }
///
///     fn local_addr(&self) -> std::io::Result<()> {
///         Ok(())
///     }
/// }
///
/// # async fn run(connections: Receiver<DuplexStream>, app: Router) -> std::io::Result<()> {
/// axum_fastcgi::serve(TrustedListener(Inside(connections)), app).await
/// # }
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a wrapper, and nothing else")]
pub struct TrustedListener<L>(pub L);

impl<L: AxumListener> Listener for TrustedListener<L> {
    type Io = ForeignIo<L::Io>;
    type Addr = TrustedAddr<L::Addr>;

    async fn accept(&mut self) -> (ForeignIo<L::Io>, TrustedAddr<L::Addr>) {
        let (io, addr) = self.0.accept().await;
        (ForeignIo::new(io), TrustedAddr(addr))
    }

    fn local_addr(&self) -> io::Result<TrustedAddr<L::Addr>> {
        self.0.local_addr().map(TrustedAddr)
    }
}

/// The address of a [`TrustedListener`], or of a peer of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "a wrapper, and nothing else")]
pub struct TrustedAddr<A>(pub A);

/// It is not known.
impl<A: Send> PeerAddr for TrustedAddr<A> {
    fn ip(&self) -> Option<IpAddr> {
        None
    }
}

impl<A> fmt::Debug for TrustedAddr<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(trusted)")
    }
}
