//! From a request to the first byte of it that has left.

use std::{
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::{
    call::{Begun, Call, Outbound},
    error::ClientError,
    pool::{Lease, Pool},
};

/// Gets a connection and begins a request on it.
///
/// A kept connection on which nothing can be sent is replaced by a new one, once. So nothing is ever sent twice.
pub(super) struct Start<B> {
    stage: Stage<B>,
}

/// ```text
///                ┌──nothing could be sent on a kept connection──┐
///                ▼                                              │
///            Connecting ──────────a connection──────────▶ Sending ──some of it has left──▶ Done
/// ```
enum Stage<B> {
    Connecting {
        lease: LeaseFuture,
        outbound: Box<Outbound<B>>,
    },
    Sending(Box<Call<B>>),
    Done,
}

type LeaseFuture = Pin<Box<dyn Future<Output = Result<Lease, ClientError>> + Send>>;

impl<B> Start<B> {
    pub(super) fn new(pool: Arc<Pool>, outbound: Box<Outbound<B>>) -> Self {
        let lease = Box::pin(pool.lease(outbound.clock.connect_limit()));
        Self {
            stage: Stage::Connecting { lease, outbound },
        }
    }

    /// The call, once something of the request has left.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Box<Call<B>>, ClientError>> {
        loop {
            // What is not put back is dropped, and with it the connection.
            match mem::replace(&mut self.stage, Stage::Done) {
                Stage::Connecting {
                    mut lease,
                    mut outbound,
                } => match lease.as_mut().poll(cx) {
                    Poll::Ready(lease) => {
                        let call = Call::new(lease?, *outbound);
                        self.stage = Stage::Sending(Box::new(call));
                    }
                    Poll::Pending => {
                        if let Poll::Ready(late) = outbound.clock.poll_end(cx) {
                            return Poll::Ready(Err(late));
                        }
                        self.stage = Stage::Connecting { lease, outbound };
                        return Poll::Pending;
                    }
                },
                Stage::Sending(mut call) => match call.poll_begin(cx) {
                    Poll::Ready(Begun::Sent) => return Poll::Ready(Ok(call)),
                    Poll::Ready(Begun::Late(error)) => return Poll::Ready(Err(error)),
                    Poll::Ready(Begun::Stale) => {
                        let (lease, outbound) = call.into_unsent();
                        let limit = outbound.clock.connect_limit();
                        self.stage = Stage::Connecting {
                            lease: Box::pin(lease.replaced(limit)),
                            outbound: Box::new(outbound),
                        };
                    }
                    Poll::Pending => {
                        self.stage = Stage::Sending(call);
                        return Poll::Pending;
                    }
                },
                Stage::Done => panic!("polled after completion"),
            }
        }
    }
}
