//! An application as people write them: it knows nothing of FastCGI.

use std::fmt;
use std::path::Path;

use actix_files::{Files, NamedFile};
use actix_multipart::Multipart;
use actix_session::{Session, SessionMiddleware, storage::CookieSessionStore};
use actix_web::body::{BodySize, MessageBody};
use actix_web::cookie::{Cookie, Key};
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::{Compress, Condition, Logger, NormalizePath};
use actix_web::web::{self, Bytes, Data, Form, Json, Query, ServiceConfig};
use actix_web::{
    App, Error, HttpRequest, HttpResponse, Responder, ResponseError, error, get, post,
};
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};

/// The application, with files of `files`.
pub(crate) fn application(
    files: &Path,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = Error,
        InitError = (),
    > + use<>,
> {
    let sessions = SessionMiddleware::builder(CookieSessionStore::default(), Key::from(&[7; 64]));
    App::new()
        .app_data(Data::new(Greeting("Hello")))
        .wrap(Compress::default())
        .wrap(sessions.cookie_name("session".to_owned()).build())
        .wrap(Condition::new(true, NormalizePath::trim()))
        .wrap(Logger::default())
        .service(Files::new("/files", files).index_file("index.html"))
        .configure(pages)
        .configure(bodies)
}

struct Greeting(&'static str);

fn pages(config: &mut ServiceConfig) {
    config
        .service(hello)
        .service(search)
        .service(counter)
        .service(cookies)
        .service(moved)
        .service(failing)
        .service(web::resource("/only").route(web::get().to(|| async { "got" })))
        .route("/reason", web::get().to(reason))
        .route("/host", web::get().to(host))
        .route("/nothing", web::get().to(HttpResponse::NoContent))
        .route(
            "/head",
            web::head().to(|| async { HttpResponse::Ok().body("not sent") }),
        )
        .service(
            web::scope("/scope/{owner}")
                .guard(actix_web::guard::Not(actix_web::guard::Header(
                    "x-away", "yes",
                )))
                .route("/inner/{item}", web::get().to(inner))
                .default_service(web::to(|| async {
                    HttpResponse::ImATeapot().body("scope")
                })),
        );
}

fn bodies(config: &mut ServiceConfig) {
    config
        .app_data(web::PayloadConfig::new(100_000))
        .service(form)
        .service(json)
        .service(echo)
        .service(multipart)
        .route(
            "/big",
            web::get().to(|| async { "0123456789".repeat(5000) }),
        )
        .route("/announced", web::get().to(announced))
        .route("/events", web::get().to(events))
        .route("/stream", web::get().to(streamed))
        .route(
            "/empty",
            web::get().to(|| async { HttpResponse::Ok().body(Nothing) }),
        )
        .route(
            "/file",
            web::get().to(|| async {
                NamedFile::open(concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs"))
            }),
        );
}

#[get("/hello/{name}")]
async fn hello(name: web::Path<String>, greeting: Data<Greeting>) -> impl Responder {
    format!("{} {name}!", greeting.0)
}

#[derive(Deserialize, Serialize)]
struct Search {
    text: String,
    page: u32,
}

#[get("/search")]
async fn search(asked: Query<Search>) -> impl Responder {
    Json(asked.into_inner())
}

#[post("/form")]
async fn form(asked: Form<Search>) -> impl Responder {
    Json(asked.into_inner())
}

#[post("/json")]
async fn json(asked: Json<Search>) -> impl Responder {
    asked
}

#[post("/echo")]
async fn echo(body: Bytes) -> impl Responder {
    body
}

#[get("/counter")]
async fn counter(session: Session) -> Result<String, Error> {
    let count = session.get::<u32>("count")?.unwrap_or(0) + 1;
    session.insert("count", count)?;
    Ok(count.to_string())
}

#[get("/cookies")]
async fn cookies(request: HttpRequest) -> Result<HttpResponse, Error> {
    let sent = request
        .cookies()
        .map_err(error::ErrorBadRequest)?
        .iter()
        .map(|it| it.to_string())
        .collect::<Vec<_>>();
    Ok(HttpResponse::Ok()
        .cookie(Cookie::new("first", "1"))
        .cookie(
            Cookie::build("second", "a b")
                .path("/")
                .http_only(true)
                .finish(),
        )
        .body(sent.join("|")))
}

#[get("/moved")]
async fn moved() -> impl Responder {
    web::Redirect::to("/somewhere?a=1").see_other()
}

#[get("/failing/{how}")]
async fn failing(how: web::Path<String>) -> Result<HttpResponse, Error> {
    match how.as_str() {
        "own" => Err(Refused.into()),
        "not-found" => Err(error::ErrorNotFound("no such thing")),
        _ => Err(error::ErrorInternalServerError("broken")),
    }
}

#[derive(Debug)]
struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        StatusCode::PAYMENT_REQUIRED
    }
}

async fn reason() -> impl Responder {
    HttpResponse::Gone().reason("Gone fishing").finish()
}

async fn host(request: HttpRequest) -> String {
    let info = request.connection_info();
    format!(
        "{}://{} {:?}",
        info.scheme(),
        info.host(),
        request.version()
    )
}

async fn inner(path: web::Path<(String, u32)>, request: HttpRequest) -> String {
    format!("{path:?} {:?} {}", request.match_pattern(), request.uri())
}

#[post("/multipart")]
async fn multipart(mut fields_of_form: Multipart) -> Result<String, Error> {
    let mut fields = Vec::new();
    while let Some(field) = fields_of_form.next().await {
        let mut field = field?;
        let name = field.name().unwrap_or_default().to_owned();
        let mut length = 0;
        while let Some(data) = field.next().await {
            length += data?.len();
        }
        fields.push(format!("{name}: {length}"));
    }
    Ok(fields.join(", "))
}

/// With a length, which the compressed body has not.
async fn announced() -> impl Responder {
    let pieces = stream::iter((0..10).map(|_| Ok::<_, Error>(Bytes::from_static(&[b'.'; 1000]))));
    HttpResponse::Ok()
        .content_type("text/plain")
        .no_chunking(10_000)
        .streaming(pieces)
}

async fn streamed() -> impl Responder {
    let pieces = stream::iter((0..10).map(|n| Ok::<_, Error>(Bytes::from(format!("piece {n}\n")))));
    HttpResponse::Ok().streaming(pieces)
}

async fn events() -> impl Responder {
    let events =
        stream::iter((0..3).map(|n| Ok::<_, Error>(Bytes::from(format!("data: {n}\n\n")))));
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/event-stream"))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .streaming(events)
}

/// A body that says that it is none.
struct Nothing;

impl MessageBody for Nothing {
    type Error = Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(0)
    }

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Bytes, Error>>> {
        panic!("it has no pieces")
    }
}
