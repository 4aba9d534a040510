//! The application with actix-web.

use actix_web::{
    App, HttpResponse, HttpServer,
    web::{self, Path, Payload, ServiceConfig},
};
use fastcgi_actix::FastCgiServer;
use futures_util::StreamExt;

use super::{limits, zeros::Zeros};
use crate::{Result, socket::Listening};

#[actix_web::main]
pub(crate) async fn fastcgi(listener: Listening) -> Result<()> {
    let server = FastCgiServer::new(|| App::new().configure(routes))
        .limits(limits())
        .workers(1)
        .disable_signals();
    let server = match listener {
        Listening::Unix(listener) => server.listen_uds(listener)?,
        Listening::Tcp(listener) => server.listen(listener)?,
    };
    Ok(server.run().await?)
}

#[actix_web::main]
pub(crate) async fn http(listener: Listening) -> Result<()> {
    let server = HttpServer::new(|| App::new().configure(routes))
        .workers(1)
        .disable_signals();
    let server = match listener {
        Listening::Unix(listener) => server.listen_uds(listener)?,
        Listening::Tcp(listener) => server.listen(listener)?,
    };
    Ok(server.run().await?)
}

#[actix_web::main]
pub(crate) async fn cgi() -> Result<()> {
    Ok(fastcgi_actix::run(|| App::new().configure(routes)).await?)
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
