//! Handlers that answer late, twice, or with the response of another request, and bodies of other servers.

use std::{
    error::Error,
    fmt,
    io::{self, Read, Write},
    sync::{Mutex, mpsc as std_mpsc},
    task::{Context, Poll},
};

use bytes::Bytes;
use fastcgi_tower::{
    BoxError,
    blocking::{self, Request, Response},
};
use http_body_util::{BodyExt, StreamBody};
use tokio::sync::mpsc;
use tower_service::Service;
use tracing::Level;

use super::*;
use crate::{
    events::Events,
    support::{Script, Step, get, get_close},
};

/// What a web framework does to an error.
#[derive(Debug)]
struct Wrapped(io::Error);

impl fmt::Display for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body failed")
    }
}

impl Error for Wrapped {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.0)
    }
}

/// A handler may also be behind an HTTP server. It fails again as it has failed.
#[tokio::test]
async fn a_body_fails_with_the_kind_of_its_cause() {
    let mut service = blocking::service_fn(|request: &mut Request| {
        let kinds = [(); 2].map(|()| {
            let read = request.read_to_end(&mut Vec::new());
            read.map_err(|error| error.kind()).expect_err("it fails")
        });
        assert_eq!(kinds[0], kinds[1]);
        Ok::<_, io::Error>(format!("{:?}", kinds[0]))
    });
    let causes: [(BoxError, &str); 3] = [
        (Wrapped(io::ErrorKind::TimedOut.into()).into(), "TimedOut"),
        (
            io::Error::from(io::ErrorKind::ConnectionReset).into(),
            "ConnectionReset",
        ),
        ("no kind".into(), "Other"),
    ];
    for (cause, kind) in causes {
        let mut cause = Some(cause);
        let frames = futures_of(move |_: &mut Context<'_>| {
            Poll::Ready(cause.take().map(Err::<http_body::Frame<Bytes>, _>))
        });
        let request = http::Request::new(StreamBody::new(frames));
        let response = within(service.call(request)).await.expect("no error");
        let body = within(response.into_body().collect())
            .await
            .expect("a body");
        assert_eq!(body.to_bytes(), kind);
    }
}

/// A stream of what a function gives.
fn futures_of<T>(
    poll: impl FnMut(&mut Context<'_>) -> Poll<Option<T>> + Unpin,
) -> impl futures_core::Stream<Item = T> + Unpin {
    struct Polled<F>(F);
    impl<T, F: FnMut(&mut Context<'_>) -> Poll<Option<T>> + Unpin> futures_core::Stream for Polled<F> {
        type Item = T;
        fn poll_next(mut self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
            (self.0)(cx)
        }
    }
    Polled(poll)
}

#[tokio::test]
async fn a_response_cannot_begin_once_the_client_has_left() {
    let (begun, mut beginning) = mpsc::unbounded_channel();
    let (said, mut told) = mpsc::unbounded_channel();
    let (left, leaving) = std_mpsc::channel::<()>();
    let leaving = Mutex::new(leaving);
    let mut service = blocking::service_fn(move |request: &mut Request| {
        begun.send(()).expect("a test");
        leaving.lock().expect("no panic").recv().expect("a test");
        let failure = request.start(http::Response::new(())).err();
        let kinds = failure.map(|error| error.kind());
        let read = request.read(&mut [0]).map_err(|error| error.kind());
        said.send((kinds, request.is_aborted(), read))
            .expect("a test");
        Ok::<_, io::Error>("too late")
    });
    let mut call = Box::pin(service.call(http::Request::new(Script::new([Step::Data("some")]))));
    let begins = async {
        tokio::select! {
            _ = &mut call => panic!("it does not answer"),
            begun = beginning.recv() => begun.expect("a call"),
        }
    };
    within(begins).await;
    drop(call);
    left.send(()).expect("a handler");
    let expected = (
        Some(io::ErrorKind::BrokenPipe),
        true,
        Err(io::ErrorKind::ConnectionAborted),
    );
    assert_eq!(within(told.recv()).await, Some(expected));
}

/// The log says which of the failures it was.
#[tokio::test]
async fn a_response_of_another_request_is_a_500() {
    let events = Events::default();
    let _guard = tracing::subscriber::set_default(events.clone());
    let kept = Mutex::new(None);
    let service = blocking::service_fn(move |request: &mut Request| {
        let mut kept = kept.lock().expect("no panic");
        match request.uri().path() {
            "/keep" => {
                let mut body = request.start(http::Response::new(()))?;
                body.write_all(b"some")?;
                *kept = Some(body.finish()?.status(http::StatusCode::CREATED));
                Ok(Response::new("another"))
            }
            "/fail" => Err(io::Error::other("it fails")),
            "/panic" => {
                drop(kept);
                panic!("it panics")
            }
            _ => Ok(kept.take().expect("a response")),
        }
    });
    within(async {
        let mut web_server = connect(service.clone());
        web_server.send(get_close(1, "/keep")).await;
        web_server.rest().await;
        let error = web_server.result().await.expect_err("it is truncated");
        assert!(error.is_truncated());
        let mut web_server = connect(service);
        for path in ["/fail", "/panic", "/"] {
            web_server.send(get(1, path)).await;
            assert_eq!(web_server.reply(1).await.status(), "500", "{path}");
        }
    })
    .await;
    let lines = events.lines(Level::ERROR).join("\n");
    for expected in [
        "it fails",
        "a blocking handler panicked",
        "a blocking handler returned another response than it has begun",
    ] {
        assert!(lines.contains(expected), "{expected} in {lines}");
    }
}
