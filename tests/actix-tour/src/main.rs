//! The tour, with actix-web: what `../tour` is with axum, the same pages and the same answers.
//!
//! A program for tests: `tests/e2e` runs it, too, behind every web server, with the configuration files of `../tour`.
//!
//! ```sh
//! FCGI_LISTEN=127.0.0.1:9000 cargo run -p actix-tour
//! curl http://127.0.0.1:8080/request/a%2Fb?q=1
//! ```

mod body;
mod failure;
mod handle;
mod life;
mod page;
mod process;
mod request;

use std::env;

use actix_web::App;
use fastcgi_actix::Limits;

#[actix_web::main]
async fn main() -> Result<(), fastcgi_actix::RunError> {
    let app = || {
        App::new()
            .configure(page::routes)
            .configure(request::routes)
            .configure(body::routes)
            .configure(failure::routes)
            .configure(handle::routes)
            .configure(life::routes)
            .configure(process::routes)
    };

    // Only HAProxy has several requests at a time on a connection.
    let limits = match env::var("TOUR_MAX_REQS").map(|number| number.parse()) {
        Ok(Ok(number)) => Limits::default().max_reqs(number),
        _ => Limits::default(),
    };
    fastcgi_actix::run(app)
        .configure(move |server| server.limits(limits))
        .await
}
