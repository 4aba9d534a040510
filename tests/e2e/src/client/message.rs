//! Requests, and the responses to them.

use std::io::{self, Error};
use std::net::SocketAddr;

/// A request, byte for byte as it is sent.
#[derive(Clone, Debug)]
pub struct Request {
    pub(super) method: String,
    target: String,
    headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// Any method, any target.
    pub fn new(method: impl Into<String>, target: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            target: target.into(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// A GET of `target`.
    pub fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    /// A POST of `body`, with its length.
    pub fn post(target: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self::new("POST", target)
            .header("Content-Length", body.len().to_string())
            .body(body)
    }

    /// A POST of `body` in chunks of `size` bytes, without its length.
    pub fn post_chunked(target: impl Into<String>, body: &[u8], size: usize) -> Self {
        let mut chunks = Vec::new();
        for chunk in body.chunks(size) {
            chunks.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            chunks.extend_from_slice(chunk);
            chunks.extend_from_slice(b"\r\n");
        }
        chunks.extend_from_slice(b"0\r\n\r\n");
        Self::new("POST", target)
            .header("Transfer-Encoding", "chunked")
            .body(chunks)
    }

    /// Adds a header; one name may come several times. Without `Host`, it is the address that is connected to.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    fn body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    pub(super) fn head(&self, host: SocketAddr) -> String {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        let mut names = self.headers.iter().map(|(name, _)| name);
        if !names.any(|name| name == "Host") {
            head.push_str(&format!("Host: {host}\r\n"));
        }
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head + "\r\n"
    }
}

/// A response, and as much of its body as was read.
#[derive(Clone, Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The reason phrase.
    pub reason: String,
    /// The body.
    pub body: Vec<u8>,
    pub(super) headers: Vec<(String, Vec<u8>)>,
}

impl Response {
    /// The first value under `name`; not UTF-8 becomes replacement characters.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        self.all(name).into_iter().next()
    }

    /// Every value under `name`.
    #[must_use]
    pub fn all(&self, name: &str) -> Vec<String> {
        let matching = self
            .headers
            .iter()
            .filter(|(it, _)| it.eq_ignore_ascii_case(name));
        matching
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
            .collect()
    }

    /// Every field: name and value as they came; not UTF-8 becomes replacement characters.
    pub fn fields(&self) -> impl Iterator<Item = (&str, String)> {
        let fields = self.headers.iter();
        fields.map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value).into_owned()))
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Errors
    ///
    /// When it is not.
    pub fn json(&self) -> io::Result<serde_json::Value> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Error::other(format!("{error} in {} {}", self.status, self.text())))
    }
}
