//! Blocking handlers: on threads, so the clock is the real one, and every test has a limit.

mod answers;
mod failures;
mod full;
pub(crate) mod streams;

use std::{future::Future, time::Duration};

use fastcgi_tower::{
    BoxError, RequestHandle,
    blocking::{self, BlockingService, Request, Response},
};

use crate::support::WebServer;

/// Much longer than anything here takes.
pub(crate) async fn within<T>(test: impl Future<Output = T>) -> T {
    let result = tokio::time::timeout(Duration::from_secs(60), test).await;
    result.expect("the test has ended in time")
}

fn connect<H, R, E>(service: BlockingService<H>) -> WebServer
where
    H: Fn(&mut Request) -> Result<R, E> + Send + Sync + 'static,
    R: Into<Response> + 'static,
    E: Into<BoxError> + 'static,
{
    WebServer::connect(service)
}

/// The way of a handler to tell the test something, and back.
fn handle(request: &Request) -> RequestHandle {
    let handle = request.extensions().get::<RequestHandle>();
    handle.expect("it came over FastCGI").clone()
}

mod values {
    //! Handlers that return what they answer.

    use std::io::{self, BufRead, Read};

    use fastcgi_tower::Params;
    use http::{HeaderValue, StatusCode, header::CONTENT_TYPE};
    use tokio::{runtime::Handle, time::sleep};

    use super::*;
    use crate::support::{get, head, post, stdin, stdin_all};

    #[tokio::test]
    async fn a_handler_answers_with_a_value() {
        let service = blocking::service_fn(|request: &mut Request| {
            let text = format!("{} {}", request.method(), request.uri());
            let json = HeaderValue::from_static("text/x-request");
            let response = Response::new(text)
                .status(StatusCode::CREATED)
                .header(CONTENT_TYPE, json);
            assert_eq!(response.headers().map(http::HeaderMap::len), Some(1));
            Ok::<_, io::Error>(response)
        });
        let mut web_server = connect(service);
        within(async {
            web_server.send(get(1, "/a")).await;
            let reply = web_server.reply(1).await;
            assert_eq!(
                reply.head(),
                "Status: 201 Created\r\ncontent-type: text/x-request\r\ncontent-length: 6"
            );
            assert_eq!(reply.body(), b"GET /a");
        })
        .await;
    }

    #[tokio::test]
    async fn texts_statuses_and_http_responses_are_responses() {
        let service = blocking::service_fn(|request: &mut Request| {
            Ok::<Response, io::Error>(match request.uri().path() {
                "/text" => "text".into(),
                "/string" => "string".to_owned().into(),
                "/status" => StatusCode::IM_A_TEAPOT.into(),
                _ => http::Response::new("http").into(),
            })
        });
        let mut web_server = connect(service);
        within(async {
            for (path, status, body) in [
                ("/text", "200", "text"),
                ("/string", "200", "string"),
                ("/status", "418", "418 I'm a teapot\n"),
                ("/http", "200", "http"),
            ] {
                web_server.send(get(1, path)).await;
                let reply = web_server.reply(1).await;
                assert_eq!((reply.status(), reply.body()), (status, body.as_bytes()));
            }
        })
        .await;
    }

    #[tokio::test]
    async fn a_body_is_read() {
        let service = blocking::service_fn(|request: &mut Request| {
            let mut line = String::new();
            request.read_line(&mut line)?;
            let mut two = [0; 2];
            request.read_exact(&mut two)?;
            let mut rest = Vec::new();
            request.read_to_end(&mut rest)?;
            let text = format!("{line:?} {two:?} {}", rest.len());
            Ok::<_, io::Error>(text)
        });
        let mut web_server = connect(service);
        within(async {
            let body = [&b"one\nab"[..], &[b'x'; 100_000]].concat();
            // All at once, and in pieces.
            web_server
                .send([post(1, "/", body.len()), stdin_all(1, &body)].concat())
                .await;
            let expected = b"\"one\\n\" [97, 98] 100000";
            assert_eq!(web_server.reply(1).await.body(), expected);
            web_server.send(post(1, "/", body.len())).await;
            for piece in body.chunks(7_777) {
                web_server.send(stdin(1, piece)).await;
            }
            web_server.send(stdin(1, b"")).await;
            assert_eq!(web_server.reply(1).await.body(), expected);
        })
        .await;
    }

    #[tokio::test]
    async fn params_and_stderr_are_there() {
        let service = blocking::service_fn(|request: &mut Request| {
            request.stderr("for the log");
            handle(request).set_app_status(3);
            let user = request.params().remote_user().unwrap_or_default();
            Ok::<_, io::Error>(user.escape_ascii().to_string())
        });
        let mut web_server = connect(service);
        within(async {
            let head = head(1, "GET", "/", &[("REMOTE_USER", "ann")]);
            web_server.send([head, stdin(1, b"")].concat()).await;
            let reply = web_server.reply(1).await;
            assert_eq!(reply.body(), b"ann");
            assert_eq!(reply.stderr, b"for the log");
            assert_eq!(reply.app_status, 3);
        })
        .await;
    }

    /// As a service of plain HTTP, which axum may hand it.
    #[tokio::test]
    async fn a_request_need_not_come_over_fastcgi() {
        use http_body_util::{BodyExt, Full};
        use tower_service::Service;

        let mut service = blocking::service_fn(|request: &mut Request| {
            assert_eq!(request.params(), &Params::default());
            assert!(!request.is_aborted());
            request.stderr("");
            let mut text = String::new();
            request.read_to_string(&mut text)?;
            Ok::<_, io::Error>(text)
        });
        let request = http::Request::new(Full::<bytes::Bytes>::from("hello"));
        let response = within(service.call(request)).await.expect("infallible");
        let body = within(response.into_body().collect()).await.expect("whole");
        assert_eq!(body.to_bytes(), "hello");
    }

    /// Ends once, and must not be asked again.
    struct EndsOnce(Option<&'static [u8]>, bool);

    impl http_body::Body for EndsOnce {
        type Data = &'static [u8];
        type Error = io::Error;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<io::Result<http_body::Frame<&'static [u8]>>>> {
            assert!(!self.1, "it has ended");
            let data = self.0.take();
            self.1 = data.is_none();
            std::task::Poll::Ready(data.map(|data| Ok(http_body::Frame::data(data))))
        }
    }

    #[tokio::test]
    async fn a_body_that_has_ended_is_not_asked_again() {
        use tower_service::Service;

        let mut service = blocking::service_fn(|request: &mut Request| {
            let mut text = String::new();
            request.read_to_string(&mut text)?;
            let more = request.read(&mut [0])?;
            Ok::<_, io::Error>(format!("{text} {more}"))
        });
        let request = http::Request::new(EndsOnce(Some(b"hello"), false));
        let response = within(service.call(request)).await.expect("infallible");
        assert_eq!(response.status(), StatusCode::OK);
    }

    /// A pool of database connections lives in the runtime that serves.
    #[tokio::test]
    async fn the_runtime_that_serves_is_the_current_one() {
        let outside = Handle::current().id();
        let service = blocking::service_fn(move |_: &mut Request| {
            let handle = Handle::current();
            assert_eq!(handle.id(), outside);
            let task = handle.spawn(async { 1 });
            let sum = handle.block_on(async {
                sleep(Duration::from_millis(1)).await;
                task.await.expect("a task") + 1
            });
            Ok::<_, io::Error>(sum.to_string())
        });
        let mut web_server = connect(service);
        web_server.send(get(1, "/")).await;
        assert_eq!(within(web_server.reply(1)).await.body(), b"2");
    }
}
