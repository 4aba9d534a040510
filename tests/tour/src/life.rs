//! The life of a handler: finished, panicked, or dropped because the client left.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Display;
use std::future::pending;
use std::os::unix::fs::MetadataExt;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{any, get};
use futures_util::stream;
use http_body_util::BodyExt;
use tokio::time::sleep;

/// How each handler with a name ended.
static LIVES: LazyLock<Mutex<HashMap<String, Life>>> = LazyLock::new(Mutex::default);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Running,
    Finished,
    Dropped,
}

pub(crate) fn router() -> Router {
    Router::new()
        .route("/pid", get(|| async { std::process::id().to_string() }))
        .route("/exe", get(exe))
        .route("/tasks", get(tasks))
        .route("/panic", get(panics))
        .route("/wait/{name}", get(wait))
        .route("/drip/{name}", get(drip))
        .route("/swallow/{name}", any(swallow))
        .route("/ignore/{name}", any(ignore))
        .route("/life/{name}", get(life))
        .route("/life/{name}/{milliseconds}", get(life_later))
        .route("/running", get(|| async { count(Life::Running) }))
}

/// Which file is running: an upload replaces it by another of the same name.
async fn exe() -> Result<String, StatusCode> {
    let running = std::fs::metadata("/proc/self/exe");
    let running = running.map_err(|_| StatusCode::NOT_IMPLEMENTED)?;
    Ok(running.ino().to_string())
}

/// How many tasks the runtime has.
async fn tasks() -> String {
    let metrics = tokio::runtime::Handle::current().metrics();
    metrics.num_alive_tasks().to_string()
}

async fn panics() -> &'static str {
    panic!("a handler that panics")
}

/// Answers after a second.
async fn wait(Path(name): Path<String>) -> &'static str {
    let guard = Guard::new(name);
    sleep(Duration::from_secs(1)).await;
    guard.finish();
    "that was a second\n"
}

/// Never ends by itself.
async fn drip(Path(name): Path<String>) -> impl IntoResponse {
    let drops = stream::unfold(Guard::new(name), |guard| async {
        sleep(Duration::from_millis(10)).await;
        Some((Ok::<_, Infallible>("drop ".repeat(200)), guard))
    });
    ([("x-accel-buffering", "no")], Body::from_stream(drops))
}

/// Reads the body to its end, if there is one.
async fn swallow(Path(name): Path<String>, mut body: Body) -> &'static str {
    let guard = Guard::new(name);
    while let Some(Ok(_)) = body.frame().await {}
    guard.finish();
    "swallowed\n"
}

/// Neither reads the body nor ends by itself.
async fn ignore(Path(name): Path<String>, body: Body) {
    let _guard = Guard::new(name);
    let _unread = body;
    pending::<()>().await;
}

/// Where each process has one request at a time, several requests at once reach several processes, if they take a while.
async fn life_later(Path((name, milliseconds)): Path<(String, u64)>) -> String {
    sleep(Duration::from_millis(milliseconds)).await;
    life(Path(name)).await
}

async fn life(Path(name): Path<String>) -> String {
    lives()
        .get(&name)
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
