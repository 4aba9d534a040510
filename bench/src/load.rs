//! The load for the times: requests that were made beforehand, and responses that are only counted.

use std::{
    io::{Read, Write},
    thread,
};

use crate::{
    Result,
    process::ServerProcess,
    request::{Connection, Kind},
    scenario::Times,
    server::Protocol,
    socket::Stream,
};

/// Sends equal requests, as many at a time as there are connections.
pub(crate) fn run(server: &ServerProcess, kind: Kind, times: Times) -> Result<()> {
    let request = kind.request(server.protocol, Connection::Kept, 1, 0);
    let mut connections = Vec::new();
    for _ in 0..times.connections {
        connections.push(server.connect()?);
    }
    // The first response tells how long the others are.
    let (first, others) = connections.split_first_mut().ok_or("no connections")?;
    let length = first_response(first, &request, server.protocol)?;
    for connection in others {
        exchange(connection, &request, length)?;
    }
    let rounds = times.requests / times.connections - 1;
    for _ in 0..rounds {
        if kind.body() > 0 || length > 64 * 1024 {
            exchange_large(&mut connections, &request, length)?;
            continue;
        }
        for connection in &mut connections {
            connection.write_all(&request)?;
        }
        for connection in &mut connections {
            await_quietly(connection)?;
            skip(connection, length)?;
        }
    }
    Ok(())
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

fn first_response(connection: &mut Stream, request: &[u8], protocol: Protocol) -> Result<usize> {
    connection.write_all(request)?;
    let mut response = Vec::new();
    let mut buffer = [0; 64 * 1024];
    loop {
        let length = match protocol {
            Protocol::FastCgi => fastcgi_length(&response),
            Protocol::Http => http_length(&response),
        };
        match length {
            Some(length) if response.len() >= length => return Ok(length),
            _ => match connection.read(&mut buffer)? {
                0 => return Err("the server closed the connection".into()),
                count => response.extend(&buffer[..count]),
            },
        }
    }
}

/// Up to and with the END_REQUEST record.
fn fastcgi_length(response: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let header = response.get(at..at + 8)?;
        let content = usize::from(u16::from_be_bytes([header[4], header[5]]));
        at += 8 + content + usize::from(header[6]);
        if header[1] == 3 {
            return Some(at);
        }
    }
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
