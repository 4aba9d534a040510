//! Runs a case whole, byte by byte, and cut at every point.

use std::fmt;

use bytes::{Buf, Bytes, BytesMut};
use fastcgi_core::{
    Config, Connection, ConnectionError, Event, Params, client,
    record::{EndRequest, RequestId},
};

/// BEGIN_REQUEST (5.1): id 1, role 1, FCGI_KEEP_CONN.
pub(crate) const BEGIN: &[u8] = b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00";
/// BEGIN_REQUEST (5.1): id 1, role 1, no flags.
pub(crate) const BEGIN_CLOSE: &[u8] =
    b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00";
/// The end of PARAMS (5.2), id 1.
pub(crate) const PARAMS_END: &[u8] = b"\x01\x04\x00\x01\x00\x00\x00\x00";
/// The end of STDIN (5.3), id 1.
pub(crate) const STDIN_END: &[u8] = b"\x01\x05\x00\x01\x00\x00\x00\x00";
/// ABORT_REQUEST (5.4), id 1.
pub(crate) const ABORT: &[u8] = b"\x01\x02\x00\x01\x00\x00\x00\x00";
/// The end of STDOUT (5.3) and END_REQUEST (5.5), id 1, application status 0, FCGI_REQUEST_COMPLETE.
pub(crate) const COMPLETE: &[u8] =
    b"\x01\x06\x00\x01\x00\x00\x00\x00\x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";

/// Records behind one another.
pub(crate) fn wire(records: &[&[u8]]) -> Vec<u8> {
    records.concat()
}

/// A record as 3.3 draws it, spelled out here so that no encoder of the crate is trusted.
pub(crate) fn record(record_type: u8, id: u16, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a content of at most 65 535 bytes");
    let mut record = vec![1, record_type];
    record.extend(id.to_be_bytes());
    record.extend(length.to_be_bytes());
    record.extend([0, 0]);
    record.extend(content);
    record
}

pub(crate) fn id(id: u16) -> RequestId {
    RequestId::new(id).expect("not zero")
}

/// Demands the same of `input` in one piece, in pieces of one byte, and in two pieces cut at every point.
pub(crate) fn every_split<T: PartialEq + fmt::Debug>(
    input: &[u8],
    run: impl Fn(&[&[u8]]) -> T,
) -> T {
    let whole = run(&[input]);
    let bytes: Vec<_> = input.chunks(1).collect();
    assert_eq!(run(&bytes), whole, "byte by byte");
    for cut in 1..input.len() {
        let (front, back) = input.split_at(cut);
        assert_eq!(run(&[front, back]), whole, "cut at {cut}");
    }
    whole
}

/// All that can be seen of a connection after some input.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    /// One line for each event, with the pieces of a stream joined.
    pub(crate) events: Vec<String>,
    pub(crate) error: Option<ConnectionError>,
    pub(crate) output: Vec<u8>,
    pub(crate) is_finished: bool,
    pub(crate) in_progress: usize,
    /// How much of the input waits for more.
    pub(crate) leftover: usize,
}

/// What an application sees that never answers, in every split.
pub(crate) fn watch(input: &[u8]) -> Outcome {
    serve(&Config::default(), input, |_, _| {})
}

/// What an application sees that ends every request with its input or its refusal, in every split.
pub(crate) fn complete(config: &Config, input: &[u8]) -> Outcome {
    serve(config, input, end_when_over)
}

/// What an application sees and sends, in every split. `react` must not depend on the pieces of streams.
pub(crate) fn serve(
    config: &Config,
    input: &[u8],
    react: impl Fn(&mut Connection, &Event),
) -> Outcome {
    every_split(input, |pieces| {
        drive(&mut Connection::new(config.clone()), pieces, &react)
    })
}

/// Ends requests at the end of STDIN, when aborted and when refused.
pub(crate) fn end_when_over(connection: &mut Connection, event: &Event) {
    if let Event::StdinEnd { id } | Event::Abort { id } | Event::Refused { id, .. } = event {
        if let Some(request) = connection.request(*id) {
            request.end(EndRequest::COMPLETE);
        }
    }
}

/// Feeds `pieces` one after another, as a driver does.
pub(crate) fn drive(
    connection: &mut Connection,
    pieces: &[&[u8]],
    react: impl Fn(&mut Connection, &Event),
) -> Outcome {
    let mut lines = Lines::default();
    let mut input = BytesMut::new();
    let mut error = None;
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            match connection.poll_event(&mut input) {
                Ok(Some(event)) => {
                    lines.push(line(&event));
                    react(connection, &event);
                }
                Ok(None) => break,
                Err(found) => {
                    error = Some(found);
                    break;
                }
            }
        }
    }
    Outcome {
        events: lines.0,
        leftover: if error.is_none() { input.len() } else { 0 },
        error,
        output: drain(connection.outgoing()),
        is_finished: connection.is_finished(),
        in_progress: connection.requests_in_progress(),
    }
}

/// What a web server sees that has begun `requests` requests, in every split; and the error, when there is one.
pub(crate) fn receive(requests: usize, input: &[u8]) -> (Vec<String>, Option<ConnectionError>) {
    every_split(input, |pieces| {
        let mut web_server = client::Connection::new();
        for _ in 0..requests {
            let begin = fastcgi_core::record::BeginRequest::parse([0, 1, 1, 0, 0, 0, 0, 0]);
            web_server.begin(begin).expect("a free id");
        }
        let mut lines = Lines::default();
        let mut input = BytesMut::new();
        for piece in pieces {
            input.extend_from_slice(piece);
            loop {
                match web_server.poll_event(&mut input) {
                    Ok(Some(event)) => lines.push(web_server_line(&event)),
                    Ok(None) => break,
                    Err(error) => return (lines.0, Some(error)),
                }
            }
        }
        (lines.0, None)
    })
}

/// Takes everything out, as a socket does that never blocks.
pub(crate) fn drain(mut outgoing: impl Buf) -> Vec<u8> {
    let mut bytes = Vec::new();
    while outgoing.has_remaining() {
        let chunk = outgoing.chunk();
        assert!(!chunk.is_empty(), "a chunk as long as something remains");
        let length = chunk.len();
        bytes.extend_from_slice(chunk);
        outgoing.advance(length);
    }
    bytes
}

/// Lines, of which those of a stream's pieces are joined.
#[derive(Default)]
struct Lines(Vec<String>);

impl Lines {
    fn push(&mut self, (line, data): (String, Option<&Bytes>)) {
        let Some(data) = data else {
            self.0.push(line);
            return;
        };
        assert!(!data.is_empty(), "the piece of a stream is never empty");
        let data = data.escape_ascii().to_string();
        match self.0.last_mut().filter(|last| last.starts_with(&line)) {
            Some(last) => last.push_str(&data),
            None => self.0.push(line + &data),
        }
    }
}

fn line(event: &Event) -> (String, Option<&Bytes>) {
    let line = match event {
        Event::Request {
            id,
            role,
            keep_conn,
            params,
        } => {
            let fate = if *keep_conn { "keep" } else { "close" };
            format!("request {id} {role:?} {fate}{}", pairs(params))
        }
        Event::Refused {
            id,
            role,
            keep_conn,
            params,
            refusal,
        } => {
            let fate = if *keep_conn { "keep" } else { "close" };
            format!("refused {id} {role:?} {fate} {refusal:?}{}", pairs(params))
        }
        Event::Stdin { id, data } => return (format!("stdin {id}: "), Some(data)),
        Event::StdinEnd { id } => format!("stdin end {id}"),
        Event::Data { id, data } => return (format!("data {id}: "), Some(data)),
        Event::DataEnd { id } => format!("data end {id}"),
        Event::Abort { id } => format!("abort {id}"),
        other => format!("{other:?}"),
    };
    (line, None)
}

fn web_server_line(event: &client::Event) -> (String, Option<&Bytes>) {
    use client::Event;
    let line = match event {
        Event::Stdout { id, data } => return (format!("stdout {id}: "), Some(data)),
        Event::Stderr { id, data } => return (format!("stderr {id}: "), Some(data)),
        Event::End { id, end } => {
            format!("end {id} {} {:?}", end.app_status, end.protocol_status)
        }
        Event::Values(values) => format!("values{}", pairs(values)),
        Event::UnknownType(record_type) => format!("unknown type {record_type:?}"),
        other => format!("{other:?}"),
    };
    (line, None)
}

fn pairs(params: &Params) -> String {
    params
        .iter()
        .map(|(name, value)| format!(" {}={}", name.escape_ascii(), value.escape_ascii()))
        .collect()
}
