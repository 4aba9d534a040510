//! The application with actix-web.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    App, HttpResponse, HttpServer,
    body::{BodySize, MessageBody},
    web::{self, Bytes, Path, Payload, ServiceConfig},
};
use fastcgi_actix::FastCgiServer;
use futures_util::StreamExt;

use crate::{Result, server::Protocol, zeros::Zeros};

/// Serves until the process is killed, on one worker.
#[actix_web::main]
pub(crate) async fn run(protocol: Protocol, path: &str) -> Result<()> {
    let app = || App::new().configure(routes);
    match protocol {
        Protocol::FastCgi => {
            let server = FastCgiServer::new(app).workers(1);
            server.bind_uds(path)?.run().await?;
        }
        Protocol::Http => {
            let server = HttpServer::new(app).workers(1);
            server.bind_uds(path)?.run().await?;
        }
    }
    Ok(())
}

fn routes(config: &mut ServiceConfig) {
    config
        .route("/hello", web::get().to(|| async { "Hello, world!" }))
        .route("/download/{length}", web::get().to(download))
        .route("/upload", web::post().to(upload));
}

async fn download(length: Path<u64>) -> HttpResponse {
    HttpResponse::Ok().body(Zeros::new(*length))
}

async fn upload(mut body: Payload) -> String {
    let mut length = 0;
    while let Some(Ok(piece)) = body.next().await {
        length += piece.len();
    }
    length.to_string()
}

impl MessageBody for Zeros {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.left())
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Poll::Ready(self.next().map(Ok))
    }
}
