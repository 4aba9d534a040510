//! Bodies in one piece or in many.

use std::{
    fmt,
    future::poll_fn,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Body, Frame};

use crate::blocking::block_on;

/// The body of an [`Answer`](super::Answer): text, bytes, or the chunks of an iterator or a stream.
///
/// ```
/// use fastcgi_tower::{Chunks, respond};
/// use http::StatusCode;
///
/// let lines = (1..=3).map(|line| Ok(format!("{line}\n").into()));
/// let answer = respond(StatusCode::OK, "text/plain", Chunks::from_iter(lines));
/// ```
#[derive(Default)]
pub struct Chunks(Kind);

type Chunk = io::Result<Bytes>;

#[derive(Default)]
enum Kind {
    #[default]
    Over,
    Whole(Bytes),
    Iterator(Box<dyn Iterator<Item = Chunk> + Send>),
    Stream(Pin<Box<dyn Stream<Item = Chunk> + Send>>),
}

impl Chunks {
    /// The chunks of an iterator. An async handler calls it between other things, so it should not block.
    #[expect(
        clippy::should_implement_trait,
        reason = "an iterator of FromIterator may borrow, and is used up at once"
    )]
    pub fn from_iter<I>(chunks: I) -> Self
    where
        I: IntoIterator<Item = io::Result<Bytes>, IntoIter: Send + 'static>,
    {
        Self(Kind::Iterator(Box::new(chunks.into_iter())))
    }

    /// The chunks of a stream.
    pub fn from_stream(chunks: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> Self {
        Self(Kind::Stream(Box::pin(chunks)))
    }

    /// Whether each chunk has to leave before the next is asked for.
    pub(super) fn is_live(&self) -> bool {
        matches!(self.0, Kind::Iterator(_) | Kind::Stream(_))
    }

    pub(super) async fn next(&mut self) -> Option<Chunk> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    pub(super) fn next_blocking(&mut self) -> Option<Chunk> {
        block_on(|cx| self.poll_next(cx))
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Chunk>> {
        let next = match &mut self.0 {
            Kind::Over => None,
            Kind::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                self.0 = Kind::Over;
                (!bytes.is_empty()).then_some(Ok(bytes))
            }
            Kind::Iterator(chunks) => chunks.next(),
            Kind::Stream(chunks) => std::task::ready!(chunks.as_mut().poll_next(cx)),
        };
        if next.is_none() {
            self.0 = Kind::Over;
        }
        Poll::Ready(next)
    }
}

impl From<Bytes> for Chunks {
    fn from(bytes: Bytes) -> Self {
        Self(Kind::Whole(bytes))
    }
}

impl From<Vec<u8>> for Chunks {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl From<String> for Chunks {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static str> for Chunks {
    fn from(text: &'static str) -> Self {
        Bytes::from(text).into()
    }
}

impl From<&'static [u8]> for Chunks {
    fn from(bytes: &'static [u8]) -> Self {
        Bytes::from(bytes).into()
    }
}

impl Body for Chunks {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.poll_next(cx)
            .map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Kind::Over)
    }
}

impl fmt::Debug for Chunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Kind::Over => "Chunks::Over",
            Kind::Whole(_) => "Chunks::Whole",
            Kind::Iterator(_) => "Chunks::Iterator",
            Kind::Stream(_) => "Chunks::Stream",
        })
    }
}
