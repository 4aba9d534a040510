//! What the host has said: the start, the web server, the params, and the line of T-8 that was taken.

use axum::Json;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum_fastcgi::{Params, PathSource, ScriptName};
use fastcgi_core::cgi::Reading;
use serde_json::{Value, json};

use crate::tokens::{LIFETIME, Token};
use crate::{Doctor, params, probes};

pub(crate) fn facts(doctor: &Doctor, request: &Request) -> Response {
    let params = request.extensions().get::<Params>().cloned();
    let params = params.unwrap_or_default();
    let started = &doctor.started;
    // Where the browser has opened the page is where the application is mounted.
    let mount = probes::mount(request).and_then(|mount| mount.parse::<ScriptName>().ok());
    let explanation = started.mapping.explain(&params);
    let mut readings: Vec<Value> = explanation.alternatives().iter().map(reading).collect();
    if let Some(mount) = mount {
        let mapping = started.mapping.clone().script_name(mount);
        let configured = reading(mapping.explain(&params).taken());
        if !readings.contains(&configured) {
            readings.push(configured);
        }
    }
    let door = doctor.tokens.door();
    Json(json!({
        "started": started.way.name(),
        "startedAs": started.way.description(),
        "parent": started.parent,
        "isStartedAgain": started.is_started_again(),
        "server": server(&params, doctor),
        "software": text(&params, "SERVER_SOFTWARE"),
        "version": env!("CARGO_PKG_VERSION"),
        "taken": reading(explanation.taken()),
        "readings": readings,
        "params": params::masked(&params),
        "token": door.newest().map(|token| about(token, &params)),
    }))
    .into_response()
}

fn reading(reading: &Reading) -> Value {
    let source = match reading.path_source() {
        PathSource::PathInfo => "path-info",
        PathSource::RequestUri => "request-uri",
        _ => "auto",
    };
    let mut said = json!({
        "scriptName": reading.script_name().map(ToString::to_string),
        "pathSource": source,
    });
    let more = match reading.outcome() {
        Ok(resolved) => json!({
            "rule": resolved.rule.to_string(),
            "why": resolved.rule.description(),
            "path": resolved.path,
            "mount": resolved.script_name.to_string(),
        }),
        Err(error) => json!({
            "rule": error.status().as_u16().to_string(),
            "why": error.to_string(),
        }),
    };
    if let (Some(said), Value::Object(more)) = (said.as_object_mut(), more) {
        said.extend(more);
    }
    said
}

/// Which web server this is, in one word, for the settings that the page proposes.
fn server(params: &Params, doctor: &Doctor) -> &'static str {
    let software = text(params, "SERVER_SOFTWARE").to_ascii_lowercase();
    let is = |name: &str| software.starts_with(name);
    let file = text(params, "SCRIPT_FILENAME");
    match () {
        () if is("nginx") || is("angie") || is("openresty") => "nginx",
        () if is("apache") && file.starts_with("proxy:") => "apache-proxy",
        () if (is("apache") || is("litespeed")) && doctor.started.way.name() == "cgi" => {
            "apache-cgi"
        }
        () if is("apache") || is("litespeed") => "apache-fcgid",
        () if is("caddy") => "caddy",
        () if is("lighttpd") => "lighttpd",
        () if is("h2o") => "h2o",
        () if is("haproxy") => "haproxy",
        () => "other",
    }
}

/// Where the file of the token would be, if the web server served it.
fn about(token: &Token, params: &Params) -> Value {
    let name = token.path.file_name().unwrap_or_default();
    let root = text(params, "DOCUMENT_ROOT");
    let below = (!root.is_empty())
        .then(|| token.path.strip_prefix(&root).ok())
        .flatten();
    let left = LIFETIME.saturating_sub(token.age);
    json!({
        "name": name.to_string_lossy(),
        "below": below.map(|path| path.to_string_lossy()),
        "isPrivate": token.is_private,
        "minutesLeft": left.as_secs() / 60,
    })
}

fn text(params: &Params, name: &str) -> String {
    let value = params.get(name).unwrap_or_default();
    String::from_utf8_lossy(value).into_owned()
}
