//! Which resource is meant: SCRIPT_NAME, PATH_INFO, REQUEST_URI and QUERY_STRING (RFC 3875, 3.3 and 4.1).
//!
//! These are for applications whose library finds out what is meant. Where the application reads the params itself, it says
//! 501 to `/target`.

use crate::{
    answer::Answer,
    bench::Bench,
    case::{
        Case, Failure,
        Grade::{Info, Must, Should},
        Outcome, check, noted, passed,
    },
    request::Request,
};

pub(crate) const CASES: &[Case] = &[
    Case::new(
        Must,
        "meaning/path-info",
        "PATH_INFO is the path, also without REQUEST_URI, which RFC 3875 does not have",
        &["6.2", "RFC 3875 4.1.5"],
        |bench| {
            let request = at(bench, "", "/target/a", "").without("REQUEST_URI");
            means(bench, &request, "/target/a", "")
        },
        "No route is found.",
    )
    .app(),
    Case::new(
        Must,
        "meaning/query",
        "QUERY_STRING is the query",
        &["RFC 3875 4.1.7"],
        query,
        "Forms with GET do not work.",
    )
    .app(),
    Case::new(
        Must,
        "meaning/method",
        "REQUEST_METHOD is the method, also one that nobody knows",
        &["RFC 3875 4.1.12"],
        method,
        "Requests other than GET and POST do not work.",
    )
    .app(),
    Case::new(
        Should,
        "meaning/spelling",
        "where all of REQUEST_URI is meant, the path is as the client spelled it",
        &["RFC 3875 4.1.5"],
        |bench| {
            let request = at(bench, "", "/target/a/b", "/target/a%2Fb");
            means(bench, &request, "/target/a%2Fb", "")
        },
        "`%2F` in a path becomes a slash, and another route is taken.",
    )
    .app(),
    Case::new(
        Should,
        "meaning/mount",
        "SCRIPT_NAME is where the application is mounted, and not a part of its path",
        &["RFC 3875 4.1.13"],
        |bench| {
            let request = at(bench, "/app", "/target/a", "/app/target/a");
            means(bench, &request, "/target/a", "/app")
        },
        "An application below a prefix finds no route.",
    )
    .app(),
    Case::new(
        Should,
        "meaning/nginx",
        "with nginx's stock params, SCRIPT_NAME without PATH_INFO is the path",
        &["RFC 3875 4.1.13"],
        |bench| {
            let request = nginx(at(bench, "/target/a", "", "/target/a"), "/target/a");
            means(bench, &request, "/target/a", "")
        },
        "Behind nginx, configured as its manual shows, no route is found.",
    )
    .app(),
    Case::new(
        Should,
        "meaning/mod-fcgid",
        "a program in SCRIPT_NAME, in front of the whole path, is not a part of it",
        &["RFC 3875 4.1.13"],
        |bench| {
            let request = at(bench, "/index.fcgi", "/target/a", "/target/a");
            means(bench, &request, "/target/a", "")
        },
        "On shared hosts no route is found, or links have `/index.fcgi` in front.",
    )
    .app(),
    Case::new(
        Should,
        "meaning/internal-redirect",
        "after an internal redirect, the page of the web server is meant, not the client's REQUEST_URI",
        &["RFC 3875 3.3"],
        internal_redirect,
        "`error_page`, `auth_request` and the like reach the page that was denied.",
    )
    .app(),
    Case::new(
        Info,
        "meaning/dot-segments",
        "what becomes of dot segments in REQUEST_URI that the web server has resolved",
        &["RFC 3875 3.3"],
        dot_segments,
        "Rules of the web server for a path may be passed by.",
    )
    .app(),
];

/// What the application says that it was asked for.
struct Target {
    method: String,
    script: String,
    path: String,
    query: String,
}

fn target(answer: &Answer) -> Result<Target, Failure> {
    answer.answered()?.offered()?;
    let body = answer.body();
    let text = String::from_utf8_lossy(&body);
    let line = |name: &str| {
        let mut lines = text.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.map(str::to_owned)
    };
    let status = answer.head().status().unwrap_or(0);
    let missing = || {
        Failure::red(format!(
            "did not say what was asked for: the status is {status}"
        ))
    };
    Ok(Target {
        method: line("method").ok_or_else(missing)?,
        script: line("script").ok_or_else(missing)?,
        path: line("path").ok_or_else(missing)?,
        query: line("query").ok_or_else(missing)?,
    })
}

fn at(bench: &Bench<'_>, script_name: &str, path_info: &str, request_uri: &str) -> Request {
    bench
        .get("/target")
        .set("SCRIPT_NAME", script_name)
        .set("PATH_INFO", path_info)
        .set("REQUEST_URI", request_uri)
}

/// As nginx sends it, without PATH_INFO.
fn nginx(request: Request, document_uri: &str) -> Request {
    request
        .without("PATH_INFO")
        .set("DOCUMENT_URI", document_uri)
        .set("SERVER_SOFTWARE", "nginx/1.22.1")
}

fn is_offered(bench: &Bench<'_>) -> Result<(), Failure> {
    bench.ask(&bench.get("/target"))?.offered()?;
    Ok(())
}

fn means(bench: &Bench<'_>, request: &Request, path: &str, script: &str) -> Outcome {
    is_offered(bench)?;
    let target = target(&bench.ask(request)?)?;
    check(
        target.path == path,
        format!("takes {} for the path, not {path}", target.path),
    )?;
    let text = format!(
        "takes {:?} for the script name, not {script:?}",
        target.script
    );
    check(target.script == script, text)?;
    passed()
}

fn query(bench: &Bench<'_>) -> Outcome {
    is_offered(bench)?;
    let target = target(&bench.ask(&bench.get("/target?a=1&b=%20"))?)?;
    check(
        target.query == "a=1&b=%20",
        format!("takes {} for the query", target.query),
    )?;
    passed()
}

fn method(bench: &Bench<'_>) -> Outcome {
    is_offered(bench)?;
    for method in ["GET", "PUT", "DELETE", "PURGE"] {
        let request = bench.get("/target").set("REQUEST_METHOD", method);
        let target = target(&bench.ask(&request)?)?;
        check(
            target.method == method,
            format!("takes {} for {method}", target.method),
        )?;
    }
    passed()
}

fn internal_redirect(bench: &Bench<'_>) -> Outcome {
    // deny all; error_page 403 /target/denied;
    let request = at(bench, "/target/denied", "", "/target/secret");
    means(
        bench,
        &nginx(request, "/target/denied"),
        "/target/denied",
        "",
    )
}

fn dot_segments(bench: &Bench<'_>) -> Outcome {
    is_offered(bench)?;
    let request = at(bench, "/target/b", "", "/target/a/../b");
    let answer = bench.ask(&nginx(request, "/target/b"))?;
    match (answer.head().status(), target(&answer)) {
        (_, Ok(target)) => noted(format!("takes {} for the path", target.path)),
        (Some(status), Err(_)) => noted(format!("answers {status}")),
        (None, Err(_)) => noted("gives no response"),
    }
}
