//! Exchanges and replies without a connection, so that a handler can be tested by itself.

use std::{future::poll_fn, pin::pin};

use bytes::{Buf, Bytes, BytesMut};
use http_body::Body;
use proto::{Params, record::Role};

use super::{Exchange, Incoming, Reply, RequestHandle, handle::Message};
use crate::error::BoxError;

impl Exchange {
    /// A Responder's request with these params and an empty body, as for a test of a handler.
    ///
    /// ```
    /// use fastcgi_tower::{BoxError, Exchange, Incoming, Reply};
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// async fn shout(mut exchange: Exchange) -> Result<Reply<Incoming>, BoxError> {
    ///     let mut text = String::new();
    ///     exchange.stdin.read_to_string(&mut text).await?;
    ///     exchange.handle.stderr("somebody shouts\n");
    ///     Ok(Reply::new("Content-Type: text/plain\r\n\r\n", text.to_uppercase().into()))
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), BoxError> {
    /// let mut exchange = Exchange::new([("REQUEST_METHOD", "POST")].into_iter().collect());
    /// exchange.stdin = "hello".into();
    /// let handle = exchange.handle.clone();
    ///
    /// let reply = shout(exchange).await?;
    /// assert_eq!(reply.collect().await?, "Content-Type: text/plain\r\n\r\nHELLO");
    /// assert_eq!(handle.take_messages(), "somebody shouts\n");
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(params: Params) -> Self {
        Self {
            role: Role::RESPONDER,
            keep_conn: false,
            params,
            stdin: Incoming::empty(),
            data: Incoming::empty(),
            handle: RequestHandle::default(),
            is_plain_cgi: false,
        }
    }
}

impl<B: Body<Error: Into<BoxError>>> Reply<B> {
    /// All that is written to `FCGI_STDOUT`, in one piece of memory: for a test of a handler.
    ///
    /// # Errors
    ///
    /// When the body fails, or is shorter than was announced.
    pub async fn collect(self) -> Result<Bytes, BoxError> {
        let Self {
            head: mut stdout,
            mut length,
            body,
            outcome: _,
        } = self;
        let mut body = pin!(body);
        while !length.is_over() && !body.is_end_stream() {
            let frame = poll_fn(|cx| body.as_mut().poll_frame(cx)).await;
            let Some(frame) = frame.transpose().map_err(Into::into)? else {
                break;
            };
            if let Ok(mut data) = frame.into_data() {
                let mut data = data.copy_to_bytes(data.remaining());
                length.take(&mut data);
                stdout.extend_from_slice(&data);
            }
        }
        length.finish()?;
        Ok(stdout.freeze())
    }
}

/// For a test of a handler, which has no connection.
impl RequestHandle {
    /// Takes the messages that would go to the web server's log next, one behind the other.
    pub fn take_messages(&self) -> Bytes {
        let mut taken = BytesMut::new();
        for message in self.take_stderr() {
            let (Message::AfterHead(text) | Message::Now(text)) = message;
            taken.extend_from_slice(&text);
        }
        taken.freeze()
    }

    /// Makes the request one that was given up.
    pub fn set_aborted(&self) {
        self.abort();
    }
}
