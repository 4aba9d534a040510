//! Requests as they are on the wire: what nginx sends, with its params, and the same over HTTP.

use crate::{
    fields::{BROWSER_FIELDS, FIELDS},
    random::Random,
    server::Protocol,
};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A small page, with 9 fields: 26 params.
    Hello,
    /// A small page, with the 18 fields of a browser and a cookie of 1 KB: 38 params.
    Browser,
    /// A small page, with 100 fields.
    HundredFields,
    /// A small page, with nothing to learn from one request for the next: its params are in another order each time,
    /// and three names of fields and the value of a cookie never come again.
    Unlearnable,
    /// A response with so many bytes.
    Download(u64),
    /// A request with so many bytes.
    Upload(usize),
}

/// How the connection is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connection {
    /// It is kept for the next request.
    Kept,
    /// It is for this request alone.
    Own,
}

type Fields = Vec<(String, String)>;

impl Kind {
    /// Whether the request or the response has a body beside which all else is small.
    pub(crate) fn has_large_body(self) -> bool {
        matches!(self, Self::Download(_) | Self::Upload(_))
    }

    fn method(self) -> &'static str {
        match self {
            Self::Upload(_) => "POST",
            _ => "GET",
        }
    }

    fn path(self) -> String {
        match self {
            Self::Download(length) => format!("/download/{length}"),
            Self::Upload(_) => "/upload".to_owned(),
            _ => "/hello".to_owned(),
        }
    }

    pub(crate) fn body(self) -> usize {
        match self {
            Self::Upload(length) => length,
            _ => 0,
        }
    }

    /// How the response's body begins, as far as that is known.
    pub(crate) fn answer(self) -> Vec<u8> {
        match self {
            Self::Download(_) => vec![0; 8],
            Self::Upload(length) => length.to_string().into_bytes(),
            _ => b"Hello, world!".to_vec(),
        }
    }

    /// Whether each request is another one.
    pub(crate) fn varies(self) -> bool {
        self == Self::Unlearnable
    }

    fn fields(self, random: &mut Random) -> Fields {
        let owned = |fields: &[(&str, &str)]| -> Fields {
            let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
            fields.iter().map(owned).collect()
        };
        let mut fields = owned(&FIELDS);
        match self {
            Self::Browser => {
                fields = owned(&BROWSER_FIELDS);
                // In length and alphabet like what frameworks put into sessions.
                let session: String = (0..1000).map(|n| char::from(b'a' + n as u8 % 26)).collect();
                fields.push((
                    "Cookie".to_owned(),
                    format!("session={session}; theme=dark"),
                ));
            }
            Self::HundredFields => fields.extend(
                (FIELDS.len()..100)
                    .map(|n| (format!("X-Extra-{n}"), format!("value of field {n}"))),
            ),
            Self::Unlearnable => {
                for (name, value) in &mut fields {
                    if name == "Cookie" {
                        *value = format!("session={}", random.hex());
                    }
                }
                fields
                    .extend((0..3).map(|_| (format!("X-{}", random.hex()), "a value".to_owned())));
                random.shuffle(&mut fields);
            }
            _ => {}
        }
        fields
    }

    /// The request number `seed`, over `protocol`, with `id` if it is FastCGI.
    pub(crate) fn request(
        self,
        protocol: Protocol,
        connection: Connection,
        id: u8,
        seed: usize,
    ) -> Vec<u8> {
        let mut random = Random::new(seed);
        match protocol {
            Protocol::FastCgi => self.fastcgi(connection, id, &mut random),
            Protocol::Http => self.http(connection, &mut random),
        }
    }

    fn http(self, connection: Connection, random: &mut Random) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method(), self.path());
        for (name, value) in self.fields(random) {
            head += &format!("{name}: {value}\r\n");
        }
        if self.body() > 0 {
            head += &format!("Content-Length: {}\r\n", self.body());
        }
        if connection == Connection::Own {
            head += "Connection: close\r\n";
        }
        head += "\r\n";
        let mut request = head.into_bytes();
        request.resize(request.len() + self.body(), b'x');
        request
    }

    /// The records that nginx sends.
    fn fastcgi(self, connection: Connection, id: u8, random: &mut Random) -> Vec<u8> {
        framed(&self.params(random), self.body(), connection, id)
    }

    /// The small page as the contract of fastcgi-conformance has it, on a kept connection: named by PATH_INFO, and for
    /// php-fpm with a script.
    pub(crate) fn hello_of_contract(script: &str) -> Vec<u8> {
        let mut params = Self::Hello.params(&mut Random::new(0));
        params.retain(|(name, _)| name != "SCRIPT_NAME");
        let own = [
            ("SCRIPT_NAME", ""),
            ("PATH_INFO", "/hello"),
            ("SCRIPT_FILENAME", script),
        ];
        params.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
        framed(&params, 0, Connection::Kept, 1)
    }

    fn params(self, random: &mut Random) -> Fields {
        let mut params = self.variables();
        for (name, value) in self.fields(random) {
            let name = name.to_ascii_uppercase().replace('-', "_");
            params.push((format!("HTTP_{name}"), value));
        }
        if self.varies() {
            random.shuffle(&mut params);
        }
        params
    }

    /// The environment of a CGI program.
    pub(crate) fn environment(self) -> Fields {
        self.params(&mut Random::new(0))
    }

    /// What nginx's `fastcgi_params` has, without what is empty by default.
    fn variables(self) -> Fields {
        let length = match self.body() {
            0 => String::new(),
            length => length.to_string(),
        };
        let path = self.path();
        let mut variables = vec![
            ("QUERY_STRING", ""),
            ("REQUEST_METHOD", self.method()),
            ("CONTENT_TYPE", ""),
            ("CONTENT_LENGTH", &length),
            ("SCRIPT_NAME", &path),
            ("REQUEST_URI", &path),
            ("DOCUMENT_URI", &path),
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
        let script = format!("/usr/share/nginx/html{path}");
        if self == Self::Browser {
            variables.extend([
                ("SCRIPT_FILENAME", &*script),
                ("HTTPS", "on"),
                ("REDIRECT_STATUS", "200"),
            ]);
        }
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        variables.into_iter().map(owned).collect()
    }
}

fn framed(params: &[(String, String)], body: usize, connection: Connection, id: u8) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in params {
        put_pair(&mut block, name, value);
    }
    let flags = u8::from(connection == Connection::Kept);
    let mut request = Vec::new();
    put_record(&mut request, 1, id, &[0, 1, flags, 0, 0, 0, 0, 0]);
    put_record(&mut request, 4, id, &block);
    put_record(&mut request, 4, id, &[]);
    for piece in vec![b'x'; body].chunks(32 * 1024) {
        put_record(&mut request, 5, id, piece);
    }
    put_record(&mut request, 5, id, &[]);
    request
}

/// A record, padded to eight bytes as nginx pads.
fn put_record(out: &mut Vec<u8>, record_type: u8, id: u8, content: &[u8]) {
    let [length1, length0] = (content.len() as u16).to_be_bytes();
    let padding = content.len().wrapping_neg() % 8;
    out.extend([1, record_type, 0, id, length1, length0, padding as u8, 0]);
    out.extend(content);
    out.resize(out.len() + padding, 0);
}

fn put_pair(out: &mut Vec<u8>, name: &str, value: &str) {
    for length in [name.len(), value.len()] {
        match u8::try_from(length) {
            Ok(length @ ..128) => out.push(length),
            _ => out.extend((length as u32 | 1 << 31).to_be_bytes()),
        }
    }
    out.extend(name.as_bytes());
    out.extend(value.as_bytes());
}
