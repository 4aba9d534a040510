//! `REQUEST_URI`, `PATH_INFO` and `SCRIPT_NAME` to a URI and a script name.

#![expect(
    clippy::unwrap_used,
    reason = "what cannot be unwrapped has failed the test"
)]

use fastcgi_core::Params;
use fastcgi_core::cgi::{InvalidRequest, Mapping, OnMismatch, PathSource, ScriptName};
use fastcgi_test_kit::{scaled, seed};
use flate2::read::GzDecoder;
use http::request;
use serde::Deserialize;

use crate::captures::target_mismatch;
use crate::fixtures::{Expected, Pairs, latin1_pairs, percent_decoded};

#[derive(Deserialize)]
struct Table {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: u32,
    note: String,
    method: String,
    #[serde(deserialize_with = "latin1_pairs")]
    params: Pairs,
    script_name_override: Option<String>,
    path_source: String,
    /// Started as a CGI program.
    #[serde(default)]
    cgi: bool,
    on_mismatch: Option<String>,
    expect: Expected,
}

#[test]
fn every_layout_of_the_table_is_resolved() {
    let table: Table = serde_json::from_str(include_str!("fixtures/request_target.json")).unwrap();
    assert_eq!(table.cases.len(), 350);
    let mut mismatches = Vec::new();
    for case in table.cases {
        let method = (b"REQUEST_METHOD".to_vec(), case.method.into_bytes());
        let params: Params = case.params.into_iter().chain([method]).collect();
        let mapping = mapping(case.script_name_override.as_deref())
            .cgi(case.cgi)
            .path_source(match &*case.path_source {
                "auto" => PathSource::Auto,
                "path-info" => PathSource::PathInfo,
                "request-uri" => PathSource::RequestUri,
                other => panic!("{other}"),
            })
            .on_mismatch(match case.on_mismatch.as_deref() {
                None => OnMismatch::Keep,
                Some("not-found") => OnMismatch::NotFound,
                Some(other) => panic!("{other}"),
            });
        if let Some(mismatch) = target_mismatch(&mapping, &params, &case.expect) {
            mismatches.push(format!("{} {}: {mismatch}", case.id, case.note));
        }
    }
    assert_eq!(mismatches, [""; 0]);
}

/// What real web servers sent for internal redirects, subrequests and rewrites, in 81 layouts.
#[derive(Deserialize)]
struct Recordings {
    recordings: Vec<Recording>,
}

#[derive(Deserialize)]
struct Recording {
    id: String,
    #[serde(deserialize_with = "latin1_pairs")]
    params: Pairs,
    #[serde(default)]
    cgi: bool,
    expect: Expected,
}

#[test]
fn internal_redirects_reach_what_the_web_server_means() {
    let packed = &include_bytes!("fixtures/internal_redirects.json.gz")[..];
    let recordings: Recordings = serde_json::from_reader(GzDecoder::new(packed)).unwrap();
    assert_eq!(recordings.recordings.len(), 992);
    let mut mismatches = Vec::new();
    for recording in recordings.recordings {
        let method = (b"REQUEST_METHOD".to_vec(), b"GET".to_vec());
        let params: Params = [method].into_iter().chain(recording.params).collect();
        let mapping = Mapping::default().cgi(recording.cgi);
        if let Some(mismatch) = target_mismatch(&mapping, &params, &recording.expect) {
            mismatches.push(format!("{}: {mismatch}", recording.id));
        }
    }
    assert_eq!(mismatches, [""; 0]);
}

fn params(pairs: &[(&str, &str)]) -> Params {
    [("REQUEST_METHOD", "GET")]
        .iter()
        .chain(pairs)
        .copied()
        .collect()
}

fn request(pairs: &[(&str, &str)]) -> Result<request::Parts, InvalidRequest> {
    Mapping::default().request(&params(pairs))
}

/// With a configured script name, if there is one.
pub(crate) fn mapping(script_name: Option<&str>) -> Mapping {
    let mapping = Mapping::default();
    match script_name {
        Some(script_name) => mapping.script_name(script_name.parse().unwrap()),
        None => mapping,
    }
}

fn mounted(script_name: &str, pairs: &[(&str, &str)]) -> Result<request::Parts, InvalidRequest> {
    mapping(Some(script_name))
        .on_mismatch(OnMismatch::NotFound)
        .request(&params(pairs))
}

fn external_uri(parts: &request::Parts) -> String {
    let script_name: &ScriptName = parts.extensions.get().unwrap();
    script_name.external_uri(&parts.uri).to_string()
}

#[test]
fn last_of_several_variables_wins() {
    let parts = request(&[("REQUEST_URI", "/first"), ("REQUEST_URI", "/last")]).unwrap();
    assert_eq!(parts.uri, "/last");
}

#[test]
fn extensions_are_the_script_name_and_the_params() {
    let params = params(&[("REQUEST_URI", "/")]);
    let parts = Mapping::default().request(&params).unwrap();
    assert_eq!(parts.extensions.get::<Params>(), Some(&params));
    assert_eq!(
        parts.extensions.get::<ScriptName>(),
        Some(&ScriptName::default())
    );
    assert_eq!(parts.extensions.len(), 2);
}

#[test]
fn query_string_decides_over_the_query_of_the_target() {
    let table = [
        ("/p?a", Some("a"), "/p?a"),
        ("/p?a", Some("a&b"), "/p?a&b"),
        ("/p?a", Some(""), "/p"),
        ("/p?a", None, "/p?a"),
        ("/p", Some("b"), "/p?b"),
        ("/p?", Some(""), "/p?"),
        ("/p?", None, "/p?"),
        ("/p", Some(""), "/p"),
        ("/p?a#f", Some("a"), "/p?a"),
        ("http://h?a", Some("a"), "/?a"),
        ("HTTPS://h#f/g", None, "/"),
    ];
    for (target, query, expected) in table {
        let mut pairs = vec![("REQUEST_URI", target)];
        pairs.extend(query.map(|query| ("QUERY_STRING", query)));
        assert_eq!(request(&pairs).unwrap().uri, expected, "{target} {query:?}");
    }
}

#[test]
fn target_that_is_the_script_name_alone_is_the_root() {
    let table = [
        ("/app", "/"),
        ("/app?a", "/?a"),
        ("/app/?a", "/?a"),
        ("/app?", "/?"),
    ];
    for (target, expected) in table {
        assert_eq!(
            mounted("/app", &[("REQUEST_URI", target)]).unwrap().uri,
            expected
        );
    }
}

#[test]
fn every_byte_makes_a_uri() {
    for byte in 0..=255_u8 {
        let target = [b"/a", &[byte][..], b"b?c", &[byte], b"d"].concat();
        let params: Params = [
            (&b"REQUEST_METHOD"[..], &b"GET"[..]),
            (b"REQUEST_URI", &target),
        ]
        .into_iter()
        .collect();
        let parts = Mapping::default().request(&params).unwrap();
        if !matches!(byte, b'?' | b'#') {
            assert_eq!(
                percent_decoded(parts.uri.path()),
                [b"/a", &[byte][..], b"b"].concat()
            );
            assert_eq!(
                percent_decoded(parts.uri.query().unwrap()),
                [b"c", &[byte][..], b"d"].concat()
            );
        }
    }
}

#[test]
fn every_byte_alone_makes_a_query() {
    for byte in (0..=255_u8).filter(|byte| *byte != b'#') {
        let params: Params = [
            (&b"REQUEST_METHOD"[..], &b"GET"[..]),
            (b"REQUEST_URI", &[b'/', b'?', byte]),
        ]
        .into_iter()
        .collect();
        let parts = Mapping::default().request(&params).unwrap();
        assert_eq!(percent_decoded(parts.uri.query().unwrap()), [byte]);
    }
}

#[test]
fn path_info_is_encoded() {
    let parts = request(&[("PATH_INFO", "/a b?c%d/é;=@")]).unwrap();
    assert_eq!(parts.uri, "/a%20b%3Fc%25d/%C3%A9;=@");
}

#[test]
fn dot_segments_never_come_through() {
    let refused = [
        &[("REQUEST_URI", "/a/../b")][..],
        &[("REQUEST_URI", "/..")],
        &[("REQUEST_URI", "/%2e%2E/b")],
        &[("REQUEST_URI", "/a%2F..%2Fb")],
        &[("REQUEST_URI", "/a/."), ("PATH_INFO", "/a/.")],
        &[("SCRIPT_NAME", "/a/./b")],
    ];
    for pairs in refused {
        assert_eq!(
            request(pairs).unwrap_err(),
            InvalidRequest::DotSegment,
            "{pairs:?}"
        );
    }
    let table = ["/...", "/.a", "/a.", "/..a/b", "/a..%2F"];
    for target in table {
        assert_eq!(request(&[("REQUEST_URI", target)]).unwrap().uri, target);
    }
}

#[test]
fn targets_without_a_path_are_refused() {
    let star = [("REQUEST_URI", "*")];
    assert_eq!(request(&star).unwrap_err(), InvalidRequest::Target);
    let path_source = Mapping::default().path_source(PathSource::RequestUri);
    let result = path_source.request(&params(&[("PATH_INFO", "/a")]));
    assert_eq!(result.unwrap_err(), InvalidRequest::Target);
}

#[test]
fn options_star_is_a_star_even_when_mounted() {
    let params: Params = [
        ("REQUEST_METHOD", "OPTIONS"),
        ("REQUEST_URI", "*"),
        ("PATH_INFO", "/*"),
    ]
    .into_iter()
    .collect();
    let mapping = mapping(Some("/app"));
    let parts = mapping.request(&params).unwrap();
    assert_eq!(parts.uri, "*");
    assert_eq!(external_uri(&parts), "*");
}

#[test]
fn targets_are_limited_to_what_a_uri_holds() {
    for (length, fits) in [(65_534, true), (65_535, false)] {
        let target = format!("/{}", "a".repeat(length - 1));
        assert_eq!(request(&[("REQUEST_URI", &target)]).is_ok(), fits);
    }
    // 22 000 bytes, three times as long once encoded.
    let path_info = format!("/{}", "é".repeat(11_000));
    let error = request(&[("PATH_INFO", &path_info)]).unwrap_err();
    assert_eq!(error, InvalidRequest::TargetTooLong);
    assert_eq!(error.status(), 414);
}

#[test]
fn requests_outside_the_script_name_can_be_refused() {
    let outside = [
        &[("REQUEST_URI", "/application")][..],
        &[("REQUEST_URI", "//app/x")],
        &[("SCRIPT_NAME", "/other")],
        &[("SCRIPT_NAME", "/app-admin"), ("PATH_INFO", "/x")],
        // h2o and Caddy give the whole path.
        &[("REQUEST_URI", "/other"), ("PATH_INFO", "/other")],
        // Dot segments, or no target at all, do not get around it.
        &[("REQUEST_URI", "/./other"), ("PATH_INFO", "/other")],
        &[("REQUEST_URI", "/app/../other"), ("PATH_INFO", "/other")],
        &[("PATH_INFO", "/other")],
    ];
    for pairs in outside {
        let error = mounted("/app", pairs).unwrap_err();
        assert_eq!(error, InvalidRequest::OutsideScriptName, "{pairs:?}");
        assert_eq!(error.status(), 404);
    }
    let inside = [
        &[("REQUEST_URI", "/app/x")][..],
        &[("SCRIPT_NAME", "/app/x")],
        &[("REQUEST_URI", "/app/x"), ("PATH_INFO", "/app/x")],
        &[("REQUEST_URI", "/app/./x"), ("PATH_INFO", "/app/x")],
        // Caddy's `handle_path` has removed the prefix.
        &[("REQUEST_URI", "/app/./x"), ("PATH_INFO", "/x")],
        // The web server's rewrite rule says what the path is.
        &[
            ("SERVER_SOFTWARE", "Apache"),
            ("REQUEST_URI", "/y/x"),
            ("SCRIPT_NAME", "/app/index.fcgi"),
            ("SCRIPT_FILENAME", "/srv/www/app/index.fcgi"),
            ("PATH_INFO", "/x"),
        ],
    ];
    for pairs in inside {
        assert_eq!(mounted("/app", pairs).unwrap().uri, "/x", "{pairs:?}");
    }
}

#[test]
fn external_uri_is_spelled_as_the_client_did() {
    let table = [
        ("/caf%c3%a9/x?y", "/x?y", "/caf%c3%a9/x?y"),
        ("/caf%C3%A9//x", "/%2Fx", "/caf%C3%A9/%2Fx"),
        ("/café", "/", "/caf%C3%A9/"),
    ];
    for (target, uri, external) in table {
        let parts = mounted("/café/", &[("REQUEST_URI", target)]).unwrap();
        assert_eq!(parts.uri, uri);
        assert_eq!(external_uri(&parts), external);
    }
}

#[test]
fn external_uri_of_a_rewritten_path_has_the_configured_script_name() {
    let rewritten = [
        ("SERVER_SOFTWARE", "Apache"),
        ("REQUEST_URI", "/blog/x"),
        ("SCRIPT_NAME", "/index.fcgi"),
        ("SCRIPT_FILENAME", "/srv/www/index.fcgi"),
        ("PATH_INFO", "/articles/x"),
    ];
    let mapping = mapping(Some("/café"));
    let parts = mapping.request(&params(&rewritten)).unwrap();
    assert_eq!(external_uri(&parts), "/caf%C3%A9/articles/x");
}

#[test]
fn external_uri_keeps_scheme_and_authority() {
    let script_name: ScriptName = "/app".parse().unwrap();
    let uri = "https://example.org/a?b".parse().unwrap();
    assert_eq!(
        script_name.external_uri(&uri),
        "https://example.org/app/a?b"
    );
}

#[test]
fn script_names_are_normalised() {
    let table = [
        ("", "", ""),
        ("/", "", ""),
        ("app", "/app", "/app"),
        ("//a//b//", "/a/b", "/a/b"),
        ("/caf%C3%A9 x", "/café x", "/caf%C3%A9%20x"),
        ("/a%3Fb", "/a?b", "/a%3Fb"),
    ];
    for (configured, decoded, encoded) in table {
        let script_name: ScriptName = configured.parse().unwrap();
        assert_eq!(script_name.as_str(), decoded);
        assert_eq!(script_name.to_string(), encoded);
        assert_eq!(script_name.is_empty(), decoded.is_empty());
    }
}

#[test]
fn script_names_that_are_no_paths_are_refused() {
    for configured in [
        "http://example.org/app",
        "/a?b",
        "/a#b",
        "/a\0",
        "/a%00",
        "/a/../b",
        "/%2e",
        "..",
    ] {
        assert!(configured.parse::<ScriptName>().is_err(), "{configured}");
    }
}

#[test]
fn a_server_cannot_make_the_external_uri_another_hosts() {
    let parts = request(&[("SCRIPT_NAME", "//evil.example/"), ("PATH_INFO", "//x")]).unwrap();
    // T-12: the web server means two slashes.
    assert_eq!(parts.uri, "/%2Fx");
    assert_eq!(external_uri(&parts), "/evil.example/%2Fx");
}

/// Two walks that were quadratic would take hours.
#[test]
fn hostile_paths_take_linear_time() {
    let slashes = "/%2F".repeat(15_000);
    let nearly = format!("/b{}", "/a".repeat(30_000));
    let pairs = [
        [
            ("REQUEST_URI", &*slashes),
            ("PATH_INFO", "/x"),
            ("SCRIPT_NAME", "/"),
        ],
        [
            ("REQUEST_URI", &slashes),
            ("PATH_INFO", &slashes),
            ("SCRIPT_NAME", ""),
        ],
        [
            ("REQUEST_URI", &nearly),
            ("PATH_INFO", &nearly[3..]),
            ("SCRIPT_NAME", &nearly),
        ],
    ];
    for pairs in &pairs {
        for _ in 0..20 {
            let _ = request(pairs);
            let _ = mounted("/b", pairs);
        }
    }
}

/// A generator of Knuth's (MMIX); tests need no better one.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn text(&mut self) -> Vec<u8> {
        const PIECES: [&[u8]; 24] = [
            b"/",
            b"/",
            b"/",
            b"//",
            b"a",
            b"app",
            b"index.fcgi",
            b".",
            b"..",
            b"%2e",
            b"%2F",
            b"%",
            b"%4",
            b"%41",
            b"%25",
            b" ",
            b"\xff",
            b"\0",
            b"?",
            b"#",
            b"\xc3\xa9",
            b"*",
            b"http://h",
            b"\"<`>",
        ];
        (0..self.below(8))
            .flat_map(|_| self.pick(&PIECES))
            .copied()
            .collect()
    }

    /// Mostly parts of one path, as web servers send them.
    fn params(&mut self) -> Params {
        let (prefix, path) = (self.text(), self.text());
        let decoded = |raw: &[u8]| percent_decoded_bytes(raw);
        let whole = [b"/", &prefix[..], b"/", &path].concat();
        let mut params = vec![
            (&b"REQUEST_METHOD"[..], b"GET".to_vec()),
            (
                b"SERVER_SOFTWARE",
                self.pick(&[
                    &b"nginx/1"[..],
                    b"lighttpd/1",
                    b"Microsoft-IIS/1",
                    b"Apache",
                ])
                .to_vec(),
            ),
        ];
        for name in [
            &b"REQUEST_URI"[..],
            b"PATH_INFO",
            b"SCRIPT_NAME",
            b"QUERY_STRING",
            b"SCRIPT_FILENAME",
            b"UNENCODED_URL",
        ] {
            let value = match self.below(8) {
                0 => self.text(),
                1 => whole.clone(),
                2 => decoded(&whole),
                3 => decoded(&[b"/", &path[..]].concat()),
                4 => decoded(&[b"/", &prefix[..]].concat()),
                5 => [b"proxy:fcgi://h:1/", &path[..]].concat(),
                6 => Vec::new(),
                _ => continue,
            };
            params.push((name, value));
        }
        params.into_iter().collect()
    }
}

fn percent_decoded_bytes(raw: &[u8]) -> Vec<u8> {
    let latin: String = raw
        .iter()
        .copied()
        .filter(u8::is_ascii)
        .map(char::from)
        .collect();
    percent_decoded(&latin)
}

#[test]
fn whatever_params_say_the_uri_is_one_that_is_safe_to_route() {
    let mut random = Random(seed(1));
    let mut accepted = 0;
    for _ in 0..scaled(20_000) {
        let params = random.params();
        let script_name = random.pick(&[None, Some(""), Some("/app"), Some("/a/app")]);
        let path_source = random.pick(&[
            PathSource::Auto,
            PathSource::Auto,
            PathSource::PathInfo,
            PathSource::RequestUri,
        ]);
        let mapping = mapping(script_name).path_source(path_source);
        let Ok(parts) = mapping.request(&params) else {
            continue;
        };
        accepted += 1;
        let path = parts.uri.path();
        let path_and_query = parts.uri.to_string();
        assert!(
            path.starts_with('/') && !path.starts_with("//"),
            "{path} of {params:?}"
        );
        assert!(path_and_query.is_ascii());
        let decoded = percent_decoded(path);
        let has_dots = decoded
            .split(|&byte| byte == b'/')
            .any(|segment| matches!(segment, b"." | b".."));
        assert!(!has_dots, "{path}");
        assert!(!external_uri(&parts).starts_with("//"));

        if path_source == PathSource::PathInfo
            && params.get("SERVER_SOFTWARE") != Some(b"Microsoft-IIS/1")
        {
            let path_info = params.get("PATH_INFO").unwrap_or_default();
            if path_info.starts_with(b"/")
                && !path_info.starts_with(b"//")
                && !path_info.windows(3).any(|w| w == b"://")
            {
                assert_eq!(decoded, path_info, "what is encoded decodes to what it was");
            }
        }
    }
    assert!(accepted > scaled(5_000), "only {accepted} requests");
}

/// The principle of the section: whatever the client asked for, the application is asked for what the web server means.
#[test]
fn whatever_a_client_asks_for_the_path_is_what_the_web_server_means() {
    const SERVERS: [&str; 6] = [
        "nginx/1",
        "HAProxy 2.6",
        "Caddy/2",
        "h2o/2",
        "Apache/2.4",
        "lighttpd/1.4",
    ];
    let mut random = Random(seed(2));
    let mut checked = 0;
    for _ in 0..scaled(60_000) {
        let server = random.pick(&SERVERS);
        let meant = percent_decoded_bytes(&[b"/", &random.text()[..]].concat());
        let asked = [b"/", &random.text()[..]].concat();
        // The end of what is asked for is often what is meant, and the other way round.
        let asked = match random.below(4) {
            0 => [&asked[..], &meant].concat(),
            1 => [&meant[..], &asked].concat(),
            _ => asked,
        };
        // T-8a; T-6: a path with a percent sign may be one that was not decoded.
        if names_a_script(&meant) || meant.contains(&b'%') {
            continue;
        }
        let in_path_info = matches!(server, "Caddy/2" | "h2o/2") || random.below(3) == 0;
        let mut pairs: Vec<(&[u8], &[u8])> = vec![
            (b"REQUEST_METHOD", b"GET"),
            (b"SERVER_SOFTWARE", server.as_bytes()),
            (b"REQUEST_URI", &asked),
            (b"SCRIPT_NAME", if in_path_info { b"" } else { &meant }),
        ];
        if in_path_info {
            pairs.push((b"PATH_INFO", &meant));
        }
        if server == "nginx/1" {
            pairs.push((b"DOCUMENT_URI", &meant));
        }
        let params: Params = pairs.into_iter().collect();
        let script_name = random.pick(&[None, Some(""), Some("/app"), Some("/a/app")]);
        let Ok(parts) = mapping(script_name).request(&params) else {
            continue;
        };
        checked += 1;
        let path = percent_decoded(parts.uri.path());
        let mount = script_name.unwrap_or_default().as_bytes();
        let below = meant
            .strip_prefix(mount)
            .filter(|rest| rest.is_empty() || rest.starts_with(b"/"));
        let is_meant = [Some(&meant[..]), below]
            .into_iter()
            .flatten()
            .any(|meant| squashed(meant) == squashed(&path) || (meant.is_empty() && path == b"/"));
        assert!(
            is_meant,
            "{} of {params:?}, {meant:?} in {script_name:?}",
            parts.uri
        );
    }
    assert!(checked > scaled(20_000), "only {checked} requests");
}

fn names_a_script(path: &[u8]) -> bool {
    [&b".fcgi"[..], b".fcg", b".cgi"]
        .iter()
        .any(|end| path.ends_with(end))
}

/// Without repeated slashes, which do not count (T-6).
pub(crate) fn squashed(path: &[u8]) -> Vec<u8> {
    let mut path = path.to_vec();
    path.dedup_by(|a, b| *a == b'/' && *b == b'/');
    path
}
