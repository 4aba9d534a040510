//! Listeners that were written for `axum::serve`.

mod io;
mod trusted;

use std::io as std_io;

use axum::serve::Listener as AxumListener;
use fastcgi_tower::listener::{Listener, PeerAddr};

pub use self::{
    io::ForeignIo,
    trusted::{TrustedAddr, TrustedListener},
};

/// A listener that was written for `axum::serve`, to be served over FastCGI.
///
/// Its connections may be of any type. Its addresses are those of tokio, [`UCred`](tokio::net::unix::UCred), or a type of
/// yours that implements [`PeerAddr`]: a peer that connects is trusted with everything, so the server has to know where
/// connections come from. For a listener with other addresses there is [`TrustedListener`].
///
/// What [`tap_io`](axum::serve::ListenerExt::tap_io) makes of tokio's listeners needs no wrapper.
///
/// ```no_run
/// use axum::{Router, serve::Listener};
/// use axum_fastcgi::ForeignListener;
/// use tokio::net::{UnixListener, UnixStream, unix::UCred};
///
/// /// Gives the credentials of the process that connects, and accepts one user only.
/// struct OneUser(UnixListener, u32);
///
/// impl Listener for OneUser {
///     type Io = UnixStream;
///     type Addr = UCred;
///
///     async fn accept(&mut self) -> (UnixStream, UCred) {
///         loop {
///             let (io, _) = Listener::accept(&mut self.0).await;
///             match io.peer_cred() {
///                 Ok(peer) if peer.uid() == self.1 => return (io, peer),
///                 _ => tracing::warn!("a connection of another user"),
///             }
///         }
///     }
///
///     fn local_addr(&self) -> std::io::Result<UCred> {
///         UnixStream::pair()?.0.peer_cred()
///     }
/// }
///
/// # async fn run(app: Router) -> std::io::Result<()> {
/// let listener = OneUser(UnixListener::bind("/run/app/app.sock")?, 33);
/// axum_fastcgi::serve(ForeignListener(listener), app).await
/// # }
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a wrapper, and nothing else")]
pub struct ForeignListener<L>(pub L);

impl<L> Listener for ForeignListener<L>
where
    L: AxumListener<Addr: PeerAddr>,
{
    type Io = ForeignIo<L::Io>;
    type Addr = L::Addr;

    async fn accept(&mut self) -> (ForeignIo<L::Io>, L::Addr) {
        let (io, addr) = self.0.accept().await;
        (ForeignIo::new(io), addr)
    }

    fn local_addr(&self) -> std_io::Result<L::Addr> {
        self.0.local_addr()
    }
}
