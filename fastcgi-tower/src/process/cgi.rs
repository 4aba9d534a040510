//! Plain CGI: one request, from the environment and standard input, answered on standard output.
//!
//! For hosts that start a process for each request (RFC 3875). It is FastCGI over a pipe inside the process, so that
//! every rule and limit of the one driver holds here too.

use std::{
    env,
    future::Future,
    io::{self, Write},
    os::unix::ffi::OsStrExt,
    time::Duration,
};

use bytes::{Buf, Bytes, BytesMut};
use http::{Method, StatusCode};
use proto::{
    Params, cgi, client,
    client::ClientEvent,
    record::{BeginRequest, Flags, RequestId, Role},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream},
    select,
    time::timeout,
};

use super::{
    single::Single,
    threads::{ThreadReader, ThreadWriter},
};
use crate::{listener::AnyListener, stdio};

/// How much is on its way inside the process, in each direction; also how much of a response is written at a time.
const PIPE: usize = 64 * 1024;
/// B-9: how much of a useless body is read, so that a gateway which is still writing it gets to read the response.
const MAX_DISCARDED: u64 = 100 * 1024 * 1024;
const DISCARD_LIMIT: Duration = Duration::from_secs(30);
/// B-14: how long to wait for more of a body of unknown length.
const DISCARD_PAUSE: Duration = Duration::from_secs(2);

/// The request of a CGI program: `params` is its environment, `stdin` its body, and the response goes to `stdout`.
///
/// What carries both is the future that comes with the listener: serve until it is done. It gives the status to exit with,
/// and closes `stdout` before it reads what is left of a body that was not read (B-9).
///
/// # Errors
///
/// The future fails when a stream does, or when the response could not be finished.
///
/// ```
/// # use fastcgi_tower::{Incoming, process::cgi};
/// # async fn hello(_: http::Request<Incoming>) -> Result<http::Response<String>, std::convert::Infallible> {
/// #     Ok(http::Response::new("hello".to_owned()))
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let params = [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/")].into_iter().collect();
/// let (listener, gateway) = cgi(&params, tokio::io::empty(), tokio::io::sink());
/// fastcgi_tower::serve(listener, tower::service_fn(hello))
///     .with_graceful_shutdown(async {
///         gateway.await.expect("nothing here can fail");
///     })
///     .await
/// # }
/// ```
pub fn cgi<R, W>(
    params: &Params,
    stdin: R,
    stdout: W,
) -> (
    AnyListener,
    impl Future<Output = io::Result<u32>> + Send + 'static + use<R, W>,
)
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let (application, pipe) = tokio::io::duplex(PIPE);
    let gateway = Gateway::new(params, stdin, stdout);
    let refusal = needs_length(params).then(|| refuse_chunked(params));
    let carried = async move {
        match refusal {
            Some(refusal) => gateway.answer(&refusal).await,
            None => gateway.run(pipe).await,
        }
    };
    (AnyListener::internal(application), carried)
}

/// The request that is described by this process's environment, with standard input as its body. The response goes to
/// standard output; what the application prints goes to standard error.
pub(super) fn from_env() -> io::Result<Single> {
    let params: Params = env::vars_os()
        .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
        .collect();
    let stdin = rustix::stdio::stdin().try_clone_to_owned()?;
    let stdout = stdio::take_stdout()?;
    // RFC 3875, 4.2: what follows the announced length is not the request's.
    let limit = if needs_length(&params) {
        MAX_DISCARDED
    } else {
        length(&params)
    };
    let stdin = ThreadReader::new(stdin, limit);
    let (listener, gateway) = cgi(&params, stdin, ThreadWriter::new(stdout));
    Ok(Single::new(listener, async { gateway.await.map(drop) }))
}

/// How much is read of the body. Of an invalid length nothing is: the application's side refuses the request.
fn length(params: &Params) -> u64 {
    params.content_length().ok().flatten().unwrap_or(0)
}

/// Whether there is a body of unknown length. CGI has no way to say where it ends (RFC 3875, 4.2).
fn needs_length(params: &Params) -> bool {
    let coding = params.get("HTTP_TRANSFER_ENCODING").unwrap_or_default();
    !coding.trim_ascii().is_empty()
        && !coding.eq_ignore_ascii_case(b"identity")
        && params.content_length() == Ok(None)
}

fn refuse_chunked(params: &Params) -> Bytes {
    let method = params.get("REQUEST_METHOD").unwrap_or_default();
    let mut response = BytesMut::new();
    cgi::write_refusal(
        StatusCode::LENGTH_REQUIRED,
        Method::from_bytes(method).ok().as_ref(),
        &mut response,
    );
    response.freeze()
}

/// The web server's part: between the process's streams and the pipe.
struct Gateway<R, W> {
    proto: client::ClientConnection,
    id: RequestId,
    /// Bytes of the body still to be read. What follows them on standard input is not part of it (RFC 3875, 4.2).
    left: u64,
    stdin: R,
    stdout: W,
    /// Part of the response that standard output has not taken yet.
    response: BytesMut,
    /// The status to exit with, once the response is complete.
    ended: Option<u32>,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Gateway<R, W> {
    fn new(params: &Params, stdin: R, stdout: W) -> Self {
        let mut proto = client::ClientConnection::new();
        let begin = BeginRequest {
            role: Role::RESPONDER,
            flags: Flags::NONE,
        };
        let id = proto
            .begin(begin)
            .expect("a new connection has an id to give");
        let left = length(params);
        let mut request = proto.request(id).expect("a request that was just begun");
        request.params(params);
        if left == 0 {
            request.stdin_end();
        }
        Self {
            proto,
            id,
            left,
            stdin,
            stdout,
            response: BytesMut::new(),
            ended: None,
        }
    }

    async fn run(mut self, pipe: DuplexStream) -> io::Result<u32> {
        match self.carry(pipe).await {
            Ok(app_status) => {
                self.finish(DISCARD_LIMIT).await?;
                Ok(app_status)
            }
            Err(error) => {
                // What there is of the response, so that the client sees that something is missing (R-10).
                let _ = self.stdout.write_all(&self.response).await;
                Err(error)
            }
        }
    }

    /// Carries on in all directions at once: a web server may write the whole body before it reads (B-8).
    async fn carry(&mut self, pipe: DuplexStream) -> io::Result<u32> {
        let (mut from_application, mut to_application) = tokio::io::split(pipe);
        let mut input = BytesMut::new();
        let mut body = BytesMut::new();
        loop {
            self.take_events(&mut input)?;
            if let Some(app_status) = self.ended.filter(|_| self.response.is_empty()) {
                return Ok(app_status);
            }
            body.reserve(PIPE / 2);
            // As much as there may be, so that a head is not taken, and written, in pieces.
            input.reserve(PIPE);
            let room = usize::try_from(self.left)
                .unwrap_or(usize::MAX)
                .min(PIPE / 2);
            let unsent = self.proto.outgoing().has_remaining();
            let is_full = self.response.len() >= PIPE;
            let mut stdin = (&mut self.stdin).take(room as u64);
            select! {
                count = self.stdout.write(&self.response), if !self.response.is_empty() => {
                    self.response.advance(count?);
                }
                count = from_application.read_buf(&mut input), if self.ended.is_none() && !is_full => {
                    if count? == 0 {
                        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "there is no response"));
                    }
                }
                count = to_application.write_buf(self.proto.outgoing()), if unsent => {
                    count?;
                }
                count = stdin.read_buf(&mut body), if !unsent && room > 0 && self.ended.is_none() => {
                    self.send(count?, body.split().freeze());
                }
            }
        }
    }

    /// Answers without asking the application, because the length of the body is unknown.
    async fn answer(mut self, response: &[u8]) -> io::Result<u32> {
        self.stdout.write_all(response).await?;
        self.left = u64::MAX;
        self.finish(DISCARD_PAUSE).await?;
        Ok(0)
    }

    /// B-9: the gateway knows the end of the response by the end of standard output, and may be writing the body until
    /// then. A pipe that is closed with something unread makes it fail.
    async fn finish(mut self, pause: Duration) -> io::Result<()> {
        self.stdout.shutdown().await?;
        drop(self.stdout);
        let mut rest = self.stdin.take(self.left.min(MAX_DISCARDED));
        let discarded = async {
            let mut piece = BytesMut::new();
            loop {
                piece.clear();
                piece.reserve(PIPE / 2);
                match timeout(pause, rest.read_buf(&mut piece)).await {
                    Ok(Ok(1..)) => {}
                    Ok(Err(error)) => {
                        tracing::debug!(%error, "the rest of the body cannot be read");
                        return;
                    }
                    Ok(Ok(0)) | Err(_) => return,
                }
            }
        };
        let _ = timeout(DISCARD_LIMIT, discarded).await;
        Ok(())
    }

    /// Sends a part of the body, or its end where standard input ended early.
    fn send(&mut self, count: usize, data: Bytes) {
        self.left = if count == 0 {
            0
        } else {
            self.left - count as u64
        };
        if let Some(mut request) = self.proto.request(self.id) {
            request.stdin(data);
            if self.left == 0 {
                request.stdin_end();
            }
        }
    }

    /// Takes what has arrived of the response: as much as there is, so that it leaves in one piece.
    fn take_events(&mut self, input: &mut BytesMut) -> io::Result<()> {
        // R-10: the one way for this application's own side to break the protocol.
        let broken = |_| io::Error::other("the response breaks off after its head");
        while let Some(event) = self.proto.next_event(input).map_err(broken)? {
            match event {
                ClientEvent::Stdout { data, .. } => self.response.extend_from_slice(&data),
                // A CGI program's standard error is the web server's log already.
                ClientEvent::Stderr { data, .. } => {
                    if let Err(error) = io::stderr().write_all(&data) {
                        tracing::debug!(%error, "standard error cannot be written");
                    }
                }
                ClientEvent::End { end, .. } => self.ended = Some(end.app_status),
                _ => {}
            }
        }
        Ok(())
    }
}
