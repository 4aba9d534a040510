//! Who the client is (C-1, C-2), and what else the web server knows.

use std::net::SocketAddr;

use axum::{
    Extension, Router,
    body::Body,
    extract::{ConnectInfo, Request},
    http::{HeaderMap, HeaderName},
    routing::get,
};
use axum_fastcgi::{ParamToHeaderLayer, Params, RequestExt, RequestHandle};

use crate::support::{Server, get as get_request};

async fn whoami(ConnectInfo(client): ConnectInfo<SocketAddr>) -> String {
    client.to_string()
}

#[tokio::test]
async fn the_client_is_in_connect_info() {
    let app = Router::new().route("/", get(whoami));
    let server = Server::start(app);
    for (addr, port, wanted) in [
        ("192.0.2.7", "4711", "192.0.2.7:4711"),
        ("2001:db8::7", "4711", "[2001:db8::7]:4711"),
        ("192.0.2.7", "", "192.0.2.7:0"),
    ] {
        let params = [("REMOTE_ADDR", addr), ("REMOTE_PORT", port)];
        let reply = server.ask(get_request("/", &params)).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, wanted));
    }
}

/// The connection is the web server's, and carries requests of many clients.
#[tokio::test]
async fn each_request_of_a_connection_has_its_own_client() {
    let app = Router::new().route("/", get(whoami));
    let make_service = app.into_make_service_with_connect_info::<SocketAddr>();
    let server = Server::start_with(make_service, |server| server);
    let mut io = server.connect().await;
    for addr in ["192.0.2.7", "192.0.2.8"] {
        let params = [("REMOTE_ADDR", addr), ("REMOTE_PORT", "80")];
        let reply = crate::support::exchange(&mut io, &get_request("/", &params)).await;
        assert_eq!(reply.body, format!("{addr}:80"));
    }
}

/// Behind a web server that itself listens on a Unix socket.
#[tokio::test]
async fn a_client_without_address_is_0_0_0_0() {
    let app = Router::new().route("/", get(whoami));
    let asked = app
        .clone()
        .into_make_service_with_connect_info::<SocketAddr>();
    let server = Server::start_with(asked, |server| server);
    for params in [&[][..], &[("REMOTE_ADDR", "unix:")], &[("REMOTE_ADDR", "")]] {
        let reply = server.ask(get_request("/", params)).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, "0.0.0.0:0"));
    }

    // Who did not ask for it gets what axum says where there is none.
    let server = Server::start(app);
    assert_eq!(server.ask(get_request("/", &[])).await.status, 500);
}

#[tokio::test]
async fn params_are_an_extractor() {
    let user = |params: &Params| params.get("REMOTE_USER").unwrap_or_default().to_vec();
    let app = Router::new()
        .route("/", get(async move |params: Params| user(&params)))
        .route(
            "/maybe",
            get(async move |params: Option<Params>| params.as_ref().map(user).unwrap_or_default()),
        )
        .route(
            "/extension",
            get(async move |Extension(params): Extension<Params>| user(&params)),
        );
    let server = Server::start(app);
    for path in ["/", "/maybe", "/extension"] {
        let reply = server
            .ask(get_request(path, &[("REMOTE_USER", "zoe")]))
            .await;
        assert_eq!((reply.status, reply.body.as_str()), (200, "zoe"), "{path}");
    }
}

/// For applications that look for headers; what a client sent under that name is gone.
#[tokio::test]
async fn params_can_be_headers() {
    async fn user(headers: HeaderMap) -> String {
        let users = headers.get_all("x-remote-user").iter();
        users.map(|user| format!("{user:?} ")).collect()
    }
    let header = HeaderName::from_static("x-remote-user");
    let layer = ParamToHeaderLayer::new("REMOTE_USER", header);
    let server = Server::start(Router::new().route("/", get(user)).layer(layer));
    let forged = ("HTTP_X_REMOTE_USER", "root");
    let reply = server
        .ask(get_request("/", &[forged, ("REMOTE_USER", "zoe")]))
        .await;
    assert_eq!(reply.body, "\"zoe\" ");
    assert_eq!(server.ask(get_request("/", &[forged])).await.body, "");
}

#[tokio::test]
async fn a_request_has_what_the_web_server_knows() {
    let show = async |request: Request| {
        let fastcgi = request.fastcgi().expect("it came over FastCGI");
        let extensions = request.extensions();
        assert_eq!(extensions.get(), Some(fastcgi.script_name()));
        assert_eq!(extensions.get(), Some(fastcgi.params()));
        assert!(extensions.get::<RequestHandle>().is_some());
        let user = fastcgi.params().remote_user().unwrap_or_default();
        format!("{} {}", fastcgi.script_name().as_str(), user.escape_ascii())
    };
    let app = Router::new().fallback(show);
    let server = Server::start_with(app, |server| server.script_name("/app"));
    let reply = server
        .ask(get_request("/app/x", &[("REMOTE_USER", "ann")]))
        .await;
    assert_eq!(reply.body, "/app ann");
    assert!(Request::new(Body::empty()).fastcgi().is_none());
}
