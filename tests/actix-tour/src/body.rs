//! Bodies that are streamed: in, out, and both at once.

use std::time::Duration;

use actix_web::body::SizedStream;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::rt::time::sleep;
use actix_web::web::{self, Bytes, Json, Path, Payload, ServiceConfig};
use actix_web::{Error, HttpResponse, Responder};
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};

const BLOCK: u64 = 16 * 1024;
const PIECES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(150);

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route("/upload", web::to(upload))
        .route("/echo", web::post().to(echo))
        .route("/refuse", web::post().to(refuse))
        .route("/download/{bytes}", web::get().to(download))
        .route("/pieces", web::get().to(pieces))
        .route("/events", web::get().to(events));
}

/// The number of bytes, and their sum: enough to see that none is lost, doubled or changed.
async fn upload(mut body: Payload) -> Result<Json<Value>, Error> {
    let (mut bytes, mut sum) = (0, 0_u64);
    while let Some(data) = body.next().await {
        let data = data?;
        bytes += data.len();
        sum += data.iter().copied().map(u64::from).sum::<u64>();
    }
    Ok(Json(json!({ "bytes": bytes, "sum": sum })))
}

/// Answers before the body has arrived.
async fn refuse() -> impl Responder {
    HttpResponse::PayloadTooLarge().body("no, thank you\n")
}

/// Sends while it receives.
async fn echo(body: Payload) -> impl Responder {
    HttpResponse::Ok().streaming(body)
}

/// Byte number n is n modulo 251, so that a lost or repeated block shows.
async fn download(total: Path<u64>) -> impl Responder {
    let total = total.into_inner();
    let blocks = stream::unfold(0, move |start| async move {
        let end = total.min(start + BLOCK);
        let block: Bytes = (start..end)
            .map(|n| u8::try_from(n % 251).unwrap_or(0))
            .collect();
        (!block.is_empty()).then_some((Ok::<_, Error>(block), end))
    });
    HttpResponse::Ok().body(SizedStream::new(total, Box::pin(blocks)))
}

/// Five pieces with a pause between. nginx passes each on at once when it sees this header; other web servers ignore it.
async fn pieces() -> impl Responder {
    HttpResponse::Ok()
        .insert_header(("x-accel-buffering", "no"))
        .streaming(paused(|n| format!("piece {n}\n")))
}

/// The same as server-sent events, which the library sees to behind nginx.
async fn events() -> impl Responder {
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .streaming(paused(|n| format!("data: event {n}\n\n")))
}

fn paused(piece: fn(u32) -> String) -> impl Stream<Item = Result<Bytes, Error>> {
    stream::unfold(0, move |n| async move {
        if n > 0 {
            sleep(PAUSE).await;
        }
        (n < PIECES).then(|| (Ok(Bytes::from(piece(n))), n + 1))
    })
}
