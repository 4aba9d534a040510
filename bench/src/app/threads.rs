//! The application as functions that block: a blocking handler and a CGI function, on threads of a pool.

use std::io::{self, Read, Write};

use fastcgi_tower::{
    CgiIo, HttpService,
    blocking::{self, Request, Response},
    cgi_fn, serve_exchanges,
};

use super::limits;
use crate::{Result, socket::Listening};

/// One worker: what is counted is one request at a time.
const WORKERS: usize = 1;

/// Serves exchanges on whichever socket.
macro_rules! serve {
    ($listener:expr, $service:expr) => {
        match $listener {
            Listening::Unix(listener) => {
                let listener = tokio::net::UnixListener::from_std(listener)?;
                serve_exchanges(listener, $service).limits(limits()).await?;
            }
            Listening::Tcp(listener) => {
                let listener = tokio::net::TcpListener::from_std(listener)?;
                serve_exchanges(listener, $service).limits(limits()).await?;
            }
        }
    };
}

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn blocking(listener: Listening) -> Result<()> {
    let service = blocking::service_fn(answer).max_workers(WORKERS);
    serve!(listener, HttpService::new(service));
    Ok(())
}

fn answer(request: &mut Request) -> io::Result<Response> {
    if request.uri().path() == "/hello" {
        return Ok("Hello, world!".into());
    }
    let length = io::copy(request, &mut io::sink())?;
    Ok(length.to_string().into())
}

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn function(listener: Listening) -> Result<()> {
    let service = cgi_fn(write).max_workers(WORKERS);
    serve!(listener, service);
    Ok(())
}

fn write(io: &mut CgiIo) -> io::Result<()> {
    if io.params.get("REQUEST_URI") == Some(b"/hello") {
        return io.write_all(b"Content-Length: 13\n\nHello, world!");
    }
    let mut buffer = [0; 8192];
    let mut length = 0;
    loop {
        match io.read(&mut buffer)? {
            0 => break,
            count => length += count,
        }
    }
    let text = length.to_string();
    write!(io, "Content-Length: {}\n\n{text}", text.len())
}
