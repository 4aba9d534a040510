//! A connection, and an owner that the tests tell what to do.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use fastcgi_core::{
    Config, Connection, Event, NewRequest, RequestKey, RequestMut, StreamEnd, record::RequestId,
};

use crate::support::{Lines, Outcome, drain, pairs};

/// A connection with what its owner keeps: what has arrived, the time, and the ids of the requests.
#[derive(Debug)]
pub(crate) struct Owner {
    pub(crate) connection: Connection,
    pub(crate) now: Instant,
    input: BytesMut,
    ids: BTreeMap<RequestKey, RequestId>,
}

impl Owner {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            connection: Connection::new(config),
            now: Instant::now(),
            input: BytesMut::new(),
            ids: BTreeMap::new(),
        }
    }

    /// A connection on which `input` has arrived.
    pub(crate) fn connected(config: Config, input: &[u8]) -> Self {
        let mut owner = Self::new(config);
        owner.feed(input);
        assert_eq!(owner.connection.error(), None);
        owner
    }

    /// The events of `input`, one line each.
    pub(crate) fn feed(&mut self, input: &[u8]) -> Vec<String> {
        self.feed_pieces(&[input], |_, _| {})
    }

    fn feed_pieces(
        &mut self,
        pieces: &[&[u8]],
        react: impl Fn(&mut Connection, &Event),
    ) -> Vec<String> {
        let mut lines = Lines::default();
        for piece in pieces {
            self.input.extend_from_slice(piece);
            while let Some(event) = self.connection.next_event(&mut self.input) {
                self.take(&event, &mut lines);
                react(&mut self.connection, &event);
            }
        }
        self.connection.deadline(self.now);
        lines.0
    }

    /// Feeds `pieces` one after another, as a driver does, and writes what there is at the end.
    pub(crate) fn drive(
        &mut self,
        pieces: &[&[u8]],
        react: impl Fn(&mut Connection, &Event),
    ) -> Outcome {
        let events = self.feed_pieces(pieces, react);
        let output = self.write();
        Outcome {
            events,
            output,
            error: self.connection.error().cloned(),
            life: self.connection.life(),
            in_progress: self.connection.requests_in_progress(),
            leftover: self.input.len(),
        }
    }

    /// The events that have happened without input.
    pub(crate) fn events(&mut self) -> Vec<String> {
        self.feed(b"")
    }

    /// The request in progress that the web server calls `id`, if the application knows of it.
    pub(crate) fn request(&mut self, id: u16) -> Option<RequestMut<'_>> {
        let key = self.key(id)?;
        self.connection.request(key)
    }

    /// What the request that was last called `id` is called by.
    pub(crate) fn key(&self, id: u16) -> Option<RequestKey> {
        let mut ids = self.ids.iter();
        ids.find(|(_, other)| other.get() == id)
            .map(|(key, _)| *key)
    }

    /// Takes everything out, as a socket does that never blocks.
    pub(crate) fn write(&mut self) -> Vec<u8> {
        let output = drain(self.connection.outgoing());
        if !output.is_empty() {
            self.connection.written();
        }
        self.connection.deadline(self.now);
        output
    }

    /// Lets time pass, and does on the way what a driver does. Gives the events.
    pub(crate) fn pass(&mut self, time: Duration) -> Vec<String> {
        let end = self.now + time;
        while let Some(until) = self.connection.deadline(self.now) {
            if until > end {
                break;
            }
            self.now = until.max(self.now);
            self.connection.handle_deadline(self.now);
            let next = self.connection.deadline(self.now);
            assert!(
                next.is_none_or(|next| next > self.now),
                "a deadline is over once it was handled"
            );
        }
        self.now = end;
        self.events()
    }

    /// How long the deadline is away.
    pub(crate) fn deadline(&mut self) -> Option<Duration> {
        let until = self.connection.deadline(self.now)?;
        Some(until.saturating_duration_since(self.now))
    }

    fn take(&mut self, event: &Event, lines: &mut Lines) {
        if let Event::Request(request) = event {
            // The key of a request that has ended is used again, and so may its id be.
            self.ids.retain(|_, id| *id != request.id);
            self.ids.insert(request.key, request.id);
        }
        lines.push(self.line(event));
    }

    fn line<'a>(&self, event: &'a Event) -> (String, Option<&'a Bytes>) {
        let id = |key: &RequestKey| self.ids.get(key).expect("the key of a request");
        let line = match event {
            Event::Request(request) => {
                let NewRequest {
                    id,
                    role,
                    keep_conn,
                    params,
                    ..
                } = request;
                let fate = if *keep_conn { "keep" } else { "close" };
                format!("request {id} {role:?} {fate}{}", pairs(params))
            }
            Event::Stdin { key, data } => return (format!("stdin {}: ", id(key)), Some(data)),
            Event::StdinEnd { key, end } => format!("stdin end {}{}", id(key), fault(*end)),
            Event::Data { key, data } => return (format!("data {}: ", id(key)), Some(data)),
            Event::DataEnd { key, end } => format!("data end {}{}", id(key), fault(*end)),
            Event::Aborted { key } => format!("aborted {}", id(key)),
            Event::Refused { id, refusal } => format!("refused {id} {refusal:?}"),
            Event::Surplus { key } => format!("surplus {}", id(key)),
            Event::Quiet => "quiet".to_owned(),
            other => format!("{other:?}"),
        };
        (line, None)
    }
}

fn fault(end: StreamEnd) -> &'static str {
    match end {
        StreamEnd::Complete => "",
        _ => " incomplete",
    }
}
