//! The life of a connection, and how it ends: nothing of a response may be lost on the way.
//!
//! ```text
//!     Open ── no KEEP_CONN, shutdown, ──▶ LastRequests ── all is written ──▶ Draining ── end of file, a limit, ──▶ Closed
//!       │     too long without a request,   ▲ │ │                              or nothing more can arrive          ▲
//!       │     end of file, a failure        │ │ └── the same, behind an end of file or a failure ──────────────────┘
//!       │                                   │ └──── the same, behind a response that is broken ──▶ Reset
//!       │ shutdown before the first request,│
//!       │ or soon after one                 │
//!       ▼                                   │
//!     FirstIsLast, NextIsLast ──────────────┘ that request, or 250 ms and 1.5 s
//! ```
//!
//! A connection that is lost, and one whose web server does not read in time, is closed at once, although output still waits
//! to be written.

use std::{cmp::max, time::Duration};

use super::{
    ConnectionError,
    limits::{DRAIN_BODY_LIMIT, DRAIN_END_LIMIT, MAX_DISCARDED},
    request::Request,
};
use crate::record::{RequestId, Role};

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Life {
    /// It takes requests.
    Open,
    /// The shutdown began before its first request, and it takes that one.
    FirstIsLast,
    /// The shutdown began less than a second after a request, and it takes one more, which the web server may be sending
    /// (B-19).
    NextIsLast,
    /// It takes no more requests, and finishes those in progress. The owner has to write what is outgoing.
    LastRequests,
    /// The owner has to close our side. It reads on, and what arrives is discarded: a socket that is closed with
    /// something unread is reset, and the reset can overtake the response (B-9).
    Draining,
    /// The owner has to close the connection.
    Closed,
    /// The owner has to close the connection, and on TCP to reset it: the last response could not be
    /// finished, and the web server has to see that (R-10).
    Reset,
}

impl Life {
    /// Whether a request that begins is served.
    pub(super) fn takes_requests(self) -> bool {
        matches!(self, Self::Open | Self::FirstIsLast | Self::NextIsLast)
    }

    /// Whether the connection has to be closed or reset.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Closed | Self::Reset)
    }
}

/// What the web server may still send of requests that have ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unread {
    #[default]
    Nothing,
    /// The end of a stream whose bytes are all here.
    End,
    Body,
}

impl Unread {
    pub(super) fn of(request: &Request) -> Self {
        if request.has_ended() {
            Self::Nothing
        } else if request.is_receiving() || request.exceeds_its_length() {
            Self::Body
        } else {
            Self::End
        }
    }

    /// How long the web server may continue after our side is closed (B-9, B-14).
    pub(super) fn limit(self) -> Duration {
        match self {
            Self::Body => DRAIN_BODY_LIMIT,
            Self::Nothing | Self::End => DRAIN_END_LIMIT,
        }
    }
}

/// How a connection comes to its end.
#[derive(Debug)]
pub(super) struct Closing {
    life: Life,
    /// Why it ends, when it is not the web server's wish.
    error: Option<ConnectionError>,
    /// Whether a request has begun.
    has_begun: bool,
    /// Whether a request was handed out.
    has_handed_out: bool,
    /// Whether the web server has closed its side.
    is_at_eof: bool,
    unread: Unread,
    /// Requests that have ended and the rest of whose bodies may still arrive, as far as they are few.
    bodies: Vec<RequestId>,
    /// Whether the web server has had several requests in progress: then it may be sending one at any time.
    multiplexes: bool,
    /// Bytes that were discarded while the connection drains.
    discarded: u64,
}

/// The most ended requests that are remembered because more of their bodies may arrive. Of further ones, the end of the body is
/// not noticed.
const MAX_BODIES: usize = 16;

impl Closing {
    pub(super) fn new() -> Self {
        Self {
            life: Life::Open,
            error: None,
            has_begun: false,
            has_handed_out: false,
            is_at_eof: false,
            unread: Unread::default(),
            bodies: Vec::new(),
            multiplexes: false,
            discarded: 0,
        }
    }

    pub(super) fn life(&self) -> Life {
        self.life
    }

    pub(super) fn error(&self) -> Option<&ConnectionError> {
        self.error.as_ref()
    }

    /// Whether nothing that the web server sends counts any more. When it is our response that broke off, it may still have
    /// to write the rest before it reads (B-8), and so may a client that speaks HTTP.
    pub(super) fn is_broken_by_web_server(&self) -> bool {
        !matches!(
            self.error,
            None | Some(ConnectionError::Truncated | ConnectionError::Http)
        )
    }

    pub(super) fn is_at_eof(&self) -> bool {
        self.is_at_eof
    }

    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    pub(super) fn has_handed_out(&self) -> bool {
        self.has_handed_out
    }

    pub(super) fn hand_out(&mut self) {
        self.has_handed_out = true;
    }

    /// Whether the web server may still send the rest of a body whose request has ended.
    pub(super) fn has_unread_body(&self) -> bool {
        self.unread == Unread::Body || !self.bodies.is_empty()
    }

    /// How long the web server has to close its side.
    pub(super) fn drain_limit(&self) -> Duration {
        if self.has_unread_body() {
            Unread::Body.limit()
        } else {
            self.unread.limit()
        }
    }

    /// A request begins. `is_alone` is whether no other is in progress.
    pub(super) fn begin_request(&mut self, keep_conn: bool, is_alone: bool) {
        self.has_begun = true;
        if is_alone {
            self.unread = Unread::Nothing;
            self.bodies.clear();
        } else {
            self.multiplexes = true;
        }
        if !keep_conn || self.life != Life::Open {
            self.take_no_more();
        }
    }

    /// A request has ended.
    pub(super) fn end_request(&mut self, request: &Request) {
        let mut unread = Unread::of(request);
        // The end of a Filter's body is followed by its file.
        let ends_with_stdin = request.role != Role::FILTER;
        if unread == Unread::Body && ends_with_stdin && self.bodies.len() < MAX_BODIES {
            self.bodies.push(request.id);
            unread = Unread::End;
        }
        self.unread = max(self.unread, unread);
    }

    /// The rest of a request that has ended is here, or another one has its id.
    pub(super) fn end_body(&mut self, id: RequestId) {
        self.bodies.retain(|body| *body != id);
    }

    /// `awaits_next` is whether the next request may be on its way (B-19).
    pub(super) fn shut_down(&mut self, awaits_next: bool) {
        if self.life == Life::Open {
            self.life = match (self.has_begun, awaits_next) {
                (false, _) => Life::FirstIsLast,
                (true, true) => Life::NextIsLast,
                (true, false) => Life::LastRequests,
            };
        }
    }

    pub(super) fn take_no_more(&mut self) {
        if self.life.takes_requests() {
            self.life = Life::LastRequests;
        }
    }

    pub(super) fn end_of_file(&mut self) {
        self.is_at_eof = true;
        self.take_no_more();
        if self.life == Life::Draining {
            self.life = Life::Closed;
        }
    }

    pub(super) fn fail(&mut self, error: ConnectionError) {
        if error == ConnectionError::Http {
            self.unread = Unread::End;
        }
        self.error.get_or_insert(error);
        self.take_no_more();
    }

    /// What is left undone stays so.
    pub(super) fn give_up(&mut self) {
        self.life = match self.error {
            Some(ConnectionError::Truncated) => Life::Reset,
            Some(_) | None => Life::Closed,
        };
    }

    /// The last request has ended, and all is written.
    pub(super) fn finish(&mut self) {
        if self.life != Life::LastRequests {
            return;
        }
        match self.error {
            _ if self.is_at_eof => self.give_up(),
            // B-14: nginx waits for our side to be closed. B-21: what answers HTTP is not to be overtaken by a reset.
            None | Some(ConnectionError::Http) => self.life = Life::Draining,
            Some(_) => self.give_up(),
        }
    }

    /// Our side is closed. `rest` is what has arrived and was not looked at, and what of a record is still to arrive.
    pub(super) fn shut_down_write(&mut self, rest: usize) {
        let may_send = self.unread != Unread::Nothing || self.multiplexes || rest > 0;
        if self.life == Life::Draining && !may_send {
            self.life = Life::Closed;
        }
    }

    /// What has arrived is of no use.
    pub(super) fn discard(&mut self, bytes: usize) {
        self.discarded = self.discarded.saturating_add(bytes as u64);
        if self.discarded > MAX_DISCARDED && self.life == Life::Draining {
            self.life = Life::Closed;
        }
    }
}
