//! Bodies of any size, both ways, in constant memory.
//!
//! ```sh
//! FCGI_LISTEN=127.0.0.1:9000 cargo run --release -p actix-upload    # with the nginx.conf of ../upload
//! curl -T a-large-file http://127.0.0.1:8080/upload
//! curl -o /dev/null http://127.0.0.1:8080/download/1000000000
//! ```

use actix_web::body::SizedStream;
use actix_web::web::{self, Bytes, Path, Payload};
use actix_web::{App, Error, HttpResponse, Responder};
use futures_util::{StreamExt, stream};

static BLOCK: [u8; 64 * 1024] = [b'.'; 64 * 1024];

#[actix_web::main]
async fn main() -> Result<(), fastcgi_actix::RunError> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    let app = || {
        let both = web::resource("/upload").route(web::put().to(upload));
        App::new()
            .service(both.route(web::post().to(upload)))
            .route("/download/{bytes}", web::get().to(download))
    };
    fastcgi_actix::run(app).await
}

/// Counts as the pieces arrive: the web server waits while this function is busy with one.
async fn upload(mut body: Payload) -> Result<String, Error> {
    let mut count = 0;
    while let Some(piece) = body.next().await {
        // The client left, or sent less than it promised.
        count += piece?.len();
    }
    Ok(format!("{count} bytes\n"))
}

/// Makes a block only when the web server has taken the one before.
async fn download(bytes: Path<u64>) -> impl Responder {
    let bytes = bytes.into_inner();
    let blocks = stream::unfold(bytes, |left| async move {
        let size = left.min(BLOCK.len() as u64);
        let block = BLOCK
            .get(..size as usize)
            .filter(|block| !block.is_empty())?;
        Some((Ok::<_, Error>(Bytes::from_static(block)), left - size))
    });
    HttpResponse::Ok().body(SizedStream::new(bytes, Box::pin(blocks)))
}
