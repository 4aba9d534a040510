//! The load for the times: requests that were made beforehand, and responses that are only counted.

use std::{
    io::{Read, Write},
    thread,
};

use crate::{
    Result,
    request::{Connection, Kind},
    scenario::{Mode, Times},
    server::Protocol,
    socket::{Address, Stream},
};

/// Equal requests, as many at a time as there are connections.
#[derive(Debug)]
pub(crate) struct Load {
    protocol: Protocol,
    /// What is written at a time.
    request: Vec<u8>,
    /// How many responses that brings.
    responses: usize,
    /// What the first of them has in it.
    answer: Vec<u8>,
    connections: usize,
    writes: usize,
    is_kept: bool,
    has_body: bool,
}

impl Load {
    pub(crate) fn new(protocol: Protocol, kind: Kind, mode: Mode, times: Times) -> Self {
        let (responses, connections) = match (mode, protocol) {
            (Mode::InFlight(count), Protocol::FastCgi) => (count, 1),
            (Mode::InFlight(count), Protocol::Http) => (1, usize::from(count)),
            _ => (1, times.connections),
        };
        let connection = match mode {
            Mode::Own => Connection::Own,
            _ => Connection::Kept,
        };
        let request = (1..=responses).flat_map(|id| kind.request(protocol, connection, id, 0));
        Self {
            protocol,
            request: request.collect(),
            responses: usize::from(responses),
            answer: kind.answer(),
            connections,
            writes: times.requests / usize::from(responses) / connections,
            is_kept: connection == Connection::Kept,
            has_body: kind.body() > 0,
        }
    }

    /// Requests for the small page of fastcgi-conformance, on kept connections.
    pub(crate) fn of_contract(request: Vec<u8>, times: Times) -> Self {
        Self {
            protocol: Protocol::FastCgi,
            request,
            responses: 1,
            answer: Kind::Hello.answer(),
            connections: times.connections,
            writes: times.requests / times.connections,
            is_kept: true,
            has_body: false,
        }
    }

    /// How many requests are sent.
    pub(crate) fn requests(&self) -> usize {
        self.writes.max(1) * self.connections * self.responses
    }

    pub(crate) fn run(&self, address: &Address) -> Result<()> {
        if !self.is_kept {
            return self.run_apart(address);
        }
        let (mut connections, length) = self.open(address, self.connections)?;
        for _ in 1..self.writes {
            if self.has_body || length > 64 * 1024 {
                exchange_large(&mut connections, &self.request, length)?;
                continue;
            }
            for connection in &mut connections {
                connection.write_all(&self.request)?;
            }
            for connection in &mut connections {
                await_quietly(connection)?;
                skip(connection, length)?;
            }
        }
        Ok(())
    }

    /// So many connections that have had a request each, and the length of a response.
    fn open(&self, address: &Address, count: usize) -> Result<(Vec<Stream>, usize)> {
        let mut connections = Vec::new();
        for _ in 0..count {
            connections.push(address.connect()?);
        }
        // The first response shows how long the others are.
        let (first, others) = connections.split_first_mut().ok_or("no connections")?;
        let length = self.first_response(first)?;
        for connection in others {
            exchange(connection, &self.request, length)?;
        }
        Ok((connections, length))
    }

    /// So many connections that have had a request each, and are idle as long as this value lives.
    pub(crate) fn idle(&self, address: &Address, count: usize) -> Result<Vec<Stream>> {
        match count {
            0 => Ok(Vec::new()),
            _ => Ok(self.open(address, count)?.0),
        }
    }

    /// A connection for each request, which the server closes.
    fn run_apart(&self, address: &Address) -> Result<()> {
        for _ in 0..self.writes.max(1) {
            let mut connections = Vec::new();
            for _ in 0..self.connections {
                let mut connection = address.connect()?;
                connection.write_all(&self.request)?;
                connections.push(connection);
            }
            for mut connection in connections {
                let mut response = Vec::new();
                let mut buffer = [0; 4096];
                loop {
                    await_quietly(&connection)?;
                    match connection.read(&mut buffer)? {
                        0 => break,
                        count => response.extend(&buffer[..count]),
                    }
                }
                self.check(&response)?;
            }
        }
        Ok(())
    }

    /// Its length, all requests that are written at a time together.
    fn first_response(&self, connection: &mut Stream) -> Result<usize> {
        connection.write_all(&self.request)?;
        let mut response = Vec::new();
        let mut buffer = [0; 64 * 1024];
        loop {
            let length = match self.protocol {
                Protocol::FastCgi => fastcgi_length(&response, self.responses),
                Protocol::Http => http_length(&response),
            };
            match length {
                Some(length) if response.len() >= length => {
                    self.check(&response)?;
                    return Ok(length);
                }
                _ => match connection.read(&mut buffer)? {
                    0 => return Err("the server closed the connection".into()),
                    count => response.extend(&buffer[..count]),
                },
            }
        }
    }

    fn check(&self, response: &[u8]) -> Result<()> {
        let mut places = response.windows(self.answer.len());
        if places.any(|place| place == self.answer) {
            return Ok(());
        }
        let beginning = &response[..response.len().min(1024)];
        let text = String::from_utf8_lossy(beginning);
        Err(format!("another response than expected: {text}").into())
    }
}

/// Large bodies do not fit the sockets' buffers: each connection gets a thread.
fn exchange_large(connections: &mut [Stream], request: &[u8], length: usize) -> Result<()> {
    thread::scope(|scope| {
        let threads: Vec<_> = connections
            .iter_mut()
            .map(|connection| {
                scope
                    .spawn(move || exchange(connection, request, length).map_err(|e| e.to_string()))
            })
            .collect();
        for thread in threads {
            thread
                .join()
                .map_err(|_| "a connection's thread panicked")??;
        }
        Ok(())
    })
}

fn exchange(connection: &mut Stream, request: &[u8], length: usize) -> Result<()> {
    connection.write_all(request)?;
    skip(connection, length)
}

/// Waits for a response without sleeping. To wake a sleeper costs the server as much as half a request, and only the
/// slower of two servers would have to.
fn await_quietly(connection: &Stream) -> Result<()> {
    while !connection.is_readable()? {
        thread::yield_now();
    }
    Ok(())
}

fn skip(connection: &mut Stream, mut length: usize) -> Result<()> {
    let mut buffer = [0; 128 * 1024];
    while length > 0 {
        let room = length.min(buffer.len());
        match connection.read(&mut buffer[..room])? {
            0 => return Err("the server closed the connection".into()),
            count => length -= count,
        }
    }
    Ok(())
}

/// Up to and with so many END_REQUEST records.
fn fastcgi_length(response: &[u8], mut responses: usize) -> Option<usize> {
    let mut at = 0;
    while responses > 0 {
        let header = response.get(at..at + 8)?;
        let content = usize::from(u16::from_be_bytes([header[4], header[5]]));
        at += 8 + content + usize::from(header[6]);
        responses -= usize::from(header[1] == 3);
    }
    Some(at)
}

fn http_length(response: &[u8]) -> Option<usize> {
    let head = response
        .windows(4)
        .position(|window| window == b"\r\n\r\n")?
        + 4;
    let text = std::str::from_utf8(&response[..head])
        .ok()?
        .to_ascii_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))?;
    Some(head + length.parse::<usize>().ok()?)
}
