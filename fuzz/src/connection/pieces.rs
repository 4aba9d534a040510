//! Input gives the same events and output however it is cut.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes, BytesMut};
use fastcgi_core::{
    Connection, ConnectionError, Event, Life, RequestKey, cgi::BodyLength, record::RequestId,
};

use super::super::cut::cut;
use super::{config, output};

pub(super) fn check(options: u8, seed: u8, input: &[u8]) {
    let whole = run(options, &cut(input, 0));
    assert_eq!(run(options, &cut(input, 1)), whole, "byte by byte");
    assert_eq!(run(options, &cut(input, seed)), whole, "cut by {seed}");
    if whole.error == Some(ConnectionError::Http) {
        return output::is_answer_to_http(&whole.output);
    }
    // The longest answer is that to sixteen bytes, one request too many.
    assert!(
        whole.output.len() <= 10 * input.len(),
        "{} bytes for {}",
        whole.output.len(),
        input.len()
    );
    let responses = output::read(&whole.output, whole.life == Life::Reset);
    let ends = responses.len();
    assert!(ends + whole.in_progress <= input.len() / 16, "{ends} ends");
}

/// All that can be seen of a connection.
#[derive(Debug, PartialEq)]
struct Seen {
    events: Vec<Event>,
    error: Option<ConnectionError>,
    output: Vec<u8>,
    /// How far the connection is once all is written.
    life: Life,
    in_progress: usize,
    leftover: usize,
}

fn run(options: u8, pieces: &[&[u8]]) -> Seen {
    let mut connection = Connection::new(config(options));
    let mut input = BytesMut::new();
    let mut events = Vec::new();
    let mut ids = BTreeMap::new();
    let mut output = Vec::new();
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            while let Some(event) = connection.next_event(&mut input) {
                if let Event::Request(request) = &event {
                    ids.insert(request.key, request.id);
                }
                react(&mut connection, &ids, &event);
                push(&mut events, event);
            }
            // B-15: what is owed has to be written first.
            if connection.outgoing().remaining() < MAX_OWED {
                break;
            }
            write(&mut connection, &mut output);
        }
        // 8 bytes in front of at most 65 535, one of which is missing.
        assert!(input.len() < 8 + 65_535, "{} bytes wait", input.len());
    }
    write(&mut connection, &mut output);
    Seen {
        events,
        output,
        error: connection.error().cloned(),
        life: connection.life(),
        in_progress: connection.requests_in_progress(),
        leftover: input.len(),
    }
}

/// The connection's own answers that may wait to be written before no further record is taken.
const MAX_OWED: usize = 16 * 1024;

fn write(connection: &mut Connection, output: &mut Vec<u8>) {
    let outgoing = connection.outgoing();
    output.extend(outgoing.copy_to_bytes(outgoing.remaining()));
    connection.written();
}

/// Joins the pieces of a stream.
fn push(events: &mut Vec<Event>, event: Event) {
    match (events.last_mut(), &event) {
        (
            Some(Event::Stdin {
                key: last,
                data: front,
            }),
            Event::Stdin { key, data },
        )
        | (
            Some(Event::Data {
                key: last,
                data: front,
            }),
            Event::Data { key, data },
        ) if last == key => {
            assert!(!data.is_empty(), "pieces hold something");
            *front = [&front[..], data].concat().into();
        }
        _ => events.push(event),
    }
}

/// Answers in a way that depends on the event alone, and not on how a stream was cut.
fn react(connection: &mut Connection, ids: &BTreeMap<RequestKey, RequestId>, event: &Event) {
    let (key, due) = match event {
        Event::Request(request) => (request.key, 0),
        Event::StdinEnd { key, .. } => (*key, 1),
        Event::DataEnd { key, .. } => (*key, 2),
        _ => return,
    };
    let Some(id) = ids.get(&key).map(|id| id.get()) else {
        return;
    };
    let Some(mut request) = connection.request(key) else {
        return;
    };
    match id % 4 {
        3 if due == 1 => {
            request.flush();
            request.fail(0);
        }
        way if way == due => {
            request.head(
                BytesMut::from(&b"Status: 200 OK\r\n\r\n"[..]),
                BodyLength::Exactly(4),
            );
            if id % 8 == 5 {
                request.stderr(Bytes::from_static(b"why"));
            }
            assert_eq!(request.stdout(Bytes::from_static(b"over")), Ok(0));
            request.end(0);
            assert!(connection.request(key).is_none(), "an end is an end");
        }
        _ => {}
    }
}
