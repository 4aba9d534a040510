//! The application of the reference server: it answers the contract.

use std::{fmt::Write as _, sync::atomic::Ordering, thread::sleep, time::Duration};

use crate::{COUNTERS, body::Request, fault, output::Output, reply::Reply};

pub(crate) fn answer(request: &Request, output: &Output) {
    if request.params.len() > 900 && fault("1000-fields-end-the-process") {
        std::process::exit(1);
    }
    let mut reply = Reply::new(request, output);
    if let Err(text) = content_length(request) {
        plain(&mut reply, 400, text);
        return reply.end(0);
    }
    let meant = meaning(request);
    let path = meant.path.as_str();
    let number = |prefix: &str| -> Option<usize> { path.strip_prefix(prefix)?.parse().ok() };
    if let Some(status) = number("/status/") {
        return status_page(reply, status);
    }
    if let Some(length) = number("/bytes/") {
        return bytes(reply, length);
    }
    match path {
        "/hello" => plain(&mut reply, 200, "Hello, world!"),
        "/echo" => echo(request, &mut reply),
        "/length" => {
            let mut length = 0;
            loop {
                match request.body.read().len() {
                    0 => break,
                    count => length += count,
                }
            }
            plain(&mut reply, 200, &length.to_string());
        }
        "/params" => params(request, &mut reply),
        "/headers" => headers(request, &mut reply),
        "/fields" => {
            let fields = [
                text_plain(),
                ("Set-Cookie", "a=1".to_owned()),
                ("Set-Cookie", "b=2".to_owned()),
                ("X-Long", "x".repeat(4000)),
                ("Connection", "close".to_owned()),
            ];
            reply.head(200, &fields);
            reply.body(b"fields\n");
        }
        "/slow" => {
            reply.head(200, &[text_plain()]);
            reply.body(b"first\n");
            sleep(Duration::from_millis(600));
            reply.body(b"last\n");
        }
        "/duplex" => {
            reply.head(200, &[text_plain()]);
            reply.body(b"first\n");
            let mut length = 0;
            loop {
                match request.body.read().len() {
                    0 => break,
                    count => length += count,
                }
            }
            reply.body(format!("{length}\n").as_bytes());
        }
        "/fail/before" => {
            COUNTERS.failed.store(true, Ordering::Relaxed);
            if !fault("failures-are-empty") {
                plain(&mut reply, 500, "it failed");
            }
        }
        "/fail/after" => {
            COUNTERS.failed.store(true, Ordering::Relaxed);
            reply.head(200, &[text_plain(), ("Content-Length", "1000".to_owned())]);
            reply.body(&[b'x'; 100]);
            return reply.break_off();
        }
        "/fail/surplus" => {
            reply.head(200, &[text_plain(), ("Content-Length", "5".to_owned())]);
            reply.body(b"1234567890");
        }
        "/stderr" => {
            reply.head(200, &[text_plain()]);
            reply.body(b"stderr\n");
            reply.stderr("a message\n");
            return reply.end(3);
        }
        "/wait" => {
            request.body.wait(Duration::from_secs(3));
            plain(&mut reply, 200, "late");
        }
        _ => {
            let status = if path.starts_with("/target") {
                200
            } else {
                404
            };
            let mut text = format!("method={}\n", meant.method);
            _ = writeln!(text, "script={}", meant.script);
            _ = writeln!(text, "path={}\nquery={}", meant.path, meant.query);
            plain(&mut reply, status, &text);
        }
    }
    reply.end(0);
}

fn text_plain() -> (&'static str, String) {
    ("Content-Type", "text/plain".to_owned())
}

fn plain(reply: &mut Reply<'_>, status: u16, text: &str) {
    let length = ("Content-Length", text.len().to_string());
    reply.head(status, &[text_plain(), length]);
    reply.body(text.as_bytes());
}

fn status_page(mut reply: Reply<'_>, status: usize) {
    let text = format!("status {status}\n");
    let mut fields = vec![text_plain()];
    if (300..400).contains(&status) && status != 304 {
        fields.push(("Location", "/elsewhere".to_owned()));
    }
    if ![204, 304].contains(&status) {
        fields.push(("Content-Length", text.len().to_string()));
    }
    // There are no interim responses in CGI.
    let status = if status < 200 { 501 } else { status };
    reply.head(u16::try_from(status).unwrap_or(500), &fields);
    reply.body(text.as_bytes());
    reply.end(0);
}

fn bytes(mut reply: Reply<'_>, length: usize) {
    let fields = [text_plain(), ("Content-Length", length.to_string())];
    reply.head(200, &fields);
    let alphabet: Vec<u8> = (b'a'..=b'z').cycle().take(26 * 2500).collect();
    let mut left = length;
    while left > 0 {
        let piece = alphabet.get(..left).unwrap_or(&alphabet);
        reply.body(piece);
        left -= piece.len();
    }
    reply.end(0);
}

fn echo(request: &Request, reply: &mut Reply<'_>) {
    let mut body = Vec::new();
    if fault("an-echo-stops-reading") {
        reply.head(200, &[text_plain()]);
    }
    loop {
        let piece = request.body.read();
        if piece.is_empty() {
            break;
        }
        if fault("an-echo-stops-reading") {
            reply.body(&piece)
        } else {
            body.extend(piece)
        }
    }
    if !fault("an-echo-stops-reading") {
        reply.head(
            200,
            &[text_plain(), ("Content-Length", body.len().to_string())],
        );
        reply.body(&body);
    }
}

/// What CONTENT_LENGTH says has to be one number, or nothing.
fn content_length(request: &Request) -> Result<(), &'static str> {
    let mut found = None;
    for (name, value) in &request.params {
        if name != b"CONTENT_LENGTH" {
            continue;
        }
        if value.is_empty() {
            if fault("an-empty-length-is-refused") {
                return Err("an empty length");
            } else {
                continue;
            }
        }
        let is_number = value.iter().all(u8::is_ascii_digit);
        if !is_number && !fault("invalid-lengths-are-zero") {
            return Err("an invalid length");
        }
        if found.is_some_and(|it| it != value) && !fault("the-last-length-counts") {
            return Err("two lengths");
        }
        found = Some(value);
    }
    Ok(())
}

fn params(request: &Request, reply: &mut Reply<'_>) {
    let mut text = String::new();
    for (name, value) in &request.params {
        if name.starts_with(b"T_") {
            _ = writeln!(text, "{}={}", encoded(name), encoded(value));
        }
    }
    plain(reply, 200, &text);
}

fn encoded(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte {
            b'_' | b'-' | b'.' => text.push(char::from(*byte)),
            _ if byte.is_ascii_alphanumeric() => text.push(char::from(*byte)),
            _ => _ = write!(text, "%{byte:02X}"),
        }
    }
    text
}

const HOP_BY_HOP: [&str; 7] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
];

/// Header fields, made of params (RFC 3875, 4.1.18).
fn headers(request: &Request, reply: &mut Reply<'_>) {
    let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
    for (name, value) in &request.params {
        let name = String::from_utf8_lossy(name);
        let Some(name) = header_name(&name) else {
            continue;
        };
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if name.is_empty() || !name.bytes().all(is_token) {
            if fault("invalid-names-are-an-error") {
                return plain(reply, 400, "an invalid name");
            }
            continue;
        }
        let is_left_out = match name.as_str() {
            "proxy" => !fault("proxy-is-a-header"),
            "content-type" => {
                fault("content-type-is-lost")
                    || (value.is_empty() && !fault("an-empty-content-type-is-a-header"))
            }
            "content-length" => value.is_empty() || fault("content-length-is-lost"),
            "authorization" => fault("authorization-is-lost"),
            name => HOP_BY_HOP.contains(&name) && !fault("hop-by-hop-is-a-header"),
        };
        if !is_left_out {
            fields.push((name, value.clone()));
        }
    }
    let redirected = request.param("REDIRECT_HTTP_AUTHORIZATION");
    let is_absent = !fields.iter().any(|(name, _)| name == "authorization");
    if let (Some(value), true) = (redirected, is_absent) {
        if !fault("redirected-authorization-is-lost") {
            fields.push(("authorization".to_owned(), value.to_vec()));
        }
    }
    let mut body = Vec::new();
    for (name, value) in fields {
        body.extend_from_slice(format!("{name}: ").as_bytes());
        if fault("values-are-repaired") {
            body.extend_from_slice(String::from_utf8_lossy(&value).as_bytes())
        } else {
            body.extend_from_slice(&value)
        }
        body.push(b'\n');
    }
    let fields = [text_plain(), ("Content-Length", body.len().to_string())];
    reply.head(200, &fields);
    reply.body(&body);
}

/// The name of the header that a param is.
fn header_name(param: &str) -> Option<String> {
    let name = match param {
        "CONTENT_TYPE" | "CONTENT_LENGTH" => param,
        "REMOTE_USER" if fault("remote-user-is-a-header") => param,
        _ => param.strip_prefix("HTTP_")?,
    };
    let name = name.to_ascii_lowercase();
    Some(if fault("underscores-stay") {
        name
    } else {
        name.replace('_', "-")
    })
}

/// Which resource is meant.
struct Meaning {
    method: String,
    script: String,
    path: String,
    query: String,
}

fn meaning(request: &Request) -> Meaning {
    let text = |name: &str| {
        let value = request.param(name).unwrap_or_default();
        String::from_utf8_lossy(value).into_owned()
    };
    let (script_name, path_info) = (text("SCRIPT_NAME"), text("PATH_INFO"));
    let uri = text("REQUEST_URI");
    let uri = uri.split('?').next().unwrap_or_default();
    let is_program = script_name.ends_with(".fcgi") && !fault("programs-are-mounts");
    let mut script = if is_program {
        String::new()
    } else {
        script_name.clone()
    };
    let mut path = path_info.clone();
    if path_info.is_empty() {
        path = std::mem::take(&mut script);
        if fault("no-path-info-is-the-root") {
            path = "/".to_owned();
        }
    }
    // As the client spelled it, where that is what is meant.
    let spelled = uri.strip_prefix(&script).unwrap_or(uri);
    if decoded(spelled) == path.as_bytes() && !fault("paths-are-decoded") {
        path = spelled.to_owned();
    }
    if path_info.is_empty() && fault("request-uri-comes-first") {
        path = uri.to_owned();
    }
    if fault("only-request-uri-counts") {
        path = uri.to_owned();
    }
    if fault("script-name-is-in-the-path") {
        path = format!("{script_name}{path_info}");
    }
    let method = text("REQUEST_METHOD");
    let is_known = ["GET", "HEAD", "POST", "PUT", "DELETE"].contains(&method.as_str());
    Meaning {
        method: if is_known || !fault("unknown-methods-are-get") {
            method
        } else {
            "GET".to_owned()
        },
        script,
        path,
        query: if fault("queries-are-lost") {
            String::new()
        } else {
            text("QUERY_STRING")
        },
    }
}

fn decoded(text: &str) -> Vec<u8> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or((part, ""));
        bytes.extend(u8::from_str_radix(digits, 16).ok());
        bytes.extend_from_slice(rest.as_bytes());
    }
    bytes
}
