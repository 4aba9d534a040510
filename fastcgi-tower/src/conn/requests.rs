//! The requests in progress on one connection, and the service that answers them.

use std::task::{Context, Poll, Waker};

use proto::record::RequestId;

use super::{
    request::Request,
    slot::{Outcome, ServiceStage, Slot, Stage},
};
use crate::ExchangeService;

pub(super) struct Requests<S: ExchangeService> {
    service: S,
    slots: Vec<Slot<S>>,
    /// The box of a request that has ended, for the next one.
    spare: Option<ServiceStage<S>>,
}

impl<S: ExchangeService> Requests<S> {
    pub(super) fn new(service: S) -> Self {
        Self {
            service,
            slots: Vec::new(),
            spare: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Request> {
        self.slots.iter().map(|slot| &slot.request)
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Request> {
        self.slots.iter_mut().map(|slot| &mut slot.request)
    }

    pub(super) fn get_mut(&mut self, id: RequestId) -> Option<&mut Request> {
        self.iter_mut().find(|request| request.id == id)
    }

    pub(super) fn insert(&mut self, request: Request) {
        let stage = self.spare.take();
        let stage = stage.unwrap_or_else(|| Box::pin(Stage::Waiting));
        self.slots.push(Slot::new(request, stage));
    }

    /// Goes on with all requests until one has ended; that one is removed.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        connection: &mut proto::Connection,
    ) -> Poll<(Request, Outcome)> {
        for index in 0..self.slots.len() {
            let slot = &mut self.slots[index];
            if let Poll::Ready(outcome) = slot.poll(cx, &mut self.service, connection) {
                return Poll::Ready((self.remove_at(index), outcome));
            }
        }
        Poll::Pending
    }

    pub(super) fn remove(&mut self, id: RequestId) -> Option<Request> {
        let index = self.iter().position(|request| request.id == id)?;
        Some(self.remove_at(index))
    }

    /// Drops the service's future, or the body of its reply, at once.
    fn remove_at(&mut self, index: usize) -> Request {
        let mut slot = self.slots.remove(index);
        slot.clear();
        self.spare = Some(slot.stage);
        slot.request
    }

    /// Nobody waits for any response any more.
    pub(super) fn abort_all(&mut self) {
        for mut slot in self.slots.drain(..) {
            slot.request.abort();
            slot.clear();
        }
    }

    /// Bytes of request bodies that nobody has read yet.
    pub(super) fn buffered(&self) -> usize {
        self.iter().map(Request::buffered).sum()
    }

    /// Whether the web server may still send something of a request.
    pub(super) fn is_receiving(&self) -> bool {
        self.iter().any(Request::is_receiving)
    }

    pub(super) fn wake_on_read(&self, waker: &Waker) {
        for request in self.iter() {
            request.wake_on_read(waker);
        }
    }
}
