//! What errors say, and what settings are written as: for logs, and for those who configure a web server.

use fastcgi_core::cgi::{InvalidRequest, Mapping, OnMismatch, PathSource, ScriptName};
use fastcgi_core::record::Flags;
use fastcgi_core::{FromParams, Params, RemoteUser};

type Pairs<'a> = &'a [(&'a str, &'a str)];

/// Why a request is refused, and with which status.
fn refusal(mapping: &Mapping, pairs: Pairs<'_>) -> (u16, String) {
    let get = [("REQUEST_METHOD", "GET")];
    let params: Params = get.iter().chain(pairs).copied().collect();
    let error = mapping.request(&params).expect_err("it is refused");
    (error.status().as_u16(), error.to_string())
}

#[test]
fn a_refused_request_says_why() {
    let mapping = Mapping::default();
    let long = format!("/{}", "a".repeat(65_534));
    let table: [(Pairs<'_>, u16, &str); 8] = [
        (
            &[("REQUEST_METHOD", "a b")],
            400,
            "REQUEST_METHOD is not a method",
        ),
        (
            &[("REQUEST_METHOD", "CONNECT"), ("REQUEST_URI", "/")],
            501,
            "the method CONNECT needs a tunnel, which FastCGI does not have",
        ),
        (
            &[("REQUEST_URI", "*")],
            400,
            "the request target has no path",
        ),
        (
            &[("PATH_INFO", "page")],
            400,
            "PATH_INFO does not begin with a slash",
        ),
        (
            &[
                ("SERVER_SOFTWARE", "nginx/1.26.3"),
                ("REQUEST_URI", "/app/json%0A"),
                ("SCRIPT_NAME", "/app"),
                ("PATH_INFO", "/json"),
                ("DOCUMENT_URI", "/app/json\n"),
            ],
            400,
            "the path goes on behind a line feed, where PATH_INFO ends",
        ),
        (
            &[("REQUEST_URI", &long)],
            414,
            "the request target is longer than 65534 bytes",
        ),
        (
            &[
                ("SERVER_SOFTWARE", "Apache/2.4.66"),
                ("SERVER_PROTOCOL", "INCLUDED"),
                ("SCRIPT_NAME", "/index.fcgi"),
                ("SCRIPT_FILENAME", "/srv/www/index.fcgi"),
                ("REQUEST_URI", "/page.shtml"),
            ],
            400,
            "the web server does not say which page it includes: give include virtual a path behind the script",
        ),
        (
            &[("REQUEST_URI", "/"), ("CONTENT_LENGTH", "five")],
            400,
            "CONTENT_LENGTH is not one decimal number",
        ),
    ];
    for (pairs, status, message) in table {
        let expected = (status, message.to_owned());
        assert_eq!(refusal(&mapping, pairs), expected);
    }
    let app = ScriptName::try_from("/app".to_owned()).expect("a path");
    let mounted = Mapping::default().script_name(app);
    let mounted = mounted.on_mismatch(OnMismatch::NotFound);
    let expected = "the path is outside the configured script name".to_owned();
    let outside = refusal(&mounted, &[("REQUEST_URI", "/other")]);
    assert_eq!(outside, (404, expected));
}

#[test]
fn too_many_header_fields_are_named_with_their_limit() {
    let names: Vec<_> = (0..257).map(|n| format!("HTTP_X_{n}")).collect();
    let mut pairs = vec![("REQUEST_URI", "/")];
    pairs.extend(names.iter().map(|name| (name.as_str(), "x")));
    let expected = "the request has more than 256 header fields".to_owned();
    assert_eq!(refusal(&Mapping::default(), &pairs), (431, expected));
    assert!(!InvalidRequest::TooManyHeaders.is_ambiguous());
}

#[test]
fn an_invalid_length_says_what_it_has_to_be() {
    let params: Params = [("CONTENT_LENGTH", "5 bytes")].into_iter().collect();
    let error = params.content_length().expect_err("no number");
    assert_eq!(
        error.to_string(),
        "CONTENT_LENGTH is not one decimal number"
    );
}

/// As in `FCGI_PATH_SOURCE`.
#[test]
fn a_path_source_is_read_as_it_is_written() {
    for (text, source) in [
        ("auto", PathSource::Auto),
        ("path-info", PathSource::PathInfo),
        ("request-uri", PathSource::RequestUri),
    ] {
        assert_eq!(text.parse(), Ok(source));
    }
    for text in ["", "Auto", "path_info"] {
        let error = text.parse::<PathSource>().expect_err("no path source");
        let expected =
            format!("{text:?} is no path source: that is auto, path-info or request-uri");
        assert_eq!(error.to_string(), expected);
        // `main` prints it so.
        assert_eq!(format!("{error:?}"), expected);
    }
}

#[test]
fn a_script_name_is_shown_decoded_and_written_encoded() {
    let name = ScriptName::try_from("/caf%C3%A9".to_owned()).expect("a path");
    assert_eq!(name.to_string(), "/caf%C3%A9");
    assert_eq!(format!("{name:?}"), "ScriptName(\"/café\")");
    assert!(ScriptName::try_from("/a/../b".to_owned()).is_err());
}

#[test]
fn a_missing_param_has_its_name() {
    let missing = RemoteUser::from_params(&Params::default()).expect_err("nobody");
    assert_eq!(missing.name(), "REMOTE_USER");
    assert!(missing.is_absent());
}

/// 5.1: what is not known of them is kept.
#[test]
fn flags_are_a_byte() {
    for byte in [0, 1, 0x82, 0xff] {
        assert_eq!(Flags::from(byte).as_u8(), byte);
    }
    assert!(Flags::from(0x83).contains(Flags::KEEP_CONN));
    assert!(!Flags::from(0x82).contains(Flags::KEEP_CONN));
}
