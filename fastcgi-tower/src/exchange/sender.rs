//! The connection's end of a request body.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;

use super::{
    alarm::ConnectionAlarm,
    body::Incoming,
    queue::{CHUNK_COST, End, Queue},
};

/// Where what arrives of a stream goes.
#[derive(Debug)]
pub(super) struct Sender(Store);

#[derive(Debug)]
enum Store {
    /// The service has not been called yet.
    Gathered {
        chunks: VecDeque<Bytes>,
        length: Option<u64>,
        end: Option<End>,
    },
    Shared(Arc<Queue>),
    /// Nothing more comes, or nothing will be read.
    Closed,
}

impl Sender {
    /// For a stream of the `length`, if that is known.
    pub(super) fn new(length: Option<u64>) -> Self {
        Self(Store::Gathered {
            chunks: VecDeque::new(),
            length,
            end: (length == Some(0)).then_some(End::Complete),
        })
    }

    pub(super) fn push(&mut self, data: Bytes) {
        match &mut self.0 {
            Store::Gathered { chunks, .. } => chunks.push_back(data),
            Store::Shared(queue) => queue.push(data),
            Store::Closed => {}
        }
    }

    /// Nothing more comes. The first end counts.
    pub(super) fn end(&mut self, how: End) {
        match &mut self.0 {
            Store::Gathered { end, .. } => {
                end.get_or_insert(how);
            }
            Store::Shared(queue) => queue.end(how),
            Store::Closed => {}
        }
    }

    /// Bytes that are held for somebody to read, with what it costs to keep them.
    pub(super) fn held(&self) -> usize {
        match &self.0 {
            Store::Gathered { chunks, .. } => {
                chunks.iter().map(|chunk| chunk.len() + CHUNK_COST).sum()
            }
            Store::Shared(queue) => queue.held(),
            Store::Closed => 0,
        }
    }

    /// The body for the service, once. What has arrived so far moves into it. `alarm` goes off when something of it is read
    /// while it waits for that.
    pub(super) fn open(&mut self, alarm: &Arc<ConnectionAlarm>) -> Incoming {
        match std::mem::replace(&mut self.0, Store::Closed) {
            Store::Gathered {
                chunks,
                end: Some(End::Complete),
                ..
            } => {
                // It is the service's from now on, and counts no more.
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
            Store::Shared(_) | Store::Closed => unreachable!("a body is opened once"),
        }
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.end(End::Aborted);
    }
}
