//! What is awaited at the moment, and what happens when it does not come.

use std::time::Instant;

use http::StatusCode;

use super::{
    Awaited, Connection, ConnectionError, Event, Life, Refusal, StreamEnd,
    deadlines::{Late, Situation},
    limits::SUSPENDED_LIMIT,
    request::{Gathering, RequestKey},
};
use crate::record::EndRequest;

/// What of a request is late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LateRequest {
    Params,
    /// The first of a body of unknown length (B-5), or what follows an end that came too early (B-1).
    Body,
}

impl Connection {
    /// When [`handle_deadline`](Self::handle_deadline) is to be called, unless something else happens before: then the
    /// deadline may be another one. `None` when nothing is awaited. A wait begins with the first call that finds it, so ask
    /// before each sleep.
    pub fn deadline(&mut self, now: Instant) -> Option<Instant> {
        let situation = self.situation();
        let connection = self
            .deadlines
            .next(now, situation, &self.config.timeouts)
            .map(|(until, _)| until);
        let reading = self.deadlines.reading_since(now, situation.wants_input);
        let requests = self.request_deadlines(reading).map(|(until, ..)| until);
        requests.chain(connection).min()
    }

    /// Does what is to be done about everything that is late at `now`.
    pub fn handle_deadline(&mut self, now: Instant) {
        while let Some((key, late)) = self.late_request(now) {
            self.handle_late_request(key, late);
        }
        let situation = self.situation();
        let next = self.deadlines.next(now, situation, &self.config.timeouts);
        if let Some((_, late)) = next.filter(|(until, _)| *until <= now) {
            self.handle_late(late);
        }
        self.settle();
    }

    fn situation(&self) -> Situation {
        let load = self.load();
        let wants_input = self.wants_input();
        let is_served = |life| matches!(life, Life::Open | Life::FirstIsLast | Life::LastRequests);
        Situation {
            life: self.closing.life(),
            has_begun: self.closing.has_begun(),
            is_at_eof: self.closing.is_at_eof(),
            is_unwritten: load.unwritten > 0,
            has_requests: !self.requests.is_empty(),
            has_partial: self.partial > 0,
            is_held_back: is_served(self.closing.life())
                && !self.pressure.is_stalled
                && !self.closing.is_at_eof()
                && !wants_input,
            wants_input,
            awaits_body: wants_input
                && self.pressure.held == 0
                && self
                    .requests
                    .iter()
                    .any(|(_, it)| it.is_handed_out && it.is_receiving()),
            drain_limit: self.closing.drain_limit(),
        }
    }

    /// What is awaited of the requests. What is late may have been sent, and not be read: so a wait begins anew when the
    /// socket is read again. `reading` is since when it is.
    fn request_deadlines(
        &self,
        reading: Option<Instant>,
    ) -> impl Iterator<Item = (Instant, RequestKey, LateRequest)> {
        let requests = reading.into_iter().flat_map(|_| self.requests.iter());
        requests.filter_map(move |(key, request)| {
            let limit = self.config.timeouts.params;
            let (since, limit, late) = match &request.params {
                Gathering::Arriving(_) => (request.since, limit, LateRequest::Params),
                Gathering::Here { .. } if !request.is_handed_out => {
                    (request.since, limit, LateRequest::Body)
                }
                Gathering::Here { .. } => {
                    let streams = [&request.stdin, &request.data];
                    let since = streams.iter().filter_map(|it| it.suspended_since()).min()?;
                    (since, SUSPENDED_LIMIT, LateRequest::Body)
                }
            };
            Some((since.max(reading?).checked_add(limit)?, key, late))
        })
    }

    fn late_request(&mut self, now: Instant) -> Option<(RequestKey, LateRequest)> {
        let reading = self.deadlines.reading_since(now, self.wants_input());
        let mut late = self
            .request_deadlines(reading)
            .filter(|(until, ..)| *until <= now);
        late.next().map(|(_, key, late)| (key, late))
    }

    fn handle_late_request(&mut self, key: RequestKey, late: LateRequest) {
        match late {
            LateRequest::Body => self.break_off(key),
            LateRequest::Params if self.requests.len() == 1 => {
                self.fail(ConnectionError::TimedOut(Awaited::Params));
            }
            // The others are worth more than the connection.
            LateRequest::Params => {
                self.announce_refusal(key, Refusal::ParamsTooSlow);
                self.refuse(key, StatusCode::REQUEST_TIMEOUT, EndRequest::COMPLETE);
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
            Late::Body => {
                let is_late = |(key, request): (RequestKey, &super::Request)| {
                    (request.is_handed_out && request.is_receiving()).then_some(key)
                };
                let keys: Vec<_> = self.requests.iter().filter_map(is_late).collect();
                for key in keys {
                    self.break_off(key);
                }
            }
            Late::Write => {
                self.fail(ConnectionError::TimedOut(Awaited::Write));
                // Waiting for the web server to read about it is over.
                self.closing.give_up();
            }
            Late::Stall => self.pressure.is_stalled = true,
            Late::Close => self.closing.give_up(),
        }
    }

    /// B-4: gives up what has not arrived of a request's streams.
    fn break_off(&mut self, key: RequestKey) {
        let Some(request) = self.requests.get_mut(key) else {
            return;
        };
        let (stdin, data) = (request.stdin.fail(), request.data.fail());
        self.hand_out(key, false);
        let end = StreamEnd::Incomplete;
        if stdin {
            self.events.push_back(Event::StdinEnd { key, end });
        }
        if data {
            self.events.push_back(Event::DataEnd { key, end });
        }
    }
}
