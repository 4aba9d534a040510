//! Request heads whose fields go into a map that is not `http::HeaderMap`.

use bytes::Bytes;
use fastcgi_core::Params;
use fastcgi_core::cgi::{FieldError, HeaderFields, InvalidRequest, Mapping, ScriptName};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Takes `room` fields, and none with a control character in its value.
struct List {
    fields: Vec<(String, Bytes)>,
    room: usize,
}

impl HeaderFields for List {
    type Name = HeaderName;

    fn append(&mut self, name: HeaderName, value: Bytes) -> Result<(), FieldError> {
        if value.iter().any(u8::is_ascii_control) {
            return Err(FieldError::Invalid);
        }
        if self.fields.len() == self.room {
            return Err(FieldError::Full);
        }
        self.fields.push((name.as_str().to_owned(), value));
        Ok(())
    }
}

fn params(pairs: &[(&str, &str)]) -> Params {
    [("REQUEST_METHOD", "POST"), ("REQUEST_URI", "/a?b")]
        .iter()
        .chain(pairs)
        .copied()
        .collect()
}

fn list(params: &Params, room: usize) -> Result<Vec<(String, Bytes)>, InvalidRequest> {
    let mut list = List {
        fields: Vec::new(),
        room,
    };
    Mapping::default().head(params, &mut list)?;
    Ok(list.fields)
}

#[track_caller]
fn assert_list(pairs: &[(&str, &str)], expected: &[(&str, &str)]) {
    let list = list(&params(pairs), 9).expect("a request");
    let list: Vec<_> = list
        .iter()
        .map(|(name, value)| (name.as_str(), std::str::from_utf8(value).expect("text")))
        .collect();
    assert_eq!(list, expected);
}

#[test]
fn names_are_in_lower_case_and_in_order() {
    assert_list(
        &[
            ("HTTP_X_B", "1"),
            ("HTTP_HOST", "example.org"),
            ("HTTP_X_A", " 2 "),
            ("HTTP_X_B", "3"),
            ("CONTENT_TYPE", "text/plain"),
            ("CONTENT_LENGTH", "4"),
        ],
        &[
            ("x-b", "1"),
            ("x-a", "2"),
            ("x-b", "3"),
            ("host", "example.org"),
            ("content-type", "text/plain"),
            ("content-length", "4"),
        ],
    );
}

#[test]
fn names_that_are_no_tokens_are_left_out() {
    let long = format!("HTTP_{}", "X_".repeat(300));
    let spelled = "x-".repeat(300);
    assert_list(
        &[
            ("HTTP_", "1"),
            ("HTTP_A B", "2"),
            ("HTTP_É", "3"),
            (&long, "4"),
            ("HTTP_!#.~", "5"),
        ],
        &[(&spelled, "4"), ("!#.~", "5")],
    );
}

/// H-5
#[test]
fn what_connection_nominates_stays() {
    assert_list(
        &[
            ("HTTP_X_A", "1"),
            ("HTTP_CONNECTION", "close, X-A"),
            ("HTTP_X_B", "2"),
        ],
        &[("x-a", "1"), ("x-b", "2")],
    );
}

/// H-10
#[test]
fn what_the_map_cannot_hold_is_left_out_but_for_the_host() {
    assert_list(&[("HTTP_X_A", "a\nb"), ("HTTP_X_B", "2")], &[("x-b", "2")]);
    let host = params(&[("HTTP_HOST", "a\nb")]);
    assert_eq!(list(&host, 9), Err(InvalidRequest::Host));
}

#[test]
fn a_full_map_is_too_many_headers() {
    for last in [("HTTP_X_B", "2"), ("HTTP_HOST", "b")] {
        let params = params(&[("HTTP_X_A", "1"), last]);
        assert_eq!(list(&params, 1), Err(InvalidRequest::TooManyHeaders));
        assert!(list(&params, 2).is_ok());
    }
}

#[test]
fn values_share_the_buffer_of_the_params() {
    let params = params(&[("HTTP_X_A", "value"), ("HTTP_HOST", "host")]);
    let block = params.as_bytes().as_ptr_range();
    for (name, value) in list(&params, 9).expect("a request") {
        assert!(block.contains(&value.as_ptr()), "{name}");
    }
}

#[test]
fn the_rest_of_the_head_is_as_in_a_request() {
    let params = params(&[
        ("SCRIPT_NAME", "/a"),
        ("SERVER_PROTOCOL", "HTTP/1.0"),
        ("REMOTE_ADDR", "192.0.2.1"),
        ("REMOTE_PORT", "80"),
        ("HTTPS", "on"),
    ]);
    let mut list = List {
        fields: Vec::new(),
        room: 0,
    };
    let mapping = Mapping::default().script_name("".parse().expect("the root"));
    let head = mapping.head(&params, &mut list).expect("a request");
    let request = mapping.request(&params).expect("a request");
    assert_eq!(head.method, "POST");
    assert_eq!(head.uri, "/a?b");
    assert_eq!(head.version, http::Version::HTTP_10);
    assert_eq!(Some(&head.script_name), request.extensions.get());
    assert_eq!(head.remote_addr(), "192.0.2.1:80".parse().ok());
    assert!(head.is_https());
    assert_eq!(head.remote_addr(), params.remote_addr());
    assert_eq!(head.is_https(), params.is_https());
}

#[test]
fn a_head_becomes_a_request() {
    let params = params(&[("SCRIPT_NAME", "/a"), ("SERVER_PROTOCOL", "HTTP/1.0")]);
    let mapping = Mapping::default().script_name("/a".parse().expect("a script name"));
    let mut headers = HeaderMap::new();
    let head = mapping.head(&params, &mut headers).expect("a request");
    headers.insert("x-a", HeaderValue::from_static("1"));
    let request = head.into_request(headers, 7);
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri(), "/?b");
    assert_eq!(request.version(), http::Version::HTTP_10);
    assert_eq!(request.headers()["x-a"], "1");
    let script_name: Option<&ScriptName> = request.extensions().get();
    assert_eq!(script_name.map(ScriptName::as_bytes), Some(&b"/a"[..]));
    assert!(request.extensions().get::<Params>().is_none());
    assert_eq!(*request.body(), 7);
}
