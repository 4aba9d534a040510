//! The task of a connection, as its calls and the bodies of its requests wake it.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    task::Waker,
};

use atomic_waker::AtomicWaker;

/// Shared by a connection, its calls and the bodies that are read elsewhere.
#[derive(Debug, Default)]
pub(crate) struct ConnectionTask {
    waker: AtomicWaker,
    /// Whether the connection reads again once a body was read. Most of the time it does not wait for that, and then
    /// nobody is woken.
    waits_for_room: AtomicBool,
}

impl ConnectionTask {
    /// Has `waker` woken from now on.
    pub(crate) fn register(&self, waker: &Waker) {
        self.waker.register(waker);
    }

    pub(crate) fn wake(&self) {
        self.waker.wake();
    }

    /// Wakes the task when something of a body is read next. Look at what is held after this call, not before: what is
    /// read in between wakes nobody.
    pub(crate) fn wait_for_room(&self) {
        self.waits_for_room.store(true, Ordering::Release);
    }

    /// Something of a body was read, and what holds it is unlocked.
    pub(super) fn made_room(&self) {
        if self.waits_for_room.load(Ordering::Acquire) {
            self.waits_for_room.store(false, Ordering::Release);
            self.wake();
        }
    }
}
