//! The application's end of a connection, without I/O and without a clock.
//!
//! [`Connection`] is a thin router over requests: the one place that knows about multiplexing. What arrives is routed in
//! `records`. What a request is sent and sends is in `input` and `output`, how the connection lives and ends in `closing`,
//! whether to read in `pressure`, and until when things are awaited in `deadlines`.

mod budget;
mod closing;
mod commands;
mod deadlines;
mod error;
mod event;
mod http;
mod input;
mod limits;
mod output;
mod pressure;
mod records;
mod request;
mod requests;
mod time;
mod waste;

use std::{collections::VecDeque, fmt, sync::Arc, time::Instant};

use bytes::{Buf, BytesMut};

use self::{
    budget::Budget,
    closing::Closing,
    deadlines::Deadlines,
    limits::FIRST_REQUEST_LIMIT,
    pressure::{Load, Pressure},
    requests::Requests,
    waste::Waste,
};
pub use self::{
    closing::Life,
    commands::{Ending, RequestMut},
    error::{Awaited, ConnectionError},
    event::{Event, NewRequest, Refusal, StreamEnd},
    limits::{Config, Limits, Timeouts},
    output::TooLong,
    request::RequestKey,
};
use crate::{
    outgoing::Outgoing,
    record::{Decoder, UnsupportedVersion},
};

/// A FastCGI connection, seen from the application.
///
/// It does no I/O, reads no clock and never blocks. Its owner
///
/// - reads as long as the connection [wants input](Self::wants_input), and reports when nothing more can arrive
///   ([`end_of_file`](Self::end_of_file));
/// - takes events with [`next_event`](Self::next_event) until there are none, after each read and each other call that changes
///   something: a deadline, a failure and a departure have events, too;
/// - answers requests through [`request`](Self::request), as long as the connection [wants output](Self::wants_output);
/// - writes out what is in [`outgoing`](Self::outgoing) after any call that takes `&mut self`, and reports
///   [when something was written](Self::written);
/// - asks for the [`deadline`](Self::deadline) whenever it has nothing more to do, and calls
///   [`handle_deadline`](Self::handle_deadline) when that time has come;
/// - and does what [`life`](Self::life) says: it serves, drains, closes or resets the connection.
///
/// The example `blocking.rs` does all this with a socket of the standard library.
///
/// Times are the owner's: each `now` is at least as late as the one before.
///
/// `Debug` prints how far the connection and its requests have come, and nothing of what they carry.
pub struct Connection {
    config: Arc<Config>,
    decoder: Decoder,
    requests: Requests,
    outgoing: Outgoing,
    /// Events that have happened and not been taken.
    events: VecDeque<Event>,
    /// Why the connection fails once they are taken: a record can be of use and then break a limit.
    failure: Option<ConnectionError>,
    closing: Closing,
    waste: Waste,
    pressure: Pressure,
    deadlines: Deadlines,
    budget: Budget,
    /// Whether records are left in the owner's buffer, because too much is owed to take them (B-15).
    has_records: bool,
    /// Whether the beginning of a record is left in the owner's buffer, because it cannot be taken without the rest.
    has_partial: bool,
}

impl Connection {
    /// A connection on which nothing has arrived. Connections of one server share their settings.
    pub fn new(config: impl Into<Arc<Config>>) -> Self {
        Self {
            config: config.into(),
            decoder: Decoder::new(),
            requests: Requests::default(),
            outgoing: Outgoing::default(),
            events: VecDeque::new(),
            failure: None,
            closing: Closing::new(),
            waste: Waste::default(),
            pressure: Pressure::default(),
            deadlines: Deadlines::default(),
            budget: Budget::default(),
            has_records: false,
            has_partial: false,
        }
    }

    /// Consumes records from the front of `input` until there is an event.
    ///
    /// `None` asks for more bytes. `input` then holds at most one record that is not whole, less than 65 543 bytes; except
    /// while more than 16 KiB of the connection's own answers wait to be written (B-15): then nothing is consumed until they
    /// are, and no input [is wanted](Self::wants_input). When what arrives is of no use any more, everything is consumed. A
    /// failure is not an event: see [`life`](Self::life) and [`error`](Self::error).
    pub fn next_event(&mut self, input: &mut BytesMut) -> Option<Event> {
        self.has_records = false;
        let event = self.consume(input);
        self.has_partial = !input.is_empty();
        event
    }

    fn consume(&mut self, input: &mut BytesMut) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if !self.takes_records() {
                self.failure = None;
                self.closing.discard(input.len());
                input.clear();
                return None;
            }
            if let Some(error) = self.failure.take() {
                self.fail(error);
                continue;
            }
            if input.is_empty() {
                return None;
            }
            if self.waste.owes_too_much(&self.outgoing) {
                self.has_records = true;
                return None;
            }
            let taken = match self.decoder.decode(input) {
                Ok(record) => self.take_record(record?),
                Err(error) => Err(self.not_fastcgi(input, error)),
            };
            self.deadlines.took_record();
            match taken {
                Ok(Some(piece)) => return Some(piece.into()),
                Ok(None) => {}
                Err(error) => self.failure = Some(error),
            }
        }
    }

    /// What arrives is no record. HTTP gets an answer that a browser shows (B-21).
    fn not_fastcgi(&mut self, input: &[u8], error: UnsupportedVersion) -> ConnectionError {
        let has_answered = self.outgoing.end() > 0;
        if self.closing.has_begun() || has_answered || !http::is_request(input) {
            return error.into();
        }
        self.outgoing.put_bare(http::ANSWER);
        ConnectionError::Http
    }

    /// Whether what arrives is looked at: behind the last request it is of no use.
    fn takes_records(&self) -> bool {
        match self.closing.life() {
            Life::Open | Life::FirstIsLast | Life::NextIsLast => true,
            Life::LastRequests => !self.requests.is_empty(),
            Life::Draining | Life::Closed | Life::Reset => false,
        }
    }

    /// The web server has closed its side, and everything that it sent was handed over.
    ///
    /// No web server closes only its side, so no response is of use any more (B-11).
    pub fn end_of_file(&mut self) {
        self.abort_all();
        self.closing.end_of_file();
        self.settle();
    }

    /// The connection is lost: nothing more can be read or written.
    pub fn lost(&mut self) {
        self.abort_all();
        self.closing.end_of_file();
        self.closing.give_up();
    }

    /// The commands for one request, or `None` once it has ended.
    pub fn request(&mut self, key: RequestKey) -> Option<RequestMut<'_>> {
        // An old key may be that of a request that the application does not know yet.
        self.requests.get(key).filter(|it| it.is_handed_out)?;
        Some(RequestMut::new(self, key))
    }

    /// The number of requests in progress.
    pub fn requests_in_progress(&self) -> usize {
        self.requests.len()
    }

    /// Bytes for the web server; [`advance`](bytes::Buf::advance) by what was written.
    pub fn outgoing(&mut self) -> &mut Outgoing {
        &mut self.outgoing
    }

    /// Something of [`outgoing`](Self::outgoing) was written.
    pub fn written(&mut self) {
        self.deadlines.was_written();
        self.pressure.is_stalled = false;
        self.settle();
    }

    /// Our side of the connection is closed, as [`Life::Draining`] asks for. `leftover` is how much has arrived that was
    /// not handed over.
    pub fn write_side_closed(&mut self, leftover: usize) {
        self.closing
            .shut_down_write(self.decoder.awaited().saturating_add(leftover));
    }

    /// Sets how many bytes of a request's body wait to be read, with what it costs to keep them.
    pub fn set_held(&mut self, key: RequestKey, bytes: usize) {
        let request = self.requests.get_mut(key);
        if let Some(request) = request.filter(|it| it.is_handed_out) {
            request.held = bytes;
        }
        self.stop_reading_on();
    }

    /// Less is held: with less than the window, it holds again.
    fn stop_reading_on(&mut self) {
        if self.pressure.reads_on && self.load().held < self.config.limits.body_window {
            self.pressure.reads_on = false;
        }
    }

    /// Reads on although enough waits to be read, up to [`Limits::max_spill`], until less than
    /// [`Limits::body_window`] waits: the answer of an owner that cannot look whether the web server has left to
    /// [`Event::HeldBack`].
    pub fn read_on(&mut self) {
        self.pressure.reads_on = self.load().held >= self.config.limits.body_window;
    }

    /// Whether to read from the socket. It may be so again after anything that happens.
    pub fn wants_input(&self) -> bool {
        self.may_read()
            && (self.closing.life() == Life::Draining
                || (self.has_input_room() && self.wants_records()))
    }

    fn wants_records(&self) -> bool {
        !self.has_records
            && !self.waste.owes_too_much(&self.outgoing)
            && self.pressure.wants_input(self.load(), &self.config.limits)
    }

    /// Whether more may arrive and will be read.
    fn may_read(&self) -> bool {
        !self.life().is_over()
            && !self.closing.is_at_eof()
            && !self.closing.is_broken_by_web_server()
    }

    /// Whether there is room for more of a response.
    pub fn wants_output(&self) -> bool {
        self.outgoing.remaining() < self.budget.output
    }

    /// Lets the requests in progress finish, and ends then. A connection that has not brought its first request yet gets
    /// 250 ms for it, and one that has had a request within the last second 1.5 s for the next one, unless it takes several
    /// requests at a time (B-19).
    pub fn shutdown(&mut self) {
        let takes_one = self.config.limits.max_reqs == 1;
        let awaits_next = takes_one && self.requests.is_empty() && !self.deadlines.is_quiet();
        self.closing.shut_down(awaits_next);
        self.settle();
    }

    /// From when on the connection can be [closed to make room](Self::make_room) for another one: since when it is without a
    /// request. `None` while one is in progress, and while something waits to be written.
    ///
    /// One that has not brought all params of its first request counts, too, from 250 ms after it began on: a web server that
    /// has just connected is about to send a request. Waits begin with [`deadline`](Self::deadline).
    pub fn idle_since(&self) -> Option<Instant> {
        if !self.life().takes_requests() || self.outgoing.has_remaining() {
            return None;
        }
        if self.requests.is_empty() && self.closing.has_begun() {
            return self.deadlines.idle_since();
        }
        let mut requests = self.requests.iter().map(|(_, request)| request);
        let is_in_progress = requests.clone().any(|it| it.params().is_some());
        let began = match requests.next() {
            None => self.deadlines.opened(),
            Some(_) if is_in_progress || self.closing.has_handed_out() => None,
            Some(request) => request.wait.begun(),
        };
        began?.checked_add(FIRST_REQUEST_LIMIT)
    }

    /// Closes the connection at once, if it is [without a request](Self::idle_since): other connections need its place more.
    pub fn make_room(&mut self) {
        if self.idle_since().is_some() {
            self.lost();
        }
    }

    /// Frees memory that is kept for further requests, while none is in progress: what to do at [`Event::Quiet`].
    pub fn release(&mut self) {
        self.requests.release();
        self.outgoing.release_all();
        if self.events.is_empty() {
            self.events = VecDeque::new();
        }
    }

    /// How far the connection has come, and so what its owner has to do.
    pub fn life(&self) -> Life {
        self.closing.life()
    }

    /// Why the connection ends, when it is not the web server's wish.
    pub fn error(&self) -> Option<&ConnectionError> {
        self.closing.error()
    }

    fn load(&self) -> Load {
        let mut held = 0_usize;
        let mut is_receiving = false;
        for (_, request) in self.requests.iter().filter(|(_, it)| it.is_handed_out) {
            // The owner may count as it likes.
            held = held.saturating_add(request.held);
            is_receiving |= request.is_receiving();
        }
        Load {
            held,
            unwritten: self.outgoing.remaining(),
            requests: self.requests.len(),
            may_send_body: is_receiving || self.closing.has_unread_body(),
        }
    }

    /// The connection cannot go on. What is outgoing may still be written.
    fn fail(&mut self, error: ConnectionError) {
        self.abort_all();
        self.closing.fail(error);
        self.settle();
    }

    /// No response is of use any more.
    fn abort_all(&mut self) {
        for (key, request) in self.requests.drain() {
            if request.is_handed_out {
                self.events.push_back(Event::Aborted { key });
            }
        }
    }

    /// Goes on in life, once the last request has ended and all is written.
    fn settle(&mut self) {
        if self.requests.is_empty() && !self.outgoing.has_remaining() {
            self.closing.finish();
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("life", &self.closing.life())
            .field("error", &self.closing.error())
            .field("requests", &self.requests)
            .field("unwritten", &self.outgoing.remaining())
            .finish_non_exhaustive()
    }
}
