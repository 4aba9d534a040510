//! What a handler can do besides answering.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering},
};
use std::task::Waker;

use atomic_waker::AtomicWaker;
use bytes::Bytes;
use tokio::sync::Notify;

use super::ConnectionId;

/// A handle to the FastCGI request behind an HTTP request: it is in the request's extensions.
///
/// ```
/// use fastcgi_tower::RequestHandle;
///
/// # struct Body;
/// async fn answer(request: http::Request<Body>) -> http::Response<&'static str> {
///     if let Some(handle) = request.extensions().get::<RequestHandle>() {
///         handle.stderr("for the web server's error log\n");
///         handle.set_app_status(3);
///     }
///     http::Response::new("done")
/// }
/// ```
#[derive(Clone, Debug, Default)]
pub struct RequestHandle(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    stderr: Mutex<Stderr>,
    /// What the messages cost. Most requests have none, and then the lock is not taken.
    stderr_size: AtomicUsize,
    /// The connection, when it waits for a message.
    connection: AtomicWaker,
    app_status: AtomicU32,
    aborted: AtomicBool,
    abort: Notify,
    connection_id: ConnectionId,
}

#[derive(Debug, Default)]
struct Stderr {
    messages: Vec<Message>,
    /// What they cost.
    size: usize,
}

/// A message for the web server's log.
#[derive(Debug)]
pub(crate) enum Message {
    /// It follows the head of the response.
    AfterHead(Bytes),
    /// It waits for nothing.
    Now(Bytes),
}

impl Shared {
    fn on(connection_id: ConnectionId) -> Self {
        Self {
            connection_id,
            ..Self::default()
        }
    }
}

impl RequestHandle {
    /// The most bytes of messages that wait to be sent, where each but the first costs 40 bytes more. What comes on top of
    /// them is dropped.
    pub const MAX_STDERR: usize = 64 * 1024;

    /// Sends a message to the web server's log, after the head of the response (R-16).
    ///
    /// Web servers differ in what they make of it: nginx and Apache log it as an error, Caddy drops it.
    pub fn stderr(&self, message: impl Into<Bytes>) {
        let message = message.into();
        self.push(message.len(), Message::AfterHead(message));
    }

    /// Sends a message to the web server's log without waiting for the head of the response: before it, between parts of
    /// the response, and after it, in the order in which a handler [writes](crate::Stdout) and flushes.
    ///
    /// It leaves once there is a [`Reply`](crate::Reply).
    pub fn stderr_now(&self, message: impl Into<Bytes>) {
        let message = message.into();
        self.push(message.len(), Message::Now(message));
    }

    fn push(&self, length: usize, message: Message) {
        if length == 0 {
            return;
        }
        let mut stderr = self.lock();
        // Many short messages cost more than their bytes.
        let one_more = size_of::<Message>() * stderr.messages.len().min(1);
        let size = stderr.size + length + one_more;
        if size > Self::MAX_STDERR {
            // Until the others are taken, a shorter one does not fit either: a message that is sent in parts is cut off, and
            // has no hole.
            stderr.size = Self::MAX_STDERR;
            self.0
                .stderr_size
                .store(Self::MAX_STDERR, Ordering::Release);
            return;
        }
        stderr.size = size;
        stderr.messages.push(message);
        self.0.stderr_size.store(size, Ordering::Release);
        drop(stderr);
        self.0.connection.wake();
    }

    /// Sets what a CGI program would give to `exit`. Default: 0. It is no HTTP status, and web servers ignore it but for
    /// their log (R-11).
    pub fn set_app_status(&self, status: u32) {
        self.0.app_status.store(status, Ordering::Relaxed);
    }

    /// Whether the web server has given the request up.
    pub fn is_aborted(&self) -> bool {
        self.0.aborted.load(Ordering::Acquire)
    }

    /// Waits until the web server gives the request up. The handler itself is dropped then; this is for tasks that it
    /// spawned.
    pub async fn aborted(&self) {
        let notified = self.0.abort.notified();
        if !self.is_aborted() {
            notified.await;
        }
    }

    /// The connection that the request came on. Requests of a kept connection have the same.
    pub fn connection_id(&self) -> ConnectionId {
        self.0.connection_id
    }

    pub(super) fn on(connection_id: ConnectionId) -> Self {
        Self(Arc::new(Shared::on(connection_id)))
    }

    /// Makes it the handle of the next request on the same connection. If the application still has the one of the last
    /// request, that one stays as it is.
    pub(super) fn renew(&mut self) {
        let connection_id = self.connection_id();
        match Arc::get_mut(&mut self.0) {
            Some(shared) => *shared = Shared::on(connection_id),
            None => *self = Self::on(connection_id),
        }
    }

    pub(crate) fn abort(&self) {
        self.0.aborted.store(true, Ordering::Release);
        self.0.abort.notify_waiters();
    }

    pub(crate) fn app_status(&self) -> u32 {
        self.0.app_status.load(Ordering::Relaxed)
    }

    pub(crate) fn take_stderr(&self) -> Vec<Message> {
        if self.stderr_size() == 0 {
            return Vec::new();
        }
        let mut stderr = self.lock();
        self.0.stderr_size.store(0, Ordering::Release);
        stderr.size = 0;
        std::mem::take(&mut stderr.messages)
    }

    /// What the messages that wait cost, in bytes.
    pub(crate) fn stderr_size(&self) -> usize {
        self.0.stderr_size.load(Ordering::Acquire)
    }

    /// Has `waker` woken by the next message.
    pub(crate) fn wake_on_stderr(&self, waker: &Waker) {
        self.0.connection.register(waker);
    }

    fn lock(&self) -> MutexGuard<'_, Stderr> {
        self.0.stderr.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
