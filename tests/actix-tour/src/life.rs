//! The life of a handler: finished, panicked, or dropped because the client left.

use std::collections::HashMap;
use std::fmt::Display;
use std::future::pending;
use std::os::unix::fs::MetadataExt;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use actix_web::error::ErrorNotImplemented;
use actix_web::rt::time::sleep;
use actix_web::web::{self, Bytes, Path, Payload, ServiceConfig};
use actix_web::{Error, HttpResponse, Responder};
use futures_util::{StreamExt, stream};

/// How each handler with a name ended.
static LIVES: LazyLock<Mutex<HashMap<String, Life>>> = LazyLock::new(Mutex::default);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Running,
    Finished,
    Dropped,
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .route(
            "/pid",
            web::get().to(|| async { std::process::id().to_string() }),
        )
        .route("/exe", web::get().to(exe))
        .route("/panic", web::get().to(panics))
        .route("/wait/{name}", web::get().to(wait))
        .route("/drip/{name}", web::get().to(drip))
        .route("/swallow/{name}", web::to(swallow))
        .route("/ignore/{name}", web::to(ignore))
        .route("/life/{name}", web::get().to(life))
        .route("/life/{name}/{milliseconds}", web::get().to(life_later))
        .route("/running", web::get().to(|| async { count(Life::Running) }));
}

/// Which file is running: an upload replaces it by another of the same name.
async fn exe() -> Result<String, Error> {
    let running = std::fs::metadata("/proc/self/exe").map_err(ErrorNotImplemented)?;
    Ok(running.ino().to_string())
}

async fn panics() -> &'static str {
    panic!("a handler that panics")
}

/// Answers after a second.
async fn wait(name: Path<String>) -> &'static str {
    let guard = Guard::new(name);
    sleep(Duration::from_secs(1)).await;
    guard.finish();
    "that was a second\n"
}

/// Never ends by itself.
async fn drip(name: Path<String>) -> impl Responder {
    let drops = stream::unfold(Guard::new(name), |guard| async {
        sleep(Duration::from_millis(10)).await;
        Some((Ok::<_, Error>(Bytes::from("drop ".repeat(200))), guard))
    });
    HttpResponse::Ok()
        .insert_header(("x-accel-buffering", "no"))
        .streaming(drops)
}

/// Reads the body to its end, if there is one.
async fn swallow(name: Path<String>, mut body: Payload) -> &'static str {
    let guard = Guard::new(name);
    while let Some(Ok(_)) = body.next().await {}
    guard.finish();
    "swallowed\n"
}

/// Neither reads the body nor ends by itself.
async fn ignore(name: Path<String>, body: Payload) -> &'static str {
    let _guard = Guard::new(name);
    let _unread = body;
    pending().await
}

/// Where each process has one request at a time, several requests at once reach several processes, if they take a while.
async fn life_later(path: Path<(String, u64)>) -> String {
    let (name, milliseconds) = path.into_inner();
    sleep(Duration::from_millis(milliseconds)).await;
    life(Path::from(name)).await
}

async fn life(name: Path<String>) -> String {
    lives()
        .get(name.as_str())
        .map_or_else(|| "Unknown".to_owned(), |life| format!("{life:?}"))
}

fn count(wanted: Life) -> String {
    lives()
        .values()
        .filter(|life| **life == wanted)
        .count()
        .to_string()
}

fn lives() -> MutexGuard<'static, HashMap<String, Life>> {
    LIVES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes down how the handler that holds it ended.
struct Guard {
    name: String,
    end: Life,
}

impl Guard {
    fn new(name: impl Display) -> Self {
        let name = name.to_string();
        lives().insert(name.clone(), Life::Running);
        Self {
            name,
            end: Life::Dropped,
        }
    }

    fn finish(mut self) {
        self.end = Life::Finished;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        lives().insert(std::mem::take(&mut self.name), self.end);
    }
}
