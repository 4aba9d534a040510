//! How long something is awaited.
//!
//! A wait begins when it is first seen, and ends when it is seen no more. So there is nothing to start and to stop: the caller
//! that asks for the deadline passes what is awaited at the moment.

use std::time::{Duration, Instant};

use super::{
    Life,
    limits::{
        DEPARTURE_PAUSE, FIRST_REQUEST_LIMIT, NEXT_REQUEST_LIMIT, QUIET_AFTER, STALL_LIMIT,
        Timeouts,
    },
};

/// What a connection as a whole waits for. The waits of its requests are theirs.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    /// The first request, from the opening of the connection.
    opening: Wait,
    /// The rest of a record, with no request in progress: the beginning of one.
    beginning: Wait,
    /// The first or the next request, after the shutdown began.
    last_request: Wait,
    /// The next request.
    idle: Wait,
    /// The next request, with memory that it may not need.
    quiet: Wait,
    is_quiet: bool,
    /// That the web server reads.
    write: Wait,
    /// The same, while a request body is held back.
    stall: Wait,
    /// Any sign of the web server, while a request is in progress and the socket is not read.
    departure: Wait,
    /// That the web server closes its side.
    close: Wait,
    /// Nothing: this has the time since which the socket is read. While it is not read, nothing can be awaited from it.
    reading: Wait,
}

/// What is the case at the moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    pub(super) life: Life,
    pub(super) has_begun: bool,
    pub(super) is_at_eof: bool,
    /// Whether something waits to be written.
    pub(super) is_unwritten: bool,
    /// Whether a request is in progress, its params included.
    pub(super) has_requests: bool,
    /// Whether a part of a record has arrived, and not the rest.
    pub(super) has_partial: bool,
    /// Whether the socket is read.
    pub(super) wants_input: bool,
    /// Whether the socket is not read because of what is held.
    pub(super) is_held_back: bool,
    /// Whether the web server could have left unseen, with a request in progress.
    pub(super) is_unseen: bool,
    /// How long the web server has to close its side.
    pub(super) drain_limit: Duration,
    /// How long the connection may be without a request.
    pub(super) idle_limit: Option<Duration>,
}

/// What has not come in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    /// A request, or the beginning of one: the connection fails.
    Params,
    /// A request on a connection that can do without: it ends.
    Request,
    /// Any request for a while.
    Quiet,
    /// That the web server reads: the connection fails.
    Write,
    /// That the web server reads, while it may be waiting to write.
    Stall,
    /// Any sign of the web server.
    Departure,
    /// That the web server closes its side.
    Close,
}

impl Deadlines {
    /// The earliest of what is awaited now, and what it is that is late then.
    pub(super) fn next(
        &mut self,
        now: Instant,
        situation: Situation,
        timeouts: &Timeouts,
    ) -> Option<(Instant, Late)> {
        let Situation { life, .. } = situation;
        let is_open = life.takes_requests() && !situation.is_at_eof;
        let is_idle = is_open && !situation.has_requests && !situation.has_partial;
        let is_between = is_idle && situation.has_begun && !situation.is_unwritten;
        let opening = is_open && !situation.has_begun && situation.wants_input;
        let beginning =
            is_open && !situation.has_requests && situation.has_partial && situation.wants_input;
        let is_draining = life == Life::Draining;
        if !is_between {
            self.is_quiet = false;
        }
        let forever = Duration::MAX;
        let idle = situation.idle_limit.unwrap_or(forever);
        let last = is_idle && life != Life::Open;
        let last_limit = match life {
            Life::NextIsLast => NEXT_REQUEST_LIMIT,
            _ => FIRST_REQUEST_LIMIT,
        };
        let stalls = situation.is_unwritten && situation.is_held_back;
        let writes = situation.is_unwritten && !is_draining && !life.is_over();
        let quiet = is_between && !self.is_quiet;
        let mut next = Earliest { now, found: None };
        next.consider(&mut self.opening, opening, timeouts.params, Late::Params);
        next.consider(
            &mut self.beginning,
            beginning,
            timeouts.params,
            Late::Params,
        );
        next.consider(&mut self.last_request, last, last_limit, Late::Request);
        next.consider(&mut self.idle, is_between, idle, Late::Request);
        next.consider(&mut self.quiet, quiet, QUIET_AFTER, Late::Quiet);
        next.consider(&mut self.write, writes, timeouts.write, Late::Write);
        next.consider(&mut self.stall, stalls, STALL_LIMIT, Late::Stall);
        next.consider(
            &mut self.departure,
            situation.is_unseen,
            DEPARTURE_PAUSE,
            Late::Departure,
        );
        next.consider(
            &mut self.close,
            is_draining,
            situation.drain_limit,
            Late::Close,
        );
        next.found
    }

    /// Since when the socket is read, without a break.
    pub(super) fn reading_since(&mut self, now: Instant, is_reading: bool) -> Option<Instant> {
        self.reading.until(is_reading, now, Duration::ZERO)
    }

    /// The wait for the request that begins now. It has begun with its first byte or with the opening, if a deadline was asked
    /// for since then.
    pub(super) fn begin_request(&mut self) -> Wait {
        let wait = Wait(self.opening.0.or(self.beginning.0));
        // A request that is answered in one go leaves no other trace here.
        for wait in [
            &mut self.opening,
            &mut self.beginning,
            &mut self.idle,
            &mut self.quiet,
        ] {
            wait.restart();
        }
        self.is_quiet = false;
        wait
    }

    /// Whether there has been no request for a while.
    pub(super) fn is_quiet(&self) -> bool {
        self.is_quiet
    }

    /// Since when the next request is awaited.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        self.idle.0
    }

    /// Since when the first request is awaited.
    pub(super) fn opened(&self) -> Option<Instant> {
        self.opening.0
    }

    /// A record has come to its end; what comes now is another one.
    pub(super) fn took_record(&mut self) {
        self.beginning.restart();
    }

    /// Something was written.
    pub(super) fn was_written(&mut self) {
        self.write.restart();
        self.stall.restart();
    }

    /// It was said that the web server may have left.
    pub(super) fn said_held_back(&mut self) {
        self.departure.restart();
    }

    /// It was said that there is no request for a while.
    pub(super) fn said_quiet(&mut self) {
        self.is_quiet = true;
    }
}

/// The earliest of several waits; of those that end at the same time, the first.
struct Earliest {
    now: Instant,
    found: Option<(Instant, Late)>,
}

impl Earliest {
    fn consider(&mut self, wait: &mut Wait, is_awaited: bool, limit: Duration, late: Late) {
        let Some(until) = wait.until(is_awaited, self.now, limit) else {
            return;
        };
        if self.found.is_none_or(|(earliest, _)| until < earliest) {
            self.found = Some((until, late));
        }
    }
}

/// One thing that is awaited, and since when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wait(Option<Instant>);

impl Wait {
    /// It is awaited at `now`. Gives since when.
    pub(super) fn begin(&mut self, now: Instant) -> Instant {
        *self.0.get_or_insert(now)
    }

    /// Since when, if it has begun.
    pub(super) fn begun(self) -> Option<Instant> {
        self.0
    }

    /// Until when it may last; `None` when it is not awaited, or the limit is too large for the clock.
    pub(super) fn until(
        &mut self,
        is_awaited: bool,
        now: Instant,
        limit: Duration,
    ) -> Option<Instant> {
        if !is_awaited {
            self.0 = None;
            return None;
        }
        self.begin(now).checked_add(limit)
    }

    /// It came; what is awaited from now on is the next.
    pub(super) fn restart(&mut self) {
        self.0 = None;
    }
}
