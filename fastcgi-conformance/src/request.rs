//! A request, as a web server sends it.

use crate::{
    pairs::{Lengths, pair},
    record::{BEGIN_REQUEST, PARAMS, Record, STDIN},
};

pub(crate) const RESPONDER: u16 = 1;
pub(crate) const AUTHORIZER: u16 = 2;
pub(crate) const FILTER: u16 = 3;
pub(crate) const KEEP_CONN: u8 = 1;

/// A request. Without changes it is a GET on a connection of its own.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) id: u16,
    pub(crate) role: u16,
    pub(crate) flags: u8,
    pub(crate) params: Vec<(Vec<u8>, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    /// The content of one record of PARAMS or STDIN at most.
    pub(crate) record_size: usize,
}

impl Request {
    /// A GET of `path`, with what a web server says of it.
    pub(crate) fn get(path: &str) -> Self {
        let (name, query) = path.split_once('?').unwrap_or((path, ""));
        let request = Self {
            id: 1,
            role: RESPONDER,
            flags: 0,
            params: Vec::new(),
            body: Vec::new(),
            record_size: 0xffff,
        };
        [
            ("GATEWAY_INTERFACE", "CGI/1.1"),
            ("SERVER_SOFTWARE", "fastcgi-conformance"),
            ("SERVER_PROTOCOL", "HTTP/1.1"),
            ("SERVER_NAME", "conformance.example"),
            ("SERVER_ADDR", "192.0.2.1"),
            ("SERVER_PORT", "80"),
            ("REMOTE_ADDR", "192.0.2.7"),
            ("REMOTE_PORT", "50000"),
            ("REDIRECT_STATUS", "200"),
            ("DOCUMENT_ROOT", "/var/www"),
            ("SCRIPT_FILENAME", "/var/www/index"),
            ("HTTP_HOST", "conformance.example"),
            ("REQUEST_METHOD", "GET"),
            ("REQUEST_URI", path),
            ("SCRIPT_NAME", ""),
            ("PATH_INFO", name),
            ("QUERY_STRING", query),
        ]
        .into_iter()
        .fold(request, |request, (name, value)| request.set(name, value))
    }

    /// A POST of `body` to `path`.
    pub(crate) fn post(path: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let length = body.len().to_string();
        let mut request = Self::get(path)
            .set("REQUEST_METHOD", "POST")
            .set("CONTENT_TYPE", "application/octet-stream")
            .set("CONTENT_LENGTH", &length);
        request.body = body;
        request
    }

    /// Gives the param its value, in the place of what it had.
    pub(crate) fn set(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self = self.without(name);
        self.param(name, value)
    }

    /// Adds a param, also where it is there already.
    pub(crate) fn param(mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        let pair = (name.as_ref().to_vec(), value.as_ref().to_vec());
        self.params.push(pair);
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.params.retain(|(it, _)| it != name.as_bytes());
        self
    }

    pub(crate) fn with_id(mut self, id: u16) -> Self {
        self.id = id;
        self
    }

    pub(crate) fn with_role(mut self, role: u16) -> Self {
        self.role = role;
        self
    }

    pub(crate) fn with_flags(mut self, flags: u8) -> Self {
        self.flags = flags;
        self
    }

    /// The connection is kept after the request.
    pub(crate) fn kept(self) -> Self {
        self.with_flags(KEEP_CONN)
    }

    /// No record of a stream has more than `size` bytes.
    pub(crate) fn in_records_of(mut self, size: usize) -> Self {
        self.record_size = size;
        self
    }

    /// BEGIN_REQUEST.
    pub(crate) fn begin(&self) -> Record {
        let [high, low] = self.role.to_be_bytes();
        let content = [high, low, self.flags, 0, 0, 0, 0, 0];
        Record::new(BEGIN_REQUEST, self.id, content)
    }

    /// The bytes of all pairs.
    pub(crate) fn pairs(&self) -> Vec<u8> {
        self.pairs_with(Lengths::Shortest)
    }

    pub(crate) fn pairs_with(&self, lengths: Lengths) -> Vec<u8> {
        let pairs = self.params.iter();
        let pairs = pairs.map(|(name, value)| pair(name, value, lengths));
        pairs.collect::<Vec<_>>().concat()
    }

    /// A stream and its end.
    pub(crate) fn stream(&self, kind: u8, bytes: &[u8]) -> Vec<Record> {
        let pieces = bytes.chunks(self.record_size);
        let pieces = pieces.chain([&b""[..]]);
        pieces.map(|it| Record::new(kind, self.id, it)).collect()
    }

    /// BEGIN_REQUEST and all params.
    pub(crate) fn head(&self) -> Vec<u8> {
        let mut records = vec![self.begin()];
        records.extend(self.stream(PARAMS, &self.pairs()));
        bytes(&records)
    }

    /// All records.
    pub(crate) fn records(&self) -> Vec<Record> {
        let mut records = vec![self.begin()];
        records.extend(self.stream(PARAMS, &self.pairs()));
        records.extend(self.stream(STDIN, &self.body));
        records
    }

    /// All bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        bytes(&self.records())
    }

    /// A record of this request.
    pub(crate) fn record(&self, kind: u8, content: impl Into<Vec<u8>>) -> Record {
        Record::new(kind, self.id, content)
    }
}

/// The bytes of records, one after the other.
pub(crate) fn bytes(records: &[Record]) -> Vec<u8> {
    let records: Vec<_> = records.iter().map(Record::bytes).collect();
    records.concat()
}
