//! Params and a body, and what the application makes of them, as it comes.

use std::{
    fmt,
    future::poll_fn,
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::Body;
use proto::Params;

use super::{
    Client, ClientError,
    call::{Call, Outbound},
    start::Start,
    stderr::Stderr,
    times::Clock,
};
use crate::error::BoxError;

/// A part of what an application makes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Piece {
    /// Part of `FCGI_STDOUT`; never empty.
    Stdout(Bytes),
    /// Part of `FCGI_STDERR`, mostly a whole message; never empty.
    Stderr(Bytes),
    /// The application has ended the request.
    End {
        /// Its own status (specification, 5.5). 0 is success with most applications.
        app_status: u32,
    },
}

/// The output of an application for a request, as it arrives: [`Client::exchange_stream`].
///
/// Nothing happens, and nothing is read, unless [`next`](Self::next) is polled. At the end the connection is kept for another
/// request; to drop this earlier closes it.
pub struct ExchangeStream<B> {
    stage: Stage<B>,
}

/// ```text
/// Starting ──something has left──▶ Calling ──the end, or an error──▶ Done
/// ```
enum Stage<B> {
    Starting(Start<B>),
    Calling(Box<Call<B>>),
    Done,
}

impl Client {
    /// Sends a request of `params` and `stdin`, whose parts are sent as they come, and gives the answer as it comes.
    ///
    /// The params are sent as they are, but for those of [`param`](Self::param), which are behind them and in the place of
    /// others with the same names. Many applications read no more
    /// than `CONTENT_LENGTH` says, PHP and CGI programs among them.
    ///
    /// ```no_run
    /// use fastcgi_tower::client::{Address, Client, Piece, Script};
    ///
    /// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
    /// let php = Client::new("unix:/run/php/php-fpm.sock".parse::<Address>()?);
    /// let script = Script::file("/srv/www/import.php")?;
    /// let mut stream = php.exchange_stream(script, String::new());
    /// while let Some(piece) = stream.next().await? {
    ///     match piece {
    ///         Piece::Stdout(data) => println!("{} bytes", data.len()),
    ///         Piece::Stderr(message) => eprintln!("{}", message.escape_ascii()),
    ///         Piece::End { app_status } => println!("ended with {app_status}"),
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn exchange_stream<B>(&self, params: impl Into<Params>, stdin: B) -> ExchangeStream<B>
    where
        B: Body<Error: Into<BoxError>>,
    {
        let outbound = Outbound {
            params: params.into().with(&self.params),
            body: (!stdin.is_end_stream()).then(|| Box::pin(stdin)),
            role: self.role,
            // Messages are pieces.
            stderr: Stderr::from(None),
            clock: Clock::start(self.times),
        };
        let start = Start::new(Arc::clone(&self.pool), Box::new(outbound));
        ExchangeStream {
            stage: Stage::Starting(start),
        }
    }
}

impl<B> ExchangeStream<B>
where
    B: Body<Error: Into<BoxError>>,
{
    /// The next piece. `None` after [`Piece::End`], and after an error.
    ///
    /// Nothing is lost when this future is dropped: another call goes on.
    ///
    /// # Errors
    ///
    /// When the application cannot be reached, breaks the protocol or breaks off, refuses the request, or is late; and when
    /// the body of the request fails.
    pub async fn next(&mut self) -> Result<Option<Piece>, ClientError> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// As [`next`](Self::next), for those that poll.
    ///
    /// # Errors
    ///
    /// As with [`next`](Self::next).
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Piece>, ClientError>> {
        loop {
            // What is not put back is dropped, and with it the connection.
            match mem::replace(&mut self.stage, Stage::Done) {
                Stage::Starting(mut start) => match start.poll(cx) {
                    Poll::Pending => {
                        self.stage = Stage::Starting(start);
                        return Poll::Pending;
                    }
                    Poll::Ready(call) => self.stage = Stage::Calling(call?),
                },
                Stage::Calling(mut call) => match call.poll_piece(cx) {
                    Poll::Pending => {
                        self.stage = Stage::Calling(call);
                        return Poll::Pending;
                    }
                    Poll::Ready(piece) => {
                        let piece = piece?;
                        match piece {
                            Piece::End { .. } => call.finish(),
                            _ => self.stage = Stage::Calling(call),
                        }
                        return Poll::Ready(Ok(Some(piece)));
                    }
                },
                Stage::Done => return Poll::Ready(Ok(None)),
            }
        }
    }
}

impl<B> fmt::Debug for ExchangeStream<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Starting(_) => "starting",
            Stage::Calling(_) => "calling",
            Stage::Done => "done",
        };
        f.debug_tuple("ExchangeStream").field(&stage).finish()
    }
}
