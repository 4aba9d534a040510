//! The conversations, held by core alone, with the input cut at every byte.

pub(crate) mod application;
#[path = "../../conversations/format.rs"]
pub(crate) mod format;

use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use fastcgi_core::{Config, Connection, Life, Limits, Timeouts};

use self::{
    application::Application,
    format::{Conversation, End, Step},
};

/// The files of tests/conversations.
pub(crate) const FILES: [(&str, &str); 4] = [
    ("requests", include_str!("../../conversations/requests.txt")),
    (
        "responses",
        include_str!("../../conversations/responses.txt"),
    ),
    ("refusals", include_str!("../../conversations/refusals.txt")),
    ("life", include_str!("../../conversations/life.txt")),
];

#[test]
fn every_conversation_is_held_at_every_split() {
    let mut failures = Vec::new();
    for conversation in all() {
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

#[test]
fn conversations_have_names_of_their_own_and_an_end() {
    let all = all();
    let mut names: Vec<_> = all.iter().map(|conversation| &conversation.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), all.len());
    for conversation in &all {
        let last = conversation.steps.last();
        assert!(
            matches!(last, Some(Step::Expect(_))),
            "{}",
            conversation.name
        );
    }
}

#[test]
fn a_record_is_the_bytes_of_the_specification() {
    let text = "=== records\n\
        > begin 1 responder keep\n\
        > params 258 A=b \"C=d e\" padding 1\n\
        > params 1 end\n\
        > 2 times abort 3\n\
        < stdout 1 \"\\xff\\r\" * 2\n\
        < end 1 258 cant-mpx\n\
        < broken 1\n";
    let conversations = format::parse(text).expect("a conversation");
    let sent = b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00\
        \x01\x04\x01\x02\x00\x0a\x01\x00\x01\x01Ab\x01\x03Cd e\x00\
        \x01\x04\x00\x01\x00\x00\x00\x00\
        \x01\x02\x00\x03\x00\x00\x00\x00\x01\x02\x00\x03\x00\x00\x00\x00";
    let received = b"\x01\x06\x00\x01\x00\x04\x00\x00\xff\r\xff\r\
        \x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x01\x02\x01\x00\x00\x00\
        \x00\x06\x00\x01\x00\x08\x00\x00";
    let steps = [Step::Send(sent.to_vec()), Step::Receive(received.to_vec())];
    assert_eq!(conversations[0].steps, steps);
}

/// The conversations of all files.
pub(crate) fn all() -> Vec<Conversation> {
    let parse = |(name, text)| {
        let conversations = format::parse(text);
        conversations.unwrap_or_else(|error| panic!("{name}.txt: {error}"))
    };
    FILES.into_iter().flat_map(parse).collect()
}

impl Conversation {
    fn input_len(&self) -> usize {
        let lengths = self.steps.iter().map(|step| match step {
            Step::Send(bytes) => bytes.len(),
            _ => 0,
        });
        lengths.sum()
    }

    pub(crate) fn config(&self) -> Result<Config, String> {
        let (mut limits, mut timeouts) = (Limits::default(), Timeouts::default());
        let mut config = Config::default();
        for (name, value) in &self.settings {
            let is_on = || match &value[..] {
                "on" => Ok(true),
                "off" => Ok(false),
                _ => Err(format!("{name} is on or off")),
            };
            let number = || value.parse().map_err(|_| format!("{name} is a number"));
            let time = || format::time(value).ok_or_else(|| format!("{name} is a time"));
            match &name[..] {
                "max_params_size" => limits = limits.max_params_size(number()?),
                "max_reqs" => limits = limits.max_reqs(number()?),
                "params" => timeouts = timeouts.params(time()?),
                "idle" => timeouts = timeouts.idle(Some(time()?)),
                "read" => timeouts = timeouts.read(Some(time()?)),
                "write" => timeouts = timeouts.write(time()?),
                "authorizer" => config = config.authorizer(is_on()?),
                "filter" => config = config.filter(is_on()?),
                _ => return Err(format!("no setting has the name {name}")),
            }
        }
        Ok(config.limits(limits).timeouts(timeouts))
    }
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
        connection: Connection::new(conversation.config()?),
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
            while let Some(event) = self.connection.next_event(self.now, &mut self.input) {
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
