//! A connection, fed the same bytes in different pieces.

use bytes::{Buf, Bytes, BytesMut};
use fastcgi_core::{
    Config, Connection, ConnectionError, Event, Truncated,
    record::{Decoder, EndRequest, RecordType, RequestId},
};

use super::cut::cut;

/// The first byte says how the connection is configured, the second where to cut; the rest is the input.
pub fn check(data: &[u8]) {
    let Some(([options, seed], input)) = data.split_first_chunk::<2>() else {
        return;
    };
    let whole = run(*options, &cut(input, 0));
    assert_eq!(run(*options, &cut(input, 1)), whole, "byte by byte");
    assert_eq!(run(*options, &cut(input, *seed)), whole, "cut by {seed}");
    check_output(&whole, input.len());
}

/// All that can be seen of a connection.
#[derive(Debug, PartialEq)]
struct Seen {
    events: Vec<Event>,
    error: Option<ConnectionError>,
    output: Vec<u8>,
    is_broken: bool,
    is_finished: bool,
    in_progress: usize,
    leftover: usize,
}

fn config(options: u8) -> Config {
    let is_set = |bit: u8| options & bit != 0;
    Config::default()
        .mpxs_conns(!is_set(1))
        .max_reqs(if is_set(2) { 2 } else { 64 })
        .max_params_size(if is_set(4) { 20 } else { 128 * 1024 })
        .max_params(if is_set(8) { 2 } else { 1000 })
        .max_ignored(if is_set(16) { 10 } else { 1000 })
}

fn run(options: u8, pieces: &[&[u8]]) -> Seen {
    let mut connection = Connection::new(config(options));
    let mut input = BytesMut::new();
    let mut seen = Seen {
        events: Vec::new(),
        error: None,
        output: Vec::new(),
        is_broken: false,
        is_finished: false,
        in_progress: 0,
        leftover: 0,
    };
    for piece in pieces {
        input.extend_from_slice(piece);
        if feed(&mut connection, &mut input, &mut seen) {
            break;
        }
        // 8 bytes in front of at most 65 535, one of which is missing.
        assert!(input.len() < 8 + 65_535, "{} bytes wait", input.len());
        seen.leftover = input.len();
    }
    let outgoing = connection.outgoing();
    seen.output = outgoing.copy_to_bytes(outgoing.remaining()).into();
    seen.is_finished = connection.is_finished();
    seen.in_progress = connection.requests_in_progress();
    seen
}

/// Whether the connection is done for.
fn feed(connection: &mut Connection, input: &mut BytesMut, seen: &mut Seen) -> bool {
    loop {
        match connection.poll_event(input) {
            Ok(Some(event)) => {
                seen.is_broken = react(connection, &event) == Some(Truncated::Connection);
                push(&mut seen.events, event);
            }
            Ok(None) => return false,
            Err(error) => {
                assert_eq!(
                    connection.poll_event(input),
                    Err(error.clone()),
                    "errors stay"
                );
                seen.error = Some(error);
            }
        }
        if seen.is_broken || seen.error.is_some() {
            seen.leftover = 0;
            return true;
        }
    }
}

/// Joins the pieces of a stream.
fn push(events: &mut Vec<Event>, event: Event) {
    let joined = match (events.last(), &event) {
        (
            Some(Event::Stdin {
                id: last,
                data: front,
            }),
            Event::Stdin { id, data },
        ) if last == id => Some(Event::Stdin {
            id: *id,
            data: join(front, data),
        }),
        (
            Some(Event::Data {
                id: last,
                data: front,
            }),
            Event::Data { id, data },
        ) if last == id => Some(Event::Data {
            id: *id,
            data: join(front, data),
        }),
        _ => None,
    };
    match (joined, events.last_mut()) {
        (Some(joined), Some(last)) => *last = joined,
        _ => events.push(event),
    }
}

fn join(front: &Bytes, back: &Bytes) -> Bytes {
    assert!(
        !front.is_empty() && !back.is_empty(),
        "pieces hold something"
    );
    [&front[..], &back[..]].concat().into()
}

/// Answers in a way that depends on the event alone, and not on how a stream was cut.
fn react(connection: &mut Connection, event: &Event) -> Option<Truncated> {
    let (id, is_over) = match event {
        Event::Request { id, .. } => (*id, id.get() % 4 == 0),
        Event::StdinEnd { id } => (*id, id.get() % 4 == 1),
        Event::DataEnd { id } => (*id, id.get() % 4 == 2),
        Event::Abort { id } => (*id, id.get() != 7),
        Event::Refused { id, .. } => (*id, true),
        _ => return None,
    };
    let is_lost = matches!(event, Event::Abort { .. }) && id.get() % 4 == 3;
    let mut request = connection.request(id)?;
    if is_lost {
        return Some(request.truncate());
    }
    if is_over {
        request.stdout(Bytes::from_static(b"over"));
        request.stdout_slice(b"");
        if id.get() % 8 == 5 {
            request.stderr(Bytes::from_static(b"why"));
        }
        request.end(EndRequest::COMPLETE);
        assert!(connection.request(id).is_none(), "an end is an end");
    }
    None
}

/// The output is whole records, no more than three times the input, and ends every request once.
fn check_output(seen: &Seen, input: usize) {
    assert!(
        seen.output.len() <= 3 * input,
        "{} bytes for {input}",
        seen.output.len()
    );
    let mut output = BytesMut::from(&seen.output[..]);
    if seen.is_broken {
        output.truncate(seen.output.len() - 8);
    }
    let mut decoder = Decoder::new();
    let mut ends: Vec<RequestId> = Vec::new();
    while let Some(record) = decoder.decode(&mut output).expect("version 1") {
        match (record.record_type, record.request_id) {
            (RecordType::STDOUT | RecordType::STDERR, Some(_)) => {}
            (RecordType::END_REQUEST, Some(id)) => ends.push(id),
            (RecordType::GET_VALUES_RESULT | RecordType::UNKNOWN_TYPE, None) => {}
            (other, id) => panic!("{other:?} for {id:?}"),
        }
    }
    assert!(output.is_empty(), "whole records");
    // BEGIN_REQUEST is sixteen bytes.
    assert!(
        ends.len() + seen.in_progress <= input / 16,
        "{} ends",
        ends.len()
    );
}
