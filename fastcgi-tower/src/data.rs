//! The data of a body, frame by frame.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use http_body::Body;

use crate::{error::BoxError, panics::poll_caught};

/// The data of the next frame, or `None` at the end. Trailers have no place in a CGI response.
pub(crate) fn poll_data<B: Body<Error: Into<BoxError>>>(
    cx: &mut Context<'_>,
    mut body: Pin<&mut B>,
) -> Result<Poll<Option<B::Data>>, BoxError> {
    loop {
        let frame = poll_caught(|| {
            if body.is_end_stream() {
                Poll::Ready(Ok(None))
            } else {
                body.as_mut().poll_frame(cx).map(Option::transpose)
            }
        });
        let Poll::Ready(frame) = frame else {
            return Ok(Poll::Pending);
        };
        let Some(frame) = frame? else {
            return Ok(Poll::Ready(None));
        };
        match frame.into_data() {
            Ok(data) => return Ok(Poll::Ready(Some(data))),
            Err(_) => tracing::debug!("dropping the trailers of a response"),
        }
    }
}
