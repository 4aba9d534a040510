//! Names of header fields that came before: they are kept for the next request, and mean the same.

use bytes::Bytes;
use fastcgi_core::Params;
use fastcgi_core::cgi::{FieldError, HeaderFields, Mapping};
use http::{HeaderMap, HeaderName};

/// What is sent once after a name like `HTTP_X_1`, and what becomes of it.
const NAMES: [(&str, Option<&str>); 14] = [
    ("ACCEPT", Some("accept")),
    ("X_FORWARDED_FOR", Some("x-forwarded-for")),
    ("X.USER", Some("x.user")),
    ("x_lower", Some("x-lower")),
    ("HOST", Some("host")),
    ("AUTHORIZATION", Some("authorization")),
    ("CONTENT_TYPE", Some("content-type")),
    ("COOKIE", Some("cookie")),
    ("CONNECTION", None),
    ("TRANSFER_ENCODING", None),
    ("CONTENT_LENGTH", None),
    ("PROXY", None),
    ("X:Y", None),
    ("", None),
];

fn fields(name: &str, value: &str) -> HeaderMap {
    let name = format!("HTTP_{name}");
    let pairs = [
        ("REQUEST_METHOD", "GET"),
        ("REQUEST_URI", "/"),
        (&name, value),
    ];
    let params = pairs.into_iter().collect::<Params>();
    Mapping::default()
        .request(&params)
        .expect("a request")
        .headers
}

#[test]
fn a_name_means_the_same_each_time() {
    for round in 0..5 {
        for (name, field) in NAMES {
            let fields = fields(name, "v");
            let found = fields.keys().map(HeaderName::as_str).collect::<Vec<_>>();
            assert_eq!(found, Vec::from_iter(field), "{name}, round {round}");
        }
    }
}

#[test]
fn an_empty_cookie_is_no_field_each_time() {
    for _ in 0..5 {
        assert!(fields("COOKIE", "").is_empty());
    }
}

#[test]
fn names_of_any_length_and_number_are_spelled_each_time() {
    for _ in 0..4 {
        for n in 0..700 {
            let padding = "A".repeat(n % 90);
            let fields = fields(&format!("X_{n}_{padding}"), "v");
            let wanted = format!("x-{n}-{}", padding.to_lowercase());
            assert_eq!(fields.len(), 1);
            assert!(fields.contains_key(&wanted), "{wanted}");
        }
    }
}

/// A map that makes a request of its own for each field.
#[derive(Default)]
struct Nested(Vec<String>);

impl HeaderFields for Nested {
    type Name = HeaderName;

    fn append(&mut self, name: HeaderName, _: Bytes) -> Result<(), FieldError> {
        assert!(fields("X_NESTED", "v").contains_key("x-nested"));
        self.0.push(name.as_str().to_owned());
        Ok(())
    }
}

#[test]
fn a_map_may_make_requests_of_its_own() {
    let pairs = [
        ("REQUEST_METHOD", "GET"),
        ("REQUEST_URI", "/"),
        ("HTTP_X_A", "1"),
        ("HTTP_X_B", "2"),
    ];
    let params = pairs.into_iter().collect::<Params>();
    for _ in 0..3 {
        let mut nested = Nested::default();
        Mapping::default()
            .head(&params, &mut nested)
            .expect("a request");
        assert_eq!(nested.0, ["x-a", "x-b"]);
    }
}
