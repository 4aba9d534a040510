//! The application with axum.

use std::{io, num::NonZeroUsize};

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
use tokio::{
    net::{TcpListener, UnixListener},
    runtime::{Builder, Runtime},
};

use super::{MAX_CONNECTIONS, limits, zeros::Zeros};
use crate::{Result, socket::Listening};

pub(crate) fn fastcgi(listener: Listening, workers: Option<NonZeroUsize>) -> Result<()> {
    runtime(workers)?.block_on(serve_fastcgi(listener))
}

pub(crate) fn http(listener: Listening, workers: Option<NonZeroUsize>) -> Result<()> {
    runtime(workers)?.block_on(serve_http(listener))
}

fn runtime(workers: Option<NonZeroUsize>) -> io::Result<Runtime> {
    let mut builder = match workers {
        Some(_) => Builder::new_multi_thread(),
        None => Builder::new_current_thread(),
    };
    if let Some(workers) = workers {
        builder.worker_threads(workers.get());
    }
    builder.enable_all().build()
}

async fn serve_fastcgi(listener: Listening) -> Result<()> {
    match listener {
        Listening::Unix(listener) => {
            axum_fastcgi::serve(UnixListener::from_std(listener)?, app())
                .limits(limits())
                .max_connections(MAX_CONNECTIONS)
                .await?;
        }
        Listening::Tcp(listener) => {
            axum_fastcgi::serve(TcpListener::from_std(listener)?, app())
                .limits(limits())
                .max_connections(MAX_CONNECTIONS)
                .await?;
        }
    }
    Ok(())
}

async fn serve_http(listener: Listening) -> Result<()> {
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
