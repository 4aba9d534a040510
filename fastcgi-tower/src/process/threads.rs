//! Standard input and output of a CGI program, read and written by threads of their own.
//!
//! A gateway may hand over files, pipes or its client's socket, which it also uses itself. So nothing may change their
//! flags, and calls block. A blocked thread of the runtime's pool would keep the process from ending; these do not.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::OwnedFd,
    pin::Pin,
    task::{Context, Poll, ready},
    thread,
};

use bytes::{Buf, Bytes, BytesMut};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::{mpsc, oneshot},
};
use tokio_util::sync::PollSender;

/// How much is read at a time.
const READ_SIZE: usize = 32 * 1024;
/// How much a pipe that is ready takes without blocking (POSIX: PIPE_BUF is at least 512, on Linux it is 4096).
const PIPE_BUF: usize = if cfg!(target_os = "linux") { 4096 } else { 512 };

/// Reads at most so many bytes of a file, on a thread that is started with the first read.
pub(super) struct ThreadReader {
    source: Option<(File, u64)>,
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    sender: Option<mpsc::Sender<io::Result<Bytes>>>,
    piece: Bytes,
}

impl ThreadReader {
    /// Reads `file` as long as it gives something, and `limit` bytes of it at most.
    pub(super) fn new(file: impl Into<File>, limit: u64) -> Self {
        let (sender, pieces) = mpsc::channel(1);
        Self {
            source: Some((file.into(), limit)),
            pieces,
            sender: Some(sender),
            piece: Bytes::new(),
        }
    }

    fn start(&mut self) -> io::Result<()> {
        let (Some((file, limit)), Some(sender)) = (self.source.take(), self.sender.take()) else {
            return Ok(());
        };
        let name = "standard input".to_owned();
        thread::Builder::new()
            .name(name)
            .spawn(move || read_all(file.take(limit), &sender))?;
        Ok(())
    }
}

fn read_all(mut source: impl Read, sender: &mpsc::Sender<io::Result<Bytes>>) {
    loop {
        let mut buffer = BytesMut::zeroed(READ_SIZE);
        let piece = match source.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => {
                buffer.truncate(count);
                Ok(buffer.freeze())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error),
        };
        let is_last = piece.is_err();
        if sender.blocking_send(piece).is_err() || is_last {
            return;
        }
    }
}

impl AsyncRead for ThreadReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.start()?;
        if self.piece.is_empty() {
            match ready!(self.pieces.poll_recv(cx)) {
                Some(piece) => self.piece = piece?,
                None => return Poll::Ready(Ok(())),
            }
        }
        let count = self.piece.len().min(buf.remaining());
        buf.put_slice(&self.piece.split_to(count));
        Poll::Ready(Ok(()))
    }
}

/// Writes to a file, each piece in as few calls as it takes. What it is dropped with is not closed before all is written.
pub(super) struct ThreadWriter {
    state: State,
}

enum State {
    /// Nothing has been written.
    Fresh(File),
    Writing {
        pieces: PollSender<Bytes>,
        ended: oneshot::Receiver<io::Result<()>>,
    },
    Closed,
}

impl ThreadWriter {
    pub(super) fn new(file: OwnedFd) -> Self {
        Self {
            state: State::Fresh(file.into()),
        }
    }

    /// Takes `piece`, or as much of it as can be taken now.
    fn poll_write_piece(&mut self, cx: &mut Context<'_>, piece: &[u8]) -> Poll<io::Result<usize>> {
        if let State::Fresh(file) = &mut self.state {
            // Most responses are small, and need no thread.
            if piece.len() <= PIPE_BUF && is_writable(file)? {
                let written = file.write(piece)?;
                return Poll::Ready(Ok(written));
            }
        }
        loop {
            match &mut self.state {
                State::Writing { pieces, .. } => {
                    if ready!(pieces.poll_reserve(cx)).is_ok()
                        && pieces.send_item(Bytes::copy_from_slice(piece)).is_ok()
                    {
                        return Poll::Ready(Ok(piece.len()));
                    }
                    // The thread has ended, and says why.
                    ready!(self.poll_end(cx))?;
                    return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
                }
                State::Closed => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
                State::Fresh(_) => self.start()?,
            }
        }
    }

    fn start(&mut self) -> io::Result<()> {
        let State::Fresh(file) = std::mem::replace(&mut self.state, State::Closed) else {
            return Ok(());
        };
        let (pieces, received) = mpsc::channel(1);
        let (end, ended) = oneshot::channel();
        thread::Builder::new()
            .name("standard output".to_owned())
            .spawn(move || {
                let result = write_all(&file, received);
                // Closed before the end is reported.
                drop(file);
                let _ = end.send(result);
            })?;
        self.state = State::Writing {
            pieces: PollSender::new(pieces),
            ended,
        };
        Ok(())
    }

    /// Waits for the thread, once it has nothing more to write.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let State::Writing { pieces, ended } = &mut self.state {
            pieces.close();
            let result = ready!(Pin::new(ended).poll(cx));
            self.state = State::Closed;
            return Poll::Ready(result.map_err(io::Error::other)?);
        }
        self.state = State::Closed;
        Poll::Ready(Ok(()))
    }
}

fn write_all(mut file: &File, mut pieces: mpsc::Receiver<Bytes>) -> io::Result<()> {
    while let Some(mut piece) = pieces.blocking_recv() {
        while piece.has_remaining() {
            match file.write(&piece) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => piece.advance(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Whether a write would not block, or fail.
fn is_writable(file: &File) -> io::Result<bool> {
    let mut fds = [PollFd::new(file, PollFlags::OUT)];
    let now = Timespec::default();
    Ok(poll(&mut fds, Some(&now))? > 0)
}

impl AsyncWrite for ThreadWriter {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_piece(cx, buf)
    }

    /// The thread writes at once what it gets.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Closes the file, once all is written.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_end(cx)
    }
}
