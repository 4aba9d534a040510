//! Pages: what most handlers do.

use actix_web::error::{ErrorBadRequest, ErrorUnsupportedMediaType, JsonPayloadError};
use actix_web::http::StatusCode;
use actix_web::http::header::{ETAG, IF_NONE_MATCH, LOCATION, SET_COOKIE};
use actix_web::web::{self, Form, Html, Json, JsonConfig, Path, Query, Redirect, ServiceConfig};
use actix_web::{Error, HttpRequest, HttpResponse, Responder};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .app_data(JsonConfig::default().error_handler(|error, _| json_error(error)))
        .route("/", web::get().to(home))
        // HEAD is a method of its own in actix.
        .route("/", web::head().to(home))
        .route(
            "/json",
            web::get().to(|| async { Json(json!({ "answer": 42 })) }),
        )
        .route("/echo-json", web::post().to(echo_json))
        .route("/search", web::get().to(search))
        .route("/form", web::post().to(form))
        .route("/cookies", web::get().to(cookies))
        .route("/redirect", web::get().to(redirect))
        .route("/long-header/{bytes}", web::get().to(long_header))
        .route("/moved/{code}", web::get().to(moved))
        .route("/status/{code}", web::get().to(status))
        .route("/reason", web::get().to(reason))
        .route("/nothing", web::get().to(HttpResponse::NoContent))
        .route("/cached", web::get().to(cached));
}

#[derive(Debug, Deserialize, Serialize)]
struct Search {
    text: String,
    page: u32,
}

async fn home() -> Html {
    Html::new("<h1>The tour</h1>\n")
}

async fn echo_json(Json(value): Json<Value>) -> Json<Value> {
    Json(value)
}

/// Says what is wrong with a content type; actix answers 400 to everything.
fn json_error(error: JsonPayloadError) -> Error {
    match error {
        JsonPayloadError::ContentType => ErrorUnsupportedMediaType(error),
        error => ErrorBadRequest(error),
    }
}

async fn search(Query(search): Query<Search>) -> Json<Search> {
    Json(search)
}

async fn form(Form(search): Form<Search>) -> Json<Search> {
    Json(search)
}

async fn redirect() -> Redirect {
    Redirect::to("/somewhere/else?a=1").see_other()
}

/// With any status, as 201 may have a `Location`, too.
async fn moved(code: Path<u16>) -> HttpResponse {
    match StatusCode::from_u16(*code) {
        Ok(status) => HttpResponse::build(status)
            .insert_header((LOCATION, "/somewhere/else?a=1"))
            .finish(),
        Err(error) => HttpResponse::BadRequest().body(format!("{error}\n")),
    }
}

/// Web servers have limits for it.
async fn long_header(bytes: Path<usize>) -> impl Responder {
    let value = "v".repeat((*bytes).min(100_000));
    HttpResponse::Ok()
        .insert_header(("x-long", value))
        .body("a long header\n")
}

async fn cookies() -> impl Responder {
    HttpResponse::Ok()
        .append_header((SET_COOKIE, "first=1; Path=/"))
        .append_header((SET_COOKIE, "second=2; Path=/; HttpOnly"))
        .append_header((
            SET_COOKIE,
            "third=a%20b; Expires=Wed, 21 Oct 2099 07:28:00 GMT",
        ))
        .finish()
}

async fn status(code: Path<u16>) -> HttpResponse {
    match StatusCode::from_u16(*code) {
        Ok(status) => HttpResponse::build(status).body(format!("this is {status}\n")),
        Err(error) => HttpResponse::BadRequest().body(format!("{error}\n")),
    }
}

/// HTTP has words of its own for a status; whoever wants others says them.
async fn reason() -> impl Responder {
    HttpResponse::ServiceUnavailable()
        .reason("Gone Fishing")
        .body("back soon\n")
}

async fn cached(request: HttpRequest) -> HttpResponse {
    const TAG: &str = "\"version-1\"";
    let known = request.headers().get(IF_NONE_MATCH);
    if known.is_some_and(|tag| tag == TAG) {
        return HttpResponse::NotModified()
            .insert_header((ETAG, TAG))
            .finish();
    }
    HttpResponse::Ok()
        .insert_header((ETAG, TAG))
        .body("the first version\n")
}
