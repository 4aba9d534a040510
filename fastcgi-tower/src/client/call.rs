//! One request on its connection: the half that is sent, and the half that arrives.

use std::{
    io, mem,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame};
use proto::{
    Params,
    client::ClientEvent,
    record::{BeginRequest, Flags, ProtocolStatus, RequestId, Role},
};

use super::error::{ClientError, Kind};
use super::{Piece, pool::Lease, stderr::Stderr, times::Clock};
use crate::error::BoxError;

/// A request that waits for its connection.
#[derive(Debug)]
pub(super) struct Outbound<B> {
    pub(super) params: Params,
    /// Boxed, because it moves from the future to the response's body. `None` when there is nothing in it.
    pub(super) body: Option<Pin<Box<B>>>,
    pub(super) role: Role,
    pub(super) stderr: Stderr,
    pub(super) clock: Clock,
}

/// A request on a connection. Nothing happens unless it is polled; dropping it closes the connection.
#[derive(Debug)]
pub(super) struct Call<B> {
    lease: Lease,
    id: RequestId,
    role: Role,
    /// Kept until something of the request has left: until then another connection may take it.
    params: Params,
    sending: Sending<B>,
    stderr: Stderr,
    clock: Clock,
}

/// The request's half.
#[derive(Debug)]
enum Sending<B> {
    /// The body is asked for more whenever everything before has left.
    Body(Pin<Box<B>>),
    /// The last of it waits to be written, or was.
    Ended,
    /// The application takes no more. It may have answered nevertheless.
    Failed(io::Error),
}

/// How a request has begun.
#[derive(Debug)]
pub(super) enum Begun {
    /// Some of it has left, or the connection failed on it.
    Sent,
    /// Nothing can leave on this connection, which was kept from an earlier request.
    Stale,
    Late(ClientError),
}

impl<B> Call<B> {
    pub(super) fn new(mut lease: Lease, outbound: Outbound<B>) -> Self {
        let flags = if lease.pool.limits().keep_conn {
            Flags::KEEP_CONN
        } else {
            Flags::NONE
        };
        let role = outbound.role;
        let begin = BeginRequest { role, flags };
        let id = lease.link.proto.begin(begin);
        let mut call = Self {
            lease,
            id: id.expect("a connection without requests has an id to give"),
            role,
            params: Params::default(),
            sending: Sending::Ended,
            stderr: outbound.stderr,
            clock: outbound.clock,
        };
        let request = call.lease.link.proto.request(call.id);
        let mut request = request.expect("a request that was just begun");
        request.params(&outbound.params);
        call.params = outbound.params;
        match outbound.body {
            Some(body) => call.sending = Sending::Body(body),
            None => call.end_stdin(),
        }
        call
    }

    /// Ready once something of the request has left, or cannot leave.
    pub(super) fn poll_begin(&mut self, cx: &mut Context<'_>) -> Poll<Begun> {
        let result = self.lease.link.poll_flush(cx);
        if self.lease.link.has_sent() {
            self.params = Params::default();
            // What failed then fails again.
            return Poll::Ready(Begun::Sent);
        }
        match result {
            Poll::Pending => self.clock.poll_silence(cx).map(Begun::Late),
            Poll::Ready(Err(_)) if self.lease.link.is_kept() => Poll::Ready(Begun::Stale),
            Poll::Ready(_) => Poll::Ready(Begun::Sent),
        }
    }

    /// Takes a request back of which nothing has left.
    pub(super) fn into_unsent(self) -> (Lease, Outbound<B>) {
        let body = match self.sending {
            Sending::Body(body) => Some(body),
            Sending::Ended | Sending::Failed(_) => None,
        };
        let outbound = Outbound {
            params: self.params,
            body,
            role: self.role,
            stderr: self.stderr,
            clock: self.clock,
        };
        (self.lease, outbound)
    }
}

impl<B> Call<B>
where
    B: Body<Error: Into<BoxError>>,
{
    /// The next part of the response. Goes on sending the request meanwhile.
    pub(super) fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<Piece, ClientError>> {
        loop {
            self.poll_send(cx)?;
            if let Some(piece) = self.next_piece()? {
                return Poll::Ready(Ok(piece));
            }
            match self.lease.link.poll_fill(cx) {
                Poll::Pending => return self.poll_late(cx).map(Err),
                Poll::Ready(Ok(0)) => return Poll::Ready(Err(self.broken_off(None))),
                Poll::Ready(Ok(_)) => self.clock.has_heard()?,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.broken_off(Some(error)))),
            }
        }
    }

    /// Ready when something is late. The application is waited for, unless the request's own body is.
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<ClientError> {
        let awaits_body = matches!(self.sending, Sending::Body(_)) && self.lease.link.unsent() == 0;
        if awaits_body {
            self.clock.poll_end(cx)
        } else {
            self.clock.poll_silence(cx)
        }
    }

    /// Sends what it can.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Result<(), ClientError> {
        while !matches!(self.sending, Sending::Failed(_)) {
            let unsent = self.lease.link.unsent();
            let flushed = self.lease.link.poll_flush(cx);
            if self.lease.link.unsent() < unsent {
                self.clock.has_moved();
            }
            match flushed {
                Poll::Pending => return Ok(()),
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => {
                    // The request has not failed yet: the application may have answered before it closed.
                    self.sending = Sending::Failed(error);
                    return Ok(());
                }
            }
            let Sending::Body(body) = &mut self.sending else {
                return Ok(());
            };
            let Poll::Ready(frame) = body.as_mut().poll_frame(cx) else {
                return Ok(());
            };
            let frame = match frame.transpose() {
                Ok(frame) => frame,
                Err(error) => return Err(ClientError::new(Kind::RequestBody(error.into()))),
            };
            let is_last = frame.is_none() || body.is_end_stream();
            if let Some(data) = frame.and_then(into_data) {
                self.put_stdin(data);
            }
            if is_last {
                self.end_stdin();
            }
        }
        Ok(())
    }
}

impl<B> Call<B> {
    /// The next part of the response, if it has been read already.
    pub(super) fn next_piece(&mut self) -> Result<Option<Piece>, ClientError> {
        while let Some(event) = self.lease.link.next_event()? {
            match event {
                ClientEvent::Stdout { data, .. } => return Ok(Some(Piece::Stdout(data))),
                ClientEvent::Stderr { data, .. } => return Ok(Some(Piece::Stderr(data))),
                ClientEvent::End { end, .. }
                    if end.protocol_status == ProtocolStatus::REQUEST_COMPLETE =>
                {
                    return Ok(Some(Piece::End {
                        app_status: end.app_status,
                    }));
                }
                ClientEvent::End { end, .. } => {
                    return Err(ClientError::new(Kind::Refused(end.protocol_status)));
                }
                unasked => tracing::debug!(?unasked, "the application sent a management record"),
            }
        }
        Ok(None)
    }

    /// Passes a message on to where those of this request go.
    pub(super) fn put_stderr(&mut self, data: &[u8]) {
        self.stderr.put(data);
    }

    /// Whether the application has ended the request, or does so now. Does not wait.
    pub(super) fn has_ended(&mut self) -> bool {
        loop {
            match self.next_piece() {
                Ok(None) => {}
                Ok(Some(Piece::Stderr(data))) => {
                    self.put_stderr(&data);
                    continue;
                }
                Ok(Some(Piece::End { .. })) => return true,
                Ok(Some(Piece::Stdout(_))) | Err(_) => return false,
            }
            // No waker is needed: the call is over in any case.
            let mut cx = Context::from_waker(Waker::noop());
            match self.lease.link.poll_fill(&mut cx) {
                Poll::Ready(Ok(1..)) => {}
                _ => return false,
            }
        }
    }

    /// After the end: keeps the connection, unless the application answered without taking the whole request.
    pub(super) fn finish(self) {
        if matches!(self.sending, Sending::Ended) {
            self.lease.give_back();
        }
    }

    fn put_stdin(&mut self, data: Bytes) {
        if let Some(mut request) = self.lease.link.proto.request(self.id) {
            request.stdin(data);
        }
    }

    fn end_stdin(&mut self) {
        if let Some(mut request) = self.lease.link.proto.request(self.id) {
            request.stdin_end();
            if self.role == Role::FILTER {
                request.data_end();
            }
        }
        self.sending = Sending::Ended;
    }

    /// The connection has ended before the request did.
    fn broken_off(&mut self, read_error: Option<io::Error>) -> ClientError {
        let cause = match mem::replace(&mut self.sending, Sending::Ended) {
            Sending::Failed(write_error) => Some(write_error),
            _ => read_error,
        };
        ClientError::new(Kind::IncompleteResponse(cause))
    }
}

/// FastCGI has no trailers.
fn into_data<D: Buf>(frame: Frame<D>) -> Option<Bytes> {
    match frame.into_data() {
        Ok(mut data) => Some(data.copy_to_bytes(data.remaining())),
        Err(_) => {
            tracing::debug!("dropping the trailers of a request");
            None
        }
    }
}
