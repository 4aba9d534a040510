//! What went over the connections of a case, for a person who has to find the mistake: records in words, and their bytes.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex, PoisonError},
};

use crate::record::{HEADER_LEN, Record};

/// How many bytes of each direction of a connection are kept.
const KEPT: usize = 64 << 10;
/// How many bytes of a record are shown.
const SHOWN: usize = 64;
/// How many lines are shown.
const LINES: usize = 60;

/// Who sent something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum From {
    WebServer,
    Application,
}

#[derive(Debug)]
enum Event {
    Bytes(From, Vec<u8>),
    Remark(String),
}

/// The log of one case, shared with its connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    connections: Arc<Mutex<Vec<Events>>>,
}

#[derive(Debug, Default)]
struct Events {
    events: Vec<Event>,
    /// Whose bytes were left out, because there were more than are kept.
    cut: Vec<From>,
}

impl Log {
    /// The number of a new connection.
    pub(crate) fn connection(&self) -> usize {
        let mut connections = self.lock();
        connections.push(Events::default());
        connections.len() - 1
    }

    pub(crate) fn bytes(&self, connection: usize, from: From, bytes: &[u8]) {
        let mut connections = self.lock();
        let Some(Events { events, cut }) = connections.get_mut(connection) else {
            return;
        };
        let kept = events.iter().map(|event| match event {
            Event::Bytes(by, bytes) if *by == from => bytes.len(),
            _ => 0,
        });
        let room = KEPT.saturating_sub(kept.sum());
        if bytes.len() > room && !cut.contains(&from) {
            cut.push(from);
        }
        let bytes = bytes.get(..room).unwrap_or(bytes);
        match events.last_mut() {
            _ if bytes.is_empty() => {}
            Some(Event::Bytes(by, run)) if *by == from => run.extend_from_slice(bytes),
            _ => events.push(Event::Bytes(from, bytes.to_vec())),
        }
    }

    pub(crate) fn remark(&self, connection: usize, text: &str) {
        if let Some(connection) = self.lock().get_mut(connection) {
            connection.events.push(Event::Remark(text.to_owned()));
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Events>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The log as lines: `>` is what the suite sent, `<` what the application sent.
    pub(crate) fn lines(&self) -> Vec<String> {
        let connections = self.lock();
        // Of many connections of one case the last is the one that it ended with.
        let first = connections.len().saturating_sub(3);
        let mut lines = Vec::new();
        for (number, Events { events, cut }) in connections.iter().enumerate().skip(first) {
            lines.push(format!("connection {}", number + 1));
            let mut rest = [Vec::new(), Vec::new()];
            for event in events {
                match event {
                    Event::Remark(text) => lines.push(format!("  # {text}")),
                    Event::Bytes(from, bytes) => {
                        let (rest, sign) = match from {
                            From::WebServer => (&mut rest[0], '>'),
                            From::Application => (&mut rest[1], '<'),
                        };
                        rest.extend_from_slice(bytes);
                        records(rest, sign, &mut lines);
                    }
                }
            }
            let directions = [(From::WebServer, '>'), (From::Application, '<')];
            for (rest, (from, sign)) in rest.iter().zip(directions) {
                if cut.contains(&from) {
                    let length = rest.len();
                    let kept = KEPT >> 10;
                    lines.push(format!(
                        "  {sign} {length} bytes, and more: of a direction {kept} KiB are kept"
                    ));
                } else if !rest.is_empty() {
                    let length = rest.len();
                    lines.push(format!("  {sign} {length} bytes that are no whole record"));
                }
                if !rest.is_empty() {
                    hex(rest, &mut lines);
                }
            }
        }
        if lines.len() > LINES {
            let left_out = lines.len() - LINES;
            lines.drain(LINES / 2..LINES / 2 + left_out);
            lines.insert(LINES / 2, format!("  … {left_out} lines"));
        }
        lines
    }
}

/// Takes the whole records off `bytes`.
fn records(bytes: &mut Vec<u8>, sign: char, lines: &mut Vec<String>) {
    while let Some((record, length)) = Record::first(bytes) {
        lines.push(format!("  {sign} {record}"));
        hex(bytes.get(..length).unwrap_or_default(), lines);
        bytes.drain(..length);
    }
}

/// The header on one line, and the beginning of what follows it.
fn hex(bytes: &[u8], lines: &mut Vec<String>) {
    let (header, content) = bytes.split_at_checked(HEADER_LEN).unwrap_or((bytes, b""));
    let shown = content.get(..SHOWN).unwrap_or(content);
    let mut line = String::from("     ");
    for byte in header.iter().chain(shown) {
        _ = write!(line, " {byte:02x}");
    }
    if shown.len() < content.len() {
        line.push_str(" …");
    }
    lines.push(line);
}
