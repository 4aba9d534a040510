//! Handlers that fail: each is one failure, and its client sees it.

use std::io::{self, Write};

use super::*;
use crate::support::{STDOUT, get, get_close, record};

/// Fails in the way that the path says.
fn fail(request: &mut Request) -> Result<Response, BoxError> {
    match request.uri().path() {
        "/error" => Err("it fails".into()),
        "/panic" => panic!("it panics"),
        "/panic-with-the-head" => {
            let _body = request.start(http::Response::new(()))?;
            panic!("it panics");
        }
        "/error-after-the-head" => {
            let mut body = request.start(http::Response::new(()))?;
            body.write_all(b"some")?;
            body.flush()?;
            Err("it fails".into())
        }
        "/panic-after-the-head" => {
            let mut body = request.start(http::Response::new(()))?;
            body.write_all(b"some")?;
            body.flush()?;
            panic!("it panics");
        }
        // It has forgotten what it has begun.
        "/other" => {
            let mut body = request.start(http::Response::new(()))?;
            body.write_all(b"some")?;
            body.flush()?;
            Ok("another".into())
        }
        "/short" => {
            let head = http::Response::builder().header("content-length", "10");
            let mut body = request.start(head.body(())?)?;
            body.write_all(b"some")?;
            Ok(body.finish()?)
        }
        "/twice" => {
            let body = request.start(http::Response::new(()))?;
            let again = request.start(http::Response::new(()));
            let error = again.expect_err("it has begun");
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            Ok(body.finish()?)
        }
        _ => Ok("fine".into()),
    }
}

/// One worker, so that a thread that is lost would be missed.
fn service() -> BlockingService<Handler> {
    let fail: Handler = fail;
    blocking::service_fn(fail).max_workers(1)
}

type Handler = fn(&mut Request) -> Result<Response, BoxError>;

#[tokio::test]
async fn a_failure_before_the_head_is_one_500() {
    let mut web_server = connect(service());
    within(async {
        for path in ["/error", "/panic"] {
            web_server.send(get(1, path)).await;
            let reply = web_server.reply(1).await;
            assert_eq!(reply.status(), "500", "{path}");
            assert_eq!(reply.body(), b"500 Internal Server Error\n");
            web_server.send(get(1, "/")).await;
            assert_eq!(web_server.reply(1).await.body(), b"fine");
        }
    })
    .await;
}

/// Nothing tells it from a failure before it: the head may or may not have left.
#[tokio::test]
async fn a_panic_with_the_head_is_500_or_visible() {
    let service = service();
    within(async {
        let mut web_server = connect(service.clone());
        web_server.send(get_close(1, "/panic-with-the-head")).await;
        let rest = web_server.rest().await;
        let is_500 = rest.windows(11).any(|it| it == b"Status: 500");
        if !is_500 {
            let error = web_server.result().await.expect_err("it is truncated");
            assert!(error.is_truncated());
        }
        let mut web_server = connect(service);
        web_server.send(get(1, "/")).await;
        assert_eq!(web_server.reply(1).await.body(), b"fine");
    })
    .await;
}

///
#[tokio::test]
async fn a_failure_after_the_head_breaks_the_response_off() {
    let service = service();
    within(async {
        for path in [
            "/error-after-the-head",
            "/panic-after-the-head",
            "/other",
            "/short",
        ] {
            let mut web_server = connect(service.clone());
            web_server.send(get(1, path)).await;
            let rest = web_server.rest().await;
            let some = record(STDOUT, 1, b"some");
            assert!(rest.windows(some.len()).any(|it| it == some), "{path}");
            let error = web_server.result().await.expect_err("it is truncated");
            assert!(error.is_truncated(), "{path}");
            let mut web_server = connect(service.clone());
            web_server.send(get(1, "/")).await;
            assert_eq!(web_server.reply(1).await.body(), b"fine");
        }
    })
    .await;
}

#[tokio::test]
async fn a_response_is_begun_once() {
    let mut web_server = connect(service());
    web_server.send(get(1, "/twice")).await;
    assert_eq!(
        within(web_server.reply(1)).await.text(),
        "Status: 200 OK\r\n\r\n"
    );
}
