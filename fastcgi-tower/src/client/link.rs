//! One connection to an application: the socket, and the protocol's state.

use std::{
    io,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Buf;
use proto::client::{ClientConnection, ClientEvent};
use rustix::{
    io::Errno,
    net::{RecvFlags, recv},
};

use tokio::{
    net::{TcpStream, UnixStream},
    time::sleep,
};

use super::{error::ClientError, trace::TracedIo};
use crate::{
    address::{Address, Kind},
    listener::AnyIo,
    socket::Socket,
};

/// A connection. Its user has one request on it at a time.
#[derive(Debug)]
pub(super) struct Link {
    socket: Socket<TracedIo>,
    is_at_eof: bool,
    /// Whether an earlier request was answered on it.
    is_kept: bool,
    /// Whether something of the request has left.
    has_sent: bool,
    pub(super) proto: ClientConnection,
}

impl Link {
    pub(super) fn new(io: TracedIo) -> Self {
        Self {
            socket: Socket::new(io),
            is_at_eof: false,
            is_kept: false,
            has_sent: false,
            proto: ClientConnection::new(),
        }
    }

    /// Writes until everything has left.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let unsent = self.unsent();
        let result = self.socket.poll_flush(cx, self.proto.outgoing());
        self.has_sent |= self.unsent() < unsent;
        result
    }

    /// How many bytes wait to be written.
    pub(super) fn unsent(&mut self) -> usize {
        self.proto.outgoing().remaining()
    }

    /// Whether something of the request has left.
    pub(super) fn has_sent(&self) -> bool {
        self.has_sent
    }

    /// Whether an earlier request was answered on it. The application may have closed it meanwhile.
    pub(super) fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Reads once. Gives the number of bytes, 0 at the end of file.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.socket.needs_room() {
            self.socket.make_room(usize::MAX);
        }
        let count = ready!(self.socket.poll_fill(cx))?;
        // All that an application sends is of use.
        self.socket.was_used(count);
        self.is_at_eof |= count == 0;
        Poll::Ready(Ok(count))
    }

    /// What has been read and not yet been taken.
    pub(super) fn next_event(&mut self) -> Result<Option<ClientEvent>, ClientError> {
        Ok(self.proto.next_event(&mut self.socket.input)?)
    }

    /// Whether the application has neither closed the connection nor sent anything, asked of the system itself: tokio
    /// may not know yet.
    pub(super) fn is_idle(&self) -> bool {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let mut byte = [0];
        let socket = self.socket.io().socket();
        socket.is_some_and(|socket| matches!(recv(socket, &mut byte, flags), Err(Errno::AGAIN)))
    }

    /// Whether nothing is left of the last request.
    pub(super) fn is_reusable(&mut self) -> bool {
        let has_sent_all = !self.proto.outgoing().has_remaining();
        let has_taken_all = self.socket.input.is_empty() && !self.is_at_eof;
        has_sent_all && has_taken_all && self.proto.requests_in_progress() == 0
    }

    /// Gets ready for another request: gives back memory that a connection without a request does not need.
    pub(super) fn release(&mut self) {
        self.is_kept = true;
        self.has_sent = false;
        self.proto.outgoing().release();
        self.socket.release();
    }
}

/// How long to wait before asking again, where so many wait to be accepted on a Unix socket that the system refuses more.
const FULL_PAUSE: Duration = Duration::from_millis(5);

/// Connects to an application. A host name is looked up for every connection.
///
/// On a Unix socket it waits for a place in the backlog, as on TCP.
pub(super) async fn connect(address: &Address) -> io::Result<AnyIo> {
    match &address.0 {
        Kind::Tcp { host, port } => {
            let io = TcpStream::connect((host.as_str(), *port)).await?;
            // Small records must not wait for the acknowledgement of earlier ones.
            io.set_nodelay(true)?;
            Ok(io.into())
        }
        Kind::Path(path) => loop {
            match UnixStream::connect(path).await {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => sleep(FULL_PAUSE).await,
                connected => return Ok(connected?.into()),
            }
        },
    }
}
