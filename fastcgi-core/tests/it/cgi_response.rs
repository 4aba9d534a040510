//! `http` responses to CGI header blocks. The expected bytes are written by hand.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use bytes::{Bytes, BytesMut};
use fastcgi_core::cgi::{
    BodyLength, InvalidResponse, ReasonPhrase, ResponseMapping, status_text, write_refusal,
};
use http::response::Parts;
use http::{Method, Response, StatusCode};

fn response(status: u16, fields: &[(&str, &str)]) -> Parts {
    let builder = Response::builder().status(status);
    let builder = fields.iter().fold(builder, |builder, (name, value)| {
        builder.header(*name, *value)
    });
    builder.body(()).unwrap().into_parts().0
}

fn write(parts: &Parts, method: &Method, exact: Option<u64>) -> (String, BodyLength) {
    let mut out = BytesMut::new();
    let framing = ResponseMapping::default()
        .write_head(parts, method, exact, &mut out)
        .unwrap();
    (String::from_utf8(out.to_vec()).unwrap(), framing)
}

/// The head of a response to GET whose body has no known length.
fn head(parts: &Parts) -> String {
    write(parts, &Method::GET, None).0
}

fn refused(parts: &Parts) -> InvalidResponse {
    let mut out = BytesMut::from("before");
    let error = ResponseMapping::default()
        .write_head(parts, &Method::GET, Some(3), &mut out)
        .unwrap_err();
    assert_eq!(out, "before");
    error
}

#[test]
fn status_comes_first_and_the_fields_follow_in_order() {
    let parts = response(
        404,
        &[
            ("content-type", "text/html"),
            ("date", "Thu, 01 Jan 1970 00:00:00 GMT"),
            ("server", "mine"),
            ("www-authenticate", "Basic"),
            ("proxy-authenticate", "Basic"),
            ("x-accel-buffering", "no"),
            ("x-empty", ""),
        ],
    );
    assert_eq!(
        head(&parts),
        "Status: 404 Not Found\r\n\
         content-type: text/html\r\n\
         date: Thu, 01 Jan 1970 00:00:00 GMT\r\n\
         server: mine\r\n\
         www-authenticate: Basic\r\n\
         proxy-authenticate: Basic\r\n\
         x-accel-buffering: no\r\n\
         x-empty: \r\n\
         \r\n"
    );
}

#[test]
fn nothing_is_invented() {
    assert_eq!(head(&response(200, &[])), "Status: 200 OK\r\n\r\n");
}

#[test]
fn head_is_appended() {
    let mut out = BytesMut::from("before|");
    ResponseMapping::default()
        .write_head(&response(200, &[]), &Method::GET, None, &mut out)
        .unwrap();
    assert_eq!(out, "before|Status: 200 OK\r\n\r\n");
}

#[test]
fn values_of_one_name_stay_apart_and_in_order() {
    let cookies = [
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2; Path=/"),
        ("vary", "accept"),
        ("set-cookie", "c=3"),
        ("vary", "origin"),
    ];
    assert_eq!(
        head(&response(200, &cookies)),
        "Status: 200 OK\r\n\
         set-cookie: a=1\r\n\
         set-cookie: b=2; Path=/\r\n\
         set-cookie: c=3\r\n\
         vary: accept\r\n\
         vary: origin\r\n\
         \r\n"
    );
}

#[test]
fn bytes_above_ascii_pass_in_values() {
    let mut parts = response(200, &[]);
    let value = http::HeaderValue::from_bytes(b"caf\xe9\t!").unwrap();
    parts.headers.insert("x-latin", value);
    let mut out = BytesMut::new();
    ResponseMapping::default()
        .write_head(&parts, &Method::GET, None, &mut out)
        .unwrap();
    assert_eq!(&out[..], b"Status: 200 OK\r\nx-latin: caf\xe9\t!\r\n\r\n");
}

#[test]
fn long_lines_are_kept_whole() {
    let value = "v".repeat(100_000);
    let parts = response(200, &[("x-long", &value)]);
    assert_eq!(
        head(&parts),
        format!("Status: 200 OK\r\nx-long: {value}\r\n\r\n")
    );
}

#[test]
fn unknown_status_gets_a_reason() {
    assert_eq!(head(&response(299, &[])), "Status: 299 Unknown\r\n\r\n");
    assert_eq!(head(&response(999, &[])), "Status: 999 Unknown\r\n\r\n");
}

#[test]
fn reason_phrase_of_the_extensions_is_used() {
    let mut parts = response(200, &[]);
    parts
        .extensions
        .insert(ReasonPhrase::new("Très bien").unwrap());
    assert_eq!(head(&parts), "Status: 200 Très bien\r\n\r\n");
}

#[test]
fn reason_phrase_cannot_hold_a_line_break() {
    for phrase in [
        "OK\r\nset-cookie: a=1",
        "OK\nx: y",
        "OK\r",
        "a\0b",
        "\x1b[0m",
        "\x7f",
    ] {
        assert_eq!(ReasonPhrase::new(phrase), None, "{phrase:?}");
    }
}

#[test]
fn reason_phrase_is_not_blank() {
    for phrase in ["", " ", "\t \t"] {
        assert_eq!(ReasonPhrase::new(phrase), None, "{phrase:?}");
    }
}

#[test]
fn reason_phrase_may_hold_tabs_and_obs_text() {
    let phrase = ReasonPhrase::new(Bytes::from_static(b"a\tb \xe9")).unwrap();
    assert_eq!(phrase.as_bytes(), b"a\tb \xe9");
}

#[test]
fn hop_by_hop_fields_are_dropped() {
    for name in [
        "connection",
        "keep-alive",
        "proxy-connection",
        "transfer-encoding",
        "te",
        "trailer",
        "upgrade",
        "http2-settings",
    ] {
        let parts = response(200, &[("x-a", "1"), (name, "some"), ("x-b", "2")]);
        assert_eq!(
            head(&parts),
            "Status: 200 OK\r\nx-a: 1\r\nx-b: 2\r\n\r\n",
            "{name}"
        );
    }
}

#[test]
fn nominated_fields_are_dropped() {
    let parts = response(
        200,
        &[
            ("connection", "close, X-Private ,,x-other"),
            ("x-private", "1"),
            ("connection", "x-third"),
            ("x-other", "2"),
            ("x-private-too", "3"),
            ("x-third", "4"),
        ],
    );
    assert_eq!(head(&parts), "Status: 200 OK\r\nx-private-too: 3\r\n\r\n");
}

#[test]
fn nominating_content_length_does_not_unframe_the_body() {
    let parts = response(
        200,
        &[("connection", "content-length"), ("content-length", "3")],
    );
    assert_eq!(
        write(&parts, &Method::GET, Some(3)),
        (
            "Status: 200 OK\r\ncontent-length: 3\r\n\r\n".to_owned(),
            BodyLength::Exactly(3)
        )
    );
}

#[test]
fn status_field_of_the_application_is_dropped() {
    let parts = response(403, &[("status", "200 OK"), ("x-status", "kept")]);
    assert_eq!(
        head(&parts),
        "Status: 403 Forbidden\r\nx-status: kept\r\n\r\n"
    );
}

#[test]
fn location_is_dropped_from_200() {
    assert_eq!(
        head(&response(200, &[("location", "/other")])),
        "Status: 200 OK\r\n\r\n"
    );
}

/// R-1: HAProxy takes a `Location` that comes after `Status` for a redirect with a status of 302, and CGI gateways take
/// one that comes before it for a redirect of their own.
#[test]
fn location_stands_before_the_status_for_haproxy_alone() {
    let table = [
        (201, "201 Created"),
        (302, "302 Found"),
        (303, "303 See Other"),
    ];
    for (status, line) in table {
        let parts = response(status, &[("location", "/other")]);
        let expected = format!("Status: {line}\r\nlocation: /other\r\n\r\n");
        assert_eq!(head(&parts), expected);
        let haproxy = format!("location: /other\r\nStatus: {line}\r\n\r\n");
        for (software, expected) in [
            ("HAProxy 2.6.12", &haproxy),
            ("nginx/1.22.1", &expected),
            ("not HAProxy", &expected),
            ("", &expected),
        ] {
            let params = [("SERVER_SOFTWARE", software)].into_iter().collect();
            let mut out = BytesMut::new();
            ResponseMapping::answering(&params)
                .write_head(&parts, &Method::GET, None, &mut out)
                .unwrap();
            assert_eq!(out, expected.as_bytes(), "{software}");
        }
    }
}

/// The head of a response to GET for the web server of this name.
fn head_for(server_software: &str, parts: &Parts) -> String {
    let params = [("SERVER_SOFTWARE", server_software)].into_iter().collect();
    let mut out = BytesMut::new();
    ResponseMapping::answering(&params)
        .write_head(parts, &Method::GET, None, &mut out)
        .unwrap();
    String::from_utf8(out.to_vec()).unwrap()
}

/// R-14: nginx collects a response otherwise, its head included.
#[test]
fn nginx_passes_an_event_stream_on_at_once() {
    for content_type in [
        "text/event-stream",
        "Text/Event-Stream",
        "text/event-stream; charset=utf-8",
        "text/event-stream;charset=utf-8",
        "text/event-stream ; a=b",
    ] {
        let parts = response(200, &[("content-type", content_type)]);
        for nginx in ["nginx/1.22.1", "nginx", "Angie/1.4.0"] {
            assert_eq!(
                head_for(nginx, &parts),
                format!(
                    "Status: 200 OK\r\ncontent-type: {content_type}\r\nx-accel-buffering: no\r\n\r\n"
                ),
                "{nginx}"
            );
        }
        for other in [
            "",
            "Apache/2.4.62",
            "lighttpd/1.4.69",
            "Caddy/2.6.2",
            "HAProxy 2.6",
            "web",
        ] {
            assert_eq!(head_for(other, &parts), head(&parts), "{other}");
        }
    }
}

#[test]
fn what_the_application_says_of_buffering_counts() {
    for value in ["yes", "no", ""] {
        let parts = response(
            200,
            &[
                ("content-type", "text/event-stream"),
                ("x-accel-buffering", value),
            ],
        );
        assert_eq!(head_for("nginx/1.22.1", &parts), head(&parts));
    }
}

#[test]
fn nginx_collects_what_is_no_event_stream() {
    for content_type in [
        "text/plain",
        "text/event-stream2",
        "text/event-streams; charset=utf-8",
        "text/plain; a=text/event-stream",
        "xtext/event-stream",
        "",
    ] {
        let parts = response(200, &[("content-type", content_type)]);
        assert_eq!(head_for("nginx/1.22.1", &parts), head(&parts));
    }
    let parts = response(200, &[]);
    assert_eq!(head_for("nginx/1.22.1", &parts), head(&parts));
}

#[test]
fn announced_length_is_sent_last_and_binds() {
    let parts = response(200, &[("content-length", "10"), ("x-a", "1")]);
    for exact in [None, Some(10), Some(3)] {
        assert_eq!(
            write(&parts, &Method::GET, exact),
            (
                "Status: 200 OK\r\nx-a: 1\r\ncontent-length: 10\r\n\r\n".to_owned(),
                BodyLength::Exactly(10)
            )
        );
    }
}

#[test]
fn equal_lengths_become_one() {
    let parts = response(200, &[("content-length", "10"), ("content-length", "10")]);
    assert_eq!(
        write(&parts, &Method::GET, None),
        (
            "Status: 200 OK\r\ncontent-length: 10\r\n\r\n".to_owned(),
            BodyLength::Exactly(10)
        )
    );
}

#[test]
fn different_lengths_are_refused() {
    let error = refused(&response(
        200,
        &[("content-length", "10"), ("content-length", "11")],
    ));
    assert_eq!(error, InvalidResponse::ContentLength);
    assert_eq!(error.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[test]
fn lengths_that_are_no_numbers_are_refused() {
    for length in [
        "",
        "abc",
        "+3",
        "-1",
        "3 ",
        "3, 3",
        "0x3",
        "3.0",
        "18446744073709551616",
    ] {
        let error = refused(&response(200, &[("content-length", length)]));
        assert_eq!(error, InvalidResponse::ContentLength, "{length:?}");
    }
}

#[test]
fn largest_length_passes() {
    let parts = response(200, &[("content-length", "18446744073709551615")]);
    assert_eq!(
        write(&parts, &Method::GET, None).1,
        BodyLength::Exactly(u64::MAX)
    );
}

#[test]
fn known_length_is_added() {
    for exact in [0, 7, 1_234_567_890] {
        assert_eq!(
            write(&response(200, &[]), &Method::GET, Some(exact)),
            (
                format!("Status: 200 OK\r\ncontent-length: {exact}\r\n\r\n"),
                BodyLength::Exactly(exact)
            )
        );
    }
}

#[test]
fn unknown_length_is_not_announced() {
    let (head, framing) = write(&response(200, &[]), &Method::POST, None);
    assert_eq!(head, "Status: 200 OK\r\n\r\n");
    assert_eq!(framing, BodyLength::Unknown);
}

#[test]
fn transfer_encoding_gives_way_to_the_known_length() {
    let parts = response(200, &[("transfer-encoding", "chunked")]);
    assert_eq!(
        write(&parts, &Method::GET, Some(4)),
        (
            "Status: 200 OK\r\ncontent-length: 4\r\n\r\n".to_owned(),
            BodyLength::Exactly(4)
        )
    );
}

#[test]
fn head_keeps_the_announced_length_and_has_no_body() {
    let parts = response(200, &[("content-length", "100")]);
    assert_eq!(
        write(&parts, &Method::HEAD, Some(0)),
        (
            "Status: 200 OK\r\ncontent-length: 100\r\n\r\n".to_owned(),
            BodyLength::None
        )
    );
}

#[test]
fn head_announces_the_length_of_a_body_that_is_there() {
    assert_eq!(
        write(&response(200, &[]), &Method::HEAD, Some(5)),
        (
            "Status: 200 OK\r\ncontent-length: 5\r\n\r\n".to_owned(),
            BodyLength::None
        )
    );
}

#[test]
fn head_does_not_announce_an_empty_or_unknown_body() {
    for exact in [None, Some(0)] {
        assert_eq!(
            write(&response(200, &[]), &Method::HEAD, exact),
            ("Status: 200 OK\r\n\r\n".to_owned(), BodyLength::None)
        );
    }
}

#[test]
fn head_with_different_lengths_is_refused() {
    let parts = response(200, &[("content-length", "1"), ("content-length", "2")]);
    let mut out = BytesMut::new();
    let result = ResponseMapping::default().write_head(&parts, &Method::HEAD, None, &mut out);
    assert_eq!(result, Err(InvalidResponse::ContentLength));
}

#[test]
fn no_content_has_neither_length_nor_body() {
    for length in ["5", "not even a number"] {
        let parts = response(204, &[("content-length", length), ("x-a", "1")]);
        assert_eq!(
            write(&parts, &Method::GET, Some(5)),
            (
                "Status: 204 No Content\r\nx-a: 1\r\n\r\n".to_owned(),
                BodyLength::None
            )
        );
    }
    assert_eq!(
        write(&response(204, &[]), &Method::GET, Some(0)),
        (
            "Status: 204 No Content\r\n\r\n".to_owned(),
            BodyLength::None
        )
    );
}

#[test]
fn reset_content_has_length_zero_and_no_body() {
    for fields in [&[][..], &[("content-length", "5")]] {
        assert_eq!(
            write(&response(205, fields), &Method::GET, None),
            (
                "Status: 205 Reset Content\r\ncontent-length: 0\r\n\r\n".to_owned(),
                BodyLength::None
            )
        );
    }
}

#[test]
fn not_modified_keeps_its_length_and_has_no_body() {
    let parts = response(304, &[("content-length", "100"), ("etag", "\"1\"")]);
    assert_eq!(
        write(&parts, &Method::GET, Some(0)),
        (
            "Status: 304 Not Modified\r\netag: \"1\"\r\ncontent-length: 100\r\n\r\n".to_owned(),
            BodyLength::None
        )
    );
}

#[test]
fn not_modified_gets_no_length() {
    for exact in [None, Some(0), Some(5)] {
        assert_eq!(
            write(&response(304, &[]), &Method::GET, exact),
            (
                "Status: 304 Not Modified\r\n\r\n".to_owned(),
                BodyLength::None
            )
        );
    }
}

#[test]
fn interim_statuses_are_refused() {
    for status in [100, 101, 103, 199] {
        let error = refused(&response(status, &[("upgrade", "websocket")]));
        let status = StatusCode::from_u16(status).unwrap();
        assert_eq!(error, InvalidResponse::InterimStatus(status));
        assert_eq!(error.status(), StatusCode::NOT_IMPLEMENTED);
    }
}

#[test]
fn errors_tell_what_was_wrong() {
    assert_eq!(
        refused(&response(101, &[])).to_string(),
        "status 101 where FastCGI carries final ones only"
    );
    assert_eq!(
        InvalidResponse::ContentLength.to_string(),
        "content-length is not one number"
    );
}

#[test]
fn refusal_is_a_whole_response() {
    let mut out = BytesMut::from("before|");
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    write_refusal(status, None, &mut out);
    assert_eq!(
        out,
        "before|Status: 431 Request Header Fields Too Large\r\n\
         content-type: text/plain; charset=utf-8\r\n\
         content-length: 36\r\n\
         \r\n\
         431 Request Header Fields Too Large\n"
    );
}

#[test]
fn refusal_of_head_has_no_body() {
    let mut out = BytesMut::new();
    write_refusal(StatusCode::BAD_REQUEST, Some(&Method::HEAD), &mut out);
    assert_eq!(
        out,
        "Status: 400 Bad Request\r\n\
         content-type: text/plain; charset=utf-8\r\n\
         content-length: 16\r\n\
         \r\n"
    );
}

#[test]
fn refusal_of_get_has_a_body() {
    let mut out = BytesMut::new();
    write_refusal(
        StatusCode::from_u16(599).unwrap(),
        Some(&Method::GET),
        &mut out,
    );
    assert_eq!(
        out,
        "Status: 599 Unknown\r\n\
         content-type: text/plain; charset=utf-8\r\n\
         content-length: 12\r\n\
         \r\n\
         599 Unknown\n"
    );
}

/// R-19
#[test]
fn local_redirect_has_its_location_first_and_no_status() {
    let fields = [
        ("set-cookie", "a=1"),
        ("location", "/there?x"),
        ("set-cookie", "b=2"),
    ];
    let parts = response(302, &fields);
    let mut out = BytesMut::from("before|");
    let length = ResponseMapping::default()
        .write_local_redirect(&parts.headers, &mut out)
        .unwrap();
    assert_eq!(
        out,
        "before|Location: /there?x\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\r\n"
    );
    assert_eq!(length, BodyLength::None);
}

/// R-4: also here.
#[test]
fn local_redirect_leaves_out_status_length_and_hop_by_hop_fields() {
    let fields = [
        ("location", "/there"),
        ("status", "200 OK"),
        ("content-length", "4"),
        ("transfer-encoding", "chunked"),
        ("connection", "x-private"),
        ("x-private", "1"),
        ("x-kept", "1"),
    ];
    let mut out = BytesMut::new();
    ResponseMapping::default()
        .write_local_redirect(&response(302, &fields).headers, &mut out)
        .unwrap();
    assert_eq!(out, "Location: /there\r\nx-kept: 1\r\n\r\n");
}

#[test]
fn local_redirect_is_a_path_on_this_server() {
    for location in [
        "https://example.org/",
        "//example.org/",
        "/\\example.org/",
        "there",
        "",
    ] {
        let parts = response(302, &[("location", location)]);
        let mut out = BytesMut::from("before");
        let result = ResponseMapping::default().write_local_redirect(&parts.headers, &mut out);
        assert_eq!(result, Err(InvalidResponse::LocalRedirect), "{location}");
        assert_eq!(out, "before");
    }
    let mut out = BytesMut::new();
    let result =
        ResponseMapping::default().write_local_redirect(&response(302, &[]).headers, &mut out);
    assert_eq!(result, Err(InvalidResponse::LocalRedirect));
}

#[test]
fn local_redirect_is_followed_by_apache_and_under_plain_cgi() {
    let local = response(302, &[("location", "/there")]).headers;
    let absolute = response(302, &[("location", "https://example.org/")]).headers;
    for (software, follows) in [
        ("Apache/2.4.62", true),
        ("nginx/1.22.1", false),
        ("Caddy/v2.6.2", false),
        ("h2o/2.2.5", false),
        ("lighttpd/1.4.69", false),
        ("", false),
    ] {
        let params = [("SERVER_SOFTWARE", software)].into_iter().collect();
        let mapping = ResponseMapping::answering(&params);
        assert_eq!(mapping.is_followed(&local), follows, "{software}");
        assert!(!mapping.is_followed(&absolute), "{software}");
        let mapping = mapping.plain_cgi();
        assert!(mapping.is_followed(&local), "{software}");
        assert!(!mapping.is_followed(&absolute), "{software}");
    }
}

#[test]
fn text_of_a_status_is_a_line() {
    assert_eq!(status_text(StatusCode::OK), "200 OK\n");
    assert_eq!(
        status_text(StatusCode::from_u16(299).unwrap()),
        "299 Unknown\n"
    );
}
