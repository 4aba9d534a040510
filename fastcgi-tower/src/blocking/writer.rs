//! The response of a blocking handler, as something to write to.

use std::{
    fmt,
    future::Future,
    io::{self, Write},
    pin::pin,
};

use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc::{self, error::TrySendError};

use super::{park::block_on, response::Response};
use crate::error::BoxError;

/// Where a handler writes the body of its response to: from [`Request::start`](super::Request::start).
///
/// Of what is written, 32 KiB are collected and 32 KiB wait to be sent; after that, writing blocks until the client has taken
/// some. A flush passes on what was collected. Without [`finish`](Self::finish) the response breaks off.
///
/// Writing fails with `BrokenPipe` once the client has left, and in the answer to HEAD, which has no body.
pub struct Writer {
    chunks: Outlet,
}

impl Writer {
    pub(super) fn new(chunks: Outlet) -> Self {
        Self { chunks }
    }

    /// Sends the rest, and gives what the handler has to return then.
    ///
    /// # Errors
    ///
    /// When the client has left.
    pub fn finish(mut self) -> io::Result<Response> {
        self.flush()?;
        Ok(Response::written())
    }
}

impl Write for Writer {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.chunks.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.chunks.flush()
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

/// Bytes on their way from a thread to a connection.
pub(crate) struct Outlet {
    sender: mpsc::Sender<Result<Bytes, BoxError>>,
    collected: BytesMut,
}

/// How much is sent at a time.
const CHUNK: usize = 32 * 1024;

impl Outlet {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Result<Bytes, BoxError>>) {
        let (sender, receiver) = mpsc::channel(1);
        let chunks = Self {
            sender,
            collected: BytesMut::new(),
        };
        (chunks, receiver)
    }

    pub(crate) fn sender(&self) -> mpsc::Sender<Result<Bytes, BoxError>> {
        self.sender.clone()
    }

    /// Whether they are not taken any more.
    pub(crate) fn is_unwanted(&self) -> bool {
        self.sender.is_closed()
    }

    pub(crate) fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if self.collected.len() >= CHUNK {
            self.flush()?;
        }
        let count = data.len().min(CHUNK - self.collected.len());
        let (part, _) = data.split_at(count);
        self.collected.extend_from_slice(part);
        Ok(count)
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        if self.collected.is_empty() {
            return Ok(());
        }
        let chunk = self.collected.split().freeze();
        let sent = match self.sender.try_send(Ok(chunk)) {
            Err(TrySendError::Full(chunk)) => {
                // Not `blocking_send`, which panics in a handler that awaits something meanwhile.
                let mut send = pin!(self.sender.send(chunk));
                block_on(|cx| send.as_mut().poll(cx)).is_ok()
            }
            sent => sent.is_ok(),
        };
        if sent {
            Ok(())
        } else {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }
}
