//! The application, and the two ways to serve it.

use std::{
    pin::Pin,
    str::FromStr,
    task::{Context, Poll},
};

use axum::{
    Router,
    body::Body,
    extract::{Path, Request},
    response::Response,
    routing::{get, post},
};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::net::UnixListener;

use crate::Result;

/// What the web server would speak to the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    FastCgi,
    Http,
}

impl Protocol {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::FastCgi => "fastcgi",
            Self::Http => "http",
        }
    }
}

impl FromStr for Protocol {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "fastcgi" => Ok(Self::FastCgi),
            "http" => Ok(Self::Http),
            _ => Err("the protocol is fastcgi or http"),
        }
    }
}

/// Serves until the process is killed.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run(protocol: Protocol, path: &str) -> Result<()> {
    let listener = UnixListener::bind(path)?;
    match protocol {
        Protocol::FastCgi => axum_fastcgi::serve(listener, app()).await?,
        Protocol::Http => axum::serve(listener, app()).await?,
    }
    Ok(())
}

fn app() -> Router {
    Router::new()
        .route("/hello", get(|| async { "Hello, world!" }))
        .route("/download/{length}", get(download))
        .route("/upload", post(upload))
}

async fn download(Path(length): Path<u64>) -> Body {
    Body::new(Zeros { left: length })
}

async fn upload(request: Request) -> Response<String> {
    let mut body = request.into_body();
    let mut length = 0;
    while let Some(Ok(frame)) = body.frame().await {
        length += frame.data_ref().map_or(0, Bytes::len);
    }
    Response::new(length.to_string())
}

/// A body of known length, in frames of 64 KiB that share one buffer.
struct Zeros {
    left: u64,
}

static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

impl http_body::Body for Zeros {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let length = self.left.min(ZEROS.len() as u64);
        self.left -= length;
        let frame = Bytes::from_static(&ZEROS).slice(..length as usize);
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
