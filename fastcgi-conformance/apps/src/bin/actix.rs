//! The contract, with actix-web.

use std::{io, time::Duration};

use actix_web::{
    App, Error, HttpRequest, HttpResponse, Responder,
    body::SizedStream,
    http::StatusCode,
    http::header::{LOCATION, SET_COOKIE},
    rt::time::sleep,
    web::{self, Bytes, Path, Payload, ReqData},
};
use fastcgi_actix::{Params, RequestHandle, ScriptName};
use fastcgi_conformance_apps as apps;
use futures_util::{Stream, StreamExt as _, stream};

#[actix_web::main]
async fn main() -> Result<(), fastcgi_actix::RunError> {
    let app = || {
        App::new()
            .route("/hello", web::to(hello))
            .route("/echo", web::to(echo))
            .route("/length", web::to(length))
            .route("/params", web::to(params))
            .route("/headers", web::to(headers))
            .route("/status/{status}", web::to(status))
            .route("/fields", web::to(fields))
            .route("/bytes/{length}", web::to(bytes))
            .route("/slow", web::to(slow))
            .route("/duplex", web::to(duplex))
            .route("/fail/before", web::to(before))
            .route("/fail/after", web::to(after))
            .route("/fail/surplus", web::to(surplus))
            .route("/stderr", web::to(stderr))
            .route("/wait", web::to(wait))
            .default_service(web::to(target))
    };
    let limits = apps::limits();
    fastcgi_actix::run(app)
        .configure(move |server| server.limits(limits))
        .await
}

async fn hello() -> &'static str {
    "Hello, world!"
}

async fn echo(body: Payload) -> impl Responder {
    HttpResponse::Ok().streaming(body)
}

async fn counted(mut body: Payload) -> Result<usize, Error> {
    let mut length = 0;
    while let Some(data) = body.next().await {
        length += data?.len();
    }
    Ok(length)
}

async fn length(body: Payload) -> Result<String, Error> {
    Ok(counted(body).await?.to_string())
}

async fn params(params: Params) -> String {
    apps::params(&params)
}

async fn headers(request: HttpRequest) -> impl Responder {
    let fields = request.headers().iter();
    let text = apps::headers(fields.map(|(name, value)| (name.as_str(), value.as_bytes())));
    HttpResponse::Ok().content_type("text/plain").body(text)
}

async fn target(script_name: ReqData<ScriptName>, request: HttpRequest) -> impl Responder {
    let uri = request.uri();
    let query = uri.query().unwrap_or_default();
    let method = request.method().as_str();
    let text = apps::target(method, &script_name.as_str(), uri.path(), query);
    let status = if uri.path().starts_with("/target") {
        StatusCode::OK
    } else {
        StatusCode::NOT_FOUND
    };
    HttpResponse::build(status)
        .content_type("text/plain")
        .body(text)
}

async fn status(number: Path<u16>) -> impl Responder {
    let Ok(status) = StatusCode::from_u16(*number) else {
        return HttpResponse::BadRequest().finish();
    };
    let mut response = HttpResponse::build(status);
    if status.is_redirection() {
        response.insert_header((LOCATION, "/elsewhere"));
    }
    response
        .content_type("text/plain")
        .body(format!("status {number}\n"))
}

async fn fields() -> impl Responder {
    HttpResponse::Ok()
        .append_header((SET_COOKIE, "a=1"))
        .append_header((SET_COOKIE, "b=2"))
        .insert_header(("x-long", apps::long_value()))
        .insert_header(("connection", "close"))
        .content_type("text/plain")
        .body("fields\n")
}

async fn bytes(length: Path<usize>) -> impl Responder {
    let length = length.into_inner();
    let pieces = stream::unfold(0, move |sent| async move {
        let piece = apps::piece(sent, length);
        let sent = sent + piece.len();
        (!piece.is_empty()).then_some((Ok::<_, Error>(piece), sent))
    });
    HttpResponse::Ok()
        .content_type("text/plain")
        .body(SizedStream::new(length as u64, Box::pin(pieces)))
}

/// A body of two pieces, where the second is not there yet.
fn pieces(second: impl Future<Output = Result<String, Error>> + 'static) -> HttpResponse {
    let first = stream::once(async { Ok("first\n".to_owned()) });
    let pieces = first
        .chain(stream::once(second))
        .map(|it| it.map(Bytes::from));
    HttpResponse::Ok()
        .content_type("text/plain")
        .streaming(pieces)
}

async fn slow() -> HttpResponse {
    pieces(async {
        sleep(Duration::from_millis(600)).await;
        Ok("last\n".to_owned())
    })
}

async fn duplex(body: Payload) -> HttpResponse {
    pieces(async { Ok(format!("{}\n", counted(body).await?)) })
}

async fn before() -> HttpResponse {
    panic!("a handler that fails, as it was asked to");
}

async fn after() -> impl Responder {
    let pieces = stream::iter([
        Ok(Bytes::from_static(&[b'x'; 100])),
        Err(io::Error::other("it fails")),
    ]);
    HttpResponse::Ok().body(SizedStream::new(1000, Box::pin(paced(pieces))))
}

/// So that one piece leaves before the next is there.
fn paced<T>(pieces: impl Stream<Item = T>) -> impl Stream<Item = T> {
    pieces.then(|piece| async {
        actix_web::rt::task::yield_now().await;
        piece
    })
}

async fn surplus() -> impl Responder {
    let pieces = stream::iter([Ok::<_, Error>(Bytes::from_static(b"1234567890"))]);
    HttpResponse::Ok().body(SizedStream::new(5, Box::pin(pieces)))
}

async fn stderr(handle: ReqData<RequestHandle>) -> &'static str {
    handle.stderr("a message\n");
    handle.set_app_status(3);
    "stderr\n"
}

/// The body is neither read nor dropped.
async fn wait(body: Payload) -> &'static str {
    sleep(Duration::from_secs(3)).await;
    drop(body);
    "late"
}
