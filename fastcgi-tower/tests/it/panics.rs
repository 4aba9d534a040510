//! A panic is an error of the request it happened in, and of no other.

use std::{
    convert::Infallible,
    future::{Ready, pending},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use fastcgi_tower::Incoming;
use http::{Request, Response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;
use tower::service_fn;
use tower_service::Service;

use crate::support::{
    ABORT_REQUEST, STDOUT, Script, Step, WebServer, full, get, held, record, until_idle,
};

/// Panics where the path says so.
#[derive(Clone, Default)]
struct Panicking {
    asked: u32,
}

impl Service<Request<Incoming>> for Panicking {
    type Response = Response<Script>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.asked += 1;
        assert_ne!(
            self.asked, 3,
            "poll_ready is told to panic at the third time"
        );
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let path = request.uri().path().to_owned();
        assert_ne!(path, "/call", "call is told to panic");
        Box::pin(async move {
            tokio::task::yield_now().await;
            assert_ne!(path, "/future", "the future is told to panic");
            Ok(Response::new(Script::new(match path.as_str() {
                "/body" => vec![Step::Panic],
                "/late" => vec![Step::Data("some"), Step::Yield, Step::Panic],
                _ => vec![Step::Data("fine")],
            })))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn panics_before_the_head_has_left_are_answered_with_500() {
    let mut web_server = WebServer::connect(Panicking::default());
    let expected = [
        ("/call", "500"),
        ("/future", "500"),
        // poll_ready, at the third time of asking
        ("/", "500"),
        ("/body", "500"),
        ("/", "200"),
    ];
    for (path, status) in expected {
        web_server.send(get(1, path)).await;
        let reply = web_server.reply(1).await;
        assert_eq!((reply.status(), reply.app_status), (status, 0), "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_after_the_head_has_left_truncates_the_response() {
    let mut web_server = WebServer::connect(Panicking::default());
    web_server.send(get(1, "/late")).await;
    let expected = [
        record(STDOUT, 1, b"Status: 200 OK\r\n\r\n"),
        record(STDOUT, 1, b"some"),
        b"\x00\x06\x00\x01\x00\x08\x00\x00".to_vec(),
    ];
    assert_eq!(web_server.rest().await, expected.concat());
    assert!(
        web_server
            .result()
            .await
            .is_err_and(|error| error.is_truncated())
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_leaves_other_requests_on_the_connection_alone() {
    let (service, mut calls) = held();
    let service = service_fn({
        let service = service.clone();
        move |request: Request<Incoming>| {
            let mut service = service.clone();
            async move {
                assert_ne!(request.uri().path(), "/panic");
                service.call(request).await
            }
        }
    });
    let mut web_server = WebServer::connect_multiplexed(service);
    web_server.send(get(1, "/slow")).await;
    let slow = calls.recv().await.expect("a call");
    web_server.send(get(2, "/panic")).await;
    assert_eq!(web_server.reply(2).await.status(), "500");
    slow.answer(full("slow"));
    assert_eq!(web_server.reply(1).await.body(), b"slow");
}

/// A body that panics in what is not a poll.
struct Odd(&'static str);

impl Body for Odd {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        assert_ne!(self.0, "is_end_stream");
        false
    }

    fn size_hint(&self) -> SizeHint {
        assert_ne!(self.0, "size_hint");
        SizeHint::default()
    }
}

/// Panics when it is dropped.
struct Destructor;

impl Drop for Destructor {
    fn drop(&mut self) {
        panic!("the destructor is told to panic");
    }
}

/// A body that is followed by a panic.
struct Last(
    Full<Bytes>,
    #[expect(dead_code, reason = "it is there to be dropped")] Option<Destructor>,
);

impl Body for Last {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }
}

/// What is dropped and when: the future with its answer, the body after it, or the future that nobody waits for.
#[tokio::test(start_paused = true)]
async fn a_destructor_that_panics_ends_its_request_and_no_other() {
    let service = service_fn(|request: Request<Incoming>| async move {
        let path = request.uri().path();
        let _future = (path != "/body").then(|| Destructor);
        if path == "/pending" {
            pending::<()>().await;
        }
        let body = (path == "/body").then(|| Destructor);
        Ok::<_, Infallible>(Response::new(Last(full("hello"), body)))
    });
    let mut web_server = WebServer::connect(service);
    web_server.send(get(1, "/future")).await;
    assert_eq!(web_server.reply(1).await.status(), "500");
    web_server.send(get(1, "/body")).await;
    assert_eq!(web_server.reply(1).await.body(), b"hello");
    web_server.send(get(1, "/pending")).await;
    until_idle().await;
    web_server.send(record(ABORT_REQUEST, 1, b"")).await;
    assert_eq!(web_server.reply(1).await.app_status, 1);
    web_server
        .send([get(1, "/pending"), get(2, "/pending")].concat())
        .await;
    until_idle().await;
    web_server.disconnect().await.expect("a good end");
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_what_a_body_says_of_itself_is_answered_with_500() {
    for place in ["is_end_stream", "size_hint"] {
        let service = service_fn(
            move |_: Request<Incoming>| -> Ready<Result<_, Infallible>> {
                std::future::ready(Ok(Response::new(Odd(place))))
            },
        );
        let mut web_server = WebServer::connect(service);
        web_server.send(get(1, "/")).await;
        assert_eq!(web_server.reply(1).await.status(), "500", "{place}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_leaves_other_connections_alone() {
    let mut first = WebServer::connect(Panicking::default());
    let mut second = WebServer::connect(Panicking::default());
    first.send(get(1, "/late")).await;
    until_idle().await;
    second.send(get(1, "/")).await;
    assert_eq!(second.reply(1).await.body(), b"fine");
}
