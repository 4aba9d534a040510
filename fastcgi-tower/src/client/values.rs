//! What an application can do: `FCGI_GET_VALUES` (specification, 4.1).

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use proto::{Params, client::ClientEvent};

use super::{Client, ClientError, error::Kind, pool::Lease, times::Clock};

impl Client {
    /// Asks the application what it can do (specification, 4.1); the names are in
    /// [`values`](https://docs.rs/fastcgi-core/latest/fastcgi_core/values/). The answer has those that it knows.
    ///
    /// # Errors
    ///
    /// When the names do not fit one record of 65 535 bytes, when the application cannot be reached, and when it closes
    /// the connection, breaks the protocol or is late.
    pub async fn get_values(&self, names: &[&str]) -> Result<Params, ClientError> {
        let mut clock = Clock::start(self.times);
        let mut lease = Box::pin(Arc::clone(&self.pool).lease(self.times.connect));
        let mut lease = poll_fn(|cx| match lease.as_mut().poll(cx) {
            Poll::Ready(lease) => Poll::Ready(lease),
            Poll::Pending => clock.poll_end(cx).map(Err),
        })
        .await?;
        lease.link.proto.get_values(names)?;
        let values = poll_fn(|cx| poll_values(cx, &mut lease, &mut clock)).await?;
        lease.give_back();
        Ok(values)
    }
}

fn poll_values(
    cx: &mut Context<'_>,
    lease: &mut Lease,
    clock: &mut Clock,
) -> Poll<Result<Params, ClientError>> {
    let broken_off = |cause| ClientError::new(Kind::IncompleteResponse(cause));
    loop {
        while let Some(event) = lease.link.next_event()? {
            match event {
                ClientEvent::Values(values) => return Poll::Ready(Ok(values)),
                // An application that does not know the question has no answers.
                ClientEvent::UnknownType(_) => return Poll::Ready(Ok(Params::default())),
                unasked => tracing::debug!(?unasked, "no answer to the question"),
            }
        }
        if let Poll::Ready(Err(error)) = lease.link.poll_flush(cx) {
            return Poll::Ready(Err(error.into()));
        }
        match lease.link.poll_fill(cx) {
            Poll::Pending => return clock.poll_silence(cx).map(Err),
            Poll::Ready(Ok(0)) => return Poll::Ready(Err(broken_off(None))),
            Poll::Ready(Ok(_)) => clock.has_heard()?,
            Poll::Ready(Err(error)) => return Poll::Ready(Err(broken_off(Some(error)))),
        }
    }
}
