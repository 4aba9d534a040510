//! Plain CGI: one request, from the environment and standard input, answered on standard output.
//!
//! For hosts that start a process for each request (RFC 3875). It is FastCGI over a pipe inside the process, so that
//! every rule and limit of the one driver holds here too.

use std::{env, future::Future, io, os::unix::ffi::OsStrExt};

use bytes::{Buf, Bytes, BytesMut};
use http_body::Body;
use proto::{
    Params, WebServer,
    record::{BeginRequest, Flags, RequestId, Role},
    web_server::Event,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream},
    select,
};
use tower_service::Service;

use crate::{BoxError, Builder, Incoming};

/// How much is on its way inside the process, in each direction.
const PIPE: usize = 64 * 1024;

impl Builder {
    /// Answers the one request of a CGI program: the meta-variables are this process's environment, the request body is
    /// standard input, and the response goes to standard output. Gives the status to exit with.
    ///
    /// # Errors
    ///
    /// When standard input or output fails, or the response could not be finished.
    pub async fn serve_cgi<S, B>(&self, service: S) -> io::Result<u32>
    where
        S: Service<http::Request<Incoming>, Response = http::Response<B>, Error: Into<BoxError>>,
        B: Body<Error: Into<BoxError>>,
    {
        let params = env::vars_os()
            .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
            .collect();
        self.serve_cgi_over(service, params, tokio::io::stdin(), tokio::io::stdout())
            .await
    }

    /// As [`serve_cgi`](Self::serve_cgi), with the environment and the streams given.
    ///
    /// # Errors
    ///
    /// When a stream fails, or the response could not be finished.
    pub async fn serve_cgi_over<S, B>(
        &self,
        service: S,
        params: Params,
        stdin: impl AsyncRead + Unpin,
        stdout: impl AsyncWrite + Unpin,
    ) -> io::Result<u32>
    where
        S: Service<http::Request<Incoming>, Response = http::Response<B>, Error: Into<BoxError>>,
        B: Body<Error: Into<BoxError>>,
    {
        let (application, pipe) = tokio::io::duplex(PIPE);
        let connection = self.serve_connection(application, service);
        let gateway = Gateway::new(&params, stdin, stdout);
        finish_both(connection, gateway.run(pipe)).await
    }
}

/// The gateway's word is what counts: the connection only lingers after it.
async fn finish_both<T>(
    connection: impl Future<Output = Result<(), crate::Error>>,
    gateway: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    let mut gateway = std::pin::pin!(gateway);
    select! {
        biased;
        result = &mut gateway => result,
        result = connection => match result {
            Ok(()) => gateway.await,
            Err(error) => Err(io::Error::other(error)),
        },
    }
}

/// The web server's part: between the process's streams and the pipe.
struct Gateway<R, W> {
    proto: WebServer,
    id: RequestId,
    /// Bytes of the body still to be read. What follows them on standard input is none of ours (RFC 3875, 4.2).
    left: u64,
    stdin: R,
    stdout: W,
    /// Part of the response that standard output has not taken yet.
    response: Bytes,
}

impl<R: AsyncRead + Unpin, W: AsyncWrite + Unpin> Gateway<R, W> {
    fn new(params: &Params, stdin: R, stdout: W) -> Self {
        let mut proto = WebServer::new();
        let begin = BeginRequest {
            role: Role::RESPONDER,
            flags: Flags::NONE,
        };
        let id = proto.begin(begin).unwrap_or(RequestId::ONE);
        // A contradictory length is refused by the application's side.
        let left = params.content_length().ok().flatten().unwrap_or(0);
        if let Some(mut request) = proto.request(id) {
            request.params(params);
            if left == 0 {
                request.stdin_end();
            }
        }
        Self {
            proto,
            id,
            left,
            stdin,
            stdout,
            response: Bytes::new(),
        }
    }

    /// Carries on in all directions at once: a web server may write the whole body before it reads (B-8).
    async fn run(mut self, pipe: DuplexStream) -> io::Result<u32> {
        let (mut from_application, mut to_application) = tokio::io::split(pipe);
        let mut input = BytesMut::new();
        let mut body = BytesMut::new();
        loop {
            if self.response.is_empty() {
                if let Some(app_status) = self.take_event(&mut input)? {
                    self.stdout.flush().await?;
                    return Ok(app_status);
                }
            }
            body.reserve(PIPE / 2);
            let room = usize::try_from(self.left)
                .unwrap_or(usize::MAX)
                .min(PIPE / 2);
            let unsent = self.proto.outgoing().has_remaining();
            let mut stdin = (&mut self.stdin).take(room as u64);
            select! {
                count = self.stdout.write(&self.response), if !self.response.is_empty() => {
                    self.response.advance(count?);
                }
                count = from_application.read_buf(&mut input), if self.response.is_empty() => {
                    if count? == 0 {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
                count = to_application.write_buf(self.proto.outgoing()), if unsent => {
                    count?;
                }
                count = stdin.read_buf(&mut body), if !unsent && room > 0 => {
                    self.send(count?, body.split().freeze());
                }
            }
        }
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

    /// Takes the next part of the response, or the status that ends it.
    fn take_event(&mut self, input: &mut BytesMut) -> io::Result<Option<u32>> {
        loop {
            match self.proto.poll_event(input).map_err(io::Error::other)? {
                Some(Event::Stdout { data, .. }) => self.response = data,
                Some(Event::Stderr { data, .. }) => {
                    // A CGI program's standard error is the web server's log already.
                    eprint!("{}", String::from_utf8_lossy(&data));
                    continue;
                }
                Some(Event::End { end, .. }) => return Ok(Some(end.app_status)),
                Some(_) => continue,
                None => {}
            }
            return Ok(None);
        }
    }
}
