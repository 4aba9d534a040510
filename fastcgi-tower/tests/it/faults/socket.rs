//! A pipe that behaves as badly as a socket may.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use crate::support::PIPE;

/// The application's end of a pipe, and what is wrong with it.
#[derive(Debug)]
pub(super) struct Faulty {
    pub(super) io: DuplexStream,
    /// The most bytes of a read.
    pub(super) max_read: usize,
    /// The most bytes of a write.
    pub(super) max_write: usize,
    /// Nothing is ready before its gate is opened.
    pub(super) gates: Option<Gates>,
    /// How many bytes pass before it is reset.
    pub(super) until_reset: Option<usize>,
    pub(super) is_reset: Arc<AtomicBool>,
    /// How often it was asked after that.
    pub(super) asked_in_vain: AtomicUsize,
}

/// A connection that asks a reset socket more often than this asks for ever.
const MAX_ASKED_IN_VAIN: usize = 100;

/// What holds up the reads and the writes of a socket: each waits until its gate is opened, and closes it when it is done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gates(Arc<[Mutex<Gate>; 2]>);

#[derive(Debug, Default)]
enum Gate {
    #[default]
    Closed,
    Waiting(Waker),
    Open,
}

/// Places in [`Gates`].
const READ: usize = 0;
const WRITE: usize = 1;

impl Gates {
    /// Opens one gate at which something waits, and gives whether there is one.
    pub(crate) fn open_one(&self) -> bool {
        [READ, WRITE].into_iter().any(|place| {
            let mut gate = self.lock(place);
            match std::mem::take(&mut *gate) {
                Gate::Waiting(waker) => {
                    *gate = Gate::Open;
                    waker.wake();
                    true
                }
                other => {
                    *gate = other;
                    false
                }
            }
        })
    }

    fn poll_pass(&self, place: usize, cx: &Context<'_>) -> Poll<()> {
        let mut gate = self.lock(place);
        if let Gate::Open = *gate {
            return Poll::Ready(());
        }
        *gate = Gate::Waiting(cx.waker().clone());
        Poll::Pending
    }

    fn close(&self, place: usize) {
        *self.lock(place) = Gate::Closed;
    }

    fn lock(&self, place: usize) -> MutexGuard<'_, Gate> {
        self.0[place].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Faulty {
    /// A pipe with which nothing is wrong.
    pub(super) fn new(io: DuplexStream) -> Self {
        Self {
            io,
            max_read: usize::MAX,
            max_write: usize::MAX,
            gates: None,
            until_reset: None,
            is_reset: Arc::default(),
            asked_in_vain: AtomicUsize::new(0),
        }
    }

    /// Ready when the socket is to be asked, with the most bytes that may pass.
    fn poll_pass(&self, place: usize, max: usize, cx: &Context<'_>) -> Poll<io::Result<usize>> {
        if self.until_reset == Some(0) {
            self.is_reset.store(true, Ordering::Relaxed);
            let asked = self.asked_in_vain.fetch_add(1, Ordering::Relaxed);
            assert!(
                asked < MAX_ASKED_IN_VAIN,
                "a socket that is reset is asked again and again"
            );
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if let Some(gates) = &self.gates {
            ready!(gates.poll_pass(place, cx));
        }
        Poll::Ready(Ok(self.until_reset.map_or(max, |left| left.min(max))))
    }

    /// The socket was asked, and so many bytes have passed.
    fn has_passed(&mut self, place: usize, bytes: usize) {
        if let Some(gates) = &self.gates {
            gates.close(place);
        }
        if let Some(left) = &mut self.until_reset {
            *left -= bytes;
        }
    }
}

impl AsyncRead for Faulty {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let most = ready!(self.poll_pass(READ, self.max_read, cx))?;
        let mut chunk = vec![0; most.min(buf.remaining())];
        let mut part = ReadBuf::new(&mut chunk);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut part))?;
        buf.put_slice(part.filled());
        self.has_passed(READ, part.filled().len());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Faulty {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[io::IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let most = ready!(self.poll_pass(WRITE, self.max_write, cx))?;
        // A socket takes the front of them all.
        let mut front = Vec::new();
        for buf in bufs {
            let room = most.min(PIPE) - front.len();
            front.extend_from_slice(&buf[..buf.len().min(room)]);
        }
        let count = ready!(Pin::new(&mut self.io).poll_write(cx, &front))?;
        self.has_passed(WRITE, count);
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pass(WRITE, 0, cx))?;
        self.has_passed(WRITE, 0);
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_pass(WRITE, 0, cx))?;
        ready!(Pin::new(&mut self.io).poll_shutdown(cx))?;
        self.has_passed(WRITE, 0);
        Poll::Ready(Ok(()))
    }
}
