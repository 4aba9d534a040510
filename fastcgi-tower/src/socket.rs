//! The socket, and the bytes on their way in.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BytesMut};
use proto::Outgoing;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::{poll_read_buf, poll_write_buf};

/// A socket with a read buffer that grows with what arrives.
#[derive(Debug)]
pub(crate) struct Socket<Io> {
    io: Io,
    pub(crate) input: BytesMut,
    /// How much to ask for at a time.
    read_size: usize,
    is_flushed: bool,
}

/// Enough for the params of most requests, and little enough to keep for every idle connection.
const MIN_READ: usize = 4 * 1024;
/// As much as a Unix socket gives at a time, by default.
pub(crate) const MAX_READ: usize = 128 * 1024;

/// A plain write costs the system less than a vectored one, and a small response is in one piece.
fn poll_write<Io: AsyncWrite + Unpin>(
    io: &mut Io,
    cx: &mut Context<'_>,
    outgoing: &mut Outgoing,
) -> Poll<io::Result<usize>> {
    if outgoing.chunk().len() < outgoing.remaining() {
        return poll_write_buf(Pin::new(io), cx, outgoing);
    }
    let count = ready!(Pin::new(io).poll_write(cx, outgoing.chunk()))?;
    outgoing.advance(count);
    Poll::Ready(Ok(count))
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Socket<Io> {
    pub(crate) fn new(io: Io) -> Self {
        Self {
            io,
            input: BytesMut::new(),
            read_size: MIN_READ,
            is_flushed: true,
        }
    }

    pub(crate) fn io(&self) -> &Io {
        &self.io
    }

    pub(crate) fn into_io(self) -> Io {
        self.io
    }

    /// Appends to `input` what the socket has. Gives the number of bytes, 0 at the end of file.
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.input.capacity() - self.input.len() < self.read_size / 2 {
            self.input.reserve(self.read_size);
        }
        let room = self.input.capacity() - self.input.len();
        let count = ready!(poll_read_buf(Pin::new(&mut self.io), cx, &mut self.input))?;
        if count == room {
            self.read_size = (self.read_size * 4).min(MAX_READ);
        }
        Poll::Ready(Ok(count))
    }

    /// Writes once. Ready when something has left, and pending also when there is nothing to write.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        outgoing: &mut Outgoing,
    ) -> Poll<io::Result<()>> {
        if outgoing.has_remaining() {
            self.is_flushed = false;
            let count = ready!(poll_write(&mut self.io, cx, outgoing))?;
            return Poll::Ready(match count {
                0 => Err(io::ErrorKind::WriteZero.into()),
                _ => Ok(()),
            });
        }
        if !self.is_flushed {
            ready!(Pin::new(&mut self.io).poll_flush(cx))?;
            self.is_flushed = true;
        }
        Poll::Pending
    }

    /// Ready when everything has left.
    #[cfg(feature = "client")]
    pub(crate) fn poll_flush(
        &mut self,
        cx: &mut Context<'_>,
        outgoing: &mut Outgoing,
    ) -> Poll<io::Result<()>> {
        loop {
            match self.poll_write(cx, outgoing) {
                Poll::Ready(Ok(())) => {}
                Poll::Pending if self.is_flushed => return Poll::Ready(Ok(())),
                blocked_or_failed => return blocked_or_failed,
            }
        }
    }

    /// Says to the web server that no more will come.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    /// Gives the buffer's memory back, if nothing is in it.
    pub(crate) fn release(&mut self) {
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
        self.read_size = MIN_READ;
    }
}
