//! Records, as section 3.3 of the specification draws them.

/// A Responder, an Authorizer, a Filter (specification, 8).
pub const RESPONDER: u8 = 1;
/// See [`RESPONDER`].
pub const AUTHORIZER: u8 = 2;
/// See [`RESPONDER`].
pub const FILTER: u8 = 3;

/// The types of records.
pub const ABORT: u8 = 2;
/// See [`ABORT`].
pub const PARAMS: u8 = 4;
/// See [`ABORT`].
pub const STDIN: u8 = 5;
/// See [`ABORT`].
pub const DATA: u8 = 8;
/// See [`ABORT`].
pub const GET_VALUES: u8 = 9;

/// A record without padding.
///
/// # Panics
///
/// When `content` has more than 65 535 bytes.
#[must_use]
pub fn record(record_type: u8, id: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("at most 65 535 bytes");
    let [high, low] = length.to_be_bytes();
    [&[1, record_type, 0, id, high, low, 0, 0], content].concat()
}

/// `FCGI_BEGIN_REQUEST`, with `FCGI_KEEP_CONN`.
#[must_use]
pub fn begin(id: u8, role: u8) -> Vec<u8> {
    record(1, id, &[0, role, 1, 0, 0, 0, 0, 0])
}

/// A name-value pair with lengths of four bytes.
///
/// # Panics
///
/// When one of them is 2 GiB long.
#[must_use]
pub fn pair(name: &str, value: &str) -> Vec<u8> {
    let length = |text: &str| {
        let length = u32::try_from(text.len()).expect("less than 2 GiB");
        (length | 0x8000_0000).to_be_bytes()
    };
    [
        &length(name)[..],
        &length(value),
        name.as_bytes(),
        value.as_bytes(),
    ]
    .concat()
}

/// The beginning of a request, without the end of its params.
#[must_use]
pub fn open(role: u8, method: &str, path: &str) -> Vec<u8> {
    let pairs = [
        pair("REQUEST_METHOD", method),
        pair("REQUEST_URI", path),
        pair("SCRIPT_NAME", path),
        pair("SERVER_SOFTWARE", "nginx/1.22.1"),
        pair("SERVER_PROTOCOL", "HTTP/1.1"),
    ];
    [begin(1, role), record(PARAMS, 1, &pairs.concat())].concat()
}

/// A request up to the end of its params. Where `length` is known, it is announced.
#[must_use]
pub fn head(role: u8, method: &str, path: &str, length: Option<u64>) -> Vec<u8> {
    let length = length.map(|length| pair("CONTENT_LENGTH", &length.to_string()));
    let length = length.map(|pair| record(PARAMS, 1, &pair));
    let parts = [
        open(role, method, path),
        length.unwrap_or_default(),
        record(PARAMS, 1, b""),
    ];
    parts.concat()
}

/// A whole request without a body.
#[must_use]
pub fn get(path: &str) -> Vec<u8> {
    [head(RESPONDER, "GET", path, None), record(STDIN, 1, b"")].concat()
}
