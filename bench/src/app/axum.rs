//! The application with axum.

use axum::{
    Router,
    body::Body,
    extract::{Path, Request},
    response::Response,
    routing::{get, post},
    serve::ListenerExt,
};
use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::net::{TcpListener, UnixListener};

use super::{limits, zeros::Zeros};
use crate::{Result, socket::Listening};

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn fastcgi(listener: Listening) -> Result<()> {
    match listener {
        Listening::Unix(listener) => {
            axum_fastcgi::serve(UnixListener::from_std(listener)?, app())
                .limits(limits())
                .await?;
        }
        Listening::Tcp(listener) => {
            axum_fastcgi::serve(TcpListener::from_std(listener)?, app())
                .limits(limits())
                .await?;
        }
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn http(listener: Listening) -> Result<()> {
    match listener {
        Listening::Unix(listener) => {
            axum::serve(UnixListener::from_std(listener)?, app()).await?;
        }
        Listening::Tcp(listener) => {
            let listener = TcpListener::from_std(listener)?;
            // As the others do by default.
            let listener = listener.tap_io(|io| drop(io.set_nodelay(true)));
            axum::serve(listener, app()).await?;
        }
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn cgi() -> Result<()> {
    Ok(axum_fastcgi::run(app()).await?)
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
