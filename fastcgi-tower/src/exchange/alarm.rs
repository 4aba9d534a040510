//! What wakes a connection: its calls, and the bodies that are read elsewhere.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Wake, Waker},
};

use atomic_waker::AtomicWaker;

/// Wakes the task of a connection. It is also the alarm of the first call, which on most connections is the only one.
#[derive(Debug, Default)]
pub(crate) struct ConnectionAlarm {
    task: AtomicWaker,
    is_first_call_woken: AtomicBool,
    /// Whether the connection reads again once a body was read. Most of the time it does not wait for that, and then
    /// nothing is woken.
    waits_for_room: AtomicBool,
}

impl ConnectionAlarm {
    /// Has `waker` woken from now on.
    pub(crate) fn register(&self, waker: &Waker) {
        self.task.register(waker);
    }

    /// Wakes the task when something of a body is read next. Look at what is held after this call, not before: what is
    /// read in between wakes nothing.
    pub(crate) fn wait_for_room(&self) {
        self.waits_for_room.store(true, Ordering::Release);
    }

    /// Something of a body was read, and what holds it is unlocked.
    pub(super) fn made_room(&self) {
        if self.waits_for_room.load(Ordering::Acquire) {
            self.waits_for_room.store(false, Ordering::Release);
            self.task.wake();
        }
    }
}

impl Wake for ConnectionAlarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_first_call_woken.store(true, Ordering::Release);
        self.task.wake();
    }
}

/// Wakes one call: of many on a connection, only those are polled that were woken.
#[derive(Debug)]
pub(crate) enum CallAlarm {
    First(Arc<ConnectionAlarm>),
    Other(Arc<OtherAlarm>),
}

#[derive(Debug)]
pub(crate) struct OtherAlarm {
    is_woken: AtomicBool,
    connection: Arc<ConnectionAlarm>,
}

impl CallAlarm {
    /// That of a further call.
    pub(crate) fn other(connection: &Arc<ConnectionAlarm>) -> Self {
        Self::Other(Arc::new(OtherAlarm {
            is_woken: AtomicBool::new(false),
            connection: Arc::clone(connection),
        }))
    }

    pub(crate) fn waker(&self) -> Waker {
        match self {
            Self::First(alarm) => Waker::from(Arc::clone(alarm)),
            Self::Other(alarm) => Waker::from(Arc::clone(alarm)),
        }
    }

    fn is_woken(&self) -> &AtomicBool {
        match self {
            Self::First(alarm) => &alarm.is_first_call_woken,
            Self::Other(alarm) => &alarm.is_woken,
        }
    }

    /// Has the call polled next, without waking the task.
    pub(crate) fn set(&self) {
        self.is_woken().store(true, Ordering::Relaxed);
    }

    /// Whether the call was woken since this was asked last.
    pub(crate) fn take(&self) -> bool {
        self.is_woken().swap(false, Ordering::AcqRel)
    }
}

impl Wake for OtherAlarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        self.connection.task.wake();
    }
}
