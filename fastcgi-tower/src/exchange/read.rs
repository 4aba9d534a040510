//! Request bodies as streams of bytes, and bodies that are made of bytes.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};

use super::Incoming;

/// Errors are those of [`Error`](crate::Error) as an [`io::Error`]: `ConnectionAborted` where the web server gave the
/// request up, and `UnexpectedEof` where fewer bytes arrived than were announced.
impl AsyncRead for Incoming {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let chunk = ready!(self.as_mut().poll_fill_buf(cx))?;
        let count = chunk.len().min(buf.remaining());
        let (part, _) = chunk.split_at(count);
        buf.put_slice(part);
        self.consume(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncBufRead for Incoming {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let Some(content) = &mut self.get_mut().content else {
            return Poll::Ready(Ok(&[]));
        };
        while content.rest.is_empty() {
            let Some(chunk) = ready!(content.poll_chunk(cx)?) else {
                break;
            };
            content.rest = chunk;
        }
        Poll::Ready(Ok(&content.rest))
    }

    fn consume(mut self: Pin<&mut Self>, count: usize) {
        if let Some(content) = &mut self.content {
            content.rest.advance(count);
        }
    }
}

impl Incoming {
    /// What `poll_fill_buf` has filled.
    pub(crate) fn filled(&self) -> &[u8] {
        self.content.as_ref().map_or(&[], |content| &content.rest)
    }
}

/// A body that is there as a whole, as for a test of a handler.
impl From<Bytes> for Incoming {
    fn from(body: Bytes) -> Self {
        Self::whole(body.into())
    }
}

impl From<&'static str> for Incoming {
    fn from(body: &'static str) -> Self {
        Bytes::from(body).into()
    }
}

impl From<String> for Incoming {
    fn from(body: String) -> Self {
        Bytes::from(body).into()
    }
}

impl From<Vec<u8>> for Incoming {
    fn from(body: Vec<u8>) -> Self {
        Bytes::from(body).into()
    }
}
