//! The application with axum.

use std::{
    pin::Pin,
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

use crate::{Result, server::Protocol, zeros::Zeros};

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
    Body::new(Zeros::new(length))
}

async fn upload(request: Request) -> Response<String> {
    let mut body = request.into_body();
    let mut length = 0;
    while let Some(Ok(frame)) = body.frame().await {
        length += frame.data_ref().map_or(0, Bytes::len);
    }
    Response::new(length.to_string())
}

impl http_body::Body for Zeros {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.next().map(|piece| Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left())
    }
}
