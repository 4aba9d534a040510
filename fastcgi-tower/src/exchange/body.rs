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
#[derive(Default)]
pub struct Incoming {
    /// `None` for no bytes, as most requests have. Boxed, because requests are moved often.
    pub(super) content: Option<Box<Content>>,
}

/// What comes of a body.
pub(super) struct Content {
    source: Source,
    /// What was taken of it and is not read yet, where it is read as a stream of bytes.
    pub(super) rest: Bytes,
}

enum Source {
    /// All of it had arrived when the request was handed out: no lock, no waker.
    Whole(Chunks),
    /// The rest arrives while the request is served.
    Streaming(Arc<Queue>),
}

impl Incoming {
    /// A body of no bytes.
    pub fn empty() -> Self {
        Self::default()
    }

    pub(super) fn whole(chunks: Chunks) -> Self {
        if chunks.is_empty() {
            Self::empty()
        } else {
            Source::Whole(chunks).into()
        }
    }

    pub(super) fn streaming(queue: Arc<Queue>) -> Self {
        Source::Streaming(queue).into()
    }
}

impl From<Source> for Incoming {
    fn from(source: Source) -> Self {
        let rest = Bytes::new();
        Self {
            content: Some(Box::new(Content { source, rest })),
        }
    }
}

impl Content {
    pub(super) fn poll_chunk(&mut self, cx: &Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        if !self.rest.is_empty() {
            let rest = std::mem::take(&mut self.rest);
            return Poll::Ready(Some(Ok(rest)));
        }
        match &mut self.source {
            Source::Whole(chunks) => Poll::Ready(pop(chunks).map(Ok)),
            Source::Streaming(queue) => queue.poll_chunk(cx.waker()),
        }
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
        let Some(content) = &mut self.content else {
            return Poll::Ready(None);
        };
        let chunk = content.poll_chunk(cx);
        chunk.map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        let Some(Content { source, rest }) = self.content.as_deref() else {
            return true;
        };
        let is_at_end = match source {
            Source::Whole(chunks) => chunks.is_empty(),
            Source::Streaming(queue) => queue.is_end_stream(),
        };
        is_at_end && rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        let Some(Content { source, rest }) = self.content.as_deref() else {
            return SizeHint::with_exact(0);
        };
        let to_come = match source {
            Source::Whole(chunks) => SizeHint::with_exact(chunks.bytes() as u64),
            Source::Streaming(queue) => queue.size_hint(),
        };
        let rest = rest.len() as u64;
        let mut hint = SizeHint::new();
        if let Some(upper) = to_come.upper() {
            hint.set_upper(upper + rest);
        }
        hint.set_lower(to_come.lower() + rest);
        hint
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        if let Self::Streaming(queue) = self {
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
