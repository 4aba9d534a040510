//! What is awaited at the moment, and what happens when it does not come.

use std::time::{Duration, Instant};

use bytes::Buf;
use http::StatusCode;

use super::{
    Awaited, Connection, ConnectionError, Event, Refusal, StreamEnd, Timeouts,
    deadlines::{Late, Situation},
    limits::SUSPENDED_LIMIT,
    request::{Gathering, RequestKey},
};

/// What of a request is late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LateRequest {
    Params,
    /// The first of a body of unknown length (B-5), or what follows an end that came too early (B-1).
    Body,
    /// The rest of a body (B-15).
    Silence,
}

impl Connection {
    /// When [`handle_deadline`](Self::handle_deadline) has to be called. If something else happens before, the deadline may
    /// change. `None` when nothing is awaited. A wait begins with the first call that finds it, so ask
    /// before each sleep.
    pub fn deadline(&mut self, now: Instant) -> Option<Instant> {
        let wants_input = self.wants_input();
        let connection = self.connection_deadline(now, wants_input);
        let requests = self.request_deadlines(now, wants_input);
        let requests = requests.map(|(until, ..)| until).min();
        let connection = connection.map(|(until, _)| until);
        requests.into_iter().chain(connection).min()
    }

    /// Handles everything that is late at `now`.
    pub fn handle_deadline(&mut self, now: Instant) {
        let wants_input = self.wants_input();
        let late: Vec<_> = self
            .request_deadlines(now, wants_input)
            .filter(|(until, ..)| *until <= now)
            .collect();
        for (_, key, late) in late {
            self.handle_late_request(key, late);
        }
        // Each of them is awaited no more once it was handled.
        while let Some((until, late)) = self.connection_deadline(now, self.wants_input()) {
            if until > now {
                break;
            }
            self.handle_late(late);
            self.settle();
        }
    }

    fn connection_deadline(&mut self, now: Instant, wants_input: bool) -> Option<(Instant, Late)> {
        let situation = self.situation(wants_input);
        self.deadlines.next(now, situation, &self.config.timeouts)
    }

    fn situation(&self, wants_input: bool) -> Situation {
        let is_unread = self.may_read() && !wants_input;
        Situation {
            life: self.closing.life(),
            has_begun: self.closing.has_begun(),
            is_at_eof: self.closing.is_at_eof(),
            is_unwritten: self.outgoing.has_remaining(),
            has_requests: !self.requests.is_empty(),
            has_partial: self.has_partial,
            is_held_back: is_unread && !self.pressure.is_stalled,
            is_unseen: is_unread && !self.requests.is_empty(),
            wants_input,
            drain_limit: self.closing.drain_limit(),
            idle_limit: self.config.timeouts.idle.limit(self.config.over_tcp),
        }
    }

    /// What is awaited of the requests. What is late may have been sent, and not be read: so a wait begins anew when the
    /// socket is read again.
    fn request_deadlines(
        &mut self,
        now: Instant,
        wants_input: bool,
    ) -> impl Iterator<Item = (Instant, RequestKey, LateRequest)> {
        let reading = self.deadlines.reading_since(now, wants_input);
        let Timeouts { params, read, .. } = self.config.timeouts;
        self.requests.iter_mut().filter_map(move |(key, request)| {
            let is_awaited = wants_input && request.is_handed_out && request.is_receiving();
            let silence = request
                .silence
                .until(is_awaited, now, read.unwrap_or(Duration::MAX))
                .map(|until| (until, key, LateRequest::Silence));
            if !request.is_handed_out {
                let late = match &request.params {
                    Gathering::Arriving(_) => LateRequest::Params,
                    Gathering::Here { .. } => LateRequest::Body,
                };
                // It begins also while the socket is not read: the place may be wanted (B-18).
                let since = request.wait.begin(now).max(reading?);
                return Some((since.checked_add(params)?, key, late));
            }
            let reading = reading?;
            let suspended = request
                .suspended_since(now)
                .and_then(|since| since.max(reading).checked_add(SUSPENDED_LIMIT))
                .map(|until| (until, key, LateRequest::Body));
            silence.into_iter().chain(suspended).min_by_key(|it| it.0)
        })
    }

    fn handle_late_request(&mut self, key: RequestKey, late: LateRequest) {
        match late {
            LateRequest::Body => self.break_off(key),
            LateRequest::Silence => match self.requests.get_mut(key) {
                // Not while the application is slow.
                Some(request) if request.held > 0 => request.silence.restart(),
                _ => self.break_off(key),
            },
            LateRequest::Params if self.requests.len() == 1 => {
                self.fail(ConnectionError::TimedOut(Awaited::Params));
            }
            // The others are worth more than the connection.
            LateRequest::Params => {
                let status = StatusCode::REQUEST_TIMEOUT;
                self.turn_away(key, Refusal::ParamsTooSlow, status);
            }
        }
    }

    fn handle_late(&mut self, late: Late) {
        match late {
            Late::Params => self.fail(ConnectionError::TimedOut(Awaited::Params)),
            Late::Request => self.closing.take_no_more(),
            Late::Quiet => {
                self.deadlines.said_quiet();
                self.events.push_back(Event::Quiet);
            }
            Late::Write => {
                self.fail(ConnectionError::TimedOut(Awaited::Write));
                // Waiting for the web server to read about it is over.
                self.closing.give_up();
            }
            Late::Stall => self.pressure.is_stalled = true,
            Late::Departure => {
                self.deadlines.said_held_back();
                self.events.push_back(Event::HeldBack);
            }
            Late::Close => self.closing.give_up(),
        }
    }

    /// B-4: gives up what has not arrived of a request's streams.
    fn break_off(&mut self, key: RequestKey) {
        let Some(request) = self.requests.get_mut(key) else {
            return;
        };
        let (stdin, data) = (request.stdin.fail(), request.data.fail());
        if !request.is_handed_out {
            return self.hand_out(key, false);
        }
        let end = StreamEnd::Incomplete;
        if stdin {
            self.events.push_back(Event::StdinEnd { key, end });
        }
        if data {
            self.events.push_back(Event::DataEnd { key, end });
        }
    }
}
