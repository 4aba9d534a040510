//! The end of a connection: nothing of a response may be lost on the way.

use std::{
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::io::{AsyncRead, AsyncWrite};

use super::{
    request::Request,
    timer::{Timer, Wait},
};
use crate::socket::Socket;

/// What the web server may still send of requests that have ended.
///
/// Closing a socket with something unread makes the system reset the connection, and a reset can overtake the response
/// (B-9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unread {
    Nothing,
    /// The end of a stream whose bytes are all here.
    End,
    Body,
}

impl Unread {
    pub(super) fn of(request: &Request) -> Self {
        match () {
            () if request.has_ended() => Self::Nothing,
            () if request.is_receiving() => Self::Body,
            () => Self::End,
        }
    }

    /// For how long the web server may go on after our side is closed: until the rest of the body has come, or only
    /// until it has closed its own side (B-14).
    fn limit(self) -> Duration {
        match self {
            Self::Body => Duration::from_secs(30),
            Self::Nothing | Self::End => Duration::from_secs(2),
        }
    }
}

/// How much is discarded before the connection is closed all the same (B-9).
const MAX_DISCARDED: usize = 100 * 1024 * 1024;

/// Closes our side, then reads and discards what the web server still sends, until it closes its own.
#[derive(Debug, Default)]
pub(super) struct Closing {
    shut_down: bool,
    discarded: usize,
}

impl Closing {
    /// Whether our side is closed, and nothing is left to do but to discard.
    pub(super) fn has_begun(&self) -> bool {
        self.shut_down
    }

    pub(super) fn poll<Io: AsyncRead + AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut Socket<Io>,
        timer: &mut Timer,
        unread: Unread,
    ) -> Poll<()> {
        if !self.shut_down {
            // A socket that cannot be shut down is closed already.
            let _ = ready!(socket.poll_shutdown(cx));
            self.shut_down = true;
        }
        let quiet = unread == Unread::Nothing && socket.input.is_empty();
        if quiet || socket.eof {
            return Poll::Ready(());
        }
        socket.input.clear();
        loop {
            match socket.poll_fill(cx) {
                Poll::Ready(Ok(count @ 1..)) if self.discarded <= MAX_DISCARDED => {
                    self.discarded += count;
                    socket.input.clear();
                }
                // A reset is how Caddy ends every connection.
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return timer.poll(cx, Wait::Close, unread.limit()),
            }
        }
    }
}
