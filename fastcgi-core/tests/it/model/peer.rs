//! The web server: sends requests in its manner, and checks every byte that comes back.

use bytes::{Buf, BytesMut};

use super::{
    asked::Asked,
    call::Call,
    link::Pipe,
    manner::{Manner, Reads},
    owner::{Account, check},
    random::Random,
    wire::{
        self, ABORT_REQUEST, BEGIN_REQUEST, GET_VALUES, GET_VALUES_RESULT, STDIN, UNKNOWN_TYPE,
    },
};

/// The web server's end of a connection.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) manner: Manner,
    pub(super) calls: Vec<Call>,
    /// How many of them have begun.
    pub(super) begun: usize,
    /// Those that have begun and not ended.
    open: Vec<usize>,
    outbox: BytesMut,
    inbox: BytesMut,
    /// Bytes that were put into the outbox.
    composed: u64,
    records: usize,
    acts: usize,
    /// The headers of the records since somebody looked.
    pub(super) headers: Vec<[u8; 8]>,
    /// Answers to management records that are awaited.
    awaited: [usize; 2],
    /// The request whose END_REQUEST was read last.
    last_ended: Option<usize>,
    /// Whether it was said that this was the last one.
    is_last_said: bool,
    writes_at: u64,
    reads_at: u64,
    closes_at: Option<u64>,
    has_offended: bool,
    /// Where in what it writes the offence is over.
    pub(super) offence_end: Option<u64>,
    pub(super) has_closed_half: bool,
    pub(super) is_closed: bool,
    pub(super) is_at_eof: bool,
    pub(super) was_reset: bool,
    has_seen_broken: bool,
}

impl Peer {
    pub(super) fn new(asked: Vec<Asked>, manner: Manner, random: &mut Random) -> Self {
        let calls = asked.into_iter().map(|asked| Call::new(asked, random));
        Self {
            manner,
            calls: calls.collect(),
            begun: 0,
            open: Vec::new(),
            outbox: BytesMut::new(),
            inbox: BytesMut::new(),
            composed: 0,
            records: 0,
            acts: 0,
            headers: Vec::new(),
            awaited: [0; 2],
            last_ended: None,
            is_last_said: false,
            writes_at: 0,
            reads_at: 0,
            closes_at: None,
            has_offended: false,
            offence_end: None,
            has_closed_half: false,
            is_closed: false,
            is_at_eof: false,
            was_reset: false,
            has_seen_broken: false,
        }
    }

    /// The request that has this id on the wire.
    pub(super) fn number(&self, id: u16) -> Option<usize> {
        let open = self.open.iter().copied();
        open.into_iter().find(|&number| self.calls[number].id == id)
    }

    /// Whether everything that was asked has been answered.
    fn has_all(&self) -> bool {
        self.open.is_empty() && (self.unanswered() == 0 || self.has_offended)
    }

    fn begins_more(&self) -> bool {
        let is_free = self.open.len() < self.manner.at_a_time;
        !self.is_at_eof && is_free && self.begun < self.calls.len()
    }

    fn has_pieces(&self) -> bool {
        let has_more = |number: &usize| self.calls[*number].has_more();
        !self.outbox.is_empty() || self.open.iter().any(has_more)
    }

    fn will_offend(&self) -> bool {
        let comes = |(record, _)| self.records >= record || !self.has_pieces();
        !self.has_offended && !self.is_at_eof && self.manner.offence.is_some_and(comes)
    }

    pub(super) fn can_write(&self, now: u64) -> bool {
        let has_something = self.has_pieces() || self.begins_more() || self.will_offend();
        !self.is_closed && !self.has_closed_half && self.writes_at <= now && has_something
    }

    pub(super) fn can_read(&self, now: u64, pipe: &Pipe) -> bool {
        let is_writing = self.manner.writes_first && self.has_pieces() && !self.is_at_eof;
        let is_reading = self.manner.reads != Reads::Never && !is_writing;
        let has_something = !pipe.bytes.is_empty() || (pipe.is_ended && !self.is_at_eof);
        !self.is_closed && self.reads_at <= now && is_reading && has_something
    }

    /// Whether it has nothing to do any more, or not enough patience.
    pub(super) fn can_close(&self, now: u64) -> bool {
        let leaves = self
            .manner
            .leaves
            .is_some_and(|(acts, _)| self.acts >= acts);
        !self.is_closed && (leaves || self.closes_at.is_some_and(|at| at <= now))
    }

    pub(super) fn wakes_at(&self, now: u64) -> Option<u64> {
        let times = [Some(self.writes_at), Some(self.reads_at), self.closes_at];
        let is_later = |at: &u64| *at > now;
        times
            .into_iter()
            .flatten()
            .filter(is_later)
            .min()
            .filter(|_| !self.is_closed)
    }

    /// Sees whether anything is left to do; called after each act.
    pub(super) fn rest(&mut self, now: u64) {
        self.acts += 1;
        if self.manner.closes_half && !self.has_pieces() && self.begun == self.calls.len() {
            self.has_closed_half = true;
        }
        let is_done = if self.is_at_eof {
            !self.manner.finishes || !self.has_pieces() || self.has_closed_half
        } else {
            !self.can_write(self.writes_at) && self.has_all()
        };
        // With bad manners, some answers never come.
        let patience = if self.manner.is_fair() && !self.manner.closes_half {
            None
        } else {
            Some(now + 1_000_000)
        };
        self.closes_at = if !is_done {
            self.closes_at.or(patience)
        } else if self.is_at_eof {
            Some(now)
        } else {
            let lingers = now + self.manner.lingers;
            self.closes_at.filter(|at| *at <= lingers).or(Some(lingers))
        };
    }

    /// Writes a slice, and gives how much.
    pub(super) fn write(&mut self, now: u64, pipe: &mut Pipe, random: &mut Random) -> usize {
        if self.outbox.is_empty() {
            self.compose(now, random);
        }
        let most = self.manner.writes.min(self.outbox.len()).min(pipe.room());
        if most == 0 {
            return 0;
        }
        let length = random.between(1, most);
        pipe.bytes.extend_from_slice(&self.outbox.split_to(length));
        length
    }

    /// Puts the next record into the outbox, or pauses.
    fn compose(&mut self, now: u64, random: &mut Random) {
        if let Some((record, pause)) = self.manner.stall {
            if self.records >= record {
                self.manner.stall = Some((usize::MAX, 0));
                self.writes_at = now + pause;
                return;
            }
        }
        if self.manner.pause > 0 && random.once_in(4) {
            self.writes_at = now + 1 + random.below(self.manner.pause as usize) as u64;
        }
        if self.will_offend() {
            self.has_offended = true;
            let (_, offence) = self.manner.offence.expect("an offence");
            self.put(offence.bytes());
            self.offence_end = Some(self.composed);
            return;
        }
        if self.manner.asks && random.once_in(6) {
            let (kind, content) = if random.once_in(2) {
                (GET_VALUES, &b"\x0e\x00FCGI_MAX_CONNS\x01\x00X"[..])
            } else {
                (99, &b"?"[..])
            };
            self.awaited[usize::from(kind == 99)] += 1;
            self.put(wire::record(kind, 0, content));
        }
        let has_more = |number: &usize| self.calls[*number].has_more();
        let open: Vec<_> = self.open.iter().copied().filter(has_more).collect();
        if self.begins_more() && (open.is_empty() || random.once_in(4)) {
            return self.begin(random);
        }
        if !open.is_empty() {
            self.go_on(open[random.below(open.len())]);
        }
    }

    fn begin(&mut self, random: &mut Random) {
        let number = self.begun;
        let is_free = |id: &u16| self.number(*id).is_none();
        let first = random.between(1, 2) as u16;
        let id = (first..).find(is_free).expect("a free id");
        self.begun += 1;
        self.open.push(number);
        let call = &mut self.calls[number];
        call.id = id;
        call.is_open = true;
        call.begins = Some(self.composed);
        let begin = wire::record(BEGIN_REQUEST, id, &call.asked.begin());
        self.put(begin);
    }

    fn go_on(&mut self, number: usize) {
        let call = &mut self.calls[number];
        let id = call.id;
        let Some(piece) = call.pieces.pop_front() else {
            call.aborts = false;
            self.put(wire::record(ABORT_REQUEST, id, b""));
            self.calls[number].aborted_at = Some(self.composed);
            return;
        };
        self.put(wire::padded_record(
            piece.kind,
            id,
            &piece.content,
            piece.padding,
        ));
        // Where its content ends: padding is nothing.
        let end = self.composed - u64::from(piece.padding);
        let call = &mut self.calls[number];
        match piece.kind {
            wire::PARAMS if piece.content.is_empty() => call.params_end = Some(end),
            wire::PARAMS => {}
            STDIN if !piece.content.is_empty() => call.last_stdin = end,
            _ => {}
        }
    }

    fn put(&mut self, bytes: Vec<u8>) {
        self.records += 1;
        self.headers.extend(bytes.first_chunk::<8>());
        self.composed += bytes.len() as u64;
        self.outbox.extend_from_slice(&bytes);
    }

    /// Where in what it writes it is.
    pub(super) fn position(&self) -> u64 {
        self.composed - self.outbox.len() as u64
    }

    /// Reads a slice.
    pub(super) fn read(
        &mut self,
        now: u64,
        pipe: &mut Pipe,
        accounts: &[Account],
        random: &mut Random,
    ) -> Result<(), String> {
        if let Reads::UpTo(most, pause) = self.manner.reads {
            let most = most.min(pipe.bytes.len());
            if most > 0 {
                let length = random.between(1, most);
                self.inbox.extend_from_slice(&pipe.bytes.split_to(length));
            }
            self.reads_at = now + pause;
        }
        self.is_at_eof = pipe.is_ended && pipe.bytes.is_empty();
        let mut inbox = std::mem::take(&mut self.inbox);
        while let Some(record) = wire::first_record(&inbox) {
            check(!self.has_seen_broken, "something behind a broken response")?;
            self.take(record, accounts)?;
            let size = record.size;
            inbox.advance(size);
        }
        self.inbox = inbox;
        Ok(())
    }

    fn take(&mut self, record: wire::Record<'_>, accounts: &[Account]) -> Result<(), String> {
        check(!self.is_last_said, "something behind the end")?;
        if record.id == 0 {
            return self.take_management(record);
        }
        if record.id >= 1000 {
            return check(self.has_offended, "an answer to nothing");
        }
        let number = self
            .number(record.id)
            .ok_or("a record behind END_REQUEST")?;
        let account = &accounts[number];
        let call = &mut self.calls[number];
        call.take(record, account)
            .map_err(|error| format!("{error} (request {number})"))?;
        if call.end.is_some() || call.is_broken {
            call.is_open = false;
            self.last_ended = Some(number);
            self.has_seen_broken = call.is_broken;
            self.open.retain(|open| *open != number);
        }
        Ok(())
    }

    /// B-19: an empty record behind the last END_REQUEST, for nginx alone.
    fn take_last(&mut self) -> Result<(), String> {
        self.is_last_said = true;
        let last = self.last_ended.map(|number| &self.calls[number].asked);
        let is_nginx = last.is_some_and(|it| it.keep_conn && it.software.starts_with("nginx"));
        check(is_nginx, "the end, said to another than nginx")
    }

    fn take_management(&mut self, record: wire::Record<'_>) -> Result<(), String> {
        if record.kind == GET_VALUES_RESULT && record.content.is_empty() {
            return self.take_last();
        }
        let (index, is_right) = match record.kind {
            GET_VALUES_RESULT => (0, record.content == b"\x0e\x04FCGI_MAX_CONNS1024"),
            UNKNOWN_TYPE => (1, record.content == [99, 0, 0, 0, 0, 0, 0, 0]),
            _ => return Err("an unknown management record".to_owned()),
        };
        if self.has_offended {
            return Ok(());
        }
        check(is_right, "another answer to a management record")?;
        check(self.awaited[index] > 0, "an answer to no management record")?;
        self.awaited[index] -= 1;
        Ok(())
    }

    /// Whether what it has not read makes its leaving a reset.
    pub(super) fn leaves_with_reset(&self) -> bool {
        self.was_reset || matches!(self.manner.leaves, Some((_, true)))
    }

    /// Management records that were not answered.
    pub(super) fn unanswered(&self) -> usize {
        self.awaited.iter().sum()
    }
}
