//! Runs a case whole, byte by byte, and cut at every point.

use std::fmt;

use bytes::{Buf, Bytes, BytesMut};
use fastcgi_core::{
    Config, Connection, ConnectionError, Event, Life, Limits, Params, client, record::RequestId,
};

use crate::owner::Owner;

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

/// The end of STDOUT (5.3) and END_REQUEST (5.5), id 1, application status 1: the end of a request that nobody waits for.
pub(crate) const END_1: &[u8] =
    b"\x01\x06\x00\x01\x00\x00\x00\x00\x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00";
/// The refusal of request 2 beside another: a whole response with a status of 503, and FCGI_CANT_MPX_CONN (R-10a).
pub(crate) const CANT_MPX_CONN: &[u8] = b"\x01\x06\x00\x02\x00\x78\x00\x00\
    Status: 503 Service Unavailable\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    content-length: 24\r\n\r\n\
    503 Service Unavailable\n\
    \x01\x06\x00\x02\x00\x00\x00\x00\
    \x01\x03\x00\x02\x00\x08\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00";

/// The head of a response.
pub(crate) const HEAD: &[u8] = b"Status: 200 OK\r\n\r\n";

/// With several requests at a time on a connection.
pub(crate) fn multiplexing() -> Config {
    Config::default().limits(Limits::default().max_reqs(64))
}

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

/// BEGIN_REQUEST (5.1).
pub(crate) fn begin(id: u16, role: u8, flags: u8) -> Vec<u8> {
    record(1, id, &[0, role, flags, 0, 0, 0, 0, 0])
}

/// All of PARAMS: short pairs (3.4) in one record, and the end.
pub(crate) fn params(id: u16, pairs: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in pairs {
        for text in [name, value] {
            let length = u8::try_from(text.len()).expect("a short text");
            assert!(length < 128, "one byte for the length");
            block.push(length);
        }
        block.extend(name.as_bytes());
        block.extend(value.as_bytes());
    }
    let end = record(4, id, b"");
    if block.is_empty() {
        end
    } else {
        wire(&[&record(4, id, &block), &end])
    }
}

/// The end of STDOUT (5.3) and END_REQUEST (5.5).
pub(crate) fn end(id: u16, app_status: u8, protocol_status: u8) -> Vec<u8> {
    let end = [0, 0, 0, app_status, protocol_status, 0, 0, 0];
    wire(&[&record(6, id, b""), &record(3, id, &end)])
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
    /// How far the connection is once the output is written.
    pub(crate) life: Life,
    pub(crate) in_progress: usize,
    /// How much of the input waits for more.
    pub(crate) leftover: usize,
}

/// What an application sees that never answers, in every split.
pub(crate) fn watch(input: &[u8]) -> Outcome {
    serve(&Config::default(), input, |_, _| {})
}

/// What an application sees that ends every request with its input, in every split.
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
        Owner::new(config.clone()).drive(pieces, &react)
    })
}

/// Ends requests at the end of STDIN.
pub(crate) fn end_when_over(connection: &mut Connection, event: &Event) {
    if let Event::StdinEnd { key, .. } = event {
        if let Some(request) = connection.request(*key) {
            request.end(0);
        }
    }
}

/// What a web server sees that has begun `requests` requests, in every split; and the error, when there is one.
pub(crate) fn receive(requests: usize, input: &[u8]) -> (Vec<String>, Option<ConnectionError>) {
    every_split(input, |pieces| {
        let mut web_server = client::ClientConnection::new();
        for _ in 0..requests {
            let begin = fastcgi_core::record::BeginRequest::parse([0, 1, 1, 0, 0, 0, 0, 0]);
            web_server.begin(begin).expect("a free id");
        }
        let mut lines = Lines::default();
        let mut input = BytesMut::new();
        for piece in pieces {
            input.extend_from_slice(piece);
            loop {
                match web_server.next_event(&mut input) {
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
pub(crate) struct Lines(pub(crate) Vec<String>);

impl Lines {
    pub(crate) fn push(&mut self, (line, data): (String, Option<&Bytes>)) {
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

fn web_server_line(event: &client::ClientEvent) -> (String, Option<&Bytes>) {
    use client::ClientEvent;
    let line = match event {
        ClientEvent::Stdout { id, data } => return (format!("stdout {id}: "), Some(data)),
        ClientEvent::Stderr { id, data } => return (format!("stderr {id}: "), Some(data)),
        ClientEvent::End { id, end } => {
            format!("end {id} {} {:?}", end.app_status, end.protocol_status)
        }
        ClientEvent::Values(values) => format!("values{}", pairs(values)),
        ClientEvent::UnknownType(record_type) => format!("unknown type {record_type:?}"),
        other => format!("{other:?}"),
    };
    (line, None)
}

pub(crate) fn pairs(params: &Params) -> String {
    params
        .iter()
        .map(|(name, value)| format!(" {}={}", name.escape_ascii(), value.escape_ascii()))
        .collect()
}
