//! What a CGI function is given: params and three streams.

use std::{
    fmt,
    io::{self, BufRead, Read, Write},
};

use bytes::{Bytes, BytesMut};
use proto::Params;
use tokio::io::AsyncBufRead;

use crate::{
    answer::Answer,
    blocking::{Outlet, block_on},
    exchange::{Exchange, Incoming, RequestHandle},
};

/// The params and streams of a CGI function.
///
/// It is standard input to read from, and standard output to write to: `writeln!(io, ..)` where a program has `println!`. To
/// use both at a time, take the fields.
#[derive(Debug)]
#[non_exhaustive]
pub struct CgiIo {
    /// What is in the environment of a CGI program.
    pub params: Params,
    /// Standard input: the body of the request. There is no more than `CONTENT_LENGTH` says.
    pub stdin: CgiStdin,
    /// Standard output: the header block, an empty line, the body.
    pub stdout: CgiStdout,
    /// Standard error, which is the web server's log.
    pub stderr: CgiStderr,
    handle: RequestHandle,
}

impl CgiIo {
    pub(super) fn new(exchange: Exchange, stdout: Outlet) -> Self {
        let handle = exchange.handle;
        Self {
            params: exchange.params,
            stdin: CgiStdin {
                body: exchange.stdin,
                handle: handle.clone(),
                failure: None,
            },
            stdout: CgiStdout { chunks: stdout },
            stderr: CgiStderr {
                line: BytesMut::new(),
                handle: handle.clone(),
            },
            handle,
        }
    }

    /// A param as text: what `std::env::var` gives a CGI program. `None` where it is absent or not UTF-8; its bytes are in
    /// [`params`](Self::params).
    pub fn var(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.params.get(name)?).ok()
    }

    /// Writes a whole response, header block included: see [`respond`](crate::respond). What is written later is added to
    /// its body.
    ///
    /// # Errors
    ///
    /// With `InvalidInput` when a header field is invalid; when a chunk fails, and when writing does.
    pub fn send(&mut self, answer: Answer) -> io::Result<()> {
        answer.write(&mut self.stdout)
    }

    /// Whether the client has left, or the web server has given the request up for another reason.
    pub fn is_aborted(&self) -> bool {
        self.handle.is_aborted() || self.stdout.chunks.is_unwanted()
    }

    /// Sets what a CGI program would give to `exit`. Default: 0.
    pub fn set_exit_status(&self, status: u32) {
        self.handle.set_app_status(status);
    }
}

impl Read for CgiIo {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.stdin.read(buf)
    }
}

impl BufRead for CgiIo {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.stdin.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.stdin.consume(count);
    }
}

impl Write for CgiIo {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.stdout.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stdout.flush()
    }
}

/// Standard input of a CGI function.
///
/// Reading fails with `ConnectionAborted` once the client has left, and with `UnexpectedEof` where the body ends early.
#[derive(Debug)]
pub struct CgiStdin {
    body: Incoming,
    handle: RequestHandle,
    /// How the body failed: it fails so again.
    failure: Option<io::ErrorKind>,
}

impl Read for CgiStdin {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buf)?;
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for CgiStdin {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.handle.is_aborted() {
            self.failure = Some(io::ErrorKind::ConnectionAborted);
        }
        if let Some(failure) = self.failure {
            return Err(failure.into());
        }
        let filled = block_on(|cx| {
            let body = std::pin::Pin::new(&mut self.body);
            body.poll_fill_buf(cx).map(|filled| filled.map(drop))
        });
        if let Err(error) = filled {
            self.failure = Some(error.kind());
            return Err(error);
        }
        Ok(self.body.filled())
    }

    fn consume(&mut self, count: usize) {
        std::pin::Pin::new(&mut self.body).consume(count);
    }
}

/// Standard output of a CGI function.
///
/// 32 KiB are collected, and 32 KiB wait to be sent; after that, writing blocks until the client has taken some. A flush
/// passes on what was collected. Writing fails with `BrokenPipe` once the client has left, and where nothing more may follow:
/// in the answer to HEAD, or beyond the announced length.
pub struct CgiStdout {
    chunks: Outlet,
}

impl Write for CgiStdout {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.chunks.write(data)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.chunks.flush()
    }
}

impl fmt::Debug for CgiStdout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CgiStdout").finish_non_exhaustive()
    }
}

/// Standard error of a CGI function: messages for the web server's log, which are sent after the head of the response.
///
/// What is written is collected, and is one message when a write ends with `\n`, when 8 KiB are collected, at a flush, and
/// when the function ends. So each `writeln!` is a message of its own, and several lines in one write are one message.
pub struct CgiStderr {
    line: BytesMut,
    handle: RequestHandle,
}

/// What is longer is sent in parts.
const MAX_LINE: usize = 8 * 1024;

impl Write for CgiStderr {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        // The line is shorter than that: it was sent otherwise.
        let room = MAX_LINE.saturating_sub(self.line.len());
        let (part, _) = data.split_at(data.len().min(room));
        self.line.extend_from_slice(part);
        if part.ends_with(b"\n") || self.line.len() >= MAX_LINE {
            self.flush()?;
        }
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let line: Bytes = self.line.split().freeze();
        self.handle.stderr(line);
        Ok(())
    }
}

impl Drop for CgiStderr {
    fn drop(&mut self) {
        // It cannot fail.
        let _ = self.flush();
    }
}

impl fmt::Debug for CgiStderr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CgiStderr").finish_non_exhaustive()
    }
}
