//! The bodies of a blocking handler's requests and responses.

use std::{
    error::Error as StdError,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tokio::sync::mpsc;

use crate::error::{BoxError, Error};

/// The body of a response: what the handler returned, or what it writes.
#[derive(Debug)]
pub struct BlockingBody(Kind);

#[derive(Debug)]
enum Kind {
    Whole(Bytes),
    Written(mpsc::Receiver<Result<Bytes, BoxError>>),
}

impl BlockingBody {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self(Kind::Whole(bytes))
    }

    pub(crate) fn written(chunks: mpsc::Receiver<Result<Bytes, BoxError>>) -> Self {
        Self(Kind::Written(chunks))
    }
}

impl Body for BlockingBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(match &mut self.0 {
            Kind::Whole(bytes) if bytes.is_empty() => None,
            Kind::Whole(bytes) => Some(Ok(Frame::data(std::mem::take(bytes)))),
            Kind::Written(chunks) => {
                let chunk = ready!(chunks.poll_recv(cx));
                chunk.map(|chunk| chunk.map(Frame::data))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, Kind::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Kind::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Kind::Written(_) => SizeHint::default(),
        }
    }
}

/// The body of a request, whichever server it came from.
pub(super) type AnyBody = Pin<Box<dyn Body<Data = Bytes, Error = io::Error> + Send>>;

pub(super) fn any<B>(body: B) -> AnyBody
where
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
{
    Box::pin(IoBody { body })
}

pin_project! {
    struct IoBody<B> {
        #[pin]
        body: B,
    }
}

impl<B: Body<Error: Into<BoxError>>> Body for IoBody<B> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let frame = ready!(self.project().body.poll_frame(cx));
        Poll::Ready(frame.map(|frame| match frame {
            Ok(frame) => Ok(frame.map_data(|mut data| data.copy_to_bytes(data.remaining()))),
            Err(error) => Err(io_error(error.into())),
        }))
    }
}

/// A framework may have wrapped what happened.
fn io_error(error: BoxError) -> io::Error {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(&*error);
    while let Some(link) = cause {
        if let Some(found) = link.downcast_ref::<Error>() {
            return io::Error::new(found.io_kind(), error);
        }
        if let Some(found) = link.downcast_ref::<io::Error>() {
            return io::Error::new(found.kind(), error);
        }
        cause = link.source();
    }
    io::Error::other(error)
}
