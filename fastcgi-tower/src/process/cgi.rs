//! Plain CGI: one request, from the environment and standard input, answered on standard output.
//!
//! For hosts that start a process for each request (RFC 3875). It is FastCGI over a pipe inside the process, so that
//! every rule and limit of the one driver holds here too.

use std::{
    env,
    future::{Future, pending},
    io,
    net::IpAddr,
    os::unix::ffi::OsStrExt,
};

use bytes::{Buf, Bytes, BytesMut};
use proto::{
    Params, WebServer,
    record::{BeginRequest, Flags, RequestId, Role},
    web_server::Event,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream},
    select,
};

use super::Listener;

/// A listener of the one connection, with one request, of a CGI program.
///
/// What carries the request in and the response out is a future of its own, which comes with it: serve until that is
/// done.
///
/// ```
/// # use fastcgi_tower::{Incoming, listener::CgiProcess};
/// # async fn hello(_: http::Request<Incoming>) -> Result<http::Response<String>, std::convert::Infallible> {
/// #     Ok(http::Response::new("hello".to_owned()))
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let params = [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/")].into_iter().collect();
/// let (process, gateway) = CgiProcess::new(&params, tokio::io::empty(), tokio::io::sink());
/// fastcgi_tower::serve(process, tower::service_fn(hello))
///     .with_graceful_shutdown(async {
///         gateway.await.expect("nothing here can fail");
///     })
///     .await
/// # }
/// ```
#[derive(Debug)]
pub struct CgiProcess {
    /// None when it has been accepted.
    pipe: Option<DuplexStream>,
}

/// How much is on its way inside the process, in each direction.
const PIPE: usize = 64 * 1024;

impl CgiProcess {
    /// The request that is described by this process's environment, with standard input as its body. The response goes
    /// to standard output. The future gives the status to exit with.
    ///
    /// # Errors
    ///
    /// The future fails when standard input or output does, or the response could not be finished.
    pub fn from_env() -> (Self, impl Future<Output = io::Result<u32>> + Send + 'static) {
        let params = env::vars_os()
            .map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec()))
            .collect();
        Self::new(&params, tokio::io::stdin(), tokio::io::stdout())
    }

    /// As [`from_env`](Self::from_env), with the environment and the streams given.
    ///
    /// # Errors
    ///
    /// The future fails when a stream does, or the response could not be finished.
    pub fn new<R, W>(
        params: &Params,
        stdin: R,
        stdout: W,
    ) -> (
        Self,
        impl Future<Output = io::Result<u32>> + Send + 'static + use<R, W>,
    )
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let (application, gateway) = tokio::io::duplex(PIPE);
        let process = Self {
            pipe: Some(application),
        };
        (process, Gateway::new(params, stdin, stdout).run(gateway))
    }
}

impl Listener for CgiProcess {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        match self.pipe.take() {
            Some(pipe) => (pipe, ()),
            None => pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }

    fn ip(&self, (): &()) -> Option<IpAddr> {
        None
    }

    fn is_internal(&self) -> bool {
        true
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
