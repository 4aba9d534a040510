//! What the checks of the page ask for. Each answer has `X-Doctor-Answer`, so that the page knows that it is ours.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Json;
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, COOKIE, HOST, LOCATION, SET_COOKIE};
use axum::http::{HeaderName, HeaderValue, StatusCode, Uri};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum_fastcgi::{Params, RequestHandle, ScriptName};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Value, json};

use crate::{Doctor, streams};

/// The header field that says what is asked for.
pub(crate) const PROBE: &str = "x-doctor";
/// The header field that has where the browser has opened the page.
const MOUNT: &str = "x-doctor-mount";
/// The header field of each answer.
const ANSWER: HeaderName = HeaderName::from_static("x-doctor-answer");
/// Bytes of an upload, at most: 100 MiB, and nothing of it is kept.
const MAX_UPLOAD: usize = 100 << 20;
/// Bytes of a response header field, at most.
const MAX_HEADER: usize = 8000;

pub(crate) async fn answer(doctor: &Doctor, probe: &str, request: Request) -> Response {
    let mut response = match probe {
        "echo" => echo(doctor, &request),
        "body" => body(request).await,
        "header" => header(&request),
        "cookies" => set_cookies(&request),
        "stream" => streams::pieces(),
        "events" => streams::events(),
        "early" => (StatusCode::PAYLOAD_TOO_LARGE, "answered early").into_response(),
        "status" => status(&request),
        "redirect" => redirect(&request),
        "internal" => internal(doctor, &request),
        "sleep" => sleep(doctor).await,
        "restart" => restart(doctor).await,
        _ => return StatusCode::FORBIDDEN.into_response(),
    };
    response
        .headers_mut()
        .insert(ANSWER, HeaderValue::from_static("1"));
    response
}

/// What has arrived, but for what is secret: only credentials that the page has made up come back.
fn echo(doctor: &Doctor, request: &Request) -> Response {
    let seen = seen(doctor, request);
    let method = request.method().as_str().to_owned();
    let mut response = Json(seen).into_response();
    if let Ok(method) = HeaderValue::from_str(&method) {
        response.headers_mut().insert("x-doctor-method", method);
    }
    response
}

fn seen(doctor: &Doctor, request: &Request) -> Value {
    let text = |name| request.headers().get(name).map(HeaderValue::as_bytes);
    let text = |name| text(name).map(|value| String::from_utf8_lossy(value).into_owned());
    let params = request.extensions().get::<Params>();
    let script_name = request.extensions().get::<ScriptName>();
    let handle = request.extensions().get::<RequestHandle>();
    let connection = handle.map(|handle| handle.connection_id().to_string());
    let authorization = text("authorization").filter(|it| it.starts_with("Bearer fastcgi-doctor-"));
    json!({
        "method": request.method().as_str(),
        "path": request.uri().path(),
        "query": request.uri().query(),
        "mount": script_name.map(ToString::to_string),
        "rule": params.and_then(|it| rule(doctor, it)),
        "host": text(HOST.as_str()),
        "isHttps": params.is_some_and(Params::is_https),
        "isRedirected": params.is_some_and(|it| it.get("REDIRECT_URL").is_some()),
        "authorization": authorization,
        "large": text("x-doctor-large").map(|it| it.len()),
        "cookies": own_cookies(request),
        "process": doctor.started.process,
        "connection": connection,
    })
}

fn rule(doctor: &Doctor, params: &Params) -> Option<String> {
    let explanation = doctor.started.mapping.explain(params);
    let outcome = explanation.taken().outcome();
    outcome.as_ref().ok().map(|it| it.rule.to_string())
}

/// The cookies that the page has had set, and no other.
fn own_cookies(request: &Request) -> Vec<String> {
    let lines = request.headers().get_all(COOKIE).iter();
    let texts: Vec<_> = lines
        .map(|it| String::from_utf8_lossy(it.as_bytes()))
        .collect();
    let cookies = texts.iter().flat_map(|line| line.split(';')).map(str::trim);
    cookies
        .filter(|cookie| cookie.starts_with("fastcgi-doctor-"))
        .map(str::to_owned)
        .collect()
}

/// Counts a body and adds up its bytes; nothing of it is kept.
async fn body(request: Request) -> Response {
    let method = request.method().to_string();
    let mut body = Limited::new(request.into_body(), MAX_UPLOAD);
    let (mut length, mut sum) = (0, 0_u64);
    while let Some(frame) = body.frame().await {
        let frame = match frame {
            Ok(frame) => frame,
            Err(error) if error.is::<LengthLimitError>() => {
                return StatusCode::PAYLOAD_TOO_LARGE.into_response();
            }
            Err(_) => return StatusCode::BAD_REQUEST.into_response(),
        };
        if let Some(data) = frame.data_ref() {
            length += data.len();
            sum += data.iter().copied().map(u64::from).sum::<u64>();
        }
    }
    Json(json!({ "method": method, "length": length, "sum": sum })).into_response()
}

/// A header field of the response that is as long as was asked for.
fn header(request: &Request) -> Response {
    let length = number(request, "x-doctor-length").min(MAX_HEADER);
    let long = "h".repeat(length);
    ([("x-doctor-long", long)], "").into_response()
}

/// Two cookies below the mount, as two fields.
fn set_cookies(request: &Request) -> Response {
    let path = mount(request).filter(|mount| !mount.is_empty());
    let path = path.unwrap_or_else(|| "/".to_owned());
    let cookie = |n| {
        let value = format!("fastcgi-doctor-{n}={n}; Path={path}; Max-Age=60; SameSite=Strict");
        (SET_COOKIE, value)
    };
    (AppendHeaders([cookie(1), cookie(2)]), "").into_response()
}

/// A page of the application's own with a status of its own.
fn status(request: &Request) -> Response {
    let status = number(request, "x-doctor-status");
    let status = u16::try_from(status)
        .ok()
        .and_then(|it| StatusCode::from_u16(it).ok());
    let status = status.unwrap_or(StatusCode::NOT_FOUND);
    let page = format!("the application's own page for {}", status.as_u16());
    (status, [(CONTENT_TYPE, "text/html")], page).into_response()
}

/// To a page of the application, as its client sees it.
fn redirect(request: &Request) -> Response {
    let target = Uri::from_static("/doctor-redirected?to=1");
    let script_name = request.extensions().get::<ScriptName>();
    let external = script_name.map_or_else(|| target.clone(), |it| it.external_uri(&target));
    if request.uri().path().ends_with(target.path()) {
        let seen = json!({ "path": request.uri().path(), "query": request.uri().query() });
        return Json(seen).into_response();
    }
    (StatusCode::SEE_OTHER, [(LOCATION, external.to_string())]).into_response()
}

/// Asks nginx for an internal redirect, and answers it; the others do not know the field.
fn internal(doctor: &Doctor, request: &Request) -> Response {
    if request.uri().path().ends_with("/doctor-internal-target") {
        return Json(seen(doctor, request)).into_response();
    }
    let target = format!(
        "{}/doctor-internal-target",
        mount(request).unwrap_or_default()
    );
    ([("x-accel-redirect", target)], Json(seen(doctor, request))).into_response()
}

/// Takes a while, and says from when to when.
async fn sleep(doctor: &Doctor) -> Response {
    let from = now();
    tokio::time::sleep(Duration::from_millis(1200)).await;
    Json(json!({ "from": from, "to": now(), "process": doctor.started.process })).into_response()
}

/// Puts a copy of the program in its own place, as an upload does.
async fn restart(doctor: &Doctor) -> Response {
    let program = doctor.started.program().to_owned();
    let replaced = tokio::task::spawn_blocking(move || replace(&program));
    let error = match replaced.await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.kind().to_string()),
        Err(_) => Some("the copy did not end".to_owned()),
    };
    Json(json!({ "process": doctor.started.process, "error": error })).into_response()
}

/// Under a name of this process alone, so that no half of a copy is put there.
fn replace(program: &Path) -> io::Result<()> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let uploaded = program.with_extension(format!("upload-{}-{count}", std::process::id()));
    let permissions = fs::metadata(program)?.permissions();
    let copied = fs::copy(program, &uploaded)
        .and_then(|_| fs::set_permissions(&uploaded, permissions))
        .and_then(|()| fs::rename(&uploaded, program));
    if copied.is_err() {
        _ = fs::remove_file(&uploaded);
    }
    copied
}

/// Where the browser has opened the page, without a slash at the end.
pub(crate) fn mount(request: &Request) -> Option<String> {
    let mount = request.headers().get(MOUNT)?.to_str().ok()?;
    let is_path = mount.is_empty() || (mount.starts_with('/') && !mount.starts_with("//"));
    let is_safe = !mount.contains([';', '\\', ' ', '?', '#']);
    (is_path && is_safe).then(|| mount.to_owned())
}

fn number(request: &Request, name: &str) -> usize {
    let value = request.headers().get(name).and_then(|it| it.to_str().ok());
    value.and_then(|it| it.parse().ok()).unwrap_or_default()
}

/// Milliseconds since 1970.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or_default()
}

/// A response with this body and type, which nginx is asked not to collect.
pub(crate) fn unbuffered(content_type: &'static str, body: Body) -> Response {
    let headers = [
        (CONTENT_TYPE.as_str(), content_type),
        ("x-accel-buffering", "no"),
    ];
    (headers, body).into_response()
}
