//! The socket, and the bytes on their way in.

use std::{
    io, mem,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BytesMut};
use proto::Outgoing;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::io::{poll_read_buf, poll_write_buf};

use crate::spares;

/// The buffer that a piece has arrived in. A piece is a slice of it, and keeps all of it from being freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Which of all buffers of its connection it is: from 1.
    pub(crate) number: u32,
    /// Its size in bytes.
    pub(crate) size: u32,
}

/// A socket with a read buffer that grows with what arrives.
#[derive(Debug)]
pub(crate) struct Socket<Io> {
    io: Io,
    pub(crate) input: BytesMut,
    /// The buffer that `input` is in.
    buffer: Origin,
    /// Bytes that were read into it.
    filled: u32,
    /// How many of them were of use.
    used: u32,
    /// How much to ask for at a time.
    read_size: usize,
    is_flushed: bool,
}

/// Enough for the params of most requests.
const MIN_READ: usize = spares::SIZE;
/// As much as a connection reads at a time into memory of its own.
const OWNED_READ: usize = 16 * 1024;
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

/// Buffers have less than 256 KiB.
fn small(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Socket<Io> {
    pub(crate) fn new(io: Io) -> Self {
        Self {
            io,
            input: BytesMut::new(),
            buffer: Origin::default(),
            filled: 0,
            used: 0,
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

    /// The buffer that `input` is in.
    pub(crate) fn buffer(&self) -> Origin {
        self.buffer
    }

    /// This many bytes of what was read are of use to a request.
    pub(crate) fn was_used(&mut self, bytes: usize) {
        self.used = self.used.saturating_add(small(bytes));
    }

    /// How large a buffer would be useful, if that is more than a connection owns.
    pub(crate) fn wanted_room(&self) -> Option<usize> {
        (self.read_size > OWNED_READ).then_some(self.read_size)
    }

    /// Whether another buffer has to be [made](Self::make_room) for the next read. It is the same one as long as there is
    /// room, or nothing keeps what was read into it.
    #[inline]
    pub(crate) fn needs_room(&mut self) -> bool {
        let room = self.input.capacity() - self.input.len();
        if room >= self.read_size / 2 {
            return false;
        }
        if self.input.try_reclaim(self.read_size) {
            self.filled = 0;
            self.used = 0;
            return false;
        }
        // A large buffer that something keeps is used until most of it is filled. A small one costs less than a second read.
        self.buffer.size <= small(MIN_READ) || room < self.read_size / 4
    }

    /// Makes another buffer, of at most `most` bytes, or 4 KiB.
    pub(crate) fn make_room(&mut self, most: usize) {
        // A piece of the last buffer keeps all of it. So if little of it was of use, the next one is small, and no peer can
        // make us keep a large buffer for a few bytes of a body.
        if self.filled.saturating_sub(self.used) > self.buffer.size / 4 {
            self.read_size = MIN_READ;
        }
        let size = self.input.len() + self.read_size.min(most).max(MIN_READ);
        let mut input = if size == MIN_READ {
            spares::take()
        } else {
            BytesMut::with_capacity(size)
        };
        input.extend_from_slice(&self.input);
        self.input = input;
        self.buffer.number = self.buffer.number.wrapping_add(1).max(1);
        self.buffer.size = small(size);
        self.filled = 0;
        self.used = 0;
    }

    /// Appends to `input` what the socket has, as far as there is room. Gives the number of bytes, 0 at the end of file.
    #[inline]
    pub(crate) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let room = self.input.capacity() - self.input.len();
        let read = poll_read_buf(Pin::new(&mut self.io), cx, &mut self.input);
        if read.is_pending() {
            self.lend();
        }
        let count = ready!(read)?;
        self.filled = self.filled.saturating_add(small(count));
        if count == room {
            self.read_size = (self.read_size * 4).min(MAX_READ);
        }
        Poll::Ready(Ok(count))
    }

    /// Leaves a buffer that nothing is in to other connections, while this one waits.
    #[inline]
    fn lend(&mut self) {
        let is_small = self.buffer.size == small(MIN_READ);
        // It can be reclaimed if nothing keeps what was read into it.
        if is_small && self.input.is_empty() && self.input.try_reclaim(MIN_READ) {
            spares::give(mem::take(&mut self.input));
            self.forget_buffer();
        }
    }

    /// There is no buffer any more.
    fn forget_buffer(&mut self) {
        self.buffer.size = 0;
        self.filled = 0;
        self.used = 0;
    }

    /// Writes once. Ready when something has left, with the number of bytes, and pending also when there is nothing to write.
    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        outgoing: &mut Outgoing,
    ) -> Poll<io::Result<usize>> {
        if outgoing.has_remaining() {
            self.is_flushed = false;
            let count = ready!(poll_write(&mut self.io, cx, outgoing))?;
            return Poll::Ready(match count {
                0 => Err(io::ErrorKind::WriteZero.into()),
                count => Ok(count),
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
                Poll::Ready(Ok(_)) => {}
                Poll::Pending if self.is_flushed => return Poll::Ready(Ok(())),
                blocked_or_failed => return blocked_or_failed.map_ok(drop),
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
            self.forget_buffer();
        }
        self.read_size = MIN_READ;
    }
}
