//! One request, spelled in FastCGI and in HTTP by hand, and the answer read from either.

use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::Duration;

const BEGIN_REQUEST: u8 = 1;
const END_REQUEST: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;

/// What a client asks for.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// What only a web server says; they come last.
    pub(crate) params: Vec<(String, String)>,
}

impl Ask {
    pub(crate) fn new(method: &'static str, target: impl Into<String>) -> Self {
        Self {
            method,
            target: target.into(),
            headers: vec![("Host".to_owned(), "www.example.org".to_owned())],
            body: Vec::new(),
            params: Vec::new(),
        }
    }

    pub(crate) fn get(target: impl Into<String>) -> Self {
        Self::new("GET", target)
    }

    pub(crate) fn post(target: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        let mut ask = Self::new("POST", target);
        ask.body = body.into();
        ask
    }

    pub(crate) fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn param(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.params.push((name.into(), value.into()));
        self
    }

    fn has_body(&self) -> bool {
        !self.body.is_empty() || self.method == "POST"
    }

    /// What nginx sends, without `fastcgi_keep_conn`.
    pub(crate) fn fastcgi(&self) -> Vec<u8> {
        let mut bytes = self.fastcgi_head();
        for piece in self.body.chunks(32 * 1024) {
            bytes.extend(stdin(piece));
        }
        bytes.extend(stdin(b""));
        bytes
    }

    /// The same, without a body.
    pub(crate) fn fastcgi_head(&self) -> Vec<u8> {
        let mut bytes = record(BEGIN_REQUEST, &[0, 1, 0, 0, 0, 0, 0, 0]);
        bytes.extend(record(PARAMS, &self.pairs()));
        bytes.extend(record(PARAMS, b""));
        bytes
    }

    fn pairs(&self) -> Vec<u8> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let length = if self.has_body() {
            self.body.len().to_string()
        } else {
            String::new()
        };
        let mut pairs = Vec::new();
        for (name, value) in [
            ("QUERY_STRING", query),
            ("REQUEST_METHOD", self.method),
            ("CONTENT_LENGTH", &length),
            ("REQUEST_URI", &self.target),
            ("SERVER_PROTOCOL", "HTTP/1.1"),
            ("GATEWAY_INTERFACE", "CGI/1.1"),
            ("SERVER_SOFTWARE", "nginx/1.28.0"),
        ] {
            put_pair(&mut pairs, name, value);
        }
        for (name, value) in &self.headers {
            let name = name.to_ascii_uppercase().replace('-', "_");
            match name.as_str() {
                "CONTENT_TYPE" => put_pair(&mut pairs, &name, value),
                _ => put_pair(&mut pairs, &format!("HTTP_{name}"), value),
            }
        }
        for (name, value) in &self.params {
            put_pair(&mut pairs, name, value);
        }
        pairs
    }

    pub(crate) fn http(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if self.has_body() {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        head += "Connection: close\r\n\r\n";
        let mut bytes = head.into_bytes();
        bytes.extend(&self.body);
        bytes
    }
}

/// A record of request 1.
fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let [length1, length0] = u16::try_from(content.len()).unwrap().to_be_bytes();
    let mut record = vec![1, kind, 0, 1, length1, length0, 0, 0];
    record.extend(content);
    record
}

pub(crate) fn stdin(content: &[u8]) -> Vec<u8> {
    record(STDIN, content)
}

fn put_pair(pairs: &mut Vec<u8>, name: &str, value: &str) {
    for length in [name.len(), value.len()] {
        match u8::try_from(length) {
            Ok(length @ ..=127) => pairs.push(length),
            _ => pairs.extend((u32::try_from(length).unwrap() | 0x8000_0000).to_be_bytes()),
        }
    }
    pairs.extend(name.as_bytes());
    pairs.extend(value.as_bytes());
}

/// What a client gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) reason: String,
    /// In lower case, sorted; without those that belong to a connection, and without the date, which is the web
    /// server's.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(it, _)| it == name);
        found.map(|(_, value)| value.as_str())
    }

    fn new(status: u16, reason: &str, fields: &[httparse::Header<'_>], body: &[u8]) -> Self {
        let mut headers = Vec::new();
        for field in fields {
            let name = field.name.to_ascii_lowercase();
            let value = String::from_utf8_lossy(field.value).into_owned();
            if !["connection", "date", "transfer-encoding", "status"].contains(&name.as_str()) {
                headers.push((name, value));
            }
        }
        headers.sort();
        Self {
            status,
            reason: reason.to_owned(),
            headers,
            body: body.to_vec(),
        }
    }

    /// From a CGI response: a header block, then the body.
    fn from_cgi(bytes: &[u8]) -> Self {
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let parsed = httparse::parse_headers(bytes, &mut fields).unwrap();
        let httparse::Status::Complete((length, fields)) = parsed else {
            panic!("no header block: {:?}", bytes.escape_ascii().to_string());
        };
        let status = fields.iter().find(|field| field.name == "Status").unwrap();
        let status = std::str::from_utf8(status.value).unwrap();
        let (code, reason) = status.split_once(' ').unwrap();
        Self::new(code.parse().unwrap(), reason, fields, &bytes[length..])
    }

    /// From all that came on an HTTP connection until it was closed.
    fn from_http(bytes: &[u8]) -> Self {
        let mut fields = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut fields);
        let httparse::Status::Complete(length) = response.parse(bytes).unwrap() else {
            panic!("no head: {:?}", bytes.escape_ascii().to_string());
        };
        let body = &bytes[length..];
        let is_chunked = response
            .headers
            .iter()
            .any(|field| field.name.eq_ignore_ascii_case("transfer-encoding"));
        let body = if is_chunked {
            unchunked(body)
        } else {
            body.to_vec()
        };
        let (code, reason) = (response.code.unwrap(), response.reason.unwrap());
        Self::new(code, reason, response.headers, &body)
    }
}

fn unchunked(mut bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Ok(httparse::Status::Complete((start, length))) = httparse::parse_chunk_size(bytes) {
        let end = start + usize::try_from(length).unwrap();
        body.extend(&bytes[start..end]);
        bytes = &bytes[end + 2..];
    }
    body
}

/// A connection, on which nothing takes for ever.
pub(crate) fn patient<S: Into<OwnedFd>>(stream: S) -> UnixStream {
    // Reading, writing and waiting are the same for all sockets.
    let stream = UnixStream::from(stream.into());
    let limit = Some(Duration::from_secs(20));
    stream.set_read_timeout(limit).unwrap();
    stream.set_write_timeout(limit).unwrap();
    stream
}

/// The next record: its kind and its content.
pub(crate) fn read_record(mut stream: &UnixStream) -> io::Result<(u8, Vec<u8>)> {
    let mut header = [0; 8];
    stream.read_exact(&mut header)?;
    let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let mut content = vec![0; length + usize::from(header[6])];
    stream.read_exact(&mut content)?;
    content.truncate(length);
    Ok((header[1], content))
}

/// The next part of a response, which is empty at its end.
pub(crate) fn read_stdout(stream: &UnixStream) -> io::Result<Vec<u8>> {
    loop {
        match read_record(stream)? {
            (STDOUT, content) if !content.is_empty() => return Ok(content),
            (END_REQUEST, _) => return Ok(Vec::new()),
            _ => {}
        }
    }
}

/// The rest of a response.
pub(crate) fn read_answer(stream: &UnixStream) -> io::Result<Answer> {
    let mut bytes = Vec::new();
    loop {
        let part = read_stdout(stream)?;
        if part.is_empty() {
            return Ok(Answer::from_cgi(&bytes));
        }
        bytes.extend(part);
    }
}

pub(crate) fn read_http_answer(mut stream: &UnixStream) -> io::Result<Answer> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    Ok(Answer::from_http(&bytes))
}

/// Sends all of it, while the other side may already be answering.
pub(crate) fn send(mut stream: &UnixStream, bytes: &[u8]) {
    stream.write_all(bytes).unwrap();
}
