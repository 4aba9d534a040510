//! What becomes of an answer.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{App, Error, HttpResponse, web};
use futures_util::{StreamExt, stream};
use std::future::{Ready, ready};

use crate::support::serve;
use crate::wire::{self, Ask};

fn pieces(
    pieces: Vec<Result<&'static str, Error>>,
) -> impl futures_util::Stream<Item = Result<Bytes, Error>> + 'static {
    stream::iter(pieces).map(|piece| piece.map(|it| Bytes::from_static(it.as_bytes())))
}

fn broken() -> Error {
    Error::from(io::Error::other("broken"))
}

/// As long as the head has not left, there is a status to give.
#[test]
fn body_that_fails_at_once_is_500() {
    let answer = async || HttpResponse::Ok().streaming(pieces(vec![Err(broken())]));
    let server = serve(move || App::new().default_service(web::to(answer)));
    assert_eq!(server.ask(&Ask::get("/")).status, 500);
}

#[test]
fn body_that_fails_later_is_cut_visibly() {
    let answer = async || {
        let waits = stream::once(async {
            tokio::task::yield_now().await;
            Err(broken())
        });
        HttpResponse::Ok().streaming(pieces(vec![Ok("a part")]).chain(waits))
    };
    let server = serve(move || App::new().default_service(web::to(answer)));
    let stream = server.begin(&Ask::get("/"));
    // No END_REQUEST follows.
    assert_eq!(
        wire::read_answer(&stream).unwrap_err().kind(),
        io::ErrorKind::UnexpectedEof
    );
}

/// A length in the head that the body overrules does not count, as in actix-http.
#[test]
fn length_in_the_head_is_not_that_of_the_body() {
    let sized = async || {
        HttpResponse::Ok()
            .insert_header((header::CONTENT_LENGTH, "3"))
            .body("hello")
    };
    let server = serve(move || App::new().default_service(web::to(sized)));
    let answer = server.ask(&Ask::get("/"));
    assert_eq!(answer.text(), "hello");
    assert_eq!(answer.header("content-length"), Some("5"));
}

/// Of known size, and without a memory for how much of it has gone.
struct Forgetful(Vec<&'static str>);

impl MessageBody for Forgetful {
    type Error = Error;

    fn size(&self) -> BodySize {
        BodySize::Sized(5)
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Error>>> {
        let piece = self.0.pop().expect("it is not polled after its end");
        Poll::Ready(Some(Ok(Bytes::from_static(piece.as_bytes()))))
    }
}

#[test]
fn body_is_not_polled_beyond_its_size() {
    let answer = async || HttpResponse::Ok().body(Forgetful(vec!["lo", "", "hel"]));
    let server = serve(move || App::new().default_service(web::to(answer)));
    assert_eq!(server.ask(&Ask::get("/")).text(), "hello");
}

/// Middleware that fails outside of all routes.
struct Failing;

impl<S: Service<ServiceRequest, Response = ServiceResponse, Error = Error>>
    Transform<S, ServiceRequest> for Failing
{
    type Response = ServiceResponse;
    type Error = Error;
    type Transform = Self;
    type InitError = ();
    type Future = Ready<Result<Self, ()>>;

    fn new_transform(&self, _: S) -> Self::Future {
        ready(Ok(Self))
    }
}

impl Service<ServiceRequest> for Failing {
    type Response = ServiceResponse;
    type Error = Error;
    type Future = Ready<Result<ServiceResponse, Error>>;

    fn poll_ready(&self, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&self, _: ServiceRequest) -> Self::Future {
        ready(Err(actix_web::error::ErrorTooManyRequests("slow down")))
    }
}

#[test]
fn error_of_the_whole_service_is_a_response() {
    let server = serve(|| App::new().wrap(Failing));
    let answer = server.ask(&Ask::get("/"));
    assert_eq!((answer.status, answer.text()), (429, "slow down"));
}
