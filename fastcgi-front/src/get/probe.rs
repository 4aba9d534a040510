//! Whether what does not answer is a web server: most of them wait for the end of a line, which a FastCGI request need not
//! have in it.

use std::{io, time::Duration};

use fastcgi_tower::client::Address;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time::timeout,
};

/// How long a web server may take to answer.
const LIMIT: Duration = Duration::from_secs(1);
/// Enough for the head and the beginning of a text.
const READ: u64 = 4 * 1024;

/// Asks once more, over HTTP and on a connection of its own.
pub(super) async fn speaks_http(address: &Address) -> bool {
    matches!(timeout(LIMIT, ask(address)).await, Ok(Ok(true)))
}

async fn ask(address: &Address) -> io::Result<bool> {
    match address.as_path() {
        Some(path) => converse(UnixStream::connect(path).await?).await,
        None => converse(TcpStream::connect(address.to_string()).await?).await,
    }
}

async fn converse(mut io: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<bool> {
    io.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
    let mut answer = Vec::new();
    // A connection that is kept has no end.
    let mut io = io.take(READ);
    let _ = timeout(LIMIT / 2, io.read_to_end(&mut answer)).await;
    let is_fastcgi = b"This is a FastCGI application";
    // FastCGI servers of this project answer HTTP in words.
    let says_fastcgi = answer.windows(is_fastcgi.len()).any(|it| it == is_fastcgi);
    Ok(answer.starts_with(b"HTTP/") && !says_fastcgi)
}
