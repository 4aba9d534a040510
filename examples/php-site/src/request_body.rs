//! Takes a request's body before PHP is asked: a client that sends slowly keeps no PHP process busy, and PHP learns the length
//! of every body.

use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use http_body_util::BodyExt;
use tokio::fs::File;
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use tokio::time::timeout;
use tokio_util::io::ReaderStream;

/// What of a body is kept in memory. The rest is in a file that has no name and ends with the request.
const IN_MEMORY: usize = 64 * 1024;
/// How long a client may pause.
const PAUSE: Duration = Duration::from_secs(60);

/// The body and its length. The error is the answer: 413 above `max` bytes, 408 or 400 for a client that pauses or leaves.
pub(crate) async fn receive(mut body: Body, max: u64) -> Result<(u64, Body), StatusCode> {
    let mut memory = Vec::new();
    let mut file = None;
    let mut length = 0;
    while let Some(frame) = timeout(PAUSE, body.frame())
        .await
        .map_err(|_| StatusCode::REQUEST_TIMEOUT)?
    {
        let frame = frame.map_err(|_| StatusCode::BAD_REQUEST)?;
        let data = frame.into_data().unwrap_or_default();
        length += data.len() as u64;
        if length > max {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        memory.extend_from_slice(&data);
        if memory.len() > IN_MEMORY {
            spill(&mut file, &mut memory).await.map_err(disk)?;
        }
    }
    let Some(mut file) = file else {
        return Ok((length, Body::from(memory)));
    };
    file.write_all(&memory).await.map_err(disk)?;
    // The write goes on in another thread, and reading would not report that it has failed.
    file.flush().await.map_err(disk)?;
    file.rewind().await.map_err(disk)?;
    Ok((length, Body::from_stream(ReaderStream::new(file))))
}

async fn spill(file: &mut Option<File>, memory: &mut Vec<u8>) -> io::Result<()> {
    let file = match file {
        Some(file) => file,
        None => file.insert(File::from_std(tempfile::tempfile()?)),
    };
    file.write_all(memory).await?;
    memory.clear();
    Ok(())
}

fn disk(error: io::Error) -> StatusCode {
    tracing::error!(%error, "a body cannot be kept");
    StatusCode::INTERNAL_SERVER_ERROR
}
