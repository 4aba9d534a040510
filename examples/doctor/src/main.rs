//! A doctor for hosts: upload it before the application, and read in a browser what the host does with it.
//!
//! The steps are in `docs/doctor.md`. On your own machine, without a web server:
//!
//! ```sh
//! cargo run -p fastcgi-front -- cargo run -q -p doctor
//! ```

mod facts;
mod page;
mod params;
mod probes;
mod started;
mod streams;
mod tokens;

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Router, middleware};
use axum_fastcgi::RunError;

use crate::started::Started;
use crate::tokens::{Door, Tokens};

/// What the program knows before the first request.
struct Doctor {
    started: Started,
    tokens: Tokens,
}

// mod_fcgid gives each process one request at a time: a pool of threads would only sleep.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RunError> {
    let started = Started::now();
    let tokens = Tokens::beside(started.program());
    // The user looks for the file, also before the first request.
    tokens.door();
    let doctor = Arc::new(Doctor { started, tokens });

    // No routes: whatever the host does to a path, the page and the probes are found.
    let app = Router::new()
        .fallback(answer)
        .layer(middleware::map_response(page::hide))
        .with_state(doctor);
    axum_fastcgi::run(app).await
}

/// A request with `X-Doctor` is one of the page's own; everything else gets the page, which says nothing about the host.
async fn answer(State(doctor): State<Arc<Doctor>>, request: Request) -> Response {
    let door = doctor.tokens.door();
    if matches!(door, Door::Expired) {
        return page::expired();
    }
    let Some(probe) = request.headers().get(probes::PROBE) else {
        return page::page(&door);
    };
    let given = request.headers().get(tokens::HEADER);
    if !given.is_some_and(|token| door.opens_with(token.as_bytes())) {
        // The same whether the token is wrong or absent, or the probe unknown.
        return (StatusCode::FORBIDDEN, "").into_response();
    }
    match probe.to_str().unwrap_or_default().to_owned().as_str() {
        "facts" => facts::facts(&doctor, &request),
        probe => probes::answer(&doctor, probe, request).await,
    }
}
