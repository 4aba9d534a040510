//! A page, a form, JSON, and what the web server knows about the request.
//!
//! ```sh
//! cargo run -p actix-hello                               # HTTP for development
//! curl http://127.0.0.1:3000/
//!
//! FCGI_LISTEN=127.0.0.1:9000 cargo run -p actix-hello    # FastCGI: with the nginx.conf or the Caddyfile of ../hello
//! curl http://127.0.0.1:8080/                            # through that web server
//! ```

use actix_web::dev::PeerAddr;
use actix_web::web::{self, Form, Html, Json};
use actix_web::{App, Responder};
use fastcgi_actix::Params;
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, Serialize)]
struct Visitor {
    name: String,
}

#[actix_web::main]
async fn main() -> Result<(), fastcgi_actix::RunError> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let app = || {
        App::new()
            .route("/", web::get().to(home))
            .route("/form", web::post().to(form))
            .route("/json", web::post().to(json))
            .route("/whoami", web::get().to(whoami))
    };

    // On the socket that a web server hands over, or on the address in FCGI_LISTEN; by hand, HTTP for development.
    fastcgi_actix::run(app).await
}

async fn home() -> impl Responder {
    Html::new("<h1>Hello from actix-web over FastCGI</h1>\n")
}

async fn form(Form(visitor): Form<Visitor>) -> String {
    format!("Hello {}\n", visitor.name)
}

async fn json(Json(visitor): Json<Visitor>) -> Json<Visitor> {
    Json(visitor)
}

/// REMOTE_ADDR arrives as actix's `PeerAddr`; any other parameter is in `Params`.
async fn whoami(PeerAddr(client): PeerAddr, params: Params) -> String {
    let software = params.get("SERVER_SOFTWARE").unwrap_or_default();
    let software = String::from_utf8_lossy(software);
    format!("{} through {software}\n", client.ip())
}
