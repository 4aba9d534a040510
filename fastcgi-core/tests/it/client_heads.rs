//! The web server's side: requests to params, CGI header blocks to responses. Both are spelled by hand.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use bytes::BytesMut;
use fastcgi_core::Params;
use fastcgi_core::cgi::ReasonPhrase;
use fastcgi_core::client::{self, InvalidHead, ServerInfo};
use http::response;
use http::{Method, Request, Version, request};

const NO_EXTRA: [(&str, &str); 0] = [];

fn request(target: &str, fields: &[(&str, &str)]) -> request::Parts {
    let builder = Request::get(target);
    let builder = fields.iter().fold(builder, |builder, (name, value)| {
        builder.header(*name, *value)
    });
    builder.body(()).unwrap().into_parts().0
}

fn params(target: &str, fields: &[(&str, &str)]) -> Params {
    client::params(&request(target, fields), &ServerInfo::default(), NO_EXTRA)
}

fn mounted(target: &str) -> Params {
    let server = ServerInfo::default().script_name("/app/");
    client::params(&request(target, &[]), &server, NO_EXTRA)
}

#[track_caller]
fn assert_param(params: &Params, name: &str, value: &str) {
    let values: Vec<_> = params
        .get_all(name)
        .map(|value| value.escape_ascii().to_string())
        .collect();
    assert_eq!(
        values,
        [value.as_bytes().escape_ascii().to_string()],
        "{name}"
    );
}

#[track_caller]
fn assert_absent(params: &Params, name: &str) {
    assert_eq!(params.get(name), None, "{name}");
}

/// The names that begin with `HTTP_`.
fn fields(params: &Params) -> Vec<&str> {
    params
        .iter()
        .filter_map(|(name, _)| std::str::from_utf8(name).ok())
        .filter(|name| name.starts_with("HTTP_"))
        .collect()
}

#[test]
fn whole_request_becomes_these_pairs() {
    let (request, ()) = Request::builder()
        .method(Method::POST)
        .uri("/app/a%2fb?q=%20")
        .version(Version::HTTP_2)
        .header("host", "example.org:8443")
        .header("content-type", "text/plain")
        .header("content-length", "3")
        .header("x-one", "1")
        .body(())
        .unwrap()
        .into_parts();
    let server = ServerInfo::default()
        .name("www.example.org")
        .software("test/1")
        .local_addr("[::1]:8443".parse().unwrap())
        .remote_addr("192.0.2.7:4321".parse().unwrap())
        .https(true)
        .script_name("/app")
        .document_root("/srv/www");
    let params = client::params(&request, &server, [("REMOTE_USER", "ann")]);

    let expected: Params = [
        ("REQUEST_METHOD", "POST"),
        ("REQUEST_URI", "/app/a%2fb?q=%20"),
        ("SCRIPT_NAME", "/app"),
        ("PATH_INFO", "/a/b"),
        ("QUERY_STRING", "q=%20"),
        ("CONTENT_TYPE", "text/plain"),
        ("CONTENT_LENGTH", "3"),
        ("SERVER_PROTOCOL", "HTTP/2.0"),
        ("REQUEST_SCHEME", "https"),
        ("SERVER_NAME", "www.example.org"),
        ("GATEWAY_INTERFACE", "CGI/1.1"),
        ("SERVER_SOFTWARE", "test/1"),
        ("SERVER_PORT", "8443"),
        ("SERVER_ADDR", "::1"),
        ("REMOTE_ADDR", "192.0.2.7"),
        ("REMOTE_PORT", "4321"),
        ("HTTPS", "on"),
        ("DOCUMENT_ROOT", "/srv/www"),
        ("HTTP_HOST", "example.org:8443"),
        ("HTTP_X_ONE", "1"),
        ("REMOTE_USER", "ann"),
    ]
    .into_iter()
    .collect();
    assert_eq!(params, expected);
}

#[test]
fn unknown_things_are_not_sent() {
    let params = params("/", &[]);
    for name in [
        "CONTENT_LENGTH",
        "CONTENT_TYPE",
        "DOCUMENT_ROOT",
        "HTTPS",
        "HTTP_HOST",
        "REMOTE_ADDR",
        "REMOTE_PORT",
        "SERVER_ADDR",
    ] {
        assert_absent(&params, name);
    }
    assert_param(&params, "SERVER_NAME", "");
    assert_param(&params, "QUERY_STRING", "");
    assert_param(&params, "REQUEST_SCHEME", "http");
}

#[test]
fn path_is_split_at_the_script_name() {
    for (target, script_name, path_info) in [
        ("/app", "/app", ""),
        ("/app/", "/app", "/"),
        ("/app/x/y", "/app", "/x/y"),
        ("/%61pp/x", "/app", "/x"),
        ("/apple", "", "/apple"),
        ("/other", "", "/other"),
        ("/app//x/../y", "/app", "//x/../y"),
    ] {
        let params = mounted(target);
        assert_param(&params, "SCRIPT_NAME", script_name);
        assert_param(&params, "PATH_INFO", path_info);
        assert_param(&params, "REQUEST_URI", target);
    }
}

#[test]
fn path_info_is_decoded_once() {
    for (target, path_info) in [
        ("/a%20b", "/a b"),
        ("/%C3%a4", "/\u{e4}"),
        ("/%2525", "/%25"),
        ("/100%", "/100%"),
        ("/%4", "/%4"),
        ("/%zz%41", "/%zzA"),
        ("/%+1", "/%+1"),
    ] {
        assert_param(&params(target, &[]), "PATH_INFO", path_info);
        assert_param(&params(target, &[]), "REQUEST_URI", target);
    }
}

#[test]
fn absolute_target_is_sent_in_origin_form_and_names_the_host() {
    let params = params(
        "http://ann@Example.org:8080/x?y",
        &[("host", "evil.example")],
    );
    assert_param(&params, "REQUEST_URI", "/x?y");
    assert_param(&params, "HTTP_HOST", "Example.org:8080");
    assert_param(&params, "SERVER_NAME", "Example.org");
}

#[test]
fn authority_target_of_connect_is_the_request_uri() {
    let mut request = request("example.org:443", &[]);
    request.method = Method::CONNECT;
    let params = client::params(&request, &ServerInfo::default(), NO_EXTRA);
    assert_param(&params, "REQUEST_URI", "example.org:443");
}

#[test]
fn server_name_comes_from_the_host_without_the_port() {
    for (host, name) in [
        ("example.org", "example.org"),
        ("example.org:81", "example.org"),
        ("[::1]:81", "[::1]"),
        ("[::1]", "[::1]"),
    ] {
        assert_param(&params("/", &[("host", host)]), "SERVER_NAME", name);
    }
}

#[test]
fn server_port_is_given_or_local_or_usual() {
    let port = |server: ServerInfo| {
        let params = client::params(&request("/", &[]), &server, NO_EXTRA);
        String::from_utf8(params.get("SERVER_PORT").unwrap().to_vec()).unwrap()
    };
    let local = "127.0.0.1:8080".parse().unwrap();
    assert_eq!(port(ServerInfo::default()), "80");
    assert_eq!(port(ServerInfo::default().https(true)), "443");
    assert_eq!(port(ServerInfo::default().local_addr(local)), "8080");
    assert_eq!(port(ServerInfo::default().local_addr(local).port(81)), "81");
}

#[test]
fn protocol_is_spelled_as_web_servers_do() {
    for (version, spelled) in [
        (Version::HTTP_09, "HTTP/0.9"),
        (Version::HTTP_10, "HTTP/1.0"),
        (Version::HTTP_11, "HTTP/1.1"),
        (Version::HTTP_2, "HTTP/2.0"),
        (Version::HTTP_3, "HTTP/3.0"),
    ] {
        let mut request = request("/", &[]);
        request.version = version;
        let params = client::params(&request, &ServerInfo::default(), NO_EXTRA);
        assert_param(&params, "SERVER_PROTOCOL", spelled);
    }
}

#[test]
fn several_values_become_one() {
    let params = params(
        "/",
        &[
            ("x-a", "1"),
            ("cookie", "a=1"),
            ("x-a", "2"),
            ("cookie", "b=2"),
            ("x-a", ""),
        ],
    );
    assert_param(&params, "HTTP_X_A", "1, 2, ");
    assert_param(&params, "HTTP_COOKIE", "a=1; b=2");
}

#[test]
fn type_and_length_are_no_http_params() {
    let params = params("/", &[("content-type", "a/b"), ("content-length", "5")]);
    assert_eq!(fields(&params), [""; 0]);
    assert_param(&params, "CONTENT_TYPE", "a/b");
    assert_param(&params, "CONTENT_LENGTH", "5");
}

#[test]
fn contradicting_lengths_stay_visible() {
    let params = params("/", &[("content-length", "5"), ("content-length", "6")]);
    assert_param(&params, "CONTENT_LENGTH", "5, 6");
}

#[test]
fn fields_of_the_clients_connection_are_left_out() {
    let params = params(
        "/",
        &[
            ("host", "h"),
            ("connection", "keep-alive, X-Private, host, content-length"),
            ("x-private", "1"),
            ("content-length", "0"),
            ("keep-alive", "5"),
            ("proxy-connection", "close"),
            ("transfer-encoding", "chunked"),
            ("te", "trailers"),
            ("trailer", "x"),
            ("upgrade", "h2c"),
            ("http2-settings", "AAMAAABkAARAAAAAAAIAAAAA"),
            ("x-public", "1"),
        ],
    );
    assert_eq!(fields(&params), ["HTTP_HOST", "HTTP_X_PUBLIC"]);
    assert_param(&params, "CONTENT_LENGTH", "0");
}

#[test]
fn proxy_is_left_out() {
    assert_eq!(
        fields(&params("/", &[("proxy", "http://evil.example")])),
        [""; 0]
    );
}

#[test]
fn ambiguous_names_are_left_out() {
    let params = params(
        "/",
        &[
            ("x_user", "1"),
            ("x.user", "2"),
            ("x~user", "3"),
            ("x-user", "4"),
        ],
    );
    assert_eq!(fields(&params), ["HTTP_X_USER"]);
    assert_param(&params, "HTTP_X_USER", "4");
}

#[test]
fn extra_params_replace_others() {
    let extra = [("SERVER_NAME", "other"), ("X", ""), ("X", "twice")];
    let params = client::params(&request("/", &[]), &ServerInfo::default(), extra);
    assert_param(&params, "SERVER_NAME", "other");
    let values: Vec<_> = params.get_all("X").collect();
    assert_eq!(values, [&b""[..], b"twice"]);
}

/// The response, and what of the input is left.
fn parse(head: &[u8]) -> Result<Option<(response::Parts, BytesMut)>, InvalidHead> {
    let mut input = BytesMut::from(head);
    let parts = client::parse_head(&mut input)?;
    if parts.is_none() {
        assert_eq!(input, head, "a head that is not whole is left alone");
    }
    Ok(parts.map(|parts| (parts, input)))
}

fn parsed(head: &str) -> response::Parts {
    parse(head.as_bytes()).unwrap().unwrap().0
}

fn parse_error(head: &str) -> InvalidHead {
    parse(head.as_bytes()).unwrap_err()
}

#[test]
fn head_is_taken_off_the_body() {
    let (parts, body) =
        parse(b"Status: 404 Not Found\r\nContent-Type: text/plain\r\n\r\n\r\nbody\n\n")
            .unwrap()
            .unwrap();
    assert_eq!(parts.status, 404);
    assert_eq!(parts.headers.len(), 1);
    assert_eq!(parts.headers["content-type"], "text/plain");
    assert_eq!(body, "\r\nbody\n\n");
}

#[test]
fn head_cut_anywhere_asks_for_more() {
    for head in [
        "Status: 201 Created\r\nX-A:  b \r\nSet-Cookie: c\r\n\r\n",
        "Status: 201 Created\nX-A: b\nSet-Cookie: c\n\n",
        "Status: 201 Created\r\nX-A:b\nSet-Cookie: c\r\n\n",
    ] {
        for cut in 0..head.len() {
            assert!(parse(&head.as_bytes()[..cut]).unwrap().is_none(), "{cut}");
        }
        let parts = parsed(head);
        assert_eq!(parts.status, 201);
        assert_eq!(parts.headers["x-a"], "b");
        assert_eq!(parts.headers["set-cookie"], "c");
    }
}

#[test]
fn empty_head_is_a_response() {
    for head in ["\r\n", "\n"] {
        let parts = parsed(head);
        assert_eq!(parts.status, 200);
        assert!(parts.headers.is_empty());
    }
}

#[test]
fn missing_status_is_200_or_a_redirect() {
    assert_eq!(parsed("Content-Type: text/html\n\n").status, 200);
    let parts = parsed("Location: /other\n\n");
    assert_eq!(parts.status, 302);
    assert_eq!(parts.headers["location"], "/other");
}

#[test]
fn status_wins_over_location() {
    assert_eq!(parsed("Location: /other\nStatus: 200 OK\n\n").status, 200);
}

#[test]
fn status_is_taken_from_anywhere_in_the_head() {
    let parts = parsed("X-A: 1\r\nstatus:503\r\nX-B: 2\r\n\r\n");
    assert_eq!(parts.status, 503);
    assert!(!parts.headers.contains_key("status"));
    assert_eq!(parts.headers.len(), 2);
}

#[test]
fn reason_phrase_is_kept() {
    let parts = parsed("Status: 404  No such page \r\n\r\n");
    let reason = parts.extensions.get::<ReasonPhrase>().unwrap();
    assert_eq!(reason.as_bytes(), b"No such page");
    assert_eq!(
        parsed("Status: 404\r\n\r\n")
            .extensions
            .get::<ReasonPhrase>(),
        None
    );
}

#[test]
fn interim_status_is_returned() {
    let (parts, rest) = parse(b"Status: 103 Early Hints\r\n\r\nStatus: 200 OK\r\n\r\n")
        .unwrap()
        .unwrap();
    assert_eq!(parts.status, 103);
    assert_eq!(rest, "Status: 200 OK\r\n\r\n");
}

#[test]
fn malformed_status_is_refused() {
    for status in ["", "abc", "20", "099 Low", "1000", "200OK", "-20", "2 0"] {
        assert_eq!(
            parse_error(&format!("Status: {status}\r\n\r\n")),
            InvalidHead::Status,
            "{status}"
        );
    }
    assert_eq!(
        parse_error("Status: 200 OK\nStatus: 404\n\n"),
        InvalidHead::Status
    );
}

#[test]
fn cookies_stay_apart() {
    let parts = parsed("Set-Cookie: a=1\r\nX: y\r\nset-cookie: b=2\r\n\r\n");
    let cookies: Vec<_> = parts.headers.get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["a=1", "b=2"]);
}

#[test]
fn bytes_above_ascii_are_kept() {
    let (parts, _) = parse(b"X-Latin: caf\xe9\r\n\r\n").unwrap().unwrap();
    assert_eq!(parts.headers["x-latin"].as_bytes(), b"caf\xe9");
}

#[test]
fn hop_by_hop_fields_of_the_application_are_dropped() {
    let parts = parsed(
        "Connection: close, x-private, content-length\nX-Private: 1\nKeep-Alive: 1\nProxy-Connection: close\n\
         Transfer-Encoding: chunked\nTE: x\nTrailer: x\nUpgrade: x\nHTTP2-Settings: x\nContent-Length: 3\nX-A: 1\n\n",
    );
    let mut names: Vec<_> = parts.headers.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["content-length", "x-a"]);
}

#[test]
fn equal_lengths_of_the_application_become_one() {
    let parts = parsed("Content-Length: 3\nContent-Length: 3\n\n");
    let lengths: Vec<_> = parts.headers.get_all("content-length").iter().collect();
    assert_eq!(lengths, ["3"]);
}

#[test]
fn contradicting_lengths_of_the_application_are_refused() {
    for head in [
        "Content-Length: 3\nContent-Length: 4\n\n",
        "Content-Length: abc\n\n",
    ] {
        assert_eq!(parse_error(head), InvalidHead::ContentLength);
    }
}

#[test]
fn lines_that_are_no_fields_are_refused() {
    for head in [
        "HTTP/1.1 200 OK\r\n\r\n",
        "no colon\r\n\r\n",
        "X A: 1\r\n\r\n",
        "X-A : 1\r\n\r\n",
        ": 1\r\n\r\n",
        "X-A: 1\r\n folded\r\n\r\n",
        "X-A: 1\rX-B: 2\r\r",
        "X-A: \0\r\n\r\n",
        "<html>",
    ] {
        assert_eq!(parse_error(head), InvalidHead::Field, "{head:?}");
    }
}

#[test]
fn fields_are_limited_to_256() {
    let head = |fields| format!("{}\r\n", "X-A: 1\r\n".repeat(fields));
    assert_eq!(parsed(&head(256)).headers.len(), 256);
    assert_eq!(parse_error(&head(257)), InvalidHead::TooLarge);
}

#[test]
fn size_is_limited_to_64_kib() {
    let head = |size: usize| format!("X-A: {}\r\n\r\n", "v".repeat(size - 9));
    assert_eq!(parsed(&head(64 * 1024)).headers["x-a"].len(), 64 * 1024 - 9);
    assert_eq!(parse_error(&head(64 * 1024 + 1)), InvalidHead::TooLarge);
}

#[test]
fn endless_head_is_refused() {
    let endless = "X-A: ".to_owned() + &"v".repeat(64 * 1024);
    assert!(
        parse(&endless.as_bytes()[..64 * 1024 - 1])
            .unwrap()
            .is_none()
    );
    assert_eq!(parse_error(&endless[..64 * 1024]), InvalidHead::TooLarge);
}

#[test]
fn bodies_do_not_count_as_head() {
    let output = "Status: 200 OK\n\n".to_owned() + &"b".repeat(100 * 1024);
    let (_, body) = parse(output.as_bytes()).unwrap().unwrap();
    assert_eq!(body.len(), 100 * 1024);
}

#[test]
fn errors_of_the_head_tell_what_was_wrong() {
    for (error, message) in [
        (
            InvalidHead::Field,
            "a line of the header block is not a field",
        ),
        (
            InvalidHead::Status,
            "the status is not one number of three digits",
        ),
        (
            InvalidHead::ContentLength,
            "content-length is not one number",
        ),
        (
            InvalidHead::TooLarge,
            "the header block is larger than 65536 bytes or 256 fields",
        ),
    ] {
        assert_eq!(error.to_string(), message);
    }
}
