//! A handler that blocks, as libraries without async need it: each request has a thread of a bounded pool.
//!
//! ```sh
//! cargo run -p fastcgi-front -- cargo run -p blocking-handler
//! curl --data-binary @large.iso http://127.0.0.1:8080/echo > copy.iso
//! ```

use std::io::{self, Read, Write};

use fastcgi_tower::{
    RunError,
    blocking::{self, Request, Response, WhenFull},
};
use http::StatusCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), RunError> {
    // BLOCKING_WORKERS is for the tests.
    let workers = std::env::var("BLOCKING_WORKERS").ok();
    let workers = workers.and_then(|it| it.parse().ok()).unwrap_or(8);
    let service = blocking::service_fn(answer)
        .max_workers(workers)
        .when_full(WhenFull::Wait);
    fastcgi_tower::run(service).await
}

fn answer(request: &mut Request) -> io::Result<Response> {
    match request.uri().path() {
        "/" => Ok("<h1>Hello from a thread</h1>\n".into()),
        // Bodies of any size, both ways, in constant memory.
        "/echo" => {
            let mut body = request.start(http::Response::new(()))?;
            io::copy(request, &mut body)?;
            body.finish()
        }
        "/lines" => {
            let mut text = String::new();
            request.read_to_string(&mut text)?;
            request.stderr("somebody counts lines\n");
            let mut body = request.start(http::Response::new(()))?;
            writeln!(body, "{} lines", text.lines().count())?;
            body.finish()
        }
        _ => Ok(StatusCode::NOT_FOUND.into()),
    }
}
