//! What the web server knows, asked for by its type.

use axum::{Router, routing::get};
use axum_fastcgi::{
    AuthType, ClientCertificate, DocumentRoot, RemoteUser, ScriptFilename, ServerName, ServerPort,
};

use crate::support::{Server, get as get_request};

fn app() -> Router {
    Router::new()
        .route(
            "/user",
            get(|user: RemoteUser| async move { user.to_string() }),
        )
        .route(
            "/maybe",
            get(|user: Option<RemoteUser>| async move { format!("{user:?}") }),
        )
        .route("/type", get(|it: AuthType| async move { it.to_string() }))
        .route(
            "/root",
            get(|it: DocumentRoot| async move { it.to_string() }),
        )
        .route(
            "/file",
            get(|it: ScriptFilename| async move { it.to_string() }),
        )
        .route("/name", get(|it: ServerName| async move { it.to_string() }))
        .route(
            "/port",
            get(|it: ServerPort| async move { it.get().to_string() }),
        )
        .route(
            "/certificate",
            get(|it: ClientCertificate| async move {
                it.subject().unwrap_or_default().escape_ascii().to_string()
            }),
        )
}

#[tokio::test]
async fn what_is_there_is_extracted() {
    let server = Server::start(app());
    let params = [
        ("REMOTE_USER", "ann"),
        ("AUTH_TYPE", "Basic"),
        ("DOCUMENT_ROOT", "/srv"),
        ("SCRIPT_FILENAME", "/srv/x"),
        ("SERVER_NAME", "example.org"),
        ("SERVER_PORT", "443"),
        ("SSL_CLIENT_VERIFY", "SUCCESS"),
        ("SSL_CLIENT_S_DN", "CN=ann"),
    ];
    for (path, expected) in [
        ("/user", "ann"),
        ("/maybe", "Some(RemoteUser(\"ann\"))"),
        ("/type", "Basic"),
        ("/root", "/srv"),
        ("/file", "/srv/x"),
        ("/name", "example.org"),
        ("/port", "443"),
        ("/certificate", "CN=ann"),
    ] {
        let reply = server.ask(get_request(path, &params)).await;
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (200, expected),
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_is_missing_is_refused_with_its_status() {
    let server = Server::start(app());
    let params = [
        ("SERVER_PORT", "x"),
        ("SERVER_NAME", ""),
        ("HTTP_REMOTE_USER", "eve"),
    ];
    for (path, status, body) in [
        ("/user", 401, "REMOTE_USER is absent\n"),
        ("/maybe", 200, "None"),
        ("/type", 401, "AUTH_TYPE is absent\n"),
        ("/root", 500, "DOCUMENT_ROOT is absent\n"),
        ("/file", 500, "SCRIPT_FILENAME is absent\n"),
        ("/name", 500, "SERVER_NAME is absent\n"),
        ("/port", 500, "SERVER_PORT is invalid\n"),
        ("/certificate", 403, "SSL_CLIENT_VERIFY is absent\n"),
    ] {
        let reply = server.ask(get_request(path, &params)).await;
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (status, body),
            "{path}"
        );
    }
}
