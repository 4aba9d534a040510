//! An answer, taken apart into what is compared.

use std::collections::BTreeMap;

use serde_json::Value;

use super::path::Path;
use crate::Response;

/// Header fields that are not compared, each with the reason.
const NOT_COMPARED: [(&str, &str); 10] = [
    ("date", "it is the time of the answer"),
    (
        "via",
        "it names the protocol of the hop that is compared (RFC 9110, 7.6.3): newer Caddy sends it",
    ),
    (
        "server",
        "hyper sends none, and web servers write their own",
    ),
    ("connection", "it belongs to the connection of the client"),
    ("keep-alive", "it belongs to the connection of the client"),
    (
        "transfer-encoding",
        "it belongs to the connection of the client",
    ),
    ("etag", "the two sides have files of their own"),
    ("last-modified", "the two sides have files of their own"),
    ("x-reached", "it is compared as the resource"),
    ("x-params", "it is for messages, and over FastCGI only"),
];

/// What came back from one side.
#[derive(Clone, Debug)]
pub struct Answer {
    pub(super) status: u16,
    /// By name, in lower case.
    pub(super) headers: BTreeMap<String, Vec<String>>,
    /// What was reached: what the head says, then what the body says.
    pub(super) reached: Vec<Reached>,
    /// What of the body is no report.
    pub(super) text: String,
    /// Over FastCGI, what the web server sent.
    pub(super) params: String,
}

/// A resource of the application, as the application saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reached {
    page: String,
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Value,
    /// Null where the page does not read it.
    pub(super) body: Value,
}

impl Answer {
    /// Takes an answer from the web server on `port` apart.
    #[must_use]
    pub fn new(response: &Response, port: u16) -> Self {
        // The two sides are on different ports, and some answers have the port in them.
        let without_port = |text: &str| text.replace(&port.to_string(), "PORT");
        let report = response.header("x-reached").unwrap_or_default();
        let length = match response.body.len() {
            // An answer to HEAD has the length of the report that a GET would have, with its line feed.
            0 if !report.is_empty() => report.len() + 1,
            length => length,
        };
        let mut headers = BTreeMap::<String, Vec<String>>::new();
        let mut reached: Vec<Reached> =
            Reached::parse(&without_port(&report)).into_iter().collect();
        for (name, value) in response.fields() {
            let name = name.to_ascii_lowercase();
            let value = match name.as_str() {
                // The body itself is compared.
                "content-length" if value == length.to_string() => "that of the body".to_owned(),
                _ => without_port(&value),
            };
            if !NOT_COMPARED.iter().any(|(it, _)| *it == name) {
                headers.entry(name).or_default().push(value);
            }
        }
        let mut text = String::new();
        for line in response.text().split_inclusive('\n') {
            match Reached::parse(&without_port(line.trim_end())) {
                Some(it) => reached.push(it),
                None => text.push_str(&without_port(line)),
            }
        }
        Self {
            status: response.status,
            headers,
            reached,
            text,
            params: response.header("x-params").unwrap_or_default(),
        }
    }

    /// The application was asked for this page, and saw this path.
    pub(super) fn reaches(&self, page: &str, path: &str) -> bool {
        let mut reached = self.reached.iter();
        reached.any(|it| it.page == page && it.path == path)
    }

    pub(super) fn reaches_a_protected_page(&self) -> bool {
        self.reached.iter().any(Reached::is_protected)
    }
}

impl Reached {
    fn parse(line: &str) -> Option<Self> {
        let mut report: Value = serde_json::from_str(line).ok()?;
        let text = |name| Some(report.get(name)?.as_str()?.to_owned());
        Some(Self {
            page: text("reached")?,
            method: text("method")?,
            path: text("path")?,
            query: report.get_mut("query")?.take(),
            body: report.get_mut("body")?.take(),
        })
    }

    /// The page is one that web servers ask for on their own.
    pub(super) fn is_internal(&self) -> bool {
        ["please log in", "error page", "authorization"].contains(&&*self.page)
    }

    /// The page is one that web servers protect.
    fn is_protected(&self) -> bool {
        self.page == "protected page"
    }

    /// Which resource it is. Dot segments are resolved: an HTTP upstream sees them, and over FastCGI a path with them is
    /// resolved by the web server or refused (T-5).
    pub(super) fn resource(&self, merges_slashes: bool) -> Path {
        let path = Path::new(&self.path).resolved();
        if merges_slashes {
            path.squashed()
        } else {
            path
        }
    }
}

impl std::fmt::Display for Answer {
    /// For messages.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.status)?;
        let mut before = None;
        for it in &self.reached {
            if before.replace(it) == Some(it) {
                continue;
            }
            write!(f, " [{}: {} {}", it.page, it.method, it.path)?;
            if let Some(query) = it.query.as_str() {
                write!(f, "?{query}")?;
            }
            if let Some(body) = it.body.as_str() {
                write!(f, " with {body:?}")?;
            }
            write!(f, "]")?;
        }
        let text: String = self.text.chars().take(80).collect();
        if !text.is_empty() {
            write!(f, " {text:?}")?;
        }
        Ok(())
    }
}
