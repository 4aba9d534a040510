//! Responses that come in pieces, each with the time when it was sent.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use futures_util::{StreamExt, stream};

use crate::probes::{now, unbuffered};

/// Four pieces within a second.
pub(crate) fn pieces() -> Response {
    let pauses = [0, 300, 300, 300];
    timed("text/plain", &pauses, |sent| format!("{sent}\n"))
}

/// Three server-sent events, with a pause of three seconds: web servers give up on streams that are silent for too long.
pub(crate) fn events() -> Response {
    let pauses = [0, 300, 3000];
    timed("text/event-stream", &pauses, |sent| {
        format!("data: {sent}\n\n")
    })
}

fn timed(content_type: &'static str, pauses: &[u64], write: fn(u64) -> String) -> Response {
    let pauses: Vec<_> = pauses.to_vec();
    let pieces = stream::iter(pauses).then(move |pause| async move {
        tokio::time::sleep(Duration::from_millis(pause)).await;
        Ok::<_, Infallible>(write(now()))
    });
    unbuffered(content_type, Body::from_stream(pieces))
}
