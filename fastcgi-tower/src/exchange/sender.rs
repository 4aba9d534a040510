//! The connection's end of a request body.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    alarm::ConnectionAlarm,
    body::Incoming,
    chunks::Chunks,
    queue::{Cost, End, Queue},
};
use crate::socket::Origin;

/// Takes what arrives of a stream.
#[derive(Debug)]
pub(super) struct Sender(Store);

#[derive(Debug)]
enum Store {
    /// A stream of no bytes, and the service has not been called yet.
    Empty,
    /// The service has not been called yet.
    Gathered {
        chunks: Chunks,
        length: Option<u64>,
        end: Option<End>,
    },
    Shared(Arc<Queue>),
    /// Nothing more comes: the service has all of it, and what that keeps from being freed counts until its end.
    Closed {
        kept: usize,
    },
}

impl Sender {
    /// For a stream of the `length`, if that is known.
    pub(super) fn new(length: Option<u64>) -> Self {
        if length == Some(0) {
            return Self(Store::Empty);
        }
        Self(Store::Gathered {
            chunks: Chunks::default(),
            length,
            end: None,
        })
    }

    /// For no stream.
    pub(super) fn closed() -> Self {
        Self(Store::Closed { kept: 0 })
    }

    pub(super) fn push(&mut self, data: Bytes, origin: Origin) {
        match &mut self.0 {
            Store::Gathered { chunks, .. } => chunks.push(data, origin),
            Store::Shared(queue) => queue.push(data, origin),
            Store::Empty | Store::Closed { .. } => {}
        }
    }

    /// Nothing more comes. The first end counts.
    pub(super) fn end(&mut self, how: End) {
        match &mut self.0 {
            Store::Gathered { end, .. } => {
                end.get_or_insert(how);
            }
            Store::Shared(queue) => queue.end(how),
            Store::Empty | Store::Closed { .. } => {}
        }
    }

    /// What is held and waits to be read.
    #[inline(always)]
    pub(super) fn cost(&self, current: Origin) -> Cost {
        match &self.0 {
            Store::Gathered { chunks, .. } => Cost::of(chunks, current),
            Store::Shared(queue) => queue.cost(current),
            Store::Empty => Cost::default(),
            Store::Closed { kept } => Cost {
                kept: *kept,
                ..Cost::default()
            },
        }
    }

    /// The body for the service, once. What has arrived so far moves into it. `alarm` goes off when something of it is read
    /// while it waits for that.
    pub(super) fn open(&mut self, alarm: &Arc<ConnectionAlarm>) -> Incoming {
        match std::mem::replace(&mut self.0, Store::Closed { kept: 0 }) {
            Store::Gathered {
                chunks,
                end: Some(End::Complete),
                ..
            } => {
                let kept = chunks.kept();
                self.0 = Store::Closed { kept };
                // It is the service's from now on, and waits no more.
                alarm.made_room();
                Incoming::whole(chunks)
            }
            Store::Gathered {
                chunks,
                length,
                end,
            } => {
                let queue = Arc::new(Queue::new(chunks, length, end, Arc::clone(alarm)));
                self.0 = Store::Shared(Arc::clone(&queue));
                Incoming::streaming(queue)
            }
            Store::Empty => Incoming::empty(),
            Store::Shared(_) | Store::Closed { .. } => unreachable!("a body is opened once"),
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.end(End::Aborted);
    }
}
