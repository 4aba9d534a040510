//! The contract, with a handler that blocks.

use std::{
    io::{self, Write},
    thread::sleep,
    time::Duration,
};

use fastcgi_conformance_apps as apps;
use fastcgi_tower::{
    BoxError, RequestHandle, RunError, ScriptName,
    blocking::{self, Request, Response, WhenFull},
};
use http::{
    HeaderValue, StatusCode,
    header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION, SET_COOKIE},
};

#[tokio::main]
async fn main() -> Result<(), RunError> {
    let limits = apps::limits();
    // As many as wait at a time in the suite.
    let service = blocking::service_fn(answer)
        .max_workers(32)
        .when_full(WhenFull::Wait);
    fastcgi_tower::run(service)
        .configure(move |server| server.limits(limits))
        .await
}

fn answer(request: &mut Request) -> Result<Response, BoxError> {
    let path = request.uri().path().to_owned();
    if let Some(number) = path.strip_prefix("/status/") {
        return status(number.parse()?);
    }
    if let Some(length) = path.strip_prefix("/bytes/") {
        return bytes(request, length.parse()?);
    }
    match path.as_str() {
        "/hello" => Ok(text("Hello, world!")),
        "/echo" => {
            let mut body = request.start(head(None))?;
            io::copy(request, &mut body)?;
            Ok(body.finish()?)
        }
        "/length" => match io::copy(request, &mut io::sink()) {
            Ok(length) => Ok(text(length.to_string())),
            Err(_) => Ok(text("the body is short").status(StatusCode::BAD_REQUEST)),
        },
        "/params" => Ok(text(apps::params(request.params()))),
        "/headers" => {
            let fields = request.headers().iter();
            let fields = fields.map(|(name, value)| (name.as_str(), value.as_bytes()));
            Ok(text(apps::headers(fields)))
        }
        "/fields" => fields(),
        "/slow" => {
            let mut body = request.start(head(None))?;
            body.write_all(b"first\n")?;
            body.flush()?;
            sleep(Duration::from_millis(600));
            body.write_all(b"last\n")?;
            Ok(body.finish()?)
        }
        "/duplex" => {
            let mut body = request.start(head(None))?;
            body.write_all(b"first\n")?;
            body.flush()?;
            let length = io::copy(request, &mut io::sink())?;
            writeln!(body, "{length}")?;
            Ok(body.finish()?)
        }
        "/fail/before" => Err("a handler that fails, as it was asked to".into()),
        "/fail/after" => {
            let mut body = request.start(head(Some(1000)))?;
            body.write_all(&[b'x'; 100])?;
            body.flush()?;
            Err("it fails".into())
        }
        "/fail/surplus" => {
            let mut body = request.start(head(Some(5)))?;
            body.write_all(b"1234567890")?;
            Ok(body.finish()?)
        }
        "/stderr" => {
            request.stderr("a message\n");
            if let Some(handle) = request.extensions().get::<RequestHandle>() {
                handle.set_app_status(3);
            }
            Ok(text("stderr\n"))
        }
        "/wait" => {
            // The body is not read.
            sleep(Duration::from_secs(3));
            Ok(text("late"))
        }
        path => {
            let script_name = request.extensions().get::<ScriptName>();
            let script_name = script_name.map(ScriptName::as_str).unwrap_or_default();
            let query = request.uri().query().unwrap_or_default();
            let shown = apps::target(request.method().as_str(), &script_name, path, query);
            if path.starts_with("/target") {
                Ok(text(shown))
            } else {
                Ok(text(shown).status(StatusCode::NOT_FOUND))
            }
        }
    }
}

fn head(length: Option<usize>) -> http::Response<()> {
    let mut head = http::Response::new(());
    let text_plain = HeaderValue::from_static("text/plain");
    head.headers_mut().insert(CONTENT_TYPE, text_plain);
    if let Some(length) = length {
        head.headers_mut().insert(CONTENT_LENGTH, length.into());
    }
    head
}

fn text(text: impl Into<bytes::Bytes>) -> Response {
    head(None).map(|()| text.into()).into()
}

fn status(number: u16) -> Result<Response, BoxError> {
    let status = StatusCode::from_u16(number)?;
    let mut response = text(format!("status {number}\n")).status(status);
    if status.is_redirection() {
        response = response.header(LOCATION, HeaderValue::from_static("/elsewhere"));
    }
    Ok(response)
}

fn fields() -> Result<Response, BoxError> {
    let mut response = head(None).map(|()| "fields\n");
    let headers = response.headers_mut();
    headers.append(SET_COOKIE, HeaderValue::from_static("a=1"));
    headers.append(SET_COOKIE, HeaderValue::from_static("b=2"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    headers.insert("x-long", HeaderValue::from_str(&apps::long_value())?);
    Ok(response.into())
}

fn bytes(request: &mut Request, length: usize) -> Result<Response, BoxError> {
    let mut body = request.start(head(Some(length)))?;
    let mut sent = 0;
    while sent < length {
        let piece = apps::piece(sent, length);
        body.write_all(&piece)?;
        sent += piece.len();
    }
    Ok(body.finish()?)
}
