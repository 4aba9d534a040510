//! An owner that follows a script, and checks the connection after every step.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use bytes::{Buf, Bytes, BytesMut};
use fastcgi_core::{
    Connection, ConnectionError, Ending, Life, RequestKey, RequestMut, cgi::BodyLength,
    record::RequestId,
};

use super::{config, ledger::Ledger, max_reqs, output};

pub(super) struct Owner {
    connection: Connection,
    max_reqs: usize,
    now: Instant,
    input: BytesMut,
    ledger: Ledger,
    /// Whether there is no event that it has not taken.
    is_told: bool,
    has_eof: bool,
    /// How much of responses may wait to be written.
    most_output: usize,
    /// What has been written.
    output: Vec<u8>,
    /// How much it has put out, with what records cost.
    put: usize,
    /// The responses that it has ended, by the application status that it gave them.
    ended: BTreeMap<u32, (RequestId, Ending, Vec<u8>)>,
    life: Life,
    error: Option<ConnectionError>,
}

/// The most of responses that may wait to be written, whatever is lent.
const MAX_OUTPUT: usize = 256 * 1024;

impl Owner {
    pub(super) fn new(options: u8) -> Self {
        Self {
            connection: Connection::new(config(options)),
            max_reqs: max_reqs(options),
            now: Instant::now(),
            input: BytesMut::new(),
            ledger: Ledger::default(),
            is_told: true,
            has_eof: false,
            most_output: MAX_OUTPUT,
            output: Vec::new(),
            put: 0,
            ended: BTreeMap::new(),
            life: Life::Open,
            error: None,
        }
    }

    /// Hands over what has arrived, and takes at most so many events.
    pub(super) fn feed(&mut self, piece: &[u8], events: usize) {
        self.input.extend_from_slice(piece);
        for _ in 0..events {
            let Some(event) = self.connection.next_event(&mut self.input) else {
                self.is_told = true;
                // 8 bytes in front of at most 65 535, one of which is missing; and more while too much is owed (B-15).
                let owes = self.connection.outgoing().remaining() >= 16 * 1024;
                assert!(owes || self.input.len() < 8 + 65_535);
                let is_of_use = match self.connection.life() {
                    Life::Open | Life::FirstIsLast | Life::NextIsLast => true,
                    Life::LastRequests => self.connection.requests_in_progress() > 0,
                    _ => false,
                };
                assert!(is_of_use || self.input.is_empty());
                return;
            };
            self.is_told = false;
            self.ledger.take(&event, self.max_reqs);
        }
    }

    pub(super) fn head(&mut self, choice: u8, length: BodyLength) {
        let Some((key, number)) = self.choose(choice) else {
            return;
        };
        // Once: another head takes the place of the first, or is ignored.
        let told = self.ledger.get_mut(key).filter(|it| it.response.is_empty());
        if let (Some(mut request), Some(told)) = (self.connection.request(key), told) {
            let head = format!("Status: 200 OK\r\nx-number: {number}\r\n\r\n");
            told.response.extend_from_slice(head.as_bytes());
            request.head(BytesMut::from(head.as_bytes()), length);
            self.put += head.len() + 64;
        }
    }

    pub(super) fn stdout(&mut self, choice: u8, length: usize) {
        let Some((key, number)) = self.choose(choice) else {
            return;
        };
        let data = Bytes::from(vec![number.to_le_bytes()[0]; length]);
        if let Some(mut request) = self.connection.request(key) {
            if let Ok(surplus) = request.stdout(data.clone()) {
                assert!(surplus == 0 || !request.wants_stdout());
                let sent = data
                    .get(..length - surplus)
                    .expect("no more than was given");
                if let Some(told) = self.ledger.get_mut(key) {
                    told.response.extend_from_slice(sent);
                }
            }
            self.put += length + 64;
        }
    }

    pub(super) fn stderr(&mut self, choice: u8, length: usize) {
        if let Some(mut request) = self.chosen(choice) {
            request.stderr(vec![b'!'; length].into());
        }
        self.put += length + 64;
    }

    pub(super) fn flush(&mut self, choice: u8) {
        if let Some(mut request) = self.chosen(choice) {
            request.flush();
        }
    }

    pub(super) fn end(&mut self, choice: u8, fails: bool) {
        let Some((key, number)) = self.choose(choice) else {
            return;
        };
        let Some(request) = self.connection.request(key) else {
            return;
        };
        // 0 and 1 are core's own.
        let app_status = number + 1;
        let ending = if fails {
            request.fail(app_status)
        } else {
            request.end(app_status)
        };
        assert!(self.connection.request(key).is_none(), "an end is an end");
        let told = self.ledger.remove(key).expect("a request in progress");
        let response = (told.request.id, ending, told.response);
        self.ended.insert(app_status, response);
        self.put += 256;
    }

    /// Ends the first request in progress, and reports whether there was one.
    pub(super) fn end_one(&mut self) -> bool {
        let is_there = self.choose(0).is_some();
        self.end(0, false);
        is_there
    }

    pub(super) fn hold(&mut self, choice: u8, bytes: usize) {
        if let Some((key, _)) = self.choose(choice) {
            self.connection.set_held(key, bytes);
        }
    }

    /// How much may be held of what arrives.
    pub(super) fn lend(&mut self, bytes: usize) {
        self.connection.set_input_budget(bytes);
        if self.connection.input_room() < 4096 {
            let is_read = self.connection.wants_input();
            assert!(!is_read || self.connection.life() == Life::Draining);
        }
    }

    /// How much of responses may wait to be written.
    pub(super) fn lend_output(&mut self, bytes: usize) {
        self.connection.set_output_budget(bytes);
        self.most_output = bytes.min(MAX_OUTPUT);
    }

    /// What buffers keep.
    pub(super) fn keep(&mut self, bytes: usize) {
        self.connection.set_kept(bytes);
        if let Some(wanted) = self.connection.wanted_input_budget() {
            assert!(!self.connection.wants_input());
            self.connection.set_input_budget(wanted);
            assert!(self.connection.wants_input() || wanted == usize::MAX);
        }
    }

    pub(super) fn others_go_on(&mut self) {
        self.connection.others_go_on();
    }

    pub(super) fn write(&mut self, most: usize) {
        let outgoing = self.connection.outgoing();
        let length = most.min(outgoing.remaining());
        self.output.extend(outgoing.copy_to_bytes(length));
        if length > 0 {
            self.connection.written();
        }
    }

    /// Time passes without a look at the deadline, as on a machine that is busy.
    pub(super) fn pass(&mut self, time: Duration) {
        self.now += time;
        let deadline = self.connection.deadline(self.now);
        if deadline.is_some_and(|until| until <= self.now) {
            self.handle_deadline();
        }
    }

    /// Waits for the deadline, and reports whether there was one.
    pub(super) fn wait(&mut self) -> bool {
        let Some(until) = self.connection.deadline(self.now) else {
            return false;
        };
        self.now = self.now.max(until);
        self.handle_deadline();
        true
    }

    fn handle_deadline(&mut self) {
        self.connection.handle_deadline(self.now);
        self.is_told = false;
        let next = self.connection.deadline(self.now);
        assert!(next.is_none_or(|next| next > self.now), "it has come");
    }

    pub(super) fn shutdown(&mut self) {
        self.connection.shutdown();
    }

    pub(super) fn end_of_file(&mut self) {
        self.connection.end_of_file();
        self.has_eof = true;
        self.is_told = false;
    }

    pub(super) fn lost(&mut self) {
        self.connection.lost();
        self.has_eof = true;
        self.is_told = false;
    }

    pub(super) fn write_side_closed(&mut self, leftover: usize) {
        self.connection.write_side_closed(leftover);
    }

    pub(super) fn release(&mut self) {
        self.connection.outgoing().release();
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.connection.life(), Life::Closed | Life::Reset)
    }

    /// What can be relied on at any time.
    pub(super) fn check(&mut self) {
        let connection = &mut self.connection;
        let life = connection.life();
        assert!(
            rank(life) >= rank(self.life),
            "from {:?} to {life:?}",
            self.life
        );
        self.life = life;
        if self.error.is_some() {
            assert_eq!(connection.error(), self.error.as_ref(), "an error stays");
        }
        self.error = connection.error().cloned();

        let in_progress = connection.requests_in_progress();
        let unwritten = connection.outgoing().remaining();
        assert!(in_progress <= self.max_reqs);
        assert!(
            unwritten <= 2 * self.put + 64 * 1024,
            "{unwritten} bytes wait"
        );
        assert_eq!(connection.wants_output(), unwritten < self.most_output);
        match life {
            Life::Draining => assert_eq!((in_progress, unwritten), (0, 0)),
            Life::Closed | Life::Reset => {
                assert_eq!(in_progress, 0);
                assert_eq!(connection.deadline(self.now), None);
                let is_truncated = self.error == Some(ConnectionError::Truncated);
                assert_eq!(life == Life::Reset, is_truncated);
            }
            _ => {}
        }
        if connection.wants_input() {
            let reads_on = [ConnectionError::Truncated, ConnectionError::Http];
            assert!(self.error.iter().all(|error| reads_on.contains(error)));
            assert!(!self.has_eof && rank(life) < 4);
        }
        if self.is_told {
            let known = self.ledger.keys();
            assert!(known.iter().all(|key| connection.request(*key).is_some()));
            assert!(known.len() <= in_progress);
        }
    }

    /// What was sent is what was said, and of each request once.
    pub(super) fn check_output(&mut self, begun: &[RequestId]) {
        let outgoing = self.connection.outgoing();
        self.output
            .extend(outgoing.copy_to_bytes(outgoing.remaining()));
        if self.error == Some(ConnectionError::Http) {
            assert_eq!(*begun, []);
            return output::is_answer_to_http(&self.output);
        }
        let is_broken = self.error == Some(ConnectionError::Truncated);
        for found in output::read(&self.output, is_broken) {
            let id = found.id;
            let begun = begun.iter().filter(|begun| **begun == id).count();
            assert!(begun > 0, "{id} was begun");
            if found.end.app_status < 2 {
                continue;
            }
            let ended = self.ended.remove(&found.end.app_status);
            let (wanted, ending, response) = ended.expect("a request ends once");
            assert_eq!(wanted, id);
            match ending {
                Ending::Complete => assert!(found.stdout == response, "response {id}"),
                Ending::Replaced(status) => {
                    let status = format!("Status: {} ", status.as_str());
                    assert!(found.stdout.starts_with(status.as_bytes()));
                }
                other => panic!("{other:?} has no END_REQUEST of its own"),
            }
        }
    }

    fn chosen(&mut self, choice: u8) -> Option<RequestMut<'_>> {
        let (key, _) = self.choose(choice)?;
        self.connection.request(key)
    }

    fn choose(&mut self, choice: u8) -> Option<(RequestKey, u32)> {
        let keys = self.ledger.keys();
        let index = usize::from(choice).checked_rem(keys.len())?;
        let key = *keys.get(index)?;
        Some((key, self.ledger.get_mut(key)?.number))
    }
}

/// A connection never goes back.
fn rank(life: Life) -> u8 {
    match life {
        Life::Open => 0,
        Life::FirstIsLast | Life::NextIsLast => 1,
        Life::LastRequests => 2,
        Life::Draining => 3,
        _ => 4,
    }
}
