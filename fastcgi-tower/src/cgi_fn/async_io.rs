//! What an async CGI function is given.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use proto::Params;
use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, ReadBuf};

use crate::exchange::{Exchange, Incoming, RequestHandle, Stdout};

/// The params and streams of an async CGI function.
///
/// It is standard input to read from, and standard output to write to. To use both at a time, take the fields.
#[derive(Debug)]
#[non_exhaustive]
pub struct AsyncCgiIo {
    /// What is in the environment of a CGI program.
    pub params: Params,
    /// Standard input: the body of the request.
    pub stdin: Incoming,
    /// Standard output: the header block, an empty line, the body.
    pub stdout: Stdout,
    /// The way to the web server's log and to the exit status, which can also wait for an abort.
    pub handle: RequestHandle,
}

impl AsyncCgiIo {
    pub(super) fn new(exchange: Exchange, stdout: Stdout) -> Self {
        Self {
            params: exchange.params,
            stdin: exchange.stdin,
            stdout,
            handle: exchange.handle,
        }
    }

    /// A param as text: what `std::env::var` gives a CGI program. `None` where it is absent or not UTF-8.
    pub fn var(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.params.get(name)?).ok()
    }

    /// Sends a message to the web server's log, after the head of the response.
    pub fn stderr(&self, message: impl Into<Bytes>) {
        self.handle.stderr(message);
    }

    /// Whether the client has left, or the web server has given the request up for another reason.
    pub fn is_aborted(&self) -> bool {
        self.handle.is_aborted()
    }
}

impl AsyncRead for AsyncCgiIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdin).poll_read(cx, buf)
    }
}

impl AsyncBufRead for AsyncCgiIo {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Pin::new(&mut self.get_mut().stdin).poll_fill_buf(cx)
    }

    fn consume(mut self: Pin<&mut Self>, count: usize) {
        Pin::new(&mut self.stdin).consume(count);
    }
}

impl AsyncWrite for AsyncCgiIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stdout).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdout).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stdout).poll_shutdown(cx)
    }
}
