//! Paths: what the router sees, and what the client asked for (T-14).

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use axum::{
    Router,
    extract::{MatchedPath, NestedPath, OriginalUri, Path, Request},
    http::Uri,
    response::{IntoResponse, Response},
    routing::get,
};
use tower::{Service, service_fn};

use crate::support::{Server, get as get_request};

async fn seen(uri: Uri, OriginalUri(original): OriginalUri) -> String {
    format!("{uri} of {original}")
}

#[tokio::test]
async fn the_router_sees_the_path_below_the_mount() {
    let app = Router::new().route("/page/{name}", get(seen));
    let server = Server::start_with(app, |server| server.script_name("/app"));
    let params = [
        ("REQUEST_URI", "/app/page/a%2Fb?x=1"),
        ("QUERY_STRING", "x=1"),
    ];
    let reply = server.ask(get_request("/app/page/a/b", &params)).await;
    assert_eq!(reply.body, "/page/a%2Fb?x=1 of /app/page/a%2Fb?x=1");
}

#[tokio::test]
async fn without_a_mount_both_are_the_same() {
    let app = Router::new().route("/page", get(seen));
    let reply = Server::start(app).ask(get_request("/page", &[])).await;
    assert_eq!(reply.body, "/page of /page");
}

/// The original URI is the client's in every router, however deep.
#[tokio::test]
async fn routers_nest() {
    async fn page(
        Path((section, page)): Path<(String, String)>,
        nested: NestedPath,
        matched: MatchedPath,
        OriginalUri(original): OriginalUri,
        request: Request,
    ) -> String {
        let (nested, matched) = (nested.as_str(), matched.as_str());
        format!(
            "{section} {page} {nested} {matched} {original} {}",
            request.uri().path()
        )
    }
    let inner = Router::new().route("/page/{page}", get(page));
    let app = Router::new()
        .nest("/section/{section}", inner)
        .fallback(async || "nothing here");
    let server = Server::start_with(app, |server| server.script_name("/app"));
    let reply = server.ask(get_request("/app/section/1/page/2", &[])).await;
    assert_eq!(
        reply.body,
        "1 2 /section/{section} /section/{section}/page/{page} /app/section/1/page/2 /page/2"
    );
    assert_eq!(
        server.ask(get_request("/app/nowhere", &[])).await.body,
        "nothing here"
    );
}

#[tokio::test]
async fn a_script_name_that_is_none_is_an_error() {
    let server = Server::start_with(Router::new(), |server| server.script_name("/app?"));
    let error = server.ended().await.expect_err("a query");
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
}

/// A service that is ready when it was asked a third time.
#[derive(Clone, Default)]
struct Slow {
    asked: usize,
}

impl Service<Request> for Slow {
    type Response = Response;
    type Error = Infallible;
    type Future = Ready<Result<Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.asked += 1;
        if self.asked > 2 {
            return Poll::Ready(Ok(()));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn call(&mut self, _: Request) -> Self::Future {
        ready(Ok(format!("asked {} times", self.asked).into_response()))
    }
}

#[tokio::test]
async fn a_service_is_called_when_it_is_ready() {
    let make_service = service_fn(|_| ready(Ok(Slow::default())));
    let server = Server::start_with(make_service, |server| server);
    let reply = server.ask(get_request("/", &[])).await;
    assert_eq!(reply.body, "asked 3 times");
}
