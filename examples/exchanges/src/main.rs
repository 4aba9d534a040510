//! The level below HTTP: a handler writes what the web server gets, byte for byte, and to its log. The same program says who
//! may pass where a web server asks it as an Authorizer.
//!
//! ```sh
//! cargo run -p fastcgi-front -- cargo run -p exchanges
//! ```

use std::{convert::Infallible, io};

use fastcgi_tower::{Exchange, Reply, Role, RunError, Stdout, json, respond, run_exchanges};
use http::StatusCode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::service_fn;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RunError> {
    let service = service_fn(async |exchange| {
        Ok::<_, Infallible>(Reply::streaming(|stdout| answer(exchange, stdout)))
    });
    run_exchanges(service)
        .configure(|server| server.authorizer(true).filter(true))
        .await
}

async fn answer(mut exchange: Exchange, mut stdout: Stdout) -> io::Result<()> {
    if exchange.role == Role::AUTHORIZER {
        return authorize(&exchange, &mut stdout).await;
    }
    let uri = exchange.params.get("REQUEST_URI").unwrap_or_default();
    match uri {
        b"/" => {
            stdout
                .send(respond(StatusCode::OK, "text/html", "<h1>Hello</h1>\n"))
                .await
        }
        b"/log" => {
            exchange.handle.stderr_now(vec![b'e'; 9000]);
            stdout.write_all(b"Status: 200 OK\r\n\r\nlogged\n").await
        }
        b"/environment" => stdout.send(json(StatusCode::OK, &exchange.params)?).await,
        b"/connection" => {
            let id = exchange.handle.connection_id();
            stdout.write_all(format!("\r\n{id}").as_bytes()).await
        }
        b"/no-head" => stdout.write_all(b"no head").await,
        b"/longer" => stdout.write_all(b"Content-Length: 2\r\n\r\nlonger").await,
        b"/shorter" => {
            stdout
                .write_all(b"Content-Length: 100\r\n\r\nshorter")
                .await
        }
        // Each piece leaves when the client has asked for it.
        b"/pieces" => {
            stdout
                .write_all(b"Content-Type: text/plain\r\n\r\n")
                .await?;
            for piece in ["one", "two", "three"] {
                exchange.stdin.read_u8().await?;
                stdout.write_all(piece.as_bytes()).await?;
                stdout.flush().await?;
            }
            Ok(())
        }
        _ => stdout.write_all(b"Status: 404 Not Found\r\n\r\n").await,
    }
}

/// `zoe:hello`. After a 200 the request goes on, with a param.
async fn authorize(exchange: &Exchange, stdout: &mut Stdout) -> io::Result<()> {
    let answer: &[u8] = match exchange.params.get("HTTP_AUTHORIZATION") {
        Some(b"Basic em9lOmhlbGxv") => b"Status: 200 OK\r\nVariable-member_name: zoe\r\n\r\n",
        _ => b"Status: 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"members\"\r\n\r\nmembers only\n",
    };
    stdout.write_all(answer).await
}
