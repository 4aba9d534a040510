//! Ready-made responses for the level below HTTP.

mod chunks;

use std::io::{self, Write};

use bytes::{Bytes, BytesMut};
use http::{
    HeaderName, HeaderValue, Method, Response, StatusCode,
    header::{CONTENT_TYPE, LOCATION},
    response::Parts,
};
use proto::cgi::{ResponseMapping, status_text};
use tokio::io::AsyncWriteExt;

pub use self::chunks::Chunks;
use crate::exchange::{Reply, Stdout};

/// A response with a status, a MIME type and a body: for [`Stdout::send`], for a [CGI function](crate::cgi_fn), or as a whole
/// [`Reply`].
///
/// The body is text, bytes, or [`Chunks`] of an iterator or a stream. A type of text without a `charset` gets
/// `charset=utf-8`. Without a `content-length` in its head, what is written later is added to the body.
///
/// By [`Stdout::send`] the body is sent also where there should be none: in the answer to HEAD, and with status 204 or 304. h2o
/// sends it on to the client (R-8). A CGI function takes care of that.
///
/// ```
/// use fastcgi_tower::{Stdout, respond};
/// use http::StatusCode;
/// use tokio::io::AsyncWriteExt;
///
/// async fn page(mut stdout: Stdout) -> std::io::Result<()> {
///     let page = respond(StatusCode::OK, "text/html", "<p>one\n").header("cache-control", "no-store");
///     stdout.send(page).await?;
///     stdout.write_all(b"<p>two\n").await
/// }
/// ```
pub fn respond(status: StatusCode, mime: &str, body: impl Into<Chunks>) -> Answer {
    let is_bare_text = mime.starts_with("text/") && !mime.contains("charset=");
    let mime = if is_bare_text {
        HeaderValue::try_from(format!("{mime}; charset=utf-8"))
    } else {
        HeaderValue::try_from(mime)
    };
    let mut answer = Answer::new(status, body.into());
    match mime {
        Ok(mime) => drop(answer.parts.headers.insert(CONTENT_TYPE, mime)),
        Err(_) => answer.fault = Some("the MIME type is no header value"),
    }
    answer
}

/// As [`respond`], with a value that is written as JSON, in the type `application/json`.
///
/// # Errors
///
/// When the value cannot be written as JSON.
#[cfg(feature = "json")]
pub fn json<T: serde::Serialize + ?Sized>(
    status: StatusCode,
    value: &T,
) -> Result<Answer, serde_json::Error> {
    let text = serde_json::to_vec(value)?;
    Ok(respond(status, "application/json", text))
}

/// Sends the client to another URL, with status 302. `target` is a URL, or a path on this server.
///
/// Another status is set by [`Answer::status`].
pub fn redirect(target: &str) -> Answer {
    let mut answer = Answer::new(StatusCode::FOUND, Chunks::default());
    answer.set_location(target);
    answer
}

/// Makes the web server answer with another of its own resources: CGI's local redirect (RFC 3875, 6.2.2). `path` begins with
/// one slash, and may have a query.
///
/// Apache follows it, and so do CGI servers. nginx and HTTP clients get a [`redirect`]; Caddy makes a 200 of it that no client
/// follows. It has no status, so it exists on this level only: over HTTP, R-1 always sends one. A CGI function may always send
/// it: behind other web servers than Apache it is written as a redirect (R-19).
pub fn local_redirect(path: &str) -> Answer {
    let mut answer = Answer::new(StatusCode::FOUND, Chunks::default());
    answer.is_local = true;
    answer.set_location(path);
    answer
}

/// A response that [`respond`], [`redirect`] or [`local_redirect`] has made.
#[derive(Debug)]
#[must_use = "a response does nothing unless it is sent"]
pub struct Answer {
    parts: Parts,
    body: Chunks,
    /// Whether the head has no status.
    is_local: bool,
    /// Reported when it is sent, so that calls can be chained.
    fault: Option<&'static str>,
}

impl Answer {
    fn new(status: StatusCode, body: Chunks) -> Self {
        let (mut parts, ()) = Response::new(()).into_parts();
        parts.status = status;
        Self {
            parts,
            body,
            is_local: false,
            fault: None,
        }
    }

    /// Adds a header field. An invalid one is an error of sending.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        N: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        match (name.try_into(), value.try_into()) {
            (Ok(name), Ok(value)) => drop(self.parts.headers.append(name, value)),
            _ => self.fault = Some("a header field is invalid"),
        }
        self
    }

    /// Sets the status: of a redirect, 303, 307 or 308.
    pub fn status(mut self, status: StatusCode) -> Self {
        self.parts.status = status;
        self
    }

    fn set_location(&mut self, target: &str) {
        match HeaderValue::try_from(target) {
            Ok(target) => drop(self.parts.headers.insert(LOCATION, target)),
            Err(_) => self.fault = Some("the target is no header value"),
        }
    }

    /// The header block. Of the body nothing is known in it: more may be written later.
    fn head(&self) -> io::Result<BytesMut> {
        let invalid = |fault| io::Error::new(io::ErrorKind::InvalidInput, fault);
        if let Some(fault) = self.fault {
            return Err(invalid(fault));
        }
        let mut head = BytesMut::new();
        let mapping = ResponseMapping::default();
        let written = if self.is_local {
            mapping.write_local_redirect(&self.parts.headers, &mut head)
        } else {
            mapping.write_head(&self.parts, &Method::GET, None, &mut head)
        };
        written.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        Ok(head)
    }

    /// Writes it, on a thread that may block. The chunks of a stream are waited for.
    pub(crate) fn write(mut self, out: &mut impl Write) -> io::Result<()> {
        out.write_all(&self.head()?)?;
        while let Some(chunk) = self.body.next_blocking() {
            out.write_all(&chunk?)?;
            if self.body.is_live() {
                out.flush()?;
            }
        }
        Ok(())
    }
}

impl Stdout {
    /// Writes a whole response, header block included. What is written later is added to its body. Each chunk of an iterator
    /// or a stream leaves before the next is asked for.
    ///
    /// # Errors
    ///
    /// With `InvalidInput` when a header field is invalid; nothing was written then. When a chunk fails, and when writing
    /// does.
    pub async fn send(&mut self, mut answer: Answer) -> io::Result<()> {
        self.write_all(&answer.head()?).await?;
        while let Some(chunk) = answer.body.next().await {
            self.write_all(&chunk?).await?;
            if answer.body.is_live() {
                self.flush().await?;
            }
        }
        Ok(())
    }
}

/// The whole response.
///
/// # Errors
///
/// With `InvalidInput` when a header field is invalid.
impl TryFrom<Answer> for Reply<Chunks> {
    type Error = io::Error;

    fn try_from(answer: Answer) -> io::Result<Self> {
        Ok(Self::new(answer.head()?, answer.body))
    }
}

/// A text for people.
impl From<StatusCode> for Answer {
    fn from(status: StatusCode) -> Self {
        respond(status, "text/plain", Bytes::from(status_text(status)))
    }
}
