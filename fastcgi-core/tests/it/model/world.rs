//! One run: a web server, a connection, an application and a clock.

use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use fastcgi_core::{Connection, Life};

use super::{
    answer::Answer,
    asked::Asked,
    clock::Clock,
    facts::Facts,
    link::Pipe,
    owner::{Owner, check},
    peer::Peer,
    plan::Plan,
    random::Random,
    settings::Settings,
    states::{Fate, Observer},
};

/// A run in progress.
pub(super) struct World {
    pub(super) settings: Settings,
    pub(super) asked: Vec<(Asked, Answer)>,
    pub(super) peer: Peer,
    pub(super) owner: Owner,
    pub(super) connection: Connection,
    pub(super) observer: Observer,
    pub(super) clock: Clock,
    pub(super) facts: Facts,
    pub(super) inward: Pipe,
    pub(super) outward: Pipe,
    /// What was read and not handed over.
    pub(super) input: BytesMut,
    /// Whether there may be events.
    pub(super) has_events: bool,
    pub(super) is_at_eof: bool,
    pub(super) is_write_closed: bool,
    pub(super) is_closed: bool,
    pub(super) was_shut_down: bool,
    /// Whether the web server had its time to close its side, and did not.
    pub(super) was_drained: bool,
    /// Whether no request came for long enough.
    pub(super) was_idle: bool,
    /// Whether it reads on to see whether the web server has left.
    pub(super) reads_on: bool,
    /// The largest piece of a response.
    pub(super) step_size: usize,
    pub(super) read_size: usize,
    shuts_down: Option<usize>,
    /// Deadlines that came without anything else in between.
    deadlines: usize,
    pub(super) random: Random,
    start: Instant,
    pub(super) steps: usize,
    /// What has happened, if somebody wants to know.
    pub(super) trace: Option<Vec<(String, usize)>>,
}

/// What can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Act {
    PeerWrites,
    PeerReads,
    PeerCloses,
    Read,
    TakeEvent,
    Write,
    Close,
    Deadline,
    ReadBodies,
    Answer(usize),
    ShutDown,
    WaitUntil(u64),
}

impl World {
    pub(super) fn new(plan: Plan, mut random: Random, is_traced: bool) -> Self {
        let Plan {
            settings,
            asked,
            manner,
            read_size,
            step_size,
            shuts_down,
        } = plan;
        let requests = asked.iter().map(|(asked, _)| asked.clone()).collect();
        let [inward, outward] = manner.sockets.map(Pipe::new);
        Self {
            peer: Peer::new(requests, manner, &mut random),
            owner: Owner::new(asked.len()),
            connection: Connection::new(settings.config()),
            observer: Observer::new(),
            clock: Clock::new(asked.len()),
            facts: Facts::new(),
            settings,
            asked,
            inward,
            outward,
            input: BytesMut::new(),
            has_events: false,
            is_at_eof: false,
            is_write_closed: false,
            is_closed: false,
            was_shut_down: false,
            was_idle: false,
            reads_on: false,
            was_drained: false,
            step_size,
            read_size,
            shuts_down,
            deadlines: 0,
            random,
            start: Instant::now(),
            steps: 0,
            trace: is_traced.then(Vec::new),
        }
    }

    /// Goes on until both ends are closed.
    pub(super) fn run(&mut self) -> Result<(), String> {
        let mut acts = Vec::new();
        while !(self.is_closed && self.peer.is_closed && !self.has_events) {
            self.steps += 1;
            check(self.steps < 100_000, "no end")?;
            acts.clear();
            self.list(&mut acts)?;
            let act = acts[self.random.below(acts.len())];
            self.note(|| format!("{act:?}"));
            self.act(act)?;
            self.check_limits()?;
        }
        self.check_end()
    }

    pub(super) fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let line = format!("{:>8} ms  {}", self.clock.now, what());
            match trace.last_mut() {
                Some((last, times)) if *last == line => *times += 1,
                _ => trace.push((line, 1)),
            }
        }
    }

    pub(super) fn instant(&self) -> Instant {
        self.start + Duration::from_millis(self.clock.now)
    }

    /// In milliseconds, rounded up.
    fn deadline(&mut self) -> Option<u64> {
        let deadline = self.connection.deadline(self.instant())?;
        let micros = deadline.saturating_duration_since(self.start).as_micros();
        Some(u64::try_from(micros.div_ceil(1000)).unwrap_or(u64::MAX))
    }

    /// What can happen now. Time goes on while the driver has nothing to do: it is quick, the others need not be.
    fn list(&mut self, acts: &mut Vec<Act>) -> Result<(), String> {
        self.list_driver(acts);
        let mut deadline = None;
        let is_asleep = acts.is_empty();
        if is_asleep && !self.is_closed {
            deadline = self.deadline();
            self.check_sleep(deadline)?;
            if deadline.is_some_and(|deadline| deadline <= self.clock.now) {
                acts.push(Act::Deadline);
            }
        }
        let now = self.clock.now;
        if self.peer.can_write(now) && (self.inward.room() > 0 || self.is_closed) {
            acts.push(Act::PeerWrites);
        }
        if self.peer.can_read(now, &self.outward) {
            acts.push(Act::PeerReads);
        }
        if self.peer.can_close(now) {
            acts.push(Act::PeerCloses);
        }
        if self.connection.wants_output() {
            acts.extend(self.owner.ready(now).map(Act::Answer));
        }
        if self.owner.can_read(now) {
            acts.push(Act::ReadBodies);
        }
        if self.shuts_down.is_some_and(|step| step <= self.steps) && !self.is_closed {
            acts.push(Act::ShutDown);
        }
        if is_asleep {
            let times = [deadline, self.peer.wakes_at(now), self.owner.wakes_at(now)];
            let next = times.into_iter().flatten().filter(|time| *time > now).min();
            if acts.is_empty() {
                acts.push(Act::WaitUntil(
                    next.ok_or_else(|| self.describe_deadlock())?,
                ));
            } else if deadline != Some(now) && self.random.once_in(8) {
                let soon = now + self.random.between(1, 5) as u64;
                acts.push(Act::WaitUntil(next.map_or(soon, |next| next.min(soon))));
            }
        }
        Ok(())
    }

    fn list_driver(&mut self, acts: &mut Vec<Act>) {
        if self.has_events {
            acts.push(Act::TakeEvent);
        }
        if self.is_closed {
            return;
        }
        let has_input = !self.inward.bytes.is_empty() || self.inward.is_ended;
        let can_read = has_input && !self.is_at_eof && !self.has_events;
        if can_read && self.connection.wants_input() {
            acts.push(Act::Read);
        }
        let has_output = self.connection.outgoing().has_remaining();
        let can_write = self.outward.room() > 0 || self.peer.is_closed;
        // Events come first: they say what an answer is about.
        if has_output && can_write && !self.is_write_closed && !self.has_events {
            acts.push(Act::Write);
        }
        let closes = match self.connection.life() {
            Life::Draining => !self.is_write_closed,
            Life::Closed | Life::Reset => true,
            _ => false,
        };
        if closes {
            acts.push(Act::Close);
        }
    }

    /// What has happened, line by line.
    pub(super) fn describe_trace(&self) -> String {
        let lines = self.trace.iter().flatten();
        let lines = lines.map(|(line, times)| match times {
            1 => format!("{line}\n"),
            _ => format!("{line}  x {times}\n"),
        });
        lines.chain([format!("{:?}\n", self.connection)]).collect()
    }

    fn describe_deadlock(&self) -> String {
        format!(
            "deadlock: {} requests in progress, {} bytes wait to be read, {} were not read back",
            self.connection.requests_in_progress(),
            self.inward.bytes.len(),
            self.outward.bytes.len()
        )
    }

    fn act(&mut self, act: Act) -> Result<(), String> {
        if !matches!(act, Act::Deadline | Act::TakeEvent) {
            self.deadlines = 0;
        }
        match act {
            Act::WaitUntil(time) => self.clock.now = time,
            Act::PeerWrites => {
                let now = self.clock.now;
                let written = self.peer.write(now, &mut self.inward, &mut self.random);
                for [_, kind, _, id, ..] in std::mem::take(&mut self.peer.headers) {
                    self.note(|| format!("  record of type {kind} for {id}"));
                }
                if written > 0 && self.is_closed {
                    self.reset_peer();
                }
                self.rest_peer();
            }
            Act::PeerReads => {
                let (now, accounts) = (self.clock.now, &self.owner.accounts);
                self.peer
                    .read(now, &mut self.outward, accounts, &mut self.random)?;
                self.rest_peer();
            }
            Act::PeerCloses => {
                self.peer.is_closed = true;
                self.inward.is_ended = true;
            }
            Act::Read => {
                self.read();
                if self.is_at_eof {
                    self.look(Fate::GivenUp)?;
                }
            }
            Act::TakeEvent => self.take_event()?,
            Act::Write => {
                self.write();
                self.look(Fate::GivenUp)?;
            }
            Act::Close => {
                self.close();
                self.look(Fate::GivenUp)?;
                let is_over = !self.is_closed || self.deadline().is_none();
                check(
                    is_over,
                    "something is awaited of a connection that is closed",
                )?;
            }
            Act::Deadline => {
                self.deadlines += 1;
                let limit = 10 + 2 * self.connection.requests_in_progress();
                check(
                    self.deadlines < limit,
                    "a deadline in the past, without progress",
                )?;
                self.connection.handle_deadline(self.instant());
                self.has_events = true;
                self.look(Fate::GivenUp)?;
            }
            Act::ReadBodies => {
                self.owner.read(self.clock.now);
                self.owner.tell_held(&mut self.connection);
            }
            Act::Answer(index) => self.answer(index)?,
            Act::ShutDown => {
                self.shuts_down = None;
                self.was_shut_down = true;
                self.connection.shutdown();
                self.look(Fate::GivenUp)?;
            }
        }
        Ok(())
    }

    fn rest_peer(&mut self) {
        self.peer.rest(self.clock.now);
        self.inward.is_ended |= self.peer.has_closed_half;
    }

    pub(super) fn look(&mut self, fate: Fate) -> Result<(), String> {
        let before = self.observer.last_life;
        self.observer.look(&self.connection, fate)?;
        self.check_life(before)
    }
}
