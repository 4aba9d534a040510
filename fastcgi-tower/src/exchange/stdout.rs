//! `FCGI_STDOUT` as something to write to.

use std::{
    fmt,
    future::Future,
    io, mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame};
use pin_project_lite::pin_project;
use proto::cgi::BodyLength;
use tokio::io::AsyncWrite;

use super::Reply;
use crate::{counters::Outcome, error::BoxError};

/// How much may be written before writing waits.
const CAPACITY: usize = 64 * 1024;

impl<F> Reply<StdoutBody<F>> {
    /// A reply that `write` writes, header block included; it has ended when the future is done.
    ///
    /// Nothing is spawned: the future is the body of the reply, and goes on as the connection takes what it writes. When the
    /// web server gives the request up, it is dropped. If it fails before anything has left, the client gets 500, and after
    /// that it sees that the response breaks off (R-10).
    ///
    /// ```no_run
    /// use std::io;
    ///
    /// use fastcgi_tower::{Exchange, Reply, serve_exchanges};
    /// use tokio::io::AsyncWriteExt;
    ///
    /// # async fn run() -> io::Result<()> {
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:9000").await?;
    /// let echo = tower::service_fn(|exchange: Exchange| async {
    ///     let mut body = exchange.stdin;
    ///     Ok::<_, io::Error>(Reply::streaming(|mut stdout| async move {
    ///         stdout.write_all(b"Content-Type: text/plain\r\n\r\n").await?;
    ///         tokio::io::copy(&mut body, &mut stdout).await?;
    ///         Ok::<_, io::Error>(())
    ///     }))
    /// });
    /// serve_exchanges(listener, echo).await
    /// # }
    /// ```
    pub fn streaming<E>(write: impl FnOnce(Stdout) -> F) -> Self
    where
        F: Future<Output = Result<(), E>>,
        E: Into<BoxError>,
    {
        let pipe = Arc::<Pipe>::default();
        let future = write(Stdout {
            pipe: Arc::clone(&pipe),
        });
        Self {
            outcome: Outcome::Completed,
            head: BytesMut::new(),
            length: BodyLength::Unknown,
            body: StdoutBody {
                future: Some(future),
                reader: Reader(pipe),
                has_to_leave: false,
            },
        }
    }
}

/// Where a handler writes its response to: bytes go to the web server as they are.
///
/// Of what is written, 64 KiB wait to be sent; after that, writing waits. A flush waits until the connection has taken all
/// of it, and has had a chance to write it to the socket: what is written after it is not sent together with what was
/// written before.
///
/// Writing fails with `BrokenPipe` once the request is over, which a task that the handler has spawned can see.
pub struct Stdout {
    pipe: Arc<Pipe>,
}

#[derive(Default)]
struct Pipe(Mutex<State>);

#[derive(Default)]
struct State {
    written: BytesMut,
    /// What waits for room, or for a flush.
    writer: Option<Waker>,
    /// The body, when it waits for something to be written.
    reader: Option<Waker>,
    /// Whether a writer waits for a flush.
    is_flushing: bool,
    is_closed: bool,
}

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AsyncWrite for Stdout {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.pipe.lock();
        if state.is_closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = CAPACITY.saturating_sub(state.written.len());
        if room == 0 && !data.is_empty() {
            state.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let (part, _) = data.split_at(data.len().min(room));
        state.written.extend_from_slice(part);
        let reader = state.reader.take();
        drop(state);
        reader.into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(part.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = self.pipe.lock();
        if state.written.is_empty() {
            return Poll::Ready(Ok(()));
        }
        if state.is_closed {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        state.is_flushing = true;
        state.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    /// The end of the response is the end of the handler's future; this is a flush.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl fmt::Debug for Stdout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stdout")
            .field("waiting", &self.pipe.lock().written.len())
            .finish()
    }
}

pin_project! {
    /// The body of a [`Reply::streaming`]: the handler's future, and what it has written.
    pub struct StdoutBody<F> {
        // None when it is done.
        #[pin]
        future: Option<F>,
        reader: Reader,
        // Whether the last piece has to leave before the next is asked for.
        has_to_leave: bool,
    }
}

/// The body's end of the pipe, which is closed when it is dropped.
struct Reader(Arc<Pipe>);

impl Drop for Reader {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_closed = true;
        let writer = state.writer.take();
        drop(state);
        writer.into_iter().for_each(Waker::wake);
    }
}

impl Reader {
    /// What was written, and whether a writer waits until it has left.
    fn poll_take(&self, cx: &Context<'_>) -> Poll<(Bytes, bool)> {
        let mut state = self.0.lock();
        if state.written.is_empty() {
            state.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let taken = state.written.split().freeze();
        let is_flushing = mem::take(&mut state.is_flushing);
        // The future itself is polled again in any case; this is for a task that it has spawned.
        let writer = state.writer.take();
        drop(state);
        writer.into_iter().for_each(Waker::wake);
        Poll::Ready((taken, is_flushing))
    }

    fn is_empty(&self) -> bool {
        self.0.lock().written.is_empty()
    }
}

impl<F, E> Body for StdoutBody<F>
where
    F: Future<Output = Result<(), E>>,
    E: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        if mem::take(this.has_to_leave) {
            // With nothing ready, what was given before is written to the socket.
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        // First the future: if it fails now, nothing of what it has just written has to leave.
        if let Some(future) = this.future.as_mut().as_pin_mut() {
            if let Poll::Ready(result) = future.poll(cx) {
                this.future.set(None);
                result.map_err(Into::into)?;
            }
        }
        match this.reader.poll_take(cx) {
            Poll::Ready((data, is_flushing)) => {
                *this.has_to_leave = is_flushing;
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Poll::Pending if this.future.is_none() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.future.is_none() && self.reader.is_empty()
    }
}

impl<F> fmt::Debug for StdoutBody<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StdoutBody")
            .field("is_done", &self.future.is_none())
            .finish_non_exhaustive()
    }
}
