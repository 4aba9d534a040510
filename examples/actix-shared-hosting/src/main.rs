//! One small process that Apache mod_fcgid starts, on a host where you may only upload files.
//!
//! The steps are in `docs/shared-hosts.md`; the program's name is another. On your own machine, without Apache:
//!
//! ```sh
//! spawn-fcgi -n -a 127.0.0.1 -p 9000 -- target/release/actix-shared-hosting
//! ```

mod log;

use actix_web::App;
use actix_web::web::{self, Html};

#[actix_web::main]
async fn main() -> Result<(), fastcgi_actix::RunError> {
    log::start();
    // mod_fcgid gives each process one request at a time, so there is one worker on the socket that it hands over. It
    // ends within the three seconds that mod_fcgid gives it, and when a new program is uploaded.
    let ended = fastcgi_actix::run(|| App::new().route("/", web::get().to(home))).await;
    ended.inspect_err(|error| tracing::error!("{error:?}"))
}

async fn home() -> Html {
    Html::new("<h1>Hello from a shared host</h1>\n")
}
