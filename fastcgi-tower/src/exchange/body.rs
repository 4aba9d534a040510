//! Request bodies: `FCGI_STDIN` as an [`http_body::Body`].

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::{chunks::Chunks, queue::Queue};
use crate::error::Error;

/// A request body, as it arrives.
///
/// It streams, with back-pressure: what is not read is not taken from the socket beyond a window. Dropping it discards
/// the rest of the body without cost. The size is known exactly when the web server sent a `CONTENT_LENGTH`; FastCGI
/// has no trailers, so all frames are data. It can also be read as bytes: it is an [`AsyncRead`](tokio::io::AsyncRead) and
/// an [`AsyncBufRead`](tokio::io::AsyncBufRead).
///
/// It fails with an [`Error`] when fewer bytes arrive than were announced ([`Error::is_incomplete_body`]), and when the
/// web server gives the request up ([`Error::is_aborted`]).
pub struct Incoming {
    kind: Kind,
    /// What was taken of the body and is not read yet, where it is read as a stream of bytes.
    pub(super) rest: Bytes,
}

enum Kind {
    /// All of it had arrived when the request was handed out: no lock, no waker.
    Whole(Chunks),
    /// The rest arrives while the request is served.
    Streaming(Arc<Queue>),
}

impl Incoming {
    /// A body of no bytes.
    pub fn empty() -> Self {
        Self::whole(Chunks::default())
    }

    pub(super) fn whole(chunks: Chunks) -> Self {
        Kind::Whole(chunks).into()
    }

    pub(super) fn streaming(queue: Arc<Queue>) -> Self {
        Kind::Streaming(queue).into()
    }
}

impl From<Kind> for Incoming {
    fn from(kind: Kind) -> Self {
        Self {
            kind,
            rest: Bytes::new(),
        }
    }
}

impl Default for Incoming {
    fn default() -> Self {
        Self::empty()
    }
}

/// Not inlined: most pieces are those of a body that streams.
#[inline(never)]
fn pop(chunks: &mut Chunks) -> Option<Bytes> {
    chunks.pop()
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            return Poll::Ready(Some(Ok(Frame::data(rest))));
        }
        let chunk = match &mut self.kind {
            Kind::Whole(chunks) => pop(chunks).map(Ok),
            Kind::Streaming(queue) => match queue.poll_chunk(cx.waker()) {
                Poll::Ready(chunk) => chunk,
                Poll::Pending => return Poll::Pending,
            },
        };
        Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        let is_at_end = match &self.kind {
            Kind::Whole(chunks) => chunks.is_empty(),
            Kind::Streaming(queue) => queue.is_end_stream(),
        };
        is_at_end && self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let to_come = match &self.kind {
            Kind::Whole(chunks) => SizeHint::with_exact(chunks.bytes() as u64),
            Kind::Streaming(queue) => queue.size_hint(),
        };
        let rest = self.rest.len() as u64;
        let mut hint = SizeHint::new();
        if let Some(upper) = to_come.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(to_come.lower() + rest);
        hint
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if let Kind::Streaming(queue) = &self.kind {
            queue.close_reader();
        }
    }
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming")
            .field("size_hint", &self.size_hint())
            .finish_non_exhaustive()
    }
}
