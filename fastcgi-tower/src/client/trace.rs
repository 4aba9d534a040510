//! The records of a connection, for people to look at.

use std::{
    fmt,
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Buf, BytesMut};
use proto::record::Header;
use rustix::fd::BorrowedFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::listener::AnyIo;

/// Who has sent something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "a connection has two ends")]
pub enum Direction {
    /// To the application.
    Sent,
    /// By the application.
    Received,
}

/// What was sent: see [`Client::on_record`](super::Client::on_record).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Traced<'a> {
    /// A record, whole.
    Record {
        /// What is in front of it.
        header: Header,
        /// Its content, without padding.
        content: &'a [u8],
    },
    /// Bytes that are no record, or the beginning of one at the end of the connection. What follows them comes as such, too.
    Other(&'a [u8]),
    /// The application has closed the connection.
    End,
}

/// A function that gets all records.
#[derive(Clone)]
pub(super) struct Trace(Arc<Function>);

type Function = dyn Fn(Direction, Traced<'_>) + Send + Sync;

impl Trace {
    pub(super) fn new(function: impl Fn(Direction, Traced<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(function))
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trace")
    }
}

/// A socket, and a copy of what goes through it if records are traced.
#[derive(Debug)]
pub(super) struct TracedIo {
    io: AnyIo,
    // `None` costs a comparison for each read and write.
    tracer: Option<Box<Tracer>>,
}

/// What has not become a whole record yet: less than 65 KiB for each direction.
#[derive(Debug)]
struct Tracer {
    trace: Trace,
    sent: Records,
    received: Records,
}

#[derive(Debug, Default)]
struct Records {
    bytes: BytesMut,
    is_other: bool,
}

impl Records {
    fn put(&mut self, bytes: &[u8], trace: &Trace, direction: Direction) {
        if self.is_other {
            (trace.0)(direction, Traced::Other(bytes));
            return;
        }
        self.bytes.extend_from_slice(bytes);
        while let Some((header, rest)) = self.bytes.split_first_chunk() {
            let Ok(header) = Header::parse(*header) else {
                self.is_other = true;
                break;
            };
            let Some(content) = rest.get(..header.content_length.into()) else {
                return;
            };
            let size = Header::LEN + content.len() + usize::from(header.padding_length);
            if self.bytes.len() < size {
                return;
            }
            (trace.0)(direction, Traced::Record { header, content });
            self.bytes.advance(size);
        }
        if self.is_other {
            self.flush(trace, direction);
        }
    }

    /// Shows what is no record, or not a whole one.
    fn flush(&mut self, trace: &Trace, direction: Direction) {
        if !self.bytes.is_empty() {
            (trace.0)(direction, Traced::Other(&self.bytes));
            self.bytes.clear();
        }
    }
}

impl Tracer {
    fn sent(&mut self, bytes: &[u8]) {
        self.sent.put(bytes, &self.trace, Direction::Sent);
    }

    fn received(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.received.put(bytes, &self.trace, Direction::Received);
            return;
        }
        self.received.flush(&self.trace, Direction::Received);
        (self.trace.0)(Direction::Received, Traced::End);
    }
}

impl TracedIo {
    pub(super) fn new(io: AnyIo, trace: Option<Trace>) -> Self {
        let tracer = trace.map(|trace| {
            Box::new(Tracer {
                trace,
                sent: Records::default(),
                received: Records::default(),
            })
        });
        Self { io, tracer }
    }

    /// See [`AnyIo::socket`].
    pub(super) fn socket(&self) -> Option<BorrowedFd<'_>> {
        self.io.socket()
    }
}

impl AsyncRead for TracedIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        if let Some(tracer) = &mut self.tracer {
            tracer.received(buf.filled().get(before..).unwrap_or_default());
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for TracedIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.io).poll_write(cx, bytes))?;
        if let Some(tracer) = &mut self.tracer {
            tracer.sent(bytes.get(..count).unwrap_or(bytes));
        }
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.io).poll_write_vectored(cx, slices))?;
        if let Some(tracer) = &mut self.tracer {
            let mut left = count;
            for slice in slices {
                let written = slice.get(..left).unwrap_or(slice);
                tracer.sent(written);
                left -= written.len();
            }
        }
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
