//! The same application behind the same web server, over FastCGI and over HTTP; and the comparison itself.

use std::io::{self, Write};
use std::net::TcpListener;
use std::thread;

use fastcgi_e2e::differential::{
    Answer, Asked, Comparison, DOCUMENTED, Findings, LEFT_OUT, ROWS, Requests, Row, What,
    configurations,
};
use fastcgi_e2e::{Connection, Request};
use libtest_mimic::{Failed, Trial};

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let comparisons = configurations().flat_map(Comparison::all);
    let comparisons = comparisons
        .map(|it| (it.name(), it))
        .map(|(name, it)| Trial::test(format!("differential::{name}"), move || it.run()));
    let facts = FACTS
        .iter()
        .map(|(name, fact)| Trial::test(format!("differential-list::{name}"), *fact));
    let documented = DOCUMENTED.iter().map(|it| {
        Trial::test(format!("differential-documented::{}", it.name()), || {
            it.run()
        })
    });
    comparisons.chain(facts).chain(documented)
}

/// A fact about the comparison or its list.
type Fact = fn() -> Result<(), Failed>;

const FACTS: &[(&str, Fact)] = &[
    ("difference_in_a_row_passes", difference_in_a_row_passes),
    ("difference_in_no_row_fails", difference_in_no_row_fails),
    (
        "row_for_another_request_excuses_nothing",
        row_for_another_request_excuses_nothing,
    ),
    (
        "row_of_which_nothing_is_seen_fails",
        row_of_which_nothing_is_seen_fails,
    ),
    (
        "another_resource_is_never_excused",
        another_resource_is_never_excused,
    ),
    (
        "application_that_is_asked_over_fastcgi_alone_is_never_excused",
        application_that_is_asked_over_fastcgi_alone_is_never_excused,
    ),
    (
        "status_on_a_protected_path_is_never_excused",
        status_on_a_protected_path_is_never_excused,
    ),
    (
        "status_of_a_refusal_on_a_protected_path_is_never_excused",
        status_of_a_refusal_on_a_protected_path_is_never_excused,
    ),
    (
        "path_with_dot_segments_may_be_refused_or_resolved_only",
        path_with_dot_segments_may_be_refused_or_resolved_only,
    ),
    (
        "refusal_of_dot_segments_on_a_protected_path_is_never_excused",
        refusal_of_dot_segments_on_a_protected_path_is_never_excused,
    ),
    (
        "spelling_of_an_internal_page_is_never_excused",
        spelling_of_an_internal_page_is_never_excused,
    ),
    (
        "slashes_are_one_only_where_the_web_server_merges_them",
        slashes_are_one_only_where_the_web_server_merges_them,
    ),
    (
        "encoded_slash_may_be_a_slash_over_http_only",
        encoded_slash_may_be_a_slash_over_http_only,
    ),
    (
        "every_row_is_about_a_configuration_and_has_a_reason",
        every_row_is_about_a_configuration_and_has_a_reason,
    ),
    (
        "what_is_left_out_has_a_reason",
        what_is_left_out_has_a_reason,
    ),
];

/// Every kind of row, for every request.
fn everything() -> Vec<Row> {
    let kinds = [
        What::Header("x-some"),
        What::Status,
        What::Spelling,
        What::Method,
        What::Query,
        What::RequestBody,
        What::Text,
        What::Refused(400),
        What::Refused(403),
    ];
    let rows = kinds.into_iter().map(|what| row(Requests::All, what));
    rows.collect()
}

fn row(requests: Requests, what: What) -> Row {
    Row {
        configurations: &["some"],
        requests,
        what,
        reason: "this is a test",
    }
}

/// What is found when a web server has answered so over FastCGI and over HTTP.
fn judged(
    asked: &Asked,
    rows: &[Row],
    fastcgi: &str,
    http: &str,
    merges_slashes: bool,
) -> Result<Result<(), String>, Failed> {
    let mut findings = Findings::new("some", rows);
    findings.add(asked, &answered(fastcgi)?, &answered(http)?, merges_slashes);
    let judgement = findings.judge();
    Ok(judgement.map_err(|it| it.message().unwrap_or_default().to_owned()))
}

/// A difference that no row excuses.
fn fails(asked: &Asked, rows: &[Row], fastcgi: &str, http: &str) -> Result<String, Failed> {
    match judged(asked, rows, fastcgi, http, true)? {
        Ok(()) => Err("it passed".into()),
        Err(message) => Ok(message),
    }
}

/// Takes bytes for what a web server has sent.
fn answered(response: &str) -> Result<Answer, Failed> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let addr = listener.local_addr()?;
    let response = response.to_owned();
    let server = thread::spawn(move || -> io::Result<()> {
        listener.accept()?.0.write_all(response.as_bytes())
    });
    let response = Connection::open(addr)?.send(&Request::get("/"))?;
    server.join().map_err(|_| "the server panicked")??;
    Ok(Answer::new(&response, addr.port()))
}

/// The page at `path` of the application.
fn reached(status: u16, path: &str) -> String {
    reached_page(status, "page", path)
}

fn reached_page(status: u16, page: &str, path: &str) -> String {
    let report = format!(
        r#"{{"reached":"{page}","method":"GET","path":"{path}","query":null,"body":null}}"#
    );
    response(status, &format!("{report}\n"))
}

fn response(status: u16, body: &str) -> String {
    let length = body.len();
    format!("HTTP/1.1 {status} Some\r\nContent-Length: {length}\r\n\r\n{body}")
}

fn difference_in_a_row_passes() -> Result<(), Failed> {
    let asked = Asked::new("GET", "/a", &[]);
    let rows = [row(Requests::All, What::Status)];
    let passes = judged(
        &asked,
        &rows,
        &reached(200, "/a"),
        &reached(404, "/a"),
        true,
    )?;
    assert_eq!(passes, Ok(()));
    Ok(())
}

fn difference_in_no_row_fails() -> Result<(), Failed> {
    let asked = Asked::new("GET", "/a", &[]);
    let message = fails(&asked, &[], &reached(200, "/a"), &reached(404, "/a"))?;
    assert!(message.contains("the status: 1 requests"), "{message}");
    let message = fails(&asked, &[], &response(403, "one"), &response(403, "two"))?;
    assert!(message.contains("the text: 1 requests"), "{message}");
    Ok(())
}

fn row_for_another_request_excuses_nothing() -> Result<(), Failed> {
    let asked = Asked::new("GET", "/a", &[]);
    for requests in [
        Requests::Method("POST"),
        Requests::Containing(&["/b"]),
        Requests::Dotted,
    ] {
        let rows = [row(requests, What::Status)];
        let message = fails(&asked, &rows, &reached(200, "/a"), &reached(404, "/a"))?;
        assert!(message.contains("the status: 1 requests"), "{message}");
    }
    Ok(())
}

fn row_of_which_nothing_is_seen_fails() -> Result<(), Failed> {
    let asked = Asked::new("GET", "/a", &[]);
    let rows = [row(Requests::All, What::Query)];
    let message = fails(&asked, &rows, &reached(200, "/a"), &reached(200, "/a"))?;
    assert!(message.contains("nothing is to be seen of"), "{message}");
    Ok(())
}

fn another_resource_is_never_excused() -> Result<(), Failed> {
    for protected in [&[][..], &["/admin/"]] {
        let asked = Asked::new("GET", "/admin/a", protected);
        let (fastcgi, http) = (reached(200, "/admin/a"), reached(200, "/login"));
        let message = fails(&asked, &everything(), &fastcgi, &http)?;
        assert!(
            message.contains("another resource: 1 requests"),
            "{message}"
        );
    }
    Ok(())
}

fn application_that_is_asked_over_fastcgi_alone_is_never_excused() -> Result<(), Failed> {
    let asked = Asked::new("GET", "/a", &[]);
    let message = fails(
        &asked,
        &everything(),
        &reached(403, "/a"),
        &response(403, "no"),
    )?;
    assert!(
        message.contains("another resource: 1 requests"),
        "{message}"
    );
    Ok(())
}

fn status_on_a_protected_path_is_never_excused() -> Result<(), Failed> {
    for target in [
        "/admin",
        "/admin/a",
        "/%61dmin/a?q=1",
        "//admin//a",
        "/x/../admin/a",
    ] {
        let asked = Asked::new("GET", target, &["/admin/"]);
        let (fastcgi, http) = (reached(200, "/login"), reached(403, "/login"));
        let message = fails(&asked, &everything(), &fastcgi, &http)?;
        assert!(
            message.contains("another status on a protected path"),
            "{message}"
        );
    }
    Ok(())
}

fn status_of_a_refusal_on_a_protected_path_is_never_excused() -> Result<(), Failed> {
    let asked = Asked::new("GET", "/admin/a", &["/admin/"]);
    let (fastcgi, http) = (response(400, "no"), reached(403, "/errors/403"));
    let message = fails(&asked, &everything(), &fastcgi, &http)?;
    assert!(
        message.contains("another status on a protected path"),
        "{message}"
    );
    // The same status with nothing from the application is what a row may be about.
    let rows = [row(Requests::All, What::Refused(403))];
    let passes = judged(&asked, &rows, &response(403, "no"), &http, true)?;
    assert_eq!(passes, Ok(()));
    Ok(())
}

fn path_with_dot_segments_may_be_refused_or_resolved_only() -> Result<(), Failed> {
    let asked = Asked::new("GET", "/admin/..%2fplain", &["/admin/"]);
    let http = reached(200, "/admin/..%2fplain");
    let rows = [row(Requests::Dotted, What::Refused(400))];
    let refused = judged(&asked, &rows, &response(400, "no"), &http, true)?;
    assert_eq!(refused, Ok(()));
    let rows = [row(Requests::Dotted, What::Spelling)];
    let resolved = judged(&asked, &rows, &reached(200, "/plain"), &http, true)?;
    assert_eq!(resolved, Ok(()));
    let message = fails(&asked, &everything(), &reached(200, "/admin/plain"), &http)?;
    assert!(message.contains("another resource"), "{message}");
    Ok(())
}

fn refusal_of_dot_segments_on_a_protected_path_is_never_excused() -> Result<(), Failed> {
    let rows = [row(Requests::Dotted, What::Refused(400))];
    for status in [400, 403] {
        let asked = Asked::new("GET", "/admin/./a", &["/admin/"]);
        let http = reached(status, "/errors/403");
        fails(&asked, &rows, &response(400, "no"), &http)?;
    }
    Ok(())
}

fn spelling_of_an_internal_page_is_never_excused() -> Result<(), Failed> {
    let http = reached_page(200, "authorization", "/status/401");
    for (target, spelled) in [
        ("/members/status%2F401", "/status%2F401"),
        ("/members/status//401", "/status//401"),
        ("/members/%73tatus/401", "/%73tatus/401"),
    ] {
        let asked = Asked::new("GET", target, &["/members/"]);
        let message = fails(&asked, &everything(), &reached(200, spelled), &http)?;
        assert!(
            message.contains("another spelling of an internal page"),
            "{message}"
        );
        // Who asks for the page itself may spell it.
        let asked = Asked::new("GET", spelled, &["/members/"]);
        let rows = [row(Requests::All, What::Spelling)];
        let direct = judged(&asked, &rows, &reached(200, spelled), &http, true)?;
        assert_eq!(direct, Ok(()), "{spelled}");
    }
    Ok(())
}

fn slashes_are_one_only_where_the_web_server_merges_them() -> Result<(), Failed> {
    let asked = Asked::new("GET", "//admin/a", &[]);
    let rows = [row(Requests::All, What::Spelling)];
    let (fastcgi, http) = (reached(200, "/admin/a"), reached(200, "//admin/a"));
    assert_eq!(judged(&asked, &rows, &fastcgi, &http, true)?, Ok(()));
    let kept = judged(&asked, &rows, &fastcgi, &http, false)?;
    assert!(kept.is_err_and(|it| it.contains("another resource")));
    Ok(())
}

fn encoded_slash_may_be_a_slash_over_http_only() -> Result<(), Failed> {
    let asked = Asked::new("GET", "/admin%252Fa", &[]);
    let rows = [row(Requests::All, What::Spelling)];
    let (encoded, slash) = (reached(200, "/admin%2Fa"), reached(200, "/admin/a"));
    assert_eq!(judged(&asked, &rows, &encoded, &slash, true)?, Ok(()));
    let message = fails(&asked, &everything(), &slash, &encoded)?;
    assert!(message.contains("another resource"), "{message}");
    Ok(())
}

fn every_row_is_about_a_configuration_and_has_a_reason() -> Result<(), Failed> {
    let names: Vec<String> = configurations()
        .flat_map(Comparison::all)
        .map(|it| it.name())
        .collect();
    for row in ROWS {
        assert!(!row.reason.is_empty(), "{row:?}");
        for pattern in row.configurations.chunks(1) {
            let alone = Row {
                configurations: pattern,
                ..*row
            };
            assert!(
                names.iter().any(|name| alone.is_about(name)),
                "no test is called {pattern:?}"
            );
        }
    }
    Ok(())
}

fn what_is_left_out_has_a_reason() -> Result<(), Failed> {
    for (what, reason) in LEFT_OUT {
        assert!(!what.is_empty() && !reason.is_empty(), "{what}: {reason}");
        assert!(
            configurations().all(|it| it.name != *what),
            "{what} is not left out"
        );
    }
    Ok(())
}
