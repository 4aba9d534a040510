//! The body of a response over HTTP.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use crate::client::{ClientBody, ClientError};

/// The application's, or a text of ours.
pub(super) enum TwinBody {
    Client(ClientBody<Incoming>),
    Text(Bytes),
}

impl From<ClientBody<Incoming>> for TwinBody {
    fn from(body: ClientBody<Incoming>) -> Self {
        Self::Client(body)
    }
}

impl From<Bytes> for TwinBody {
    fn from(text: Bytes) -> Self {
        Self::Text(text)
    }
}

impl Body for TwinBody {
    type Data = Bytes;
    type Error = ClientError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ClientError>>> {
        match self.get_mut() {
            Self::Client(body) => Pin::new(body).poll_frame(cx),
            Self::Text(text) if text.is_empty() => Poll::Ready(None),
            Self::Text(text) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(text))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Client(body) => body.is_end_stream(),
            Self::Text(text) => text.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Client(body) => body.size_hint(),
            Self::Text(text) => SizeHint::with_exact(text.len() as u64),
        }
    }
}
