//! Why a connection or a body has failed: what it is, what it says, and what it is for those who read bytes.

use std::{
    convert::Infallible,
    error::Error as StdError,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use fastcgi_tower::{ConnectionBuilder, Error, HttpService, Incoming};
use http::{Request, Response};
use http_body_util::BodyExt;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::mpsc,
};
use tower::service_fn;

use crate::support::{Script, Step, WebServer, abort, get, get_close, hello, post, show, stdin};

/// What it says, whether there is a cause, and its kind.
fn facts(error: Error) -> (String, bool, io::ErrorKind) {
    let text = error.to_string();
    let has_cause = error.source().is_some();
    (text, has_cause, io::Error::from(error).kind())
}

#[tokio::test(start_paused = true)]
async fn a_broken_protocol_is_invalid_data() {
    let mut web_server = WebServer::connect(service_fn(hello));
    web_server.send(b"\x07 rubbish").await;
    web_server.rest().await;
    let error = web_server.result().await.expect_err("no FastCGI");
    assert!(error.is_protocol());
    let text = "the web server broke the protocol".to_owned();
    assert_eq!(facts(error), (text, true, io::ErrorKind::InvalidData));
}

#[tokio::test(start_paused = true)]
async fn what_takes_too_long_has_timed_out() {
    let mut web_server = WebServer::connect(service_fn(show));
    web_server.rest().await;
    let error = web_server.result().await.expect_err("no request");
    assert!(error.is_timeout());
    let (text, has_cause, kind) = facts(error);
    assert!(text.starts_with("timed out: "), "{text}");
    assert_eq!((has_cause, kind), (false, io::ErrorKind::TimedOut));
}

#[tokio::test(start_paused = true)]
async fn a_response_that_breaks_off_has_aborted_the_connection() {
    let service = service_fn(|_| async {
        let body = Script::new([Step::Data("some"), Step::Yield, Step::Fail]);
        Ok::<_, Infallible>(Response::new(body))
    });
    let mut web_server = WebServer::connect(service);
    web_server.send(get_close(1, "/")).await;
    web_server.rest().await;
    let error = web_server.result().await.expect_err("it is truncated");
    assert!(error.is_truncated());
    let text = "the response could not be finished".to_owned();
    assert_eq!(
        facts(error),
        (text, false, io::ErrorKind::ConnectionAborted)
    );
}

/// Hands the failure of a request's body over.
async fn failure(web_server_sends: [Vec<u8>; 2]) -> Error {
    let (tell, mut told) = mpsc::unbounded_channel();
    let (begin, mut begun) = mpsc::unbounded_channel();
    let service = service_fn(move |request: Request<Incoming>| {
        let (tell, begin) = (tell.clone(), begin.clone());
        async move {
            begin.send(()).expect("a test");
            let body = request.into_body();
            // It goes on without the handler, which is dropped when the web server gives the request up.
            let read = tokio::spawn(async move { tell.send(body.collect().await.err()) });
            read.await.expect("no panic").expect("a test");
            Ok::<_, Infallible>(Response::new(String::new()))
        }
    });
    let mut web_server = WebServer::connect(service);
    let [head, end] = web_server_sends;
    web_server.send(head).await;
    begun.recv().await.expect("a call");
    web_server.send(end).await;
    told.recv().await.flatten().expect("the body fails")
}

#[tokio::test(start_paused = true)]
async fn a_body_that_ends_early_is_an_unexpected_end() {
    let error = failure([
        post(1, "/", 10),
        [stdin(1, b"some"), stdin(1, b"")].concat(),
    ])
    .await;
    assert!(error.is_incomplete_body());
    let text = "the request body ended early".to_owned();
    assert_eq!(facts(error), (text, false, io::ErrorKind::UnexpectedEof));
}

#[tokio::test(start_paused = true)]
async fn a_body_of_a_request_that_was_given_up_is_aborted() {
    let error = failure([post(1, "/", 10), abort(1)]).await;
    assert!(error.is_aborted());
    let text = "the web server gave the request up".to_owned();
    assert_eq!(
        facts(error),
        (text, false, io::ErrorKind::ConnectionAborted)
    );
}

/// A socket that fails in a way that is no end of a connection.
struct Faulty;

impl AsyncRead for Faulty {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        _: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Poll::Ready(Err(io::ErrorKind::HostUnreachable.into()))
    }
}

impl AsyncWrite for Faulty {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::HostUnreachable.into()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_fails_gives_its_own_error() {
    let service = HttpService::new(service_fn(hello));
    let connection = ConnectionBuilder::new().serve_connection(Faulty, service);
    let ended = tokio::time::timeout(Duration::from_secs(60), connection).await;
    let error = ended.expect("an end").expect_err("the socket fails");
    assert!(error.is_io());
    let text = "the connection failed".to_owned();
    assert_eq!(facts(error), (text, true, io::ErrorKind::HostUnreachable));
}

/// B-11: that the web server has left is no failure.
#[tokio::test(start_paused = true)]
async fn a_web_server_that_leaves_is_no_error() {
    let mut web_server = WebServer::connect(service_fn(hello));
    web_server.send(get(1, "/")).await;
    web_server.reply(1).await;
    web_server.disconnect().await.expect("a good end");
}
