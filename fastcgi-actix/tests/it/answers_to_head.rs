//! What an answer to HEAD says of its length is what actix-web's own server says.

use actix_web::{
    App, HttpRequest, HttpResponse,
    body::{BodySize, BoxBody, MessageBody, None as NoBody},
    dev::{ServiceFactory, ServiceRequest, ServiceResponse},
    http::StatusCode,
    web::{self, Bytes},
};
use futures_util::stream;

use crate::support::{serve, serve_http};
use crate::wire::{Answer, Ask};

fn application() -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = actix_web::Error,
        InitError = (),
    > + use<>,
> {
    App::new()
        .route("/only-get", web::get().to(HttpResponse::Ok))
        .service(web::resource("/resource").get(HttpResponse::Ok))
        .route("/{status}/{body}", web::to(answer))
}

async fn answer(request: HttpRequest, asked: web::Path<(u16, String)>) -> HttpResponse {
    let (status, body) = asked.into_inner();
    assert_eq!(request.method(), "HEAD");
    let mut response = HttpResponse::build(StatusCode::from_u16(status).expect("a status"));
    match body.as_str() {
        "finished" => response.finish(),
        "empty" => response.body(""),
        "none" => response.body(NoBody::new()),
        "text" => response.body("hello"),
        "dropped" => response.body("hello").map_body(|_, _| BoxBody::new(())),
        "stream" => response.streaming(stream::empty::<Result<Bytes, actix_web::Error>>()),
        "announced" => {
            let pieces = stream::empty::<Result<Bytes, actix_web::Error>>();
            response.no_chunking(5).streaming(pieces)
        }
        "of-a-get" => {
            let response = response.insert_header(("content-length", "5"));
            response.message_body(BoxBody::new(())).expect("a response")
        }
        other => panic!("{other}"),
    }
}

#[test]
fn an_answer_to_head_has_the_length_of_actix() {
    let (fastcgi, http) = (serve(application), serve_http(application));
    let mut lengths = Vec::new();
    let mut ask = |target: String| -> Answer {
        let ask = Ask::new("HEAD", &target);
        let answer = fastcgi.ask(&ask);
        assert_eq!(answer, http.ask(&ask), "{target}");
        let length = answer.header("content-length").unwrap_or("–").to_owned();
        lengths.push(format!("{target} {length}"));
        answer
    };
    for body in [
        "finished",
        "empty",
        "none",
        "text",
        "dropped",
        "stream",
        "announced",
        "of-a-get",
    ] {
        assert_eq!(ask(format!("/200/{body}")).status, 200);
    }
    for status in [201, 204, 304, 404, 500] {
        assert_eq!(ask(format!("/{status}/finished")).status, status);
    }
    assert_eq!(ask("/304/of-a-get".to_owned()).status, 304);
    assert_eq!(ask("/nowhere".to_owned()).status, 404);
    assert_eq!(ask("/only-get".to_owned()).status, 404);
    assert_eq!(ask("/resource".to_owned()).status, 405);
    let expected = [
        "/200/finished 0",
        "/200/empty 0",
        "/200/none –",
        "/200/text 5",
        "/200/dropped 0",
        "/200/stream –",
        "/200/announced 5",
        "/200/of-a-get 0",
        "/201/finished 0",
        "/204/finished –",
        "/304/finished –",
        "/404/finished 0",
        "/500/finished 0",
        "/304/of-a-get 5",
        "/nowhere 0",
        "/only-get 0",
        "/resource 0",
    ];
    assert_eq!(lengths, expected);
}

/// The sizes that the test above rests on.
#[test]
fn an_empty_body_is_not_the_same_as_none() {
    assert_eq!(MessageBody::size(&()), BodySize::Sized(0));
    assert_eq!(NoBody::new().size(), BodySize::None);
}
