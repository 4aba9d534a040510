//! What is asked of both servers.

use crate::{Result, server::Protocol};

/// A number of equal requests, over a number of kept connections.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) connections: usize,
    pub(crate) requests: usize,
    method: &'static str,
    path: &'static str,
    extra_headers: usize,
    pub(crate) body: usize,
}

const HELLO: Scenario = Scenario {
    name: "hello",
    connections: 32,
    requests: 64_000,
    method: "GET",
    path: "/hello",
    extra_headers: 0,
    body: 0,
};

pub(crate) fn all() -> Vec<Scenario> {
    const MIB: usize = 1024 * 1024;
    vec![
        HELLO,
        Scenario {
            name: "100 headers",
            extra_headers: 88,
            connections: 8,
            requests: 16_000,
            ..HELLO
        },
        Scenario {
            name: "download 1 MiB",
            path: "/download/1048576",
            connections: 4,
            requests: 800,
            ..HELLO
        },
        Scenario {
            name: "upload 1 MiB",
            method: "POST",
            path: "/upload",
            body: MIB,
            connections: 4,
            requests: 800,
            ..HELLO
        },
        Scenario {
            name: "download 100 MiB",
            path: "/download/104857600",
            connections: 1,
            requests: 5,
            ..HELLO
        },
        Scenario {
            name: "upload 100 MiB",
            method: "POST",
            path: "/upload",
            body: 100 * MIB,
            connections: 1,
            requests: 5,
            ..HELLO
        },
    ]
}

pub(crate) fn named(name: &str) -> Result<Vec<Scenario>> {
    let found: Vec<_> = all()
        .into_iter()
        .filter(|scenario| scenario.name.contains(name))
        .collect();
    match found.is_empty() {
        true => Err(format!("no scenario is called {name}").into()),
        false => Ok(found),
    }
}

/// What a browser sends.
const HEADERS: [(&str, &str); 9] = [
    ("Host", "www.example.org"),
    (
        "User-Agent",
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    ),
    (
        "Accept",
        "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    ),
    ("Accept-Language", "en-US,en;q=0.5"),
    ("Accept-Encoding", "gzip, deflate, br, zstd"),
    (
        "Cookie",
        "session=0123456789abcdef0123456789abcdef; theme=dark",
    ),
    ("Sec-Fetch-Dest", "document"),
    ("Sec-Fetch-Mode", "navigate"),
    ("Upgrade-Insecure-Requests", "1"),
];

impl Scenario {
    /// The request, as it stands on the wire, without its body's bytes in HTTP, with them in FastCGI.
    pub(crate) fn request(&self, protocol: Protocol) -> Vec<u8> {
        match protocol {
            Protocol::FastCgi => self.fastcgi(),
            Protocol::Http => self.http(),
        }
    }

    pub(crate) fn header_count(&self) -> usize {
        HEADERS.len() + self.extra_headers
    }

    fn headers(&self) -> impl Iterator<Item = (String, String)> {
        let extra = (0..self.extra_headers)
            .map(|n| (format!("X-Extra-{n}"), format!("value of header {n}")));
        HEADERS
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .chain(extra)
    }

    fn http(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        for (name, value) in self.headers() {
            head += &format!("{name}: {value}\r\n");
        }
        if self.body > 0 {
            head += &format!("Content-Length: {}\r\n", self.body);
        }
        head += "\r\n";
        let mut request = head.into_bytes();
        request.resize(request.len() + self.body, b'x');
        request
    }

    /// The records that nginx sends, with `fastcgi_keep_conn on`.
    fn fastcgi(&self) -> Vec<u8> {
        let mut request = Vec::new();
        put_record(&mut request, 1, &[0, 1, 1, 0, 0, 0, 0, 0]);
        put_record(&mut request, 4, &self.params());
        put_record(&mut request, 4, &[]);
        for piece in vec![b'x'; self.body].chunks(32 * 1024) {
            put_record(&mut request, 5, piece);
        }
        put_record(&mut request, 5, &[]);
        request
    }

    fn params(&self) -> Vec<u8> {
        let length = match self.body {
            0 => String::new(),
            length => length.to_string(),
        };
        let server = [
            ("QUERY_STRING", ""),
            ("REQUEST_METHOD", self.method),
            ("CONTENT_TYPE", ""),
            ("CONTENT_LENGTH", &length),
            ("SCRIPT_NAME", self.path),
            ("REQUEST_URI", self.path),
            ("DOCUMENT_URI", self.path),
            ("DOCUMENT_ROOT", "/usr/share/nginx/html"),
            ("SERVER_PROTOCOL", "HTTP/1.1"),
            ("REQUEST_SCHEME", "http"),
            ("GATEWAY_INTERFACE", "CGI/1.1"),
            ("SERVER_SOFTWARE", "nginx/1.22.1"),
            ("REMOTE_ADDR", "127.0.0.1"),
            ("REMOTE_PORT", "50000"),
            ("SERVER_ADDR", "127.0.0.1"),
            ("SERVER_PORT", "80"),
            ("SERVER_NAME", "www.example.org"),
        ];
        let mut params = Vec::new();
        for (name, value) in server {
            put_pair(&mut params, name, value);
        }
        for (name, value) in self.headers() {
            let name = name.to_ascii_uppercase().replace('-', "_");
            put_pair(&mut params, &format!("HTTP_{name}"), &value);
        }
        params
    }
}

/// A record of request 1, padded to eight bytes as nginx pads.
fn put_record(out: &mut Vec<u8>, record_type: u8, content: &[u8]) {
    let [length1, length0] = (content.len() as u16).to_be_bytes();
    let padding = content.len().wrapping_neg() % 8;
    out.extend([1, record_type, 0, 1, length1, length0, padding as u8, 0]);
    out.extend(content);
    out.resize(out.len() + padding, 0);
}

/// Names and values here are shorter than 128 bytes.
fn put_pair(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend([name.len() as u8, value.len() as u8]);
    out.extend(name.as_bytes());
    out.extend(value.as_bytes());
}
