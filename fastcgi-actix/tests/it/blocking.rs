//! Blocking handlers as handlers of actix.

use std::io::{self, Read, Write};

use actix_web::{App, web};
use fastcgi_actix::blocking;
use fastcgi_tower::blocking::{Request, Response, service_fn};

use crate::support::serve;
use crate::wire::Ask;

fn answer(request: &mut Request) -> io::Result<Response> {
    match request.uri().path() {
        "/echo" => {
            let mut body = request.start(http::Response::new(()))?;
            io::copy(request, &mut body)?;
            body.finish()
        }
        "/late" => {
            let mut body = request.start(http::Response::new(()))?;
            body.write_all(b"some")?;
            body.flush()?;
            Err(io::Error::other("it fails"))
        }
        "/panic" => panic!("it panics"),
        _ => {
            let mut text = String::new();
            request.read_to_string(&mut text)?;
            let user = request.params().remote_user().unwrap_or_default();
            let method = request.method();
            let header = request.headers().len();
            Ok(format!("{method} {} {header} {text}", user.escape_ascii()).into())
        }
    }
}

#[test]
fn a_blocking_handler_answers() {
    let handler = blocking(service_fn(answer).max_workers(1));
    let server = serve(move || App::new().default_service(web::to(handler.clone())));
    let ask = Ask::post("/", "text").param("REMOTE_USER", "ann");
    let answer = server.ask(&ask);
    assert_eq!(answer.status, 200);
    assert!(answer.text().starts_with("POST ann "), "{}", answer.text());
    assert!(answer.text().ends_with(" text"), "{}", answer.text());
    assert_eq!(server.ask(&Ask::get("/panic")).status, 500);
    // And the one worker is still there.
    assert_eq!(server.ask(&Ask::get("/")).status, 200);
}

#[test]
fn bodies_stream_both_ways() {
    let handler = blocking(service_fn(answer).max_workers(1));
    let server = serve(move || App::new().route("/echo", web::post().to(handler.clone())));
    let body = vec![b'x'; 3_000_000];
    let answer = server.ask(&Ask::post("/echo", body.clone()));
    assert!(answer.body == body, "another body came back");
}
