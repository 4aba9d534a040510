//! What moves bytes, as the documentation of `Connection` asks for it.

use bytes::Buf;
use fastcgi_core::{Event, Life};

use super::{
    checks::MAX_OWED,
    facts::Fact,
    owner::check,
    states::Fate,
    wire::{DATA, PARAMS, STDIN},
    world::World,
};

impl World {
    /// Reads from the socket once.
    pub(super) fn read(&mut self) {
        self.has_events = true;
        let length = self.inward.bytes.len().min(self.read_size);
        if length > 0 {
            let length = self.random.between(1, length);
            self.input
                .extend_from_slice(&self.inward.bytes.split_to(length));
            self.clock.note_read(length, &self.peer);
            return;
        }
        self.is_at_eof = true;
        if self.peer.leaves_with_reset() {
            self.connection.lost();
        } else {
            self.connection.end_of_file();
        }
    }

    pub(super) fn take_event(&mut self) -> Result<(), String> {
        let before = self.input.len();
        let event = self.connection.next_event(&mut self.input);
        self.has_events = event.is_some();
        let Some(event) = event else {
            if self.input.len() >= 65_543 || self.has_whole_record() {
                let unwritten = self.connection.outgoing().remaining();
                check(unwritten >= MAX_OWED, "more than a record is left")?;
                check(!self.connection.wants_input(), "more is read than is taken")?;
                self.facts.note(Fact::OwesTooMuch);
                return Ok(());
            }
            if self.input.len() == before {
                return Ok(());
            }
            self.look(Fate::GivenUp)?;
            return self.check_offence();
        };
        self.note(|| describe(&event));
        self.facts.note_event(&event);
        if event == Event::HeldBack {
            // Nobody knows here whether the web server has left.
            self.connection.read_on();
            self.reads_on = true;
        }
        self.check_event(&event)?;
        let Self {
            owner,
            peer,
            asked,
            settings,
            clock,
            ..
        } = self;
        owner.take(event, clock.now, asked, settings, |id| peer.number(id))?;
        self.owner.tell_held(&mut self.connection);
        self.look(Fate::GivenUp)
    }

    /// Whether what is left begins with a record that has arrived whole.
    fn has_whole_record(&self) -> bool {
        let [1, kind, _, _, high, low, ..] = self.input[..] else {
            return false;
        };
        let is_stream = matches!(kind, PARAMS | STDIN | DATA);
        !is_stream && self.input.len() >= 8 + usize::from(high) * 256 + usize::from(low)
    }

    pub(super) fn answer(&mut self, index: usize) -> Result<(), String> {
        let Self {
            observer,
            peer,
            owner,
            connection,
            asked,
            clock,
            ..
        } = self;
        let states = |number: usize| observer.of(peer.calls[number].id);
        let (step, fate) = owner.step(index, clock.now, connection, asked, states)?;
        self.note(|| step);
        self.owner.tell_held(&mut self.connection);
        self.has_events = true;
        if fate.is_some() {
            self.clock.busy_at = self.clock.now;
        }
        self.look(fate.unwrap_or(Fate::GivenUp))
    }

    pub(super) fn write(&mut self) {
        if self.peer.is_closed {
            self.connection.lost();
            self.facts.note(Fact::Lost);
            self.has_events = true;
            return;
        }
        let outgoing = self.connection.outgoing();
        let most = outgoing.chunk().len().min(self.outward.room());
        let length = if self.random.once_in(2) {
            most
        } else {
            self.random.between(1, most)
        };
        self.outward
            .bytes
            .extend_from_slice(&outgoing.chunk()[..length]);
        outgoing.advance(length);
        self.connection.written();
        self.has_events = true;
        self.clock.written_at = self.clock.now;
    }

    /// Closes our side, or the connection. A socket that is closed with something unread is reset.
    pub(super) fn close(&mut self) {
        if self.connection.life() == Life::Draining {
            self.is_write_closed = true;
            self.outward.is_ended = true;
            self.connection.write_side_closed(self.input.len());
            return;
        }
        let is_reset = self.connection.life() == Life::Reset;
        self.is_closed = true;
        self.outward.is_ended = true;
        if !self.inward.bytes.is_empty() || is_reset {
            // What has arrived is there to be read, if the reset is meant to come behind it.
            if is_reset {
                self.inward.bytes.clear()
            } else {
                self.reset_peer()
            }
        }
    }

    /// The web server has written to a socket that is closed: what it has not read is lost.
    pub(super) fn reset_peer(&mut self) {
        self.peer.was_reset |= !self.outward.bytes.is_empty();
        self.peer.is_closed = true;
        self.outward.bytes.clear();
        self.inward.bytes.clear();
        self.inward.is_ended = true;
    }
}

/// An event in a line, without contents.
fn describe(event: &Event) -> String {
    match event {
        Event::Request(request) => format!("  request {} of {:?}", request.id, request.role),
        Event::Stdin { key, data } => format!("  {} bytes of STDIN for {key:?}", data.len()),
        Event::Data { key, data } => format!("  {} bytes of DATA for {key:?}", data.len()),
        other => format!("  {other:?}"),
    }
}
