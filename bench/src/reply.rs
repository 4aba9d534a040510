//! Responses: read to their end, and seen to be the right ones.

use std::io::{BufRead, BufReader, Read};

use crate::{Result, server::Protocol, socket::Stream};

/// The end of a connection that reads.
pub(crate) type Reader = BufReader<Stream>;

/// How much of a response is looked at.
const LOOK: usize = 1024;

/// Reads `count` responses, and checks that each is a 200 with a body that begins with `answer`.
pub(crate) fn read(
    reader: &mut Reader,
    protocol: Protocol,
    count: usize,
    answer: &[u8],
) -> Result<()> {
    match protocol {
        Protocol::FastCgi => read_fastcgi(reader, count, answer),
        Protocol::Http => (0..count).try_for_each(|_| read_http(reader, answer)),
    }
}

fn read_fastcgi(reader: &mut Reader, count: usize, answer: &[u8]) -> Result<()> {
    let mut beginnings = vec![Vec::new(); 256];
    let mut ended = 0;
    while ended < count {
        let mut header = [0; 8];
        reader.read_exact(&mut header)?;
        let [_, record_type, _, id, length1, length0, padding, _] = header;
        let length = usize::from(u16::from_be_bytes([length1, length0]));
        let beginning: &mut Vec<u8> = &mut beginnings[usize::from(id)];
        let looked_at = match record_type {
            6 => length.min(LOOK.saturating_sub(beginning.len())),
            _ => 0,
        };
        reader
            .by_ref()
            .take(looked_at as u64)
            .read_to_end(beginning)?;
        skip(reader, length - looked_at + usize::from(padding))?;
        if record_type == 3 {
            ended += 1;
            check(beginning, b"Status: 200", answer)?;
            beginning.clear();
        }
    }
    Ok(())
}

fn read_http(reader: &mut Reader, answer: &[u8]) -> Result<()> {
    let mut beginning = Vec::new();
    while !beginning.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut beginning)? == 0 {
            return Err("the server closed the connection".into());
        }
    }
    let head = String::from_utf8_lossy(&beginning).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .ok_or("a response without a length")?;
    let length: usize = length.parse()?;
    let looked_at = length.min(LOOK);
    reader
        .by_ref()
        .take(looked_at as u64)
        .read_to_end(&mut beginning)?;
    skip(reader, length - looked_at)?;
    check(&beginning, b"HTTP/1.1 200", answer)
}

fn check(beginning: &[u8], status: &[u8], answer: &[u8]) -> Result<()> {
    let body = beginning
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .and_then(|end| beginning.get(end + 4..))
        .unwrap_or_default();
    if beginning.starts_with(status) && body.starts_with(answer) {
        return Ok(());
    }
    let text = String::from_utf8_lossy(beginning);
    Err(format!("another response than expected: {text}").into())
}

fn skip(reader: &mut Reader, mut length: usize) -> Result<()> {
    while length > 0 {
        let here = reader.fill_buf()?.len();
        if here == 0 {
            return Err("the server closed the connection".into());
        }
        let count = here.min(length);
        reader.consume(count);
        length -= count;
    }
    Ok(())
}
