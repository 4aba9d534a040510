//! What `tap_io` of axum makes of a listener.

use std::{future::Future, io};

use axum::serve::{Listener as AxumListener, TapIo};

use super::{Listener, PeerAddr, Transport};

/// Only the crate of a trait may implement it for a foreign type, so this cannot be in axum-fastcgi.
impl<L, F> Listener for TapIo<L, F>
where
    L: AxumListener<Io: Transport, Addr: PeerAddr>,
    F: FnMut(&mut L::Io) + Send + 'static,
{
    type Io = L::Io;
    type Addr = L::Addr;

    fn accept(&mut self) -> impl Future<Output = (L::Io, L::Addr)> + Send {
        AxumListener::accept(self)
    }

    fn local_addr(&self) -> io::Result<L::Addr> {
        AxumListener::local_addr(self)
    }
}
