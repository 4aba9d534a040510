//! Records, as `--trace` shows them.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use fastcgi_tower::{
    Params,
    client::{Direction, Header, RecordType, Traced},
    fastcgi_core::record::{BeginRequest, EndRequest, Flags},
};

/// How much of one record's content is shown.
const SHOWN: usize = 1024;

/// Prints a record on standard error, with its content below it.
pub(super) fn show(direction: Direction, traced: Traced<'_>) {
    let mark = match direction {
        Direction::Sent => '>',
        Direction::Received => '<',
    };
    let text = match traced {
        Traced::Record { header, content } => record(mark, header, content),
        Traced::Other(bytes) => {
            let mut text = format!("{mark} no record, {} bytes\n", bytes.len());
            put_lines(&mut text, bytes);
            text
        }
        Traced::End => format!("{mark} end of the connection\n"),
        _ => return,
    };
    // There is no other place where its failure could be said.
    _ = io::stderr().write_all(text.as_bytes());
}

fn record(mark: char, header: Header, content: &[u8]) -> String {
    let mut text = format!("{mark} {:?}", header.record_type);
    if let Some(id) = header.request_id {
        _ = write!(text, " {id}");
    }
    match (header.record_type, content) {
        (record_type, []) if record_type.is_stream() => text.push_str(", end\n"),
        (RecordType::BEGIN_REQUEST, &[a, b, c, d, e, f, g, h]) => {
            let begin = BeginRequest::parse([a, b, c, d, e, f, g, h]);
            let is_kept = begin.flags.contains(Flags::KEEP_CONN);
            let keeps = if is_kept { ", KEEP_CONN" } else { "" };
            _ = writeln!(text, ", {:?}{keeps}", begin.role);
        }
        (RecordType::END_REQUEST, &[a, b, c, d, e, f, g, h]) => {
            let end = EndRequest::parse([a, b, c, d, e, f, g, h]);
            let (status, of_application) = (end.protocol_status, end.app_status);
            _ = writeln!(
                text,
                ", {status:?}, status of the application {of_application}"
            );
        }
        (record_type, content) => {
            _ = writeln!(text, ", {} bytes", content.len());
            // A pair may go on in the next record.
            let params = Params::parse(content.to_vec().into());
            match (record_type, params) {
                (RecordType::PARAMS, Ok(params)) => put_pairs(&mut text, &params),
                _ => put_lines(&mut text, content),
            }
        }
    }
    text
}

fn put_pairs(text: &mut String, params: &Params) {
    for (name, value) in params {
        let (name, value) = (name.escape_ascii(), value.escape_ascii());
        _ = writeln!(text, "    {name}={value}");
    }
}

/// Text, with what would garble a terminal escaped.
fn put_lines(text: &mut String, content: &[u8]) {
    let (shown, rest) = content.split_at_checked(SHOWN).unwrap_or((content, b""));
    for line in shown.split_inclusive(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        _ = writeln!(text, "    {}", line.escape_ascii());
    }
    if !rest.is_empty() {
        _ = writeln!(text, "    and {} bytes more", rest.len());
    }
}
