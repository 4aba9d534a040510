//! The conversations, held by core alone, with the input cut at every byte.

pub(crate) mod application;

use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use fastcgi_core::{Config, Connection, Life, Limits, Timeouts};
use fastcgi_test_kit::{Conversation, End, Setting, Step};

use self::application::Application;

#[test]
fn every_conversation_is_held_at_every_split() {
    let mut failures = Vec::new();
    for conversation in Conversation::all() {
        let length = conversation.input_len();
        let whole = run(&conversation, |_| true);
        let bytes = run(&conversation, |_| false);
        // A long input is the same again and again in its middle.
        let cuts = (1..length).filter(|cut| *cut < 600 || length - cut < 20);
        let cuts = cuts.map(|cut| run(&conversation, |position| position != cut));
        let failure = [whole, bytes].into_iter().chain(cuts).find_map(Result::err);
        failures.extend(failure.map(|failure| format!("{}: {failure}", conversation.name)));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// What is set for a conversation.
pub(crate) fn config(conversation: &Conversation) -> Config {
    let (mut limits, mut timeouts) = (Limits::default(), Timeouts::default());
    let mut config = Config::default();
    for setting in &conversation.settings {
        match *setting {
            Setting::MaxParamsSize(bytes) => limits = limits.max_params_size(bytes),
            Setting::MaxReqs(count) => limits = limits.max_reqs(count),
            Setting::Params(time) => timeouts = timeouts.params(time),
            Setting::Idle(time) => timeouts = timeouts.idle(Some(time)),
            Setting::Read(time) => timeouts = timeouts.read(Some(time)),
            Setting::Write(time) => timeouts = timeouts.write(time),
            Setting::Authorizer(is_on) => config = config.authorizer(is_on),
            Setting::Filter(is_on) => config = config.filter(is_on),
        }
    }
    config.limits(limits).timeouts(timeouts)
}

/// A connection and its application, with a clock and without a socket.
struct Run {
    connection: Connection,
    application: Application,
    now: Instant,
    input: BytesMut,
    output: Vec<u8>,
    is_deaf: bool,
    is_write_closed: bool,
}

/// Holds a conversation. `joins` is whether what is in front of a position of the input arrives together with what is behind
/// it.
fn run(conversation: &Conversation, joins: impl Fn(usize) -> bool) -> Result<(), String> {
    let mut run = Run {
        connection: Connection::new(config(conversation)),
        application: Application::default(),
        now: Instant::now(),
        input: BytesMut::new(),
        output: Vec::new(),
        is_deaf: false,
        is_write_closed: false,
    };
    run.settle();
    let mut position = 0;
    let mut steps = conversation.steps.iter().peekable();
    while let Some(step) = steps.next() {
        match step {
            Step::Send(bytes) => {
                for byte in bytes {
                    run.input.extend_from_slice(&[*byte]);
                    position += 1;
                    if !joins(position) {
                        run.settle();
                    }
                }
                run.settle();
            }
            Step::SendEof => {
                run.connection.end_of_file();
                run.settle();
            }
            Step::Shutdown => {
                run.connection.shutdown();
                run.settle();
            }
            Step::Deaf => run.is_deaf = true,
            Step::Wait(time) => run.wait(*time),
            Step::Receive(bytes) => {
                let is_last = !matches!(steps.peek(), Some(Step::Receive(_) | Step::Expect(_)));
                run.receive(bytes, is_last)?;
            }
            Step::Expect(end) => run.expect(*end)?,
        }
    }
    Ok(())
}

impl Run {
    /// Does everything that can be done at this moment.
    fn settle(&mut self) {
        loop {
            while let Some(event) = self.connection.next_event(&mut self.input) {
                self.application.take(event);
            }
            self.application.go_on(&mut self.connection);
            let outgoing = self.connection.outgoing();
            let length = outgoing.remaining();
            if length > 0 && !self.is_deaf {
                self.output
                    .extend_from_slice(&outgoing.copy_to_bytes(length));
                self.connection.written();
            } else if self.connection.life() == Life::Draining && !self.is_write_closed {
                self.is_write_closed = true;
                self.connection.write_side_closed(0);
            } else {
                break;
            }
        }
        self.connection.deadline(self.now);
    }

    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(deadline) = self.connection.deadline(self.now) {
            if deadline > until {
                break;
            }
            self.now = deadline.max(self.now);
            self.connection.handle_deadline(self.now);
            self.settle();
        }
        self.now = until;
        self.settle();
    }

    /// Compares what comes next. `is_all` is whether nothing may come after it.
    fn receive(&mut self, wanted: &[u8], is_all: bool) -> Result<(), String> {
        let length = wanted.len().min(self.output.len());
        let received: Vec<_> = self.output.drain(..length).collect();
        let rest = if is_all { &self.output[..] } else { &[] };
        if received != wanted || !rest.is_empty() {
            return Err(format!(
                "received \"{}{}\"\n  in the place of \"{}\"",
                received.escape_ascii(),
                rest.escape_ascii(),
                wanted.escape_ascii()
            ));
        }
        Ok(())
    }

    fn expect(&mut self, end: End) -> Result<(), String> {
        self.receive(&[], true)?;
        let found = match self.connection.life() {
            Life::Closed => End::Gone,
            Life::Reset => End::Reset,
            _ if self.is_write_closed => End::Eof,
            _ => End::Open,
        };
        // Both sides may be closed at once.
        if found == end || (end, found) == (End::Eof, End::Gone) {
            Ok(())
        } else {
            Err(format!("{found:?} in the place of {end:?}"))
        }
    }
}
