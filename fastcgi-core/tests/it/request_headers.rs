//! `HTTP_*` and its neighbours to method, version, header fields and addresses.

#![expect(
    clippy::unwrap_used,
    reason = "what cannot be unwrapped has failed the test"
)]

use fastcgi_core::Params;
use fastcgi_core::cgi::{InvalidRequest, Mapping};
use http::{HeaderMap, Version, request};

/// Params, and what is demanded of them.
type Table<'a, T> = &'a [(&'a [(&'a str, &'a str)], T)];

fn params(pairs: &[(&str, &str)]) -> Params {
    [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/")]
        .iter()
        .chain(pairs)
        .copied()
        .collect()
}

fn request(pairs: &[(&str, &str)]) -> Result<request::Parts, InvalidRequest> {
    Mapping::default().request(&params(pairs))
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    request(pairs).unwrap().headers
}

/// Demands the values of one field, for each of several lists of params.
fn assert_values(name: &str, table: Table<'_, &[&str]>) {
    for (pairs, expected) in table {
        let headers = headers(pairs);
        let values: Vec<_> = headers.get_all(name).iter().collect();
        assert_eq!(values, *expected, "{name} of {pairs:?}");
    }
}

/// Demands that none of the params becomes a field.
fn assert_dropped(pairs: &[(&str, &str)]) {
    for pair in pairs {
        assert_eq!(headers(&[*pair]), HeaderMap::new(), "{pair:?}");
    }
}

#[test]
fn method_is_a_token_and_case_sensitive() {
    for method in ["GET", "HEAD", "get", "PROPFIND", "X-!~"] {
        assert_eq!(
            request(&[("REQUEST_METHOD", method)]).unwrap().method,
            method
        );
    }
    for method in ["", "GET ", "G(T", "GÉT"] {
        let error = request(&[("REQUEST_METHOD", method)]).unwrap_err();
        assert_eq!(error, InvalidRequest::Method);
        assert_eq!(error.status(), 400);
    }
}

#[test]
fn method_is_required() {
    let renamed: Params = [("REDIRECT_REQUEST_METHOD", "GET"), ("REQUEST_URI", "/")]
        .into_iter()
        .collect();
    for params in [Params::default(), renamed] {
        let error = Mapping::default().request(&params).unwrap_err();
        assert_eq!(error, InvalidRequest::Method);
    }
}

#[test]
fn connect_is_not_implemented() {
    let error = request(&[("REQUEST_METHOD", "CONNECT"), ("REQUEST_URI", "h:443")]).unwrap_err();
    assert_eq!(error, InvalidRequest::Connect);
    assert_eq!(error.status(), 501);
}

#[test]
fn version_is_that_of_the_clients_hop() {
    let table = [
        ("HTTP/1.0", Version::HTTP_10),
        ("HTTP/1.1", Version::HTTP_11),
        ("HTTP/2", Version::HTTP_2),
        ("HTTP/2.0", Version::HTTP_2),
        ("HTTP/3", Version::HTTP_3),
        ("HTTP/3.0", Version::HTTP_3),
        ("INCLUDED", Version::HTTP_11),
        ("", Version::HTTP_11),
    ];
    for (protocol, version) in table {
        assert_eq!(
            request(&[("SERVER_PROTOCOL", protocol)]).unwrap().version,
            version
        );
    }
    assert_eq!(request(&[]).unwrap().version, Version::HTTP_11);
}

#[test]
fn underscores_become_dashes_and_dots_stay() {
    let headers = headers(&[("HTTP_X_Forwarded_FOR", "1"), ("HTTP_X.USER", "2")]);
    assert_eq!(headers["x-forwarded-for"], "1");
    assert_eq!(headers["x.user"], "2");
    assert_eq!(headers.len(), 2);
}

#[test]
fn names_may_be_long() {
    for length in [63, 64, 65, 1000] {
        let name = "A_".repeat(length / 2);
        let headers = headers(&[(&format!("HTTP_{name}"), "v")]);
        assert_eq!(headers["a-".repeat(length / 2)], "v");
    }
}

#[test]
fn names_that_are_no_tokens_are_dropped() {
    assert_dropped(&[
        ("HTTP_", "v"),
        ("HTTP_A B", "v"),
        ("HTTP_A:B", "v"),
        ("HTTP_É", "v"),
    ]);
}

#[test]
fn only_http_variables_become_fields() {
    assert_dropped(&[
        ("REMOTE_USER", "root"),
        ("SSL_CLIENT_VERIFY", "SUCCESS"),
        ("REDIRECT_HTTP_X_USER", "root"),
        ("http_x_user", "root"),
        ("HTTPS", "on"),
        ("HTTP", "v"),
    ]);
}

#[test]
fn hop_by_hop_fields_are_dropped() {
    assert_dropped(&[
        ("HTTP_CONNECTION", "keep-alive"),
        ("HTTP_KEEP_ALIVE", "timeout=5"),
        ("HTTP_PROXY_CONNECTION", "close"),
        ("HTTP_TRANSFER_ENCODING", "chunked"),
        ("HTTP_TE", "trailers"),
        ("HTTP_TRAILER", "x"),
        ("HTTP_UPGRADE", "websocket"),
        ("HTTP_HTTP2_SETTINGS", "AAMAAABk"),
    ]);
}

/// H-5: the web server has removed what the client nominated, and may have set the same names anew.
#[test]
fn a_client_cannot_delete_fields_by_nominating_them() {
    let kept = headers(&[
        (
            "HTTP_CONNECTION",
            "close, x-auth-role, X-Two ,, host, content-length, authorization, x-forwarded-for, via",
        ),
        ("HTTP_CONNECTION", "x-three"),
        ("HTTP_X_AUTH_ROLE", "user"),
        ("HTTP_X_TWO", "2"),
        ("HTTP_X_TWO", "2"),
        ("HTTP_X_THREE", "3"),
        ("HTTP_HOST", "h"),
        ("CONTENT_LENGTH", "1"),
        ("HTTP_AUTHORIZATION", "a"),
        ("HTTP_X_FORWARDED_FOR", "1.2.3.4"),
        ("HTTP_VIA", "1.1 proxy"),
    ]);
    assert_eq!(kept["x-auth-role"], "user");
    assert_eq!(kept.len(), 9);
    assert!(!kept.contains_key("connection"));
}

#[test]
fn end_to_end_fields_are_kept() {
    let kept = headers(&[
        ("HTTP_EXPECT", "100-continue"),
        ("HTTP_ACCEPT_ENCODING", "gzip"),
        ("HTTP_X_FORWARDED_PROTO", "https"),
    ]);
    assert_eq!(kept.len(), 3);
}

#[test]
fn proxy_header_is_dropped() {
    assert_dropped(&[
        ("HTTP_PROXY", "http://evil.example"),
        ("HTTP_Proxy", "http://evil.example"),
    ]);
}

#[test]
fn content_type_decides_over_its_header() {
    assert_values(
        "content-type",
        &[
            (&[("CONTENT_TYPE", "text/plain")], &["text/plain"]),
            (
                &[("CONTENT_TYPE", "a/b"), ("HTTP_CONTENT_TYPE", "c/d")],
                &["a/b"],
            ),
            (&[("CONTENT_TYPE", ""), ("HTTP_CONTENT_TYPE", "c/d")], &[]),
            (&[("HTTP_CONTENT_TYPE", "c/d")], &["c/d"]),
            (&[("HTTP_CONTENT_TYPE", "")], &[]),
            (&[("CONTENT_TYPE", "")], &[]),
        ],
    );
}

#[test]
fn content_length_is_the_servers_count() {
    assert_values(
        "content-length",
        &[
            (&[("CONTENT_LENGTH", "0")], &["0"]),
            (
                &[("CONTENT_LENGTH", "18446744073709551615")],
                &["18446744073709551615"],
            ),
            (&[("CONTENT_LENGTH", "")], &[]),
            (&[("CONTENT_LENGTH", "-1")], &[]),
            (&[("CONTENT_LENGTH", "5"), ("CONTENT_LENGTH", "5")], &["5"]),
            // T-1: `include fastcgi_params; fastcgi_param CONTENT_LENGTH "";`
            (&[("CONTENT_LENGTH", "5"), ("CONTENT_LENGTH", "")], &[]),
            (&[("CONTENT_LENGTH", "5"), ("CONTENT_LENGTH", "-1")], &[]),
            (&[("CONTENT_LENGTH", ""), ("CONTENT_LENGTH", "5")], &["5"]),
            (
                &[
                    ("CONTENT_LENGTH", "5"),
                    ("CONTENT_LENGTH", ""),
                    ("CONTENT_LENGTH", "5"),
                ],
                &["5"],
            ),
            (
                &[("CONTENT_LENGTH", "5"), ("HTTP_CONTENT_LENGTH", "6")],
                &["5"],
            ),
            (&[("HTTP_CONTENT_LENGTH", "6")], &[]),
        ],
    );
}

#[test]
fn contradictory_content_lengths_are_refused() {
    let table: &[&[&str]] = &[
        &["+1"],
        &["-2"],
        &["1 "],
        &["1,1"],
        &["0x1"],
        &["18446744073709551616"],
        &["1", "2"],
        &["1", "2", ""],
        &["1", "2", "2"],
        &["1", "", "2"],
        &["1", "-1", "", "2"],
    ];
    for values in table {
        let pairs: Vec<_> = values
            .iter()
            .map(|value| ("CONTENT_LENGTH", *value))
            .collect();
        let error = request(&pairs).unwrap_err();
        assert_eq!(error, InvalidRequest::ContentLength, "{values:?}");
        assert_eq!(
            params(&pairs)
                .content_length()
                .map_err(InvalidRequest::from),
            Err(error)
        );
    }
}

#[test]
fn content_length_is_read_without_a_request() {
    assert_eq!(params(&[]).content_length(), Ok(None));
    assert_eq!(
        params(&[("CONTENT_LENGTH", "-1")]).content_length(),
        Ok(None)
    );
    assert_eq!(
        params(&[("CONTENT_LENGTH", "13")]).content_length(),
        Ok(Some(13))
    );
}

#[test]
fn authorization_is_found_where_apache_leaves_it() {
    assert_values(
        "authorization",
        &[
            (
                &[("HTTP_AUTHORIZATION", "a"), ("Authorization", "b")],
                &["a"],
            ),
            (
                &[("HTTP_AUTHORIZATION", ""), ("Authorization", "b")],
                &["b"],
            ),
            (
                &[("REDIRECT_HTTP_AUTHORIZATION", "c"), ("Authorization", "b")],
                &["b"],
            ),
            (&[("REDIRECT_HTTP_AUTHORIZATION", "c")], &["c"]),
            (&[("REDIRECT_REDIRECT_HTTP_AUTHORIZATION", "d")], &["d"]),
            (
                &[
                    ("REDIRECT_REDIRECT_HTTP_AUTHORIZATION", "d"),
                    ("REDIRECT_HTTP_AUTHORIZATION", "c"),
                ],
                &["c"],
            ),
            (
                &[
                    ("REDIRECT_REDIRECT_HTTP_AUTHORIZATION", "d"),
                    ("REDIRECT_HTTP_AUTHORIZATION", ""),
                ],
                &["d"],
            ),
            (&[("HTTP_AUTHORIZATION", "")], &[]),
            (
                &[("HTTP_AUTHORIZATION", "a"), ("HTTP_AUTHORIZATION", "b")],
                &["b"],
            ),
        ],
    );
}

#[test]
fn several_values_stay_several() {
    assert_values(
        "x-a",
        &[
            (
                &[("HTTP_X_A", "1"), ("HTTP_B", "x"), ("HTTP_X_A", "2")],
                &["1", "2"],
            ),
            (&[("HTTP_X_A", "1, 2")], &["1, 2"]),
            (&[("HTTP_X_A", "")], &[""]),
        ],
    );
    assert_values(
        "cookie",
        &[(
            &[
                ("HTTP_COOKIE", "a=1"),
                ("HTTP_COOKIE", ""),
                ("HTTP_COOKIE", "b=2"),
            ],
            &["a=1", "b=2"],
        )],
    );
}

#[test]
fn values_are_trimmed_and_keep_their_bytes() {
    assert_values("x-a", &[(&[("HTTP_X_A", " \t v\tw é\t ")], &["v\tw é"])]);
    let params: Params = [
        (&b"REQUEST_METHOD"[..], &b"GET"[..]),
        (b"HTTP_X_A", b"\xff"),
    ]
    .into_iter()
    .collect();
    let parts = Mapping::default().request(&params).unwrap();
    assert_eq!(parts.headers["x-a"].as_bytes(), b"\xff");
}

#[test]
fn values_with_control_characters_are_dropped() {
    assert_dropped(&[
        ("HTTP_X_A", "a\r\nSet-Cookie: b"),
        ("HTTP_X_A", "a\n"),
        ("HTTP_X_A", "\0"),
        ("HTTP_X_A", "a\x7f"),
        ("HTTP_AUTHORIZATION", "a\n"),
        ("CONTENT_TYPE", "a\n"),
    ]);
}

#[test]
fn hosts_with_control_characters_are_refused() {
    let error = request(&[("HTTP_HOST", "a\nb")]).unwrap_err();
    assert_eq!(error, InvalidRequest::Host);
    assert_eq!(error.status(), 400);
}

/// RFC 9112, 3.2.2
#[test]
fn host_of_a_target_in_absolute_form_counts() {
    let table = [
        ("http://good.example/x", "good.example"),
        ("HTTP://good.example:8080?q", "good.example:8080"),
        ("https://user:secret@good.example/x", "good.example"),
        ("http://[::1]:81/x", "[::1]:81"),
        ("http://127.0.0.1/x", "127.0.0.1"),
    ];
    for (target, expected) in table {
        let fields = headers(&[("REQUEST_URI", target), ("HTTP_HOST", "evil.example")]);
        assert_eq!(
            fields.get_all("host").iter().collect::<Vec<_>>(),
            [expected]
        );
    }
    for target in [
        "http:///x",
        "http://a b/x",
        "http://[::g]/",
        "http://h:x/",
        "http://h:65536/",
    ] {
        let error = request(&[("REQUEST_URI", target), ("HTTP_HOST", "h")]).unwrap_err();
        assert_eq!(error, InvalidRequest::Host, "{target}");
    }
}

/// h2o picks the virtual host by the header, and takes the whole target for a path.
#[test]
fn h2o_does_not_route_by_the_host_of_a_target_in_absolute_form() {
    for target in ["http://evil.example/x", "http:///x", "http://a b/x"] {
        let fields = headers(&[
            ("SERVER_SOFTWARE", "h2o/2.2.5"),
            ("REQUEST_URI", target),
            ("PATH_INFO", "/http://evil.example/x"),
            ("HTTP_HOST", "good.example"),
        ]);
        assert_eq!(fields["host"], "good.example", "{target}");
    }
}

/// nginx sends what `server_name` has, patterns included.
#[test]
fn a_server_name_that_is_not_a_host_makes_none() {
    let names = [
        "*.example.org",
        "www.example.*",
        ".example.org",
        ".a",
        ".",
        "..",
        "~^(.+)$",
        "~example.org",
        "_",
        "",
        "a b",
        "a\nb",
        "a/b",
        "a@b",
        "[::g]",
        "[::1",
        "::g",
        "a:b:1",
        "h:x",
        "h:65536",
        "h%2",
        "\u{e9}.example",
    ];
    for name in names {
        let fields = headers(&[("SERVER_NAME", name), ("SERVER_PORT", "81")]);
        assert!(!fields.contains_key("host"), "{name}");
        // nginx's `$host` is the same where the client sent none.
        if !name.is_empty() && !name.contains('\n') {
            for host in [name.to_owned(), format!("{name}:81")] {
                let fields = headers(&[("HTTP_HOST", &*host), ("SERVER_NAME", name)]);
                assert!(!fields.contains_key("host"), "{host}");
            }
        }
    }
    let fields = headers(&[("HTTP_HOST", "h:81"), ("SERVER_NAME", "*.example.org")]);
    assert_eq!(fields["host"], "h:81");
}

#[test]
fn host_is_made_of_the_servers_name_where_it_is_missing() {
    let table: Table<'_, &[&str]> = &[
        (&[("HTTP_HOST", "h"), ("SERVER_NAME", "n")], &["h"]),
        (&[("HTTP_HOST", "g"), ("HTTP_HOST", "h")], &["h"]),
        (&[("HTTP_HOST", " "), ("SERVER_NAME", "n")], &["n"]),
        (&[("SERVER_NAME", "n")], &["n"]),
        (&[("SERVER_NAME", "-")], &["-"]),
        (&[("SERVER_NAME", "a.")], &["a."]),
        (&[("SERVER_NAME", "a..b")], &["a..b"]),
        (&[("SERVER_NAME", "127.0.0.1")], &["127.0.0.1"]),
        (&[("SERVER_NAME", "n"), ("SERVER_PORT", "80")], &["n"]),
        (&[("SERVER_NAME", "n"), ("SERVER_PORT", "443")], &["n:443"]),
        (
            &[
                ("SERVER_NAME", "n"),
                ("SERVER_PORT", "443"),
                ("HTTPS", "on"),
            ],
            &["n"],
        ),
        (
            &[("SERVER_NAME", "n"), ("SERVER_PORT", "80"), ("HTTPS", "on")],
            &["n:80"],
        ),
        (&[("SERVER_NAME", "n"), ("SERVER_PORT", "x")], &["n"]),
        (&[("SERVER_NAME", "n:81"), ("SERVER_PORT", "81")], &["n:81"]),
        (&[("SERVER_NAME", "n:80"), ("SERVER_PORT", "80")], &["n"]),
        (
            &[("SERVER_NAME", "::1"), ("SERVER_PORT", "1")],
            &["[::1]:1"],
        ),
        (
            &[("SERVER_NAME", "[::1]"), ("SERVER_PORT", "81")],
            &["[::1]:81"],
        ),
        (
            &[("SERVER_NAME", "[::1]:81"), ("SERVER_PORT", "81")],
            &["[::1]:81"],
        ),
        (
            &[("SERVER_NAME", "2001:db8::81"), ("SERVER_PORT", "81")],
            &["[2001:db8::81]:81"],
        ),
        (
            &[("SERVER_NAME", "example.org:8080"), ("SERVER_PORT", "80")],
            &["example.org:8080"],
        ),
        (&[("SERVER_NAME", "n:"), ("SERVER_PORT", "81")], &["n:81"]),
        (&[("SERVER_NAME", "h%C3%A9")], &["h%C3%A9"]),
        (&[("SERVER_NAME", ""), ("HTTP_HOST", "")], &[]),
        (&[("SERVER_PORT", "81")], &[]),
    ];
    assert_values("host", table);
}

#[test]
fn fields_are_limited_to_256() {
    let pairs: Vec<_> = (0..256).map(|_| ("HTTP_X_A", "v")).collect();
    assert_eq!(headers(&pairs).len(), 256);
    let mut more = pairs.clone();
    more.push(("HTTP_X_B", "v"));
    let error = request(&more).unwrap_err();
    assert_eq!(error, InvalidRequest::TooManyHeaders);
    assert_eq!(error.status(), 431);
    let mut more = pairs.clone();
    more.push(("HTTP_HOST", "h"));
    assert_eq!(request(&more).unwrap_err(), InvalidRequest::TooManyHeaders);
    // What is dropped does not count.
    let mut dropped = pairs;
    dropped.push(("HTTP_TE", "trailers"));
    assert!(request(&dropped).is_ok());
}

#[test]
fn errors_do_not_show_what_was_sent() {
    let errors = [
        request(&[("REQUEST_METHOD", "sec ret")]).unwrap_err(),
        request(&[("REQUEST_URI", "/secret/..")]).unwrap_err(),
        request(&[("HTTP_HOST", "sec\nret")]).unwrap_err(),
        request(&[("CONTENT_LENGTH", "secret")]).unwrap_err(),
    ];
    for error in errors {
        assert!(!format!("{error} {error:?}").contains("ret"));
    }
}

#[test]
fn https_is_told_by_the_server_alone() {
    let table: Table<'_, bool> = &[
        (&[("HTTPS", "on")], true),
        (&[("HTTPS", "1")], true),
        (&[("HTTPS", "")], false),
        (&[("HTTPS", "OFF")], false),
        (&[("HTTPS", "0")], false),
        (&[("HTTPS", "No")], false),
        (&[("HTTPS", "false")], false),
        (&[("REQUEST_SCHEME", "HTTPS")], true),
        (&[("REQUEST_SCHEME", "http")], false),
        (
            &[("SERVER_PORT", "443"), ("HTTP_X_FORWARDED_PROTO", "https")],
            false,
        ),
    ];
    for (pairs, expected) in table {
        assert_eq!(params(pairs).is_https(), *expected, "{pairs:?}");
    }
}

#[test]
fn addresses_lose_brackets_and_zones() {
    let table = [
        ("1.2.3.4", "5", Some("1.2.3.4:5")),
        ("::1", "5", Some("[::1]:5")),
        ("[::1]", "5", Some("[::1]:5")),
        ("fe80::1%eth0", "5", Some("[fe80::1]:5")),
        ("[fe80::1%eth0]", "5", Some("[fe80::1]:5")),
        ("[1.2.3.4]", "5", Some("1.2.3.4:5")),
        ("1.2.3.4%eth0", "5", Some("1.2.3.4:5")),
        ("[::1", "5", None),
        ("::1]", "5", None),
        ("[]", "5", None),
        ("%eth0", "5", None),
        ("::ffff:1.2.3.4", "5", Some("[::ffff:1.2.3.4]:5")),
        ("1.2.3.4", "", Some("1.2.3.4:0")),
        ("1.2.3.4", "+5", Some("1.2.3.4:0")),
        ("1.2.3.4", "65536", Some("1.2.3.4:0")),
        ("unix:", "", None),
        ("@", "", None),
        ("", "5", None),
        ("app.example", "5", None),
    ];
    for (address, port, expected) in table {
        let params = params(&[
            ("REMOTE_ADDR", address),
            ("REMOTE_PORT", port),
            ("SERVER_ADDR", address),
            ("SERVER_PORT", port),
        ]);
        let expected = expected.map(|address| address.parse().unwrap());
        assert_eq!(params.remote_addr(), expected, "{address} {port}");
        assert_eq!(params.local_addr(), expected, "{address} {port}");
    }
    assert_eq!(
        params(&[("REMOTE_ADDR", "1.2.3.4")])
            .remote_addr()
            .unwrap()
            .port(),
        0
    );
    assert_eq!(params(&[]).remote_addr(), None);
}

#[test]
fn users_without_a_name_are_none() {
    let table: Table<'_, Option<&str>> = &[
        (
            &[("REMOTE_USER", "ann"), ("REDIRECT_REMOTE_USER", "bob")],
            Some("ann"),
        ),
        (
            &[("REMOTE_USER", ""), ("REDIRECT_REMOTE_USER", "bob")],
            Some("bob"),
        ),
        (&[("REMOTE_USER", "")], None),
        (&[("HTTP_REMOTE_USER", "eve")], None),
    ];
    for (pairs, expected) in table {
        assert_eq!(params(pairs).remote_user(), expected.map(str::as_bytes));
    }
    assert_eq!(
        params(&[("AUTH_TYPE", "Basic")]).auth_type(),
        Some(&b"Basic"[..])
    );
    assert_eq!(params(&[("AUTH_TYPE", "")]).auth_type(), None);
}
