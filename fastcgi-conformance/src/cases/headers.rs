//! Request headers, made of params (RFC 3875, 4.1.18).
//!
//! These are for applications whose library makes headers. Where the application reads the params itself, it says 501 to
//! `/headers`.

use crate::{
    bench::Bench,
    case::{
        Case, Failure,
        Grade::{Info, Must, Robust, Should},
        Outcome, check, noted, passed,
    },
    request::Request,
};

pub(crate) const CASES: &[Case] = &[
    Case::new(
        Must,
        "headers/names",
        "HTTP_X_TEST is the header x-test",
        &["RFC 3875 4.1.18", "H-1"],
        |bench| has(bench, &set(bench, "HTTP_X_TEST", "a value"), "x-test", Some("a value")),
        "The application sees no headers.",
    )
    .app(),
    Case::new(
        Must,
        "headers/content-type",
        "CONTENT_TYPE is the header content-type",
        &["RFC 3875 4.1.3", "H-3"],
        content_type,
        "Forms and JSON are refused.",
    )
    .app(),
    Case::new(
        Must,
        "headers/content-length",
        "CONTENT_LENGTH is the header content-length",
        &["RFC 3875 4.1.2", "H-4"],
        content_length,
        "Frameworks take the body for absent.",
    )
    .app(),
    Case::new(
        Should,
        "headers/only-http",
        "no other param is a header",
        &["H-1", "H-13"],
        only_http,
        "A client can type what only the web server may say (REMOTE_USER).",
    )
    .app(),
    Case::new(
        Should,
        "headers/empty-content-type",
        "an empty CONTENT_TYPE, which nginx sends with each GET, is no header",
        &["H-3", "H-12"],
        |bench| has(bench, &set(bench, "CONTENT_TYPE", ""), "content-type", None),
        "Behind nginx each GET has an invalid header.",
    )
    .app(),
    Case::new(
        Should,
        "headers/empty-content-length",
        "an empty CONTENT_LENGTH, which nginx sends with each GET, does not disturb the request",
        &["RFC 3875 4.1.2", "H-4"],
        empty_content_length,
        "Behind nginx nothing works.",
    ),
    Case::new(
        Should,
        "headers/two-lengths",
        "two different numbers in CONTENT_LENGTH are refused",
        &["H-4"],
        two_lengths,
        "One request is smuggled into another.",
    )
    .app(),
    Case::new(
        Should,
        "headers/invalid-length",
        "a CONTENT_LENGTH that is no number is refused, and does no harm",
        &["RFC 3875 4.1.2", "H-4"],
        invalid_length,
        "A mistake in the configuration of the web server ends the process.",
    ),
    Case::new(
        Should,
        "headers/hop-by-hop",
        "Connection, Transfer-Encoding and the like are left out: they belong to the client's connection",
        &["H-5", "B-10", "B-16"],
        hop_by_hop,
        "Frameworks decode a body that is not encoded, or lose its length.",
    )
    .app(),
    Case::new(
        Must,
        "headers/authorization",
        "HTTP_AUTHORIZATION is the header authorization",
        &["RFC 3875 4.1.18", "H-6"],
        |bench| {
            let request = set(bench, "HTTP_AUTHORIZATION", "Basic YTpi");
            has(bench, &request, "authorization", Some("Basic YTpi"))
        },
        "Nobody can log in.",
    )
    .app(),
    Case::new(
        Should,
        "headers/redirect-authorization",
        "REDIRECT_HTTP_AUTHORIZATION, which Apache's rewrite rules make, is the header authorization",
        &["H-6"],
        |bench| {
            let request = set(bench, "REDIRECT_HTTP_AUTHORIZATION", "Basic YTpi");
            has(bench, &request, "authorization", Some("Basic YTpi"))
        },
        "On shared hosts nobody can log in.",
    )
    .app(),
    Case::new(
        Should,
        "headers/proxy",
        "HTTP_PROXY is left out (httpoxy)",
        &["H-7"],
        |bench| has(bench, &set(bench, "HTTP_PROXY", "http://evil.example"), "proxy", None),
        "A client chooses the proxy for what the application asks (CVE-2016-5386).",
    )
    .app(),
    Case::new(
        Should,
        "headers/bytes",
        "values keep their bytes, UTF-8 or not",
        &["H-10"],
        bytes,
        "Headers of old clients are lost, or break the request.",
    )
    .app(),
    Case::new(
        Should,
        "headers/invalid-names",
        "a param whose name cannot be a header does not disturb the request",
        &["H-11"],
        invalid_names,
        "A scanner breaks the request or the process.",
    )
    .app(),
    Case::new(
        Info,
        "headers/repeated",
        "what becomes of two params HTTP_X_TEST, and of two HTTP_COOKIE",
        &["H-8", "H-9"],
        repeated,
        "nginx before 1.23 and h2o send repeated headers so.",
    )
    .app(),
    Case::new(
        Info,
        "headers/empty",
        "whether an empty value is a header",
        &["H-12"],
        empty,
        "Nothing.",
    )
    .app(),
    Case::new(
        Robust,
        "headers/1000",
        "1,000 header fields harm their own request at most",
        &["H-10", "R-10a"],
        thousand,
        "One client ends the service for all.",
    ),
];

fn set(bench: &Bench<'_>, name: &str, value: &str) -> Request {
    bench.get("/headers").set(name, value)
}

/// The headers that the application sees.
fn seen(bench: &Bench<'_>, request: &Request) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let answer = bench.ask(request)?;
    answer.has_status(200)?;
    let body = answer.body();
    let lines = body.split(|byte| *byte == b'\n');
    let fields = lines.filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at(colon);
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        Some((name, value.get(1..)?.trim_ascii().to_vec()))
    });
    Ok(fields.collect())
}

fn values<'a>(seen: &'a [(String, Vec<u8>)], name: &str) -> Vec<&'a [u8]> {
    let fields = seen.iter().filter(|(it, _)| it == name);
    fields.map(|(_, value)| value.as_slice()).collect()
}

fn has(bench: &Bench<'_>, request: &Request, name: &str, wanted: Option<&str>) -> Outcome {
    let seen = seen(bench, request)?;
    let found = values(&seen, name);
    match (wanted, &found[..]) {
        (None, []) => passed(),
        (None, [value, ..]) => Err(Failure::red(format!(
            "sees {name}: \"{}\"",
            value.escape_ascii()
        ))),
        (Some(wanted), [value]) if *value == wanted.as_bytes() => passed(),
        (Some(_), []) => Err(Failure::red(format!("does not see {name}"))),
        (Some(_), [value, ..]) => {
            let text = format!(
                "sees {name} {} times, first \"{}\"",
                found.len(),
                value.escape_ascii()
            );
            Err(Failure::red(text))
        }
    }
}

fn content_type(bench: &Bench<'_>) -> Outcome {
    let request = bench
        .post("/headers", "{}")
        .set("CONTENT_TYPE", "application/json");
    has(bench, &request, "content-type", Some("application/json"))
}

fn content_length(bench: &Bench<'_>) -> Outcome {
    has(
        bench,
        &bench.post("/headers", "1234567"),
        "content-length",
        Some("7"),
    )
}

fn only_http(bench: &Bench<'_>) -> Outcome {
    let request = set(bench, "REMOTE_USER", "somebody").set("X_OTHER", "param");
    let seen = seen(bench, &request)?;
    for name in [
        "remote-user",
        "remote_user",
        "x-other",
        "x_other",
        "server-name",
    ] {
        check(values(&seen, name).is_empty(), format!("sees {name}"))?;
    }
    passed()
}

fn empty_content_length(bench: &Bench<'_>) -> Outcome {
    let usual = bench.ask(&bench.plain())?.answered()?.head().status();
    let answer = bench.ask(&bench.plain().set("CONTENT_LENGTH", ""))?;
    let status = answer.answered()?.head().status();
    check(
        status == usual,
        format!("answers {status:?}, and {usual:?} without it"),
    )?;
    passed()
}

fn two_lengths(bench: &Bench<'_>) -> Outcome {
    bench.ask(&bench.get("/headers"))?.offered()?;
    let request = bench
        .post("/echo", "1234567890")
        .param("CONTENT_LENGTH", "5");
    let answer = bench.ask(&request)?;
    let status = answer.head().status();
    let is_refused = !answer.head().is_whole || status.is_some_and(|status| status >= 400);
    check(
        is_refused,
        format!("answers, with a body of {} bytes", answer.body().len()),
    )?;
    passed()
}

fn invalid_length(bench: &Bench<'_>) -> Outcome {
    // Refused, with a response or without one; a success is wrong, and so is silence.
    let answer = bench.ask(&bench.plain().set("CONTENT_LENGTH", "seven"))?;
    let status = answer.head().status();
    let is_refused = !answer.head().is_whole || status.is_some_and(|status| status >= 400);
    check(is_refused, "answers as if nothing were wrong")?;
    passed()
}

fn hop_by_hop(bench: &Bench<'_>) -> Outcome {
    let request = set(bench, "HTTP_CONNECTION", "keep-alive")
        .set("HTTP_KEEP_ALIVE", "timeout=5")
        .set("HTTP_TRANSFER_ENCODING", "chunked")
        .set("HTTP_UPGRADE", "websocket")
        .set("HTTP_TE", "trailers");
    let seen = seen(bench, &request)?;
    for name in [
        "connection",
        "keep-alive",
        "transfer-encoding",
        "upgrade",
        "te",
    ] {
        check(values(&seen, name).is_empty(), format!("sees {name}"))?;
    }
    passed()
}

fn bytes(bench: &Bench<'_>) -> Outcome {
    let request = bench.get("/headers").param("HTTP_X_TEST", b"caf\xe9");
    let seen = seen(bench, &request)?;
    let found = values(&seen, "x-test");
    let shown = found.first().map(|it| it.escape_ascii().to_string());
    let text = format!("sees \"{}\"", shown.unwrap_or_default());
    check(found == [&b"caf\xe9"[..]], text)?;
    passed()
}

fn invalid_names(bench: &Bench<'_>) -> Outcome {
    let request = set(bench, "HTTP_X Y", "1")
        .set("HTTP_", "2")
        .set("HTTP_X:Z", "3");
    let request = request.set("HTTP_X_TEST", "4");
    has(bench, &request, "x-test", Some("4"))
}

fn repeated(bench: &Bench<'_>) -> Outcome {
    let request = bench
        .get("/headers")
        .param("HTTP_X_TEST", "1")
        .param("HTTP_X_TEST", "2")
        .param("HTTP_COOKIE", "a=1")
        .param("HTTP_COOKIE", "b=2");
    let seen = seen(bench, &request)?;
    let shown = |name: &str| {
        let values = values(&seen, name);
        let values = values.iter().map(|it| format!("\"{}\"", it.escape_ascii()));
        values.collect::<Vec<_>>().join(" and ")
    };
    noted(format!(
        "x-test: {}, cookie: {}",
        shown("x-test"),
        shown("cookie")
    ))
}

fn empty(bench: &Bench<'_>) -> Outcome {
    let seen = seen(bench, &set(bench, "HTTP_X_TEST", ""))?;
    noted(match values(&seen, "x-test")[..] {
        [] => "it is none",
        _ => "it is one",
    })
}

fn thousand(bench: &Bench<'_>) -> Outcome {
    let fields = 0..1000;
    let request = fields.fold(bench.plain(), |request, number| {
        request.param(format!("HTTP_X_{number}"), "x")
    });
    let status = bench.ask(&request).ok().and_then(|it| it.head().status());
    bench.ask(&bench.plain())?.answered()?;
    noted(match status {
        Some(status) => format!("the status is {status}"),
        None => "no response".to_owned(),
    })
}
