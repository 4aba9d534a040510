//! When things happened, and what may take how long: the rules about time, told again from outside.

use fastcgi_core::{Awaited, ConnectionError, Event, Life, Refusal, StreamEnd};

use super::{
    owner::check,
    peer::Peer,
    states::INPUT,
    wire::{FILTER, RESPONDER},
    world::World,
};

/// B-1, B-8, B-9, B-14 and B-19.
const SUSPENDED_LIMIT: u64 = 10_000;
const STALL_LIMIT: u64 = 50;
const FIRST_REQUEST_LIMIT: u64 = 250;
const NEXT_REQUEST_LIMIT: u64 = 1_500;
const QUIET_AFTER: u64 = 1_000;
const DRAIN_END_LIMIT: u64 = 2_000;
const DRAIN_BODY_LIMIT: u64 = 30_000;

/// A clock that stands still until it is moved, and its notes. Times are in milliseconds from the opening.
#[derive(Debug)]
pub(super) struct Clock {
    pub(super) now: u64,
    /// Bytes that were read from the socket, and when the last were.
    pub(super) read: u64,
    read_at: u64,
    pub(super) written_at: u64,
    /// When the last request was over, or something of it was still to be written.
    pub(super) busy_at: u64,
    calls: Vec<Times>,
    /// Since when something is the case, as it is seen when the driver falls asleep.
    reading: Since,
    unwritten: Since,
    idle: Since,
    first: Since,
    draining: Since,
}

/// When what of a request was read.
#[derive(Clone, Copy, Debug, Default)]
struct Times {
    first_byte: Option<u64>,
    begin: Option<u64>,
    params: Option<u64>,
    last_stdin: u64,
    suspended: Since,
    silent: Since,
}

#[derive(Clone, Copy, Debug, Default)]
struct Since(Option<u64>);

impl Since {
    /// Since when it is so, if it is.
    fn note(&mut self, is_so: bool, now: u64) -> Option<u64> {
        self.0 = if is_so { self.0.or(Some(now)) } else { None };
        self.0
    }
}

impl Clock {
    pub(super) fn new(calls: usize) -> Self {
        Self {
            now: 0,
            read: 0,
            read_at: 0,
            written_at: 0,
            busy_at: 0,
            calls: vec![Times::default(); calls],
            reading: Since::default(),
            unwritten: Since::default(),
            idle: Since::default(),
            first: Since::default(),
            draining: Since::default(),
        }
    }

    pub(super) fn note_read(&mut self, length: usize, peer: &Peer) {
        let before = self.read;
        self.read += length as u64;
        self.read_at = self.now;
        let (now, read) = (self.now, self.read);
        for (call, times) in peer.calls.iter().zip(&mut self.calls) {
            let Some(begins) = call.begins else { continue };
            if begins < read {
                times.first_byte.get_or_insert(now);
            }
            if begins + 16 <= read && times.begin.is_none() {
                times.begin = Some(now);
                self.busy_at = now;
            }
            if call.params_end.is_some_and(|end| end <= read) {
                times.params.get_or_insert(now);
            }
            if before < call.last_stdin && call.last_stdin <= read {
                times.last_stdin = now;
            }
        }
    }
}

impl World {
    /// The driver falls asleep until `deadline`: nothing may be awaited without one.
    pub(super) fn check_sleep(&mut self, deadline: Option<u64>) -> Result<(), String> {
        let mut due = Vec::new();
        self.list_due(&mut due);
        for (what, time) in due {
            let is_in_time = deadline.is_some_and(|deadline| deadline <= time);
            check(is_in_time, what)?;
        }
        Ok(())
    }

    fn list_due(&mut self, due: &mut Vec<(&'static str, u64)>) {
        use bytes::Buf;
        let now = self.clock.now;
        let life = self.connection.life();
        let is_unwritten = self.connection.outgoing().has_remaining();
        let wants_input = self.connection.wants_input();
        let in_progress = self.connection.requests_in_progress();
        let takes_requests = matches!(life, Life::Open | Life::FirstIsLast | Life::NextIsLast);
        let is_open = takes_requests && !self.is_at_eof;
        let has_begun = self.clock.calls.iter().any(|times| times.begin.is_some());
        let has_offended = self.peer.offence_end.is_some();
        if is_open && !has_begun && !has_offended {
            due.push(("nothing awaits the first request", self.settings.params));
        }
        let is_idle = is_open && in_progress == 0 && self.input.is_empty();
        let clock = &mut self.clock;
        // Nothing is awaited that may have been sent and is not read.
        let reading = clock.reading.note(wants_input, now);
        for (call, times) in self.peer.calls.iter().zip(&mut clock.calls) {
            let Some(states) = self.observer.of(call.id).filter(|_| call.is_open) else {
                continue;
            };
            let is_handed_out = self.owner.accounts[call.asked.number].is_handed_out;
            let name = |stream: usize| INPUT.states[stream];
            let streams = [name(states.stdin), name(states.data)];
            let receives = streams.iter().any(|it| ["Open", "Suspended"].contains(it));
            let is_silent = is_handed_out
                && receives
                && wants_input
                && self.owner.held_of(call.asked.number) == 0;
            let silent = times.silent.note(is_silent, now).zip(self.settings.read);
            due.extend(
                silent.map(|(since, read)| {
                    ("nothing awaits the body", since.max(clock.read_at) + read)
                }),
            );
            let is_suspended = is_handed_out && streams[0] == "Suspended";
            let suspended = times.suspended.note(is_suspended, now);
            let (since, limit, what) = if streams[0] == "Params" {
                (
                    times.begin,
                    self.settings.params,
                    "nothing awaits the params",
                )
            } else if !is_handed_out {
                (
                    times.params,
                    self.settings.params,
                    "nothing awaits a body of unknown length",
                )
            } else {
                let since = suspended.map(|since| since.max(times.last_stdin));
                (since, SUSPENDED_LIMIT, "nothing awaits a suspended body")
            };
            due.extend(
                since
                    .zip(reading)
                    .map(|(since, reading)| (what, since.max(reading) + limit)),
            );
        }
        let is_writing = is_unwritten && life != Life::Draining;
        if let Some(since) = clock.unwritten.note(is_writing, now) {
            let since = since.max(clock.written_at);
            due.push((
                "nothing awaits that the web server reads",
                since + self.settings.write,
            ));
        }
        let is_between = is_idle && has_begun && !is_unwritten;
        if !is_between {
            clock.busy_at = now;
        }
        if let (Some(since), Some(idle)) = (clock.idle.note(is_between, now), self.settings.idle) {
            let begun = clock.calls.iter().filter_map(|times| times.begin).max();
            due.push((
                "nothing awaits the next request",
                since.max(begun.unwrap_or(0)) + idle,
            ));
        }
        if let Some(since) = clock.first.note(is_idle && life != Life::Open, now) {
            let limit = match life {
                Life::FirstIsLast => FIRST_REQUEST_LIMIT,
                _ => NEXT_REQUEST_LIMIT,
            };
            due.push(("nothing awaits the only request", since + limit));
        }
        if let Some(since) = clock.draining.note(life == Life::Draining, now) {
            due.push((
                "nothing awaits that the web server closes",
                since + DRAIN_BODY_LIMIT,
            ));
        }
    }

    /// Whether what an event says of time is true.
    pub(super) fn check_event(&self, event: &Event) -> Result<(), String> {
        let now = self.clock.now;
        match event {
            // B-5: without a number, the first record says whether there is a body.
            Event::Request(request) => {
                let number = self
                    .peer
                    .number(request.id.get())
                    .ok_or("a request of nothing")?;
                let asked = &self.asked[number].0;
                let is_open = asked.stdin.announced.is_none() && asked.role == RESPONDER;
                let since = self.clock.calls[number].params.unwrap_or(now);
                let is_late = now >= since + self.settings.params;
                let length = (asked.stdin.seen().0 == 0).then_some(0);
                check(
                    !is_open || is_late || request.length == length,
                    "handed out before it is known whether there is a body",
                )?;
                let has_record = self.peer.calls[number].params_end < Some(self.clock.read);
                check(
                    !is_open || is_late || has_record,
                    "handed out in front of the body",
                )
            }
            Event::StdinEnd {
                key,
                end: StreamEnd::Incomplete,
            } => {
                let Some((number, received)) = self.owner.job(*key) else {
                    return Ok(());
                };
                let (seen, end) = self.asked[number].0.stdin.seen();
                let is_resumed = self.asked[number].0.stdin.resumes;
                if received == seen && end == StreamEnd::Incomplete && !is_resumed {
                    return Ok(());
                }
                if self.asked[number].0.role == FILTER {
                    // It may be its other stream that is late.
                    return Ok(());
                }
                let silence = now - self.clock.calls[number].last_stdin;
                let read = self.settings.read.unwrap_or(u64::MAX);
                let limit = match self.asked[number].0.stdin.announced {
                    Some(_) if is_resumed => SUSPENDED_LIMIT,
                    Some(_) => u64::MAX,
                    None => self.settings.params,
                };
                check(silence >= limit.min(read), "a body failed too early")?;
                self.check_blame(number)
            }
            Event::Refused {
                id,
                refusal: Refusal::ParamsTooSlow,
            } => {
                let number = self.peer.number(id.get()).ok_or("a refusal of nothing")?;
                let since = match number {
                    // It is awaited from the opening on.
                    0 => 0,
                    _ => self.clock.calls[number].first_byte.unwrap_or(now),
                };
                check(now >= since + self.settings.params, "408 too early")?;
                self.check_blame(number)
            }
            Event::Quiet => check(now >= self.clock.busy_at + QUIET_AFTER, "quiet too early"),
            _ => Ok(()),
        }
    }

    /// What was sent in time, and not read, must not count as late.
    fn check_blame(&self, number: usize) -> Result<(), String> {
        let call = &self.peer.calls[number];
        let sent = call
            .last_stdin
            .max(call.params_end.unwrap_or(0))
            .min(self.peer.position());
        check(
            sent <= self.clock.read,
            "late, although it was sent and only not read",
        )
    }

    /// Whether life has gone on for a reason.
    pub(super) fn check_life(&mut self, before: Life) -> Result<(), String> {
        let now = self.clock.now;
        let life = self.connection.life();
        if life == before {
            return Ok(());
        }
        let last = self.peer.calls.get(self.peer.begun.wrapping_sub(1));
        let has_last = last.is_some_and(|call| !call.asked.keep_conn);
        match self.connection.error() {
            Some(ConnectionError::TimedOut(Awaited::Params)) if before == Life::Open => {
                let times = &self.clock.calls;
                let late = |since: u64| now >= since + self.settings.params;
                // The first request is awaited from the opening on; besides, there may be a part of a record.
                let is_first = times.first().is_some_and(|times| times.params.is_none());
                let is_late = is_first
                    || times.iter().filter_map(|it| it.first_byte).any(late)
                    || late(self.clock.read_at);
                check(
                    is_late && now >= self.settings.params,
                    "the params were not late",
                )?;
            }
            Some(ConnectionError::TimedOut(Awaited::Write)) => {
                let is_late = now >= self.clock.written_at + self.settings.write;
                check(is_late, "the web server was reading")?;
            }
            Some(_) => {}
            None if before == Life::Open => {
                let has_left = self.is_at_eof || self.peer.is_closed;
                let has_reason = has_left || self.connection_was_to_end();
                let idle = self.settings.idle.unwrap_or(u64::MAX);
                let is_idle = now >= self.clock.busy_at.saturating_add(idle);
                self.was_idle |= is_idle;
                check(has_reason || is_idle, "the connection ends for no reason")?;
            }
            None if life == Life::Closed && !self.is_at_eof && !self.peer.is_closed => {
                let since = self.clock.draining.0.unwrap_or(now);
                let has_waited = now >= since + DRAIN_END_LIMIT;
                self.was_drained |= has_waited;
                let is_all_here = self.clock.read == self.peer.position();
                // A web server that keeps the connection may begin its next request at any time.
                let is_fair = !self.may_surprise() && has_last && !self.was_shut_down;
                check(
                    has_waited || is_all_here || !is_fair,
                    "closed with something unread",
                )?;
            }
            None => {}
        }
        Ok(())
    }

    /// Whether the web server may be taken for one that reads nothing before it has written all (B-8).
    pub(super) fn is_stalled(&self) -> bool {
        self.clock.now >= self.clock.written_at + STALL_LIMIT
    }
}
