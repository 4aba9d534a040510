//! Listeners that were written for `axum::serve`.

use std::{future::Future, io};

use axum::serve::Listener as AxumListener;
use fastcgi_tower::listener::{Listener, PeerAddr, Transport};

/// A listener that was written for `axum::serve`, to be served over FastCGI.
///
/// The server has to know where connections come from, because a peer that connects is trusted with everything. So
/// addresses of types of your own have to implement [`PeerAddr`], and connections [`Transport`].
///
/// ```no_run
/// use axum::{Router, serve::ListenerExt};
/// use axum_fastcgi::ForeignListener;
///
/// # async fn run(app: Router) -> std::io::Result<()> {
/// let listener = tokio::net::TcpListener::bind("127.0.0.1:9000").await?;
/// let listener = listener.tap_io(|io| {
///     io.set_nodelay(true).ok();
/// });
/// axum_fastcgi::serve(ForeignListener(listener), app).await
/// # }
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a wrapper, and nothing else")]
pub struct ForeignListener<L>(pub L);

impl<L> Listener for ForeignListener<L>
where
    L: AxumListener<Io: Transport, Addr: PeerAddr>,
{
    type Io = L::Io;
    type Addr = L::Addr;

    fn accept(&mut self) -> impl Future<Output = (L::Io, L::Addr)> + Send {
        self.0.accept()
    }

    fn local_addr(&self) -> io::Result<L::Addr> {
        self.0.local_addr()
    }
}
