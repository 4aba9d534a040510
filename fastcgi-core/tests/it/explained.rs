//! Why a request has its path: the reading that was taken is that of the request, and so is each alternative.

use fastcgi_core::Params;
use fastcgi_core::cgi::{InvalidRequest, Mapping, OnMismatch, PathRule, PathSource, explain};
use serde::Deserialize;

use crate::fixtures::{Pairs, latin1_pairs};

#[derive(Deserialize)]
struct Table {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: u32,
    method: String,
    #[serde(deserialize_with = "latin1_pairs")]
    params: Pairs,
    script_name_override: Option<String>,
    #[serde(default)]
    cgi: bool,
}

/// What `location /app/` of nginx sends.
fn below_app() -> Params {
    [
        ("REQUEST_METHOD", "GET"),
        ("REQUEST_URI", "/app/a%2Fb?secret=1"),
        ("SCRIPT_NAME", "/app/a/b"),
        ("DOCUMENT_URI", "/app/a/b"),
        ("SERVER_SOFTWARE", "nginx/1.22.1"),
    ]
    .into_iter()
    .collect()
}

fn readings(mapping: &Mapping, params: &Params) -> Vec<(Option<String>, String, String)> {
    let explanation = mapping.explain(params);
    let alternatives = explanation.alternatives().iter();
    let all = [explanation.taken()].into_iter().chain(alternatives);
    all.map(|reading| {
        let setting = reading.script_name().map(ToString::to_string);
        let outcome = reading.outcome().as_ref();
        let found = outcome.map_or_else(ToString::to_string, |it| {
            format!("{}{}", it.script_name, it.path)
        });
        let rule = outcome.map_or_else(|it| it.status().to_string(), |it| it.rule.to_string());
        (setting, rule, found)
    })
    .collect()
}

#[test]
fn the_line_that_was_taken_and_the_alternatives_are_named() {
    let mapping = Mapping::default().script_name("/app".parse().unwrap());
    let found = readings(&mapping, &below_app());
    let line = |setting: Option<&str>, rule: &str, path: &str| {
        (setting.map(str::to_owned), rule.to_owned(), path.to_owned())
    };
    assert_eq!(
        found,
        [
            line(Some("/app"), "O4", "/app/a%2Fb"),
            line(None, "N5", "/app/a%2Fb"),
            line(None, "P", "/app/a/b/"),
            line(Some(""), "O4", "/app/a%2Fb"),
            line(Some("/app/a/b"), "O4", "/app/a/b/"),
            line(None, "U", "/app/a%2Fb"),
            line(Some("/app"), "U", "/app/a%2Fb"),
        ]
    );
}

#[test]
fn an_explanation_shows_no_value() {
    let mapping = Mapping::default().script_name("/app".parse().unwrap());
    let text = mapping.explain(&below_app()).to_string();
    assert!(
        text.starts_with(
            "O4 (with a script name: the whole path without the script name); without a script name: N5 (SCRIPT_NAME, \
             which is all of REQUEST_URI); with path-info: P (PATH_INFO, as configured); "
        ),
        "{text}"
    );
    for value in ["app", "a/b", "secret", "nginx"] {
        assert!(!text.contains(value), "{value}: {text}");
    }
}

#[test]
fn a_request_that_is_refused_has_a_status_in_place_of_a_line() {
    let params: Params = [
        ("REQUEST_METHOD", "GET"),
        ("REQUEST_URI", "/admin/../pub"),
        ("SCRIPT_NAME", "/pub"),
        ("SERVER_SOFTWARE", "nginx/1.22.1"),
    ]
    .into_iter()
    .collect();
    let explanation = explain(&params);
    assert_eq!(
        explanation.taken().outcome(),
        &Err(InvalidRequest::DotSegment)
    );
    assert!(
        explanation
            .to_string()
            .starts_with("400 (the path has dot segments")
    );

    let without_method: Params = [("REQUEST_URI", "/x")].into_iter().collect();
    let explanation = explain(&without_method);
    assert_eq!(explanation.taken().outcome(), &Err(InvalidRequest::Method));
}

/// Also where it is refused, and for each alternative: with its settings, the request has that path.
#[test]
fn each_reading_is_what_the_request_becomes_with_its_settings() {
    let table: Table = serde_json::from_str(include_str!("fixtures/request_target.json")).unwrap();
    let mut compared = 0;
    for case in table.cases {
        let method = (b"REQUEST_METHOD".to_vec(), case.method.into_bytes());
        let params: Params = case.params.into_iter().chain([method]).collect();
        for on_mismatch in [OnMismatch::Keep, OnMismatch::NotFound] {
            let common = Mapping::default().cgi(case.cgi).on_mismatch(on_mismatch);
            let mapping = match &case.script_name_override {
                Some(name) => common.clone().script_name(name.parse().unwrap()),
                None => common.clone(),
            };
            let explanation = mapping.explain(&params);
            assert!(explanation.alternatives().len() <= 7, "case {}", case.id);
            let all = [explanation.taken()]
                .into_iter()
                .chain(explanation.alternatives());
            for reading in all {
                let mut mapping = common.clone().path_source(reading.path_source());
                if let Some(name) = reading.script_name() {
                    mapping = mapping.script_name(name.clone());
                }
                let mut fields = http::HeaderMap::new();
                let head = mapping.head(&params, &mut fields);
                match (reading.outcome(), head) {
                    (Ok(resolved), Ok(head)) => assert_eq!(
                        (&*resolved.path, &resolved.script_name, resolved.rule),
                        (head.uri.path(), &head.script_name, head.path_rule),
                        "case {}",
                        case.id
                    ),
                    // What is wrong with a header field is not a matter of the path.
                    (Ok(_), Err(InvalidRequest::Host | InvalidRequest::ContentLength)) => {}
                    (Err(one), Err(other)) => assert_eq!(*one, other, "case {}", case.id),
                    (one, other) => panic!("case {}: {one:?}, {other:?}", case.id),
                }
                compared += 1;
            }
        }
    }
    assert!(compared > 2000, "{compared} readings");
}

#[test]
fn each_setting_is_read_once() {
    let explanation = Mapping::default()
        .path_source(PathSource::RequestUri)
        .explain(&below_app());
    let alternatives = explanation.alternatives();
    for (at, reading) in alternatives.iter().enumerate() {
        let settings = (reading.script_name(), reading.path_source());
        assert_ne!(settings, (None, PathSource::RequestUri));
        let earlier = alternatives.iter().take(at);
        for other in earlier {
            assert_ne!(settings, (other.script_name(), other.path_source()));
        }
    }
    assert_eq!(
        explanation.taken().outcome().as_ref().unwrap().rule,
        PathRule::RequestUri
    );
}
