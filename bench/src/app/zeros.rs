//! The body of a download.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::body::{BodySize, MessageBody};
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

/// A body of known length, in pieces of 64 KiB that share one buffer.
#[derive(Debug)]
pub(crate) struct Zeros {
    left: u64,
}

static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

impl Zeros {
    pub(crate) fn new(length: u64) -> Self {
        Self { left: length }
    }
}

impl Iterator for Zeros {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.left == 0 {
            return None;
        }
        let length = self.left.min(ZEROS.len() as u64);
        self.left -= length;
        Some(Bytes::from_static(&ZEROS).slice(..length as usize))
    }
}

impl Body for Zeros {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.next().map(|piece| Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

impl MessageBody for Zeros {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.left)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Infallible>>> {
        Poll::Ready(self.next().map(Ok))
    }
}
