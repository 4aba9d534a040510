//! One request to PHP-FPM: what PHP learns of it, how long it may take, and what the client gets when PHP fails.

use std::error::Error;
use std::net::SocketAddr;
use std::os::unix::ffi::OsStrExt;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts;
use axum::response::Response;
use axum_fastcgi::Params;
use fastcgi_tower::client::{ExtraParams, OnStderr, ServerInfo};
use http_body_util::BodyExt;
use tokio::time::timeout;
use tower::ServiceExt;

use crate::files::Script;
use crate::request_body::receive;
use crate::{PhpSite, refuse};

/// Has PHP answer. A failure is 502, too long a wait 504, and both are `warn` events with the name of the script. No event has
/// a header, a query or a path info in it.
pub(crate) async fn run(site: PhpSite, script: Script, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let (length, body) = match receive(body, site.max_body).await {
        Ok(received) => received,
        Err(status) => return refuse(status),
    };
    if length > 0 || parts.headers.contains_key(CONTENT_LENGTH) {
        parts.headers.insert(CONTENT_LENGTH, length.into());
    }
    parts.extensions.insert(server_info(&site.server, &parts));
    parts.extensions.insert(ExtraParams::from(params(&script)));
    let name = script.name.escape_ascii().to_string();
    parts.extensions.insert(log_stderr(name.clone()));
    let request = Request::from_parts(parts, body);

    // The limit is for all of it: a place among the requests, a connection, and the head of the answer.
    match timeout(site.time_limit, site.client.oneshot(request)).await {
        Ok(Ok(response)) => response.map(|body| {
            // The client sees no more of a failure in the middle than a connection that is cut.
            Body::new(body.map_err(move |error| {
                tracing::warn!(
                    script = name,
                    error = explain(&error),
                    "PHP's answer breaks off"
                );
                error
            }))
        }),
        Ok(Err(error)) => {
            tracing::warn!(
                script = name,
                error = explain(&error),
                "PHP does not answer"
            );
            let is_late = error.is_timeout();
            refuse(if is_late {
                StatusCode::GATEWAY_TIMEOUT
            } else {
                StatusCode::BAD_GATEWAY
            })
        }
        Err(_) => {
            tracing::warn!(script = name, limit = ?site.time_limit, "PHP does not answer in time");
            refuse(StatusCode::GATEWAY_TIMEOUT)
        }
    }
}

/// What of PHP's messages is logged for one request, in bytes: a few stack traces.
const MAX_STDERR: usize = 16 * 1024;

/// Logs what PHP writes to standard error: warnings and errors, if `log_errors` is on and `error_log` names no file.
fn log_stderr(script: String) -> OnStderr {
    let logged = AtomicUsize::new(0);
    OnStderr::new(move |message| {
        let room = MAX_STDERR.saturating_sub(logged.fetch_add(message.len(), Relaxed));
        let message = message.get(..room).unwrap_or(message);
        if !message.is_empty() {
            // As Debug, which escapes what would garble a terminal.
            let stderr = String::from_utf8_lossy(message.trim_ascii_end());
            tracing::warn!(script, ?stderr, "PHP reports");
        }
    })
}

/// What PHP-FPM finds the script by.
fn params(script: &Script) -> Params {
    let pairs: [(&str, &[u8]); 6] = [
        ("SCRIPT_FILENAME", script.file.as_os_str().as_bytes()),
        ("SCRIPT_NAME", &script.name),
        ("PATH_INFO", &script.path_info),
        ("DOCUMENT_URI", &script.name),
        ("DOCUMENT_ROOT", script.root.as_os_str().as_bytes()),
        // Without it, a PHP that was built with force-cgi-redirect refuses to run anything.
        ("REDIRECT_STATUS", b"200"),
    ];
    pairs.into_iter().collect()
}

/// Who the client is, and what it asked for: as the connection says, or as the web server in front says.
fn server_info(own: &ServerInfo, request: &Parts) -> ServerInfo {
    let mut server = own.clone();
    if let Some(ConnectInfo(client)) = request.extensions.get::<ConnectInfo<SocketAddr>>() {
        server = server.remote_addr(*client);
    }
    let Some(front) = request.extensions.get::<Params>() else {
        return server;
    };
    // Also an empty one, such as that of nginx without `server_name`: else it would be what the client wrote in `Host`.
    if let Some(name) = front.get("SERVER_NAME") {
        server = server.name(String::from_utf8_lossy(name));
    }
    if let Some(addr) = front.local_addr() {
        server = server.local_addr(addr);
    }
    if let Some(port) = front.server_port() {
        server = server.port(port);
    }
    server.https(front.is_https())
}

/// An error and its causes, in one line.
fn explain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        line.push_str(&format!(": {error}"));
        source = error.source();
    }
    line
}
