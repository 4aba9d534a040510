//! Connections of listeners that were written for `axum::serve`.

use std::{
    any::Any,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use fastcgi_tower::listener::{AnyIo, Transport};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpStream, UnixStream},
};

/// A connection of a [`ForeignListener`](crate::ForeignListener) or a [`TrustedListener`](crate::TrustedListener).
///
/// A stream of tokio is treated as one: a TCP connection is reset where a response breaks off, and the web server's
/// departure is seen (B-11). A connection of another type is closed, and read to see the departure.
#[derive(Debug)]
pub struct ForeignIo<Io>(Io);

impl<Io> ForeignIo<Io> {
    pub(super) fn new(io: Io) -> Self {
        Self(io)
    }

    /// The connection, as the listener has given it.
    pub fn get_ref(&self) -> &Io {
        &self.0
    }

    /// The connection, as the listener has given it.
    pub fn get_mut(&mut self) -> &mut Io {
        &mut self.0
    }

    /// The connection, as the listener has given it.
    pub fn into_inner(self) -> Io {
        self.0
    }
}

impl<Io> Transport for ForeignIo<Io>
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    fn reset(self) {
        let io = match reset_as::<TcpStream, _>(self.0) {
            Some(io) => reset_as::<AnyIo, _>(io),
            None => None,
        };
        drop(io);
    }

    fn is_peer_gone(&self) -> Option<bool> {
        let io: &dyn Any = &self.0;
        if let Some(io) = io.downcast_ref::<TcpStream>() {
            return io.is_peer_gone();
        }
        if let Some(io) = io.downcast_ref::<UnixStream>() {
            return io.is_peer_gone();
        }
        io.downcast_ref::<AnyIo>()?.is_peer_gone()
    }
}

/// Resets `io` if it is a `T`, and gives it back if it is not.
fn reset_as<T: Transport, Io: 'static>(io: Io) -> Option<Io> {
    let mut io = Some(io);
    let any: &mut dyn Any = &mut io;
    if let Some(io) = any.downcast_mut::<Option<T>>().and_then(Option::take) {
        io.reset();
    }
    io
}

impl<Io: AsyncRead + Unpin> AsyncRead for ForeignIo<Io> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for ForeignIo<Io> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
