//! Params and a body, and all that the application makes of them.

use std::{
    convert::Infallible,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http::Response;
use http_body::{Body, Frame, SizeHint};
use proto::Params;

use super::{Client, ClientError, Piece, error::Kind};

/// What an application has made of a request: [`Client::exchange`].
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Output {
    /// `FCGI_STDOUT`: of a Responder a CGI header block, and a body.
    pub stdout: Bytes,
    /// `FCGI_STDERR`: messages for the log.
    pub stderr: Bytes,
    /// The application's own status (specification, 5.5). 0 is success with most of them; php-fpm gives 0 always.
    pub app_status: u32,
}

impl Output {
    /// Reads `stdout` as a CGI response. Interim responses are left out.
    ///
    /// # Errors
    ///
    /// When it has no header block, or one that is invalid.
    pub fn into_response(self) -> Result<Response<Bytes>, ClientError> {
        let mut rest = BytesMut::from(self.stdout);
        loop {
            let head = proto::client::parse_head(&mut rest);
            let head = head.map_err(|error| ClientError::new(Kind::InvalidHead(error)))?;
            let head = head.ok_or_else(|| ClientError::new(Kind::NoHead))?;
            if !head.status.is_informational() {
                return Ok(Response::from_parts(head, rest.freeze()));
            }
        }
    }
}

/// The lengths: what is in the streams may be secret.
impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("stdout", &format_args!("{} bytes", self.stdout.len()))
            .field("stderr", &format_args!("{} bytes", self.stderr.len()))
            .field("app_status", &self.app_status)
            .finish()
    }
}

impl Client {
    /// Sends a request of `params` and `stdin`, and waits for all of the answer.
    ///
    /// The params are sent as they are, but for those of [`param`](Self::param), which are behind them and in the place of
    /// others with the same names, and with a `CONTENT_LENGTH` where they have none and there is a `stdin`. [`Script`](super::Script) makes them for a script of php-fpm;
    /// `Params::from_iter([("SCRIPT_NAME", "/ping")])` has any others.
    ///
    /// Dropping the future, whatever it waits for, closes the connection.
    ///
    /// # Errors
    ///
    /// When the application cannot be reached, breaks the protocol or breaks off, refuses the request, or is late; and when
    /// both streams together are longer than [`max_output`](Self::max_output), 16 MiB by default. Nothing of the answer is
    /// given then: [`exchange_stream`](Self::exchange_stream) gives it as it comes.
    pub async fn exchange(
        &self,
        params: impl Into<Params>,
        stdin: impl Into<Bytes>,
    ) -> Result<Output, ClientError> {
        let stdin = stdin.into();
        let params = with_length(params.into(), stdin.len());
        let mut stream = self.exchange_stream(params, Stdin(stdin));
        let (mut stdout, mut stderr) = (BytesMut::new(), BytesMut::new());
        while let Some(piece) = stream.next().await? {
            let (to, data) = match piece {
                Piece::Stdout(data) => (&mut stdout, data),
                Piece::Stderr(data) => (&mut stderr, data),
                Piece::End { app_status } => {
                    return Ok(Output {
                        stdout: stdout.freeze(),
                        stderr: stderr.freeze(),
                        app_status,
                    });
                }
            };
            to.extend_from_slice(&data);
            if stdout.len() + stderr.len() > self.max_output {
                return Err(ClientError::new(Kind::OutputTooLong(self.max_output)));
            }
        }
        unreachable!("a stream without an error has an end")
    }
}

fn with_length(params: Params, length: usize) -> Params {
    if length == 0 || params.get("CONTENT_LENGTH").is_some() {
        return params;
    }
    let length = length.to_string();
    let length = (&b"CONTENT_LENGTH"[..], length.as_bytes());
    params.iter().chain([length]).collect()
}

/// All of a request's body.
#[derive(Debug)]
struct Stdin(Bytes);

impl Body for Stdin {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = std::mem::take(&mut self.0);
        Poll::Ready((!data.is_empty()).then(|| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.len() as u64)
    }
}
