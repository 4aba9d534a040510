//! With actix-web.

use actix_web::web::{self, Path};
use actix_web::{App, Error, HttpRequest};

#[actix_web::main]
async fn main() -> Result<(), fastcgi_actix::RunError> {
    starts::begin();
    let app = || {
        App::new()
            .route("/", web::get().to(|| async { "actix\n" }))
            .route("/print/{message}", web::get().to(print))
            // Where it is mounted is in its own routes.
            .route("/app/inside/{rest:.*}", web::get().to(inside))
    };
    let run = fastcgi_actix::run(app);
    let run = starts::addresses()
        .into_iter()
        .fold(run, |run, it| run.bind(it));
    run.await
}

async fn inside(request: HttpRequest) -> String {
    format!("{}\n", request.uri())
}

async fn print(message: Path<String>) -> Result<&'static str, Error> {
    starts::print(&message)?;
    Ok("printed\n")
}
