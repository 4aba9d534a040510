//! The contract, with a CGI program as a function.

use std::{
    io::{self, Write},
    thread::sleep,
    time::Duration,
};

use fastcgi_conformance_apps as apps;
use fastcgi_tower::{BoxError, CgiIo, RunError, blocking::WhenFull, cgi_fn};

fn main() -> Result<(), RunError> {
    let limits = apps::limits();
    // As many as wait at a time in the suite.
    cgi_fn(answer)
        .max_workers(32)
        .when_full(WhenFull::Wait)
        .configure(move |server| server.limits(limits))
        .run()
}

fn answer(io: &mut CgiIo) -> Result<(), BoxError> {
    let path = io.var("PATH_INFO").unwrap_or_default().to_owned();
    if let Some(number) = path.strip_prefix("/status/") {
        return Ok(status(io, number.parse()?)?);
    }
    if let Some(length) = path.strip_prefix("/bytes/") {
        return Ok(bytes(io, length.parse()?)?);
    }
    match path.as_str() {
        "/hello" => text(io, "Hello, world!")?,
        "/echo" => {
            text(io, "")?;
            io::copy(&mut io.stdin, &mut io.stdout)?;
        }
        "/length" => match io::copy(&mut io.stdin, &mut io::sink()) {
            Ok(length) => text(io, &length.to_string())?,
            Err(_) => {
                head(io, "Status: 400 Bad Request\r\n")?;
                write!(io, "the body is short")?;
            }
        },
        "/params" => {
            let shown = apps::params(&io.params);
            text(io, &shown)?;
        }
        "/fields" => {
            let fields = "Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nConnection: close\r\n";
            head(io, &format!("{fields}X-Long: {}\r\n", apps::long_value()))?;
            writeln!(io, "fields")?;
        }
        "/slow" => {
            text(io, "first\n")?;
            io.flush()?;
            sleep(Duration::from_millis(600));
            writeln!(io, "last")?;
        }
        "/duplex" => {
            text(io, "first\n")?;
            io.flush()?;
            let length = io::copy(&mut io.stdin, &mut io::sink())?;
            writeln!(io, "{length}")?;
        }
        "/fail/before" => return Err("a function that fails, as it was asked to".into()),
        "/fail/after" => {
            head(io, "Content-Length: 1000\r\n")?;
            io.write_all(&[b'x'; 100])?;
            io.flush()?;
            return Err("it fails".into());
        }
        "/fail/surplus" => {
            head(io, "Content-Length: 5\r\n")?;
            write!(io, "1234567890")?;
        }
        "/stderr" => {
            writeln!(io.stderr, "a message")?;
            io.set_exit_status(3);
            text(io, "stderr\n")?;
        }
        "/wait" => {
            // The body is not read.
            sleep(Duration::from_secs(3));
            text(io, "late")?;
        }
        path if path == "/headers" || path.starts_with("/target") => {
            head(io, "Status: 501 Not Implemented\r\n")?;
            write!(io, "a CGI function reads the params itself")?;
        }
        _ => {
            head(io, "Status: 404 Not Found\r\n")?;
            write!(io, "not found")?;
        }
    }
    Ok(())
}

/// The header block. `fields` are whole lines.
fn head(io: &mut CgiIo, fields: &str) -> io::Result<()> {
    write!(io, "Content-Type: text/plain\r\n{fields}\r\n")
}

fn text(io: &mut CgiIo, text: &str) -> io::Result<()> {
    head(io, "")?;
    write!(io, "{text}")
}

fn status(io: &mut CgiIo, number: u16) -> io::Result<()> {
    let location = match number {
        300..400 => "Location: /elsewhere\r\n",
        _ => "",
    };
    head(io, &format!("Status: {number}\r\n{location}"))?;
    writeln!(io, "status {number}")
}

fn bytes(io: &mut CgiIo, length: usize) -> io::Result<()> {
    head(io, &format!("Content-Length: {length}\r\n"))?;
    let mut sent = 0;
    while sent < length {
        let piece = apps::piece(sent, length);
        io.write_all(&piece)?;
        sent += piece.len();
    }
    Ok(())
}
