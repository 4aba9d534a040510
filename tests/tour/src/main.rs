//! Everything a web server can do to an application, one small handler each.
//!
//! A program for tests: `tests/e2e` runs it behind every web server, with the configuration files beside it. The programs for
//! people are in `examples`.
//!
//! ```sh
//! FCGI_LISTEN=127.0.0.1:9000 cargo run -p tour    # with any configuration beside this folder's src
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

use axum::Router;
use axum_fastcgi::Limits;

#[tokio::main]
async fn main() -> Result<(), axum_fastcgi::RunError> {
    let app = Router::new()
        .merge(page::router())
        .merge(request::router())
        .merge(body::router())
        .merge(failure::router())
        .merge(handle::router())
        .merge(life::router())
        .merge(process::router());

    // Only HAProxy has several requests at a time on a connection.
    let limits = match env::var("TOUR_MAX_REQS").map(|number| number.parse()) {
        Ok(Ok(number)) => Limits::default().max_reqs(number),
        _ => Limits::default(),
    };
    // Any application can be asked for permission, if it says that it may be.
    let may_be_asked = env::var_os("TOUR_AUTHORIZER").is_some();
    axum_fastcgi::run(app)
        .configure(move |server| {
            let server = server.limits(limits).authorizer(may_be_asked);
            let max_requests = env::var("TOUR_MAX_REQUESTS").ok();
            match max_requests.and_then(|it| it.parse().ok()) {
                Some(requests) => server.max_requests(requests),
                None => server,
            }
        })
        .await
}
