//! An application that knows nothing of its mount, below one, and an event stream behind nginx.

use std::convert::Infallible;

use axum::{
    Router, ServiceExt,
    extract::{OriginalUri, Request},
    http::{HeaderName, Uri, header},
    response::{AppendHeaders, Redirect, Sse, sse::Event},
    routing::get,
};
use axum_fastcgi::ScriptName;
use futures_util::stream;
use tower::util::MapRequestLayer;
use tower_http::{normalize_path::NormalizePathLayer, services::ServeDir};
use tower_layer::Layer;

use crate::support::{Reply, Server, get as get_request};

async fn login() -> (AppendHeaders<[(HeaderName, &'static str); 2]>, Redirect) {
    let cookies = [
        (header::SET_COOKIE, "id=1; Path=/; HttpOnly"),
        (header::SET_COOKIE, "__Host-id=1; Secure; Path=/"),
    ];
    (AppendHeaders(cookies), Redirect::to("/login?next=/"))
}

fn below_app(app: Router, mounts: bool) -> Server {
    Server::start_with(app, |server| {
        server.script_name("/app").mount_redirects(mounts)
    })
}

fn location(reply: &Reply) -> Vec<&str> {
    reply.fields("location").collect()
}

#[tokio::test]
async fn a_redirect_of_the_application_stays_below_the_mount() {
    let app = Router::new().route("/", get(login));
    let server = below_app(app.clone(), true);
    let reply = server.ask(get_request("/app/", &[])).await;
    assert_eq!(reply.status, 303);
    assert_eq!(location(&reply), ["/app/login?next=/"]);
    assert_eq!(
        reply.fields("set-cookie").collect::<Vec<_>>(),
        ["id=1; Path=/app; HttpOnly", "__Host-id=1; Secure; Path=/"]
    );

    let reply = below_app(app, false).ask(get_request("/app/", &[])).await;
    assert_eq!(location(&reply), ["/login?next=/"]);
}

#[tokio::test]
async fn a_redirect_of_tower_http_stays_below_the_mount() {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(dir.path().join("sub")).expect("a directory in it");
    let app = Router::new().fallback_service(ServeDir::new(dir.path()));
    let reply = below_app(app, true).ask(get_request("/app/sub", &[])).await;
    assert_eq!(location(&reply), ["/app/sub/"]);
}

/// What was made of `OriginalUri` has the mount already.
#[tokio::test]
async fn a_redirect_that_has_the_mount_keeps_it() {
    let app = Router::new().fallback(|OriginalUri(uri): OriginalUri| async move {
        Redirect::to(&format!("{}/", uri.path()))
    });
    for mounts in [true, false] {
        let reply = below_app(app.clone(), mounts)
            .ask(get_request("/app/x", &[]))
            .await;
        assert_eq!(location(&reply), ["/app/x/"]);
    }
}

async fn original(uri: Uri, OriginalUri(original): OriginalUri) -> String {
    format!("{uri} of {original}")
}

/// A layer around the router changes the URI after `OriginalUri` is set; so it has to be set again.
#[tokio::test]
async fn behind_a_layer_around_the_router_the_original_uri_is_set_by_hand() {
    let router = Router::new().route("/page", get(original));
    let set_again = MapRequestLayer::new(|mut request: Request| {
        let script_name = request.extensions().get::<ScriptName>().cloned();
        let uri = script_name.unwrap_or_default().external_uri(request.uri());
        request.extensions_mut().insert(OriginalUri(uri));
        request
    });
    let around = NormalizePathLayer::trim_trailing_slash();

    let app = ServiceExt::<Request>::into_make_service(around.layer(router.clone()));
    let server = Server::start_with(app, |server| server.script_name("/app"));
    let reply = server.ask(get_request("/app/page/", &[])).await;
    assert_eq!(reply.body, "/page of /app/page/");

    let app = ServiceExt::<Request>::into_make_service(around.layer(set_again.layer(router)));
    let server = Server::start_with(app, |server| server.script_name("/app"));
    let reply = server.ask(get_request("/app/page/", &[])).await;
    assert_eq!(reply.body, "/page of /app/page");
}

/// the handler knows nothing of the web server.
#[tokio::test]
async fn nginx_is_asked_not_to_collect_an_event_stream() {
    let events = || async { Sse::new(stream::empty::<Result<Event, Infallible>>()) };
    let server = Server::start(Router::new().route("/", get(events)));
    for (software, expected) in [("nginx/1.22.1", &["no"][..]), ("lighttpd/1.4.69", &[])] {
        let reply = server
            .ask(get_request("/", &[("SERVER_SOFTWARE", software)]))
            .await;
        assert_eq!(
            reply.fields("content-type").collect::<Vec<_>>(),
            ["text/event-stream"]
        );
        assert_eq!(
            reply.fields("x-accel-buffering").collect::<Vec<_>>(),
            expected
        );
    }
}
