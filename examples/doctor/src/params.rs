//! The params of a request, for people: what says something about paths is shown, the rest is masked.

use axum_fastcgi::Params;
use serde_json::{Value, json};

/// Params that are shown as they are: the page knows their values anyway, as they are parts of its own URL, or they name the
/// software.
const SHOWN: [&str; 20] = [
    "CONTENT_LENGTH",
    "CONTEXT_PREFIX",
    "DOCUMENT_URI",
    "FCGI_ROLE",
    "GATEWAY_INTERFACE",
    "HTTPS",
    "PATH_INFO",
    "QUERY_STRING",
    "REDIRECT_REDIRECT_STATUS",
    "REDIRECT_STATUS",
    "REDIRECT_URL",
    "REQUEST_METHOD",
    "REQUEST_SCHEME",
    "REQUEST_URI",
    "SCRIPT_NAME",
    "SCRIPT_URL",
    "SERVER_PORT",
    "SERVER_PROTOCOL",
    "SERVER_SOFTWARE",
    "UNENCODED_URL",
];

/// Params of which only the end of the path is shown, and not where files are on the host.
const PATHS: [&str; 5] = [
    "CONTEXT_DOCUMENT_ROOT",
    "DOCUMENT_ROOT",
    "PATH_TRANSLATED",
    "SCRIPT_FILENAME",
    "ORIG_SCRIPT_FILENAME",
];

/// Name and shown value of each, in the order in which they came.
pub(crate) fn masked(params: &Params) -> Vec<Value> {
    let pairs = params.iter();
    pairs
        .map(|(name, value)| {
            let name = String::from_utf8_lossy(name);
            json!([name, shown(&name, value)])
        })
        .collect()
}

fn shown(name: &str, value: &[u8]) -> String {
    if is_secret(name) {
        return "never shown".to_owned();
    }
    if value.is_empty() {
        return "(empty)".to_owned();
    }
    let text = String::from_utf8_lossy(value);
    if SHOWN.contains(&name) {
        return text.into_owned();
    }
    if PATHS.contains(&name) {
        let scheme = if text.starts_with("proxy:") {
            "proxy:"
        } else {
            ""
        };
        let last = text.rsplit('/').next().unwrap_or_default();
        return format!("{scheme}…/{last}");
    }
    format!("••• ({} bytes)", value.len())
}

/// Credentials, under whatever name web servers give them, and how long they are is not said either.
fn is_secret(name: &str) -> bool {
    const PARTS: [&str; 8] = [
        "COOKIE",
        "AUTH",
        "TOKEN",
        "SECRET",
        "PASS",
        "KEY",
        "CERT",
        "CREDENTIAL",
    ];
    let name = name.to_ascii_uppercase();
    PARTS.iter().any(|part| name.contains(part))
}
