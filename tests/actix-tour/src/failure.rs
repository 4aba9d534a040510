//! Responses that fail after their head has left: what clients see then is for the web server to make of it.

use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::error::ErrorInternalServerError;
use actix_web::rt::time::sleep;
use actix_web::web::{self, Bytes, ServiceConfig};
use actix_web::{Error, HttpResponse, Responder};
use futures_util::{Stream, StreamExt, stream};

/// Enough for the first piece to reach the client.
const PAUSE: Duration = Duration::from_millis(150);

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route("/fails", web::get().to(unannounced))
        .route("/fails/announced", web::get().to(announced))
        .route("/fails/panic", web::get().to(panics));
}

async fn unannounced() -> impl Responder {
    HttpResponse::Ok().streaming(fails())
}

/// The client can count.
async fn announced() -> impl Responder {
    HttpResponse::Ok().body(SizedStream::new(1000, Box::pin(fails())))
}

fn fails() -> impl Stream<Item = Result<Bytes, Error>> {
    first_piece().chain(stream::once(async {
        sleep(PAUSE).await;
        Err(ErrorInternalServerError("the second piece cannot be had"))
    }))
}

async fn panics() -> impl Responder {
    HttpResponse::Ok().streaming(first_piece().chain(stream::once(async {
        sleep(PAUSE).await;
        panic!("a body that panics")
    })))
}

fn first_piece() -> impl Stream<Item = Result<Bytes, Error>> {
    stream::once(async { Ok(Bytes::from_static(b"the first piece\n")) })
}
