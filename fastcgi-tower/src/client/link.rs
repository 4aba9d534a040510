//! One connection to an application: the socket, and the protocol's state.

use std::{
    io,
    task::{Context, Poll, ready},
};

use bytes::Buf;
use proto::client::{ClientConnection, ClientEvent};
use rustix::{
    io::Errno,
    net::{RecvFlags, recv},
};

use tokio::net::{TcpStream, UnixStream};

use super::error::ClientError;
use crate::{
    address::{Address, Kind},
    listener::AnyIo,
    socket::Socket,
};

/// A connection. Its user has one request on it at a time.
#[derive(Debug)]
pub(super) struct Link {
    socket: Socket<AnyIo>,
    is_at_eof: bool,
    pub(super) proto: ClientConnection,
}

impl Link {
    pub(super) fn new(io: AnyIo) -> Self {
        Self {
            socket: Socket::new(io),
            is_at_eof: false,
            proto: ClientConnection::new(),
        }
    }

    /// Writes until everything has left.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.socket.poll_flush(cx, self.proto.outgoing())
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

    /// Gives back memory that a connection without a request does not need.
    pub(super) fn release(&mut self) {
        self.proto.outgoing().release();
        self.socket.release();
    }
}

/// Connects to an application. A host name is looked up for every connection.
pub(super) async fn connect(address: &Address) -> io::Result<AnyIo> {
    match &address.0 {
        Kind::Tcp { host, port } => {
            let io = TcpStream::connect((host.as_str(), *port)).await?;
            // Small records must not wait for the acknowledgement of earlier ones.
            io.set_nodelay(true)?;
            Ok(io.into())
        }
        Kind::Path(path) => Ok(UnixStream::connect(path).await?.into()),
    }
}
