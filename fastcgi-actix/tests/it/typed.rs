//! What the web server knows, asked for by its type.

use actix_web::{App, web};
use fastcgi_actix::{
    AuthType, ClientCertificate, DocumentRoot, RemoteUser, ScriptFilename, ServerName, ServerPort,
};

use crate::support::{FastCgi, serve};
use crate::wire::Ask;

fn start() -> FastCgi {
    serve(|| {
        App::new()
            .route(
                "/user",
                web::get().to(async |it: RemoteUser| it.to_string()),
            )
            .route(
                "/maybe",
                web::get().to(async |it: Option<RemoteUser>| it.is_some().to_string()),
            )
            .route("/type", web::get().to(async |it: AuthType| it.to_string()))
            .route(
                "/root",
                web::get().to(async |it: DocumentRoot| it.to_string()),
            )
            .route(
                "/file",
                web::get().to(async |it: ScriptFilename| it.to_string()),
            )
            .route(
                "/name",
                web::get().to(async |it: ServerName| it.to_string()),
            )
            .route(
                "/port",
                web::get().to(async |it: ServerPort| it.get().to_string()),
            )
            .route(
                "/certificate",
                web::get().to(async |it: ClientCertificate| {
                    it.subject().unwrap_or_default().escape_ascii().to_string()
                }),
            )
    })
}

#[test]
fn what_is_there_is_extracted() {
    let server = start();
    for (path, expected) in [
        ("/user", "ann"),
        ("/maybe", "true"),
        ("/type", "Basic"),
        ("/root", "/srv"),
        ("/file", "/srv/x"),
        ("/name", "example.org"),
        ("/port", "443"),
        ("/certificate", "CN=ann"),
    ] {
        let ask = Ask::get(path)
            .param("REMOTE_USER", "ann")
            .param("AUTH_TYPE", "Basic")
            .param("DOCUMENT_ROOT", "/srv")
            .param("SCRIPT_FILENAME", "/srv/x")
            .param("SERVER_NAME", "example.org")
            .param("SERVER_PORT", "443")
            .param("SSL_CLIENT_VERIFY", "SUCCESS")
            .param("SSL_CLIENT_S_DN", "CN=ann");
        let answer = server.ask(&ask);
        assert_eq!((answer.status, answer.text()), (200, expected), "{path}");
    }
}

#[test]
fn what_is_missing_is_refused_with_its_status() {
    let server = start();
    for (path, status, body) in [
        ("/user", 401, "REMOTE_USER is absent\n"),
        ("/maybe", 200, "false"),
        ("/type", 401, "AUTH_TYPE is absent\n"),
        ("/root", 500, "DOCUMENT_ROOT is absent\n"),
        ("/file", 500, "SCRIPT_FILENAME is absent\n"),
        ("/name", 500, "SERVER_NAME is absent\n"),
        ("/port", 500, "SERVER_PORT is invalid\n"),
        ("/certificate", 403, "SSL_CLIENT_VERIFY is absent\n"),
    ] {
        let ask = Ask::get(path)
            .param("DOCUMENT_ROOT", "")
            .param("SCRIPT_FILENAME", "")
            .param("SERVER_NAME", "")
            .param("SERVER_PORT", "x")
            .header("Remote-User", "eve");
        let answer = server.ask(&ask);
        assert_eq!((answer.status, answer.text()), (status, body), "{path}");
    }
}
