//! Redirects and cookies of an application below a mount. The expected bytes are written by hand.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

use bytes::BytesMut;
use fastcgi_core::Params;
use fastcgi_core::cgi::Mapping;
use http::{HeaderMap, HeaderValue, Method, Response};

/// What nginx sends from `location /app/` for a client of `http://example.org`.
const BELOW_APP: [(&str, &str); 6] = [
    ("REQUEST_METHOD", "GET"),
    ("REQUEST_URI", "/app/page?x"),
    ("SCRIPT_NAME", "/app"),
    ("PATH_INFO", "/page"),
    ("QUERY_STRING", "x"),
    ("HTTP_HOST", "example.org"),
];

/// The head with one field, for the client whose request has these params.
fn head_of(mapping: &Mapping, params: &[(&str, &str)], name: &str, value: &[u8]) -> Vec<u8> {
    let params: Params = params.iter().copied().collect();
    let head = mapping.head(&params, &mut HeaderMap::new()).unwrap();
    let value = HeaderValue::from_bytes(value).unwrap();
    let response = Response::builder().status(302).header(name, value);
    let (parts, ()) = response.body(()).unwrap().into_parts();
    let mut out = BytesMut::new();
    head.response_mapping(&params)
        .write_head(&parts, &Method::GET, None, &mut out)
        .unwrap();
    out.to_vec()
}

/// What becomes of a field's value.
fn sent(mapping: &Mapping, params: &[(&str, &str)], name: &str, value: &str) -> String {
    let head = String::from_utf8(head_of(mapping, params, name, value.as_bytes())).unwrap();
    let value = head.strip_prefix(&format!("Status: 302 Found\r\n{name}: "));
    let value = value.and_then(|value| value.strip_suffix("\r\n\r\n"));
    value.unwrap().to_owned()
}

fn mounting() -> Mapping {
    Mapping::default().mount_redirects(true)
}

/// Behind a web server that says where the application is.
fn location(value: &str) -> String {
    sent(&mounting(), &BELOW_APP, "location", value)
}

fn cookie(value: &str) -> String {
    sent(&mounting(), &BELOW_APP, "set-cookie", value)
}

fn with(changes: &[(&'static str, &'static str)]) -> Vec<(&'static str, &'static str)> {
    // T-1: the last of several wins.
    BELOW_APP.iter().chain(changes).copied().collect()
}

#[test]
fn it_is_off_unless_asked_for() {
    for (name, value) in [
        ("location", "/login"),
        ("content-location", "/login"),
        ("set-cookie", "id=1; Path=/"),
    ] {
        assert_eq!(sent(&Mapping::default(), &BELOW_APP, name, value), value);
        let off = mounting().mount_redirects(false);
        assert_eq!(sent(&off, &BELOW_APP, name, value), value);
    }
}

#[test]
fn a_root_relative_reference_gets_the_mount() {
    let table = [
        ("/", "/app/"),
        ("/login", "/app/login"),
        ("/login?next=/app/x", "/app/login?next=/app/x"),
        ("/login#top", "/app/login#top"),
        ("/?a=//b", "/app/?a=//b"),
        ("/a?b=\\c", "/app/a?b=\\c"),
        ("/a//b", "/app/a//b"),
        ("/a%2Fb;c=d", "/app/a%2Fb;c=d"),
        ("/a%2", "/app/a%2"),
        ("/a b", "/app/a b"),
        ("/..a/.b/c..", "/app/..a/.b/c.."),
        ("/login?x=..", "/app/login?x=.."),
        ("/a:b", "/app/a:b"),
        ("/http://other.example/", "/app/http://other.example/"),
    ];
    for (value, expected) in table {
        assert_eq!(location(value), expected, "{value}");
        let content = sent(&mounting(), &BELOW_APP, "content-location", value);
        assert_eq!(content, expected, "{value}");
    }
}

#[test]
fn what_is_below_the_mount_stays() {
    for value in [
        "/app",
        "/app/",
        "/app/login",
        "/app?x",
        "/app#x",
        "/app//x",
        "/%61pp/x",
        "/ap%70",
        "http://example.org/app/x",
        "http://example.org/app",
        "//example.org/app/x",
    ] {
        assert_eq!(location(value), value);
    }
}

#[test]
fn a_neighbour_of_the_mount_is_outside() {
    assert_eq!(location("/application"), "/app/application");
    assert_eq!(location("/app.html"), "/app/app.html");
    assert_eq!(location("/app%2Fx"), "/app/app%2Fx");
    assert_eq!(location("/App/x"), "/app/App/x");
    assert_eq!(location("/ap"), "/app/ap");
    assert_eq!(location("/x/app"), "/app/x/app");
}

#[test]
fn a_reference_to_this_site_gets_the_mount() {
    let table = [
        ("http://example.org/login", "http://example.org/app/login"),
        ("HTTP://Example.ORG/login", "HTTP://Example.ORG/app/login"),
        ("http://example.org:80/a", "http://example.org:80/app/a"),
        ("http://example.org:/a", "http://example.org:/app/a"),
        ("http://example.org", "http://example.org/app/"),
        ("http://example.org?a=/", "http://example.org/app/?a=/"),
        ("http://example.org#a", "http://example.org/app/#a"),
        ("//example.org/login", "//example.org/app/login"),
    ];
    for (value, expected) in table {
        assert_eq!(location(value), expected, "{value}");
    }
}

#[test]
fn another_site_stays() {
    for value in [
        "//evil.example/login",
        "///login",
        "//",
        "http://evil.example/login",
        "http://example.org.evil.example/login",
        "http://example.org@evil.example/login",
        "http://user@example.org/login",
        "http://example.org:8080/login",
        "http://example.org\\@evil.example/login",
        "http:///login",
        "http:/login",
        "http:login",
        "https://example.org/login",
        "ftp://example.org/login",
        "mailto:a@example.org",
        "javascript:/x/",
        "data:,/x",
    ] {
        assert_eq!(location(value), value);
    }
}

#[test]
fn the_site_is_that_of_the_request() {
    let mounted = |params: &[_], value| sent(&mounting(), params, "location", value);

    // Of a site without a name nothing is known.
    let nameless = with(&[("HTTP_HOST", ":80")]);
    assert_eq!(mounted(&nameless, "///evil/x"), "///evil/x");

    let https = with(&[("HTTPS", "on"), ("HTTP_HOST", "example.org:8443")]);
    assert_eq!(
        mounted(&https, "https://example.org:8443/a"),
        "https://example.org:8443/app/a"
    );
    for value in ["https://example.org/a", "http://example.org:8443/a"] {
        assert_eq!(mounted(&https, value), value);
    }
    let usual = with(&[("HTTPS", "on")]);
    assert_eq!(
        mounted(&usual, "https://example.org:443/a"),
        "https://example.org:443/app/a"
    );
    assert_eq!(
        mounted(&usual, "https://example.org:80/a"),
        "https://example.org:80/a"
    );

    // RFC 9112, 3.2.2: a target in absolute form says which host is meant.
    let absolute = with(&[
        ("REQUEST_URI", "http://one.example/app/page"),
        ("HTTP_HOST", "two.example"),
    ]);
    assert_eq!(
        mounted(&absolute, "http://one.example/a"),
        "http://one.example/app/a"
    );
    assert_eq!(
        mounted(&absolute, "http://two.example/a"),
        "http://two.example/a"
    );

    let ipv6 = with(&[("HTTP_HOST", "[::1]:8080")]);
    assert_eq!(
        mounted(&ipv6, "http://[::1]:8080/a"),
        "http://[::1]:8080/app/a"
    );
    assert_eq!(mounted(&ipv6, "http://[::1]/a"), "http://[::1]/a");

    // Without a host, there is no other site to compare with.
    let unknown = with(&[("HTTP_HOST", "")]);
    assert_eq!(
        mounted(&unknown, "http://example.org/a"),
        "http://example.org/a"
    );
    assert_eq!(mounted(&unknown, "http:///a"), "http:///a");
    assert_eq!(mounted(&unknown, "///a"), "///a");
    assert_eq!(mounted(&unknown, "/a"), "/app/a");
}

#[test]
fn a_relative_reference_stays() {
    for value in [
        "", "login", "./login", "../login", "?a=/b", "#/a", "a:b/c", "a/b",
    ] {
        assert_eq!(location(value), value);
    }
}

/// Browsers take a backslash for a slash, leave tabs out, and resolve dot segments, encoded ones, too.
#[test]
fn what_a_browser_may_read_otherwise_stays() {
    for value in [
        "/\\evil.example",
        "\\\\evil.example",
        "/a\\..\\..\\b",
        "/\t/evil.example",
        "/a\tb",
        " /a",
        "/..",
        "/../login",
        "/app/../../login",
        "/%2e%2E/login",
        "/./login",
        "/a/.",
        "http://example.org/../login",
    ] {
        assert_eq!(location(value), value.trim_end());
    }
}

#[test]
fn bytes_above_ascii_stay_what_they_are() {
    let head = head_of(&mounting(), &BELOW_APP, "location", b"/caf\xc3\xa9/\xff");
    assert_eq!(
        head,
        b"Status: 302 Found\r\nlocation: /app/caf\xc3\xa9/\xff\r\n\r\n"
    );
}

#[test]
fn the_path_of_a_cookie_gets_the_mount() {
    let table = [
        ("id=1; Path=/", "id=1; Path=/app"),
        ("id=1;Path=/;HttpOnly", "id=1;Path=/app;HttpOnly"),
        ("id=1; path=/login; Secure", "id=1; path=/app/login; Secure"),
        ("id=1; PATH = /x ; Secure", "id=1; PATH =/app/x; Secure"),
        ("id=1; Path=\"/\"", "id=1; Path=\"/app\""),
        ("id=1; Path=\"/x\"; Secure", "id=1; Path=\"/app/x\"; Secure"),
        (
            "id=Path=/; Path=/application",
            "id=Path=/; Path=/app/application",
        ),
        // RFC 6265, 5.3: the last one counts.
        ("id=1; Path=/; Path=/x", "id=1; Path=/app; Path=/app/x"),
        ("id=; Max-Age=0; Path=/", "id=; Max-Age=0; Path=/app"),
        (
            "__Secure-id=1; Secure; Path=/",
            "__Secure-id=1; Secure; Path=/app",
        ),
    ];
    for (value, expected) in table {
        assert_eq!(cookie(value), expected, "{value}");
    }
}

#[test]
fn a_cookie_without_a_path_outside_stays() {
    for value in [
        "id=1",
        "id=1; HttpOnly",
        "id=/; Domain=/",
        "Path=/",
        "id=1; Path",
        "id=1; Path=",
        "id=1; Path=x",
        "id=1; Path=\"",
        "id=1; Path=\"/",
        "id=1; Path=/app",
        "id=1; Path=/app/",
        "id=1; Path=/app/x",
        "id=1; Path=/../x",
        "id=1; XPath=/",
        "",
        ";",
        "=; Path=/app",
    ] {
        assert_eq!(cookie(value), value);
    }
}

/// draft-ietf-httpbis-rfc6265bis, 4.1.3.2: its path has to be `/`, or browsers drop it.
#[test]
fn a_cookie_for_the_whole_host_stays() {
    for value in [
        "__Host-id=1; Secure; Path=/",
        "__host-id=1; Secure; Path=/",
        " __Host-id=1; Secure; Path=/",
        "__Host-Http-id=1; Secure; Path=/",
    ] {
        let sent = sent(&mounting(), &BELOW_APP, "set-cookie", value);
        assert_eq!(sent, value);
    }
}

#[test]
fn each_of_several_cookies_is_looked_at() {
    let params: Params = BELOW_APP.into_iter().collect();
    let head = mounting().head(&params, &mut HeaderMap::new()).unwrap();
    let response = Response::builder()
        .header("set-cookie", "a=1; Path=/")
        .header("set-cookie", "b=2; Path=/app/b")
        .header("x-other", "/login; Path=/")
        .header("set-cookie", "c=3; Path=/c")
        .header("refresh", "0; url=/login");
    let (parts, ()) = response.body(()).unwrap().into_parts();
    let mut out = BytesMut::new();
    head.response_mapping(&params)
        .write_head(&parts, &Method::GET, None, &mut out)
        .unwrap();
    assert_eq!(
        out,
        "Status: 200 OK\r\n\
         set-cookie: a=1; Path=/app\r\n\
         set-cookie: b=2; Path=/app/b\r\n\
         set-cookie: c=3; Path=/app/c\r\n\
         x-other: /login; Path=/\r\n\
         refresh: 0; url=/login\r\n\
         \r\n"
    );
}

#[test]
fn at_the_root_nothing_changes() {
    let root = with(&[
        ("REQUEST_URI", "/page"),
        ("SCRIPT_NAME", ""),
        ("PATH_INFO", "/page"),
    ]);
    for mapping in [mounting(), mounting().script_name("".parse().unwrap())] {
        assert_eq!(sent(&mapping, &root, "location", "/login"), "/login");
        assert_eq!(
            sent(&mapping, &root, "set-cookie", "id=1; Path=/"),
            "id=1; Path=/"
        );
    }
}

/// The mount in the redirect is spelled as the client spells it, or encoded, and has one slash in front.
#[test]
fn the_mount_is_encoded() {
    let configured = |name: &str, uri: &'static str| {
        let mapping = mounting().script_name(name.parse().unwrap());
        let params = with(&[("REQUEST_URI", uri), ("SCRIPT_NAME", ""), ("PATH_INFO", "")]);
        sent(&mapping, &params, "location", "/login")
    };
    assert_eq!(configured("/café", "/caf%C3%A9/page"), "/caf%C3%A9/login");
    assert_eq!(configured("/café", "/caf%c3%a9/page"), "/caf%c3%a9/login");
    assert_eq!(configured("/a b", "/a%20b/page"), "/a%20b/login");
    assert_eq!(configured("//a//b/", "/a/b/page"), "/a/b/login");

    let mapping = mounting().script_name("/café".parse().unwrap());
    let params = with(&[
        ("REQUEST_URI", "/caf%C3%A9/page"),
        ("SCRIPT_NAME", ""),
        ("PATH_INFO", ""),
    ]);
    let location = |value| sent(&mapping, &params, "location", value);
    assert_eq!(location("/caf%c3%A9/x"), "/caf%c3%A9/x");
    let head = head_of(&mapping, &params, "location", "/café/x".as_bytes());
    assert_eq!(
        head,
        "Status: 302 Found\r\nlocation: /café/x\r\n\r\n".as_bytes()
    );
    assert_eq!(
        sent(&mapping, &params, "set-cookie", "a=1; Path=/"),
        "a=1; Path=/caf%C3%A9"
    );
}

/// Without a configured script name, clients may choose what precedes the path.
#[test]
fn a_mount_that_a_client_chose_leads_to_no_other_site() {
    let chosen = |uri: &'static str, script_name: &'static str| {
        with(&[
            ("REQUEST_URI", uri),
            ("SCRIPT_NAME", script_name),
            ("PATH_INFO", "/page"),
        ])
    };
    for (uri, script_name) in [
        ("//evil.example/page", "//evil.example"),
        ("/\\evil.example/page", "/\\evil.example"),
        ("/%5Cevil.example/page", "/\\evil.example"),
        ("/%2Fevil.example/page", "//evil.example"),
        ("/a;Domain=evil.example/page", "/a;Domain=evil.example"),
        ("/%0D%0Aa:b/page", "/\r\na:b"),
    ] {
        let params = chosen(uri, script_name);
        let all: Params = params.iter().copied().collect();
        if mounting().request(&all).is_err() {
            continue;
        }
        let location = sent(&mounting(), &params, "location", "/login");
        assert!(location.ends_with("/login"), "{uri}: {location}");
        let second = location.as_bytes().get(1);
        assert!(
            location.starts_with('/') && !matches!(second, Some(b'/' | b'\\')),
            "{uri}: {location}"
        );
        let cookie = sent(&mounting(), &params, "set-cookie", "id=1; Path=/");
        assert_eq!(cookie.matches(';').count(), 1, "{uri}: {cookie}");
    }
}

/// HAProxy reads `location` in front of the status, and 200 has none.
#[test]
fn the_place_of_the_field_is_what_it_was() {
    let params: Params = with(&[("SERVER_SOFTWARE", "HAProxy 2.6.12")])
        .into_iter()
        .collect();
    let head = mounting().head(&params, &mut HeaderMap::new()).unwrap();
    let mapping = head.response_mapping(&params);
    for (status, expected) in [
        (303, "location: /app/x\r\nStatus: 303 See Other\r\n\r\n"),
        (200, "Status: 200 OK\r\n\r\n"),
    ] {
        let response = Response::builder().status(status).header("location", "/x");
        let (parts, ()) = response.body(()).unwrap().into_parts();
        let mut out = BytesMut::new();
        mapping
            .write_head(&parts, &Method::GET, None, &mut out)
            .unwrap();
        assert_eq!(out, expected);
    }
}
