//! What is left out of a request: names, never values.
//!
//! Core logs nothing. What it left out is in the head, and which path was taken, too, so that a driver can log both.

use fastcgi_core::{
    Params,
    cgi::{LeftOutReason, Mapping, PathRule},
};
use http::HeaderMap;

/// What is left out while these params become a request, a line each.
fn left_out(pairs: &[(&str, &str)]) -> Vec<String> {
    let params: Params = [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/")]
        .iter()
        .chain(pairs)
        .copied()
        .collect();
    let mut fields = HeaderMap::new();
    let head = Mapping::default()
        .head(&params, &mut fields)
        .expect("a request");
    let line =
        |it: &fastcgi_core::cgi::LeftOut| format!("{}: {}", it.name.escape_ascii(), it.reason);
    head.left_out.iter().map(line).collect()
}

#[test]
fn what_is_left_out_is_told_by_name() {
    let told = left_out(&[
        ("HTTP_A B", "secret"),
        ("HTTP_X_C", "se\ncret"),
        ("HTTP_HOST", "secret.example"),
        ("HTTP_HOST", "example.org"),
    ]);
    assert_eq!(
        told,
        [
            "A B: its name is not a token",
            "x-c: its value is invalid",
            "host: another one follows",
        ]
    );
}

#[test]
fn a_repeated_field_is_left_out_once_for_each_value_that_does_not_count() {
    let told = left_out(&[
        ("HTTP_AUTHORIZATION", "Basic c2VjcmV0"),
        ("HTTP_AUTHORIZATION", "Basic b3RoZXI="),
        ("HTTP_AUTHORIZATION", "Bearer x"),
        ("HTTP_CONTENT_TYPE", "text/a"),
        ("HTTP_CONTENT_TYPE", "text/b"),
    ]);
    let repeated = LeftOutReason::Repeated;
    assert_eq!(
        told,
        [
            format!("authorization: {repeated}"),
            format!("authorization: {repeated}"),
            format!("content-type: {repeated}"),
        ]
    );
}

#[test]
fn an_ordinary_request_is_not_worth_a_word() {
    let told = left_out(&[
        ("HTTP_HOST", "example.org"),
        ("HTTP_HOST", "example.org"),
        ("HTTP_CONNECTION", "keep-alive"),
        ("HTTP_PROXY", "http://evil.example"),
    ]);
    assert_eq!(told, [""; 0]);
}

/// T-8a: a driver says it once for all requests of a server.
#[test]
fn a_path_that_the_client_did_not_ask_for_is_n6() {
    let params: Params = [
        ("REQUEST_METHOD", "GET"),
        ("REQUEST_URI", "/secret"),
        ("SCRIPT_NAME", "/app"),
        ("SERVER_SOFTWARE", "Apache/2.4.66"),
    ]
    .into_iter()
    .collect();
    let mut fields = HeaderMap::new();
    let head = Mapping::default()
        .head(&params, &mut fields)
        .expect("a request");
    assert_eq!(head.uri, "/app");
    assert_eq!(head.path_rule, PathRule::N6);
}
