//! The CGI response: header block and body (RFC 3875, 6; specification, 6.1 and 6.2).

use crate::{
    bench::{Bench, QUIET},
    case::{
        Case,
        Grade::{Info, Must, Should},
        Outcome, check, noted, passed,
    },
    conn::Next,
    record::{END_REQUEST, STDOUT},
};

pub(crate) const CASES: &[Case] = &[
    Case::new(
        Must,
        "response/no-status-line",
        "there is no HTTP status line: the status is in the field Status",
        &["6.1", "RFC 3875 6.3.3"],
        no_status_line,
        "The client gets a broken response.",
    ),
    Case::new(
        Must,
        "response/cgi-field",
        "the header block has Content-Type, Location or Status",
        &["6.2", "RFC 3875 6.3"],
        cgi_field,
        "Apache answers 500.",
    ),
    Case::new(
        Must,
        "response/status",
        "Status begins with three digits",
        &["6.1", "RFC 3875 6.3.3", "R-1"],
        status,
        "The client gets 502, or another status.",
    ),
    Case::new(
        Should,
        "response/reason",
        "Status has a reason phrase",
        &["RFC 3875 6.3.3", "R-1"],
        reason,
        "nginx before 1.25.3 sends a status line without one, which some clients refuse.",
    ),
    Case::new(
        Must,
        "response/lines",
        "each line of the header block is NAME:VALUE, with a token as name",
        &["RFC 3875 6.3", "R-2"],
        lines,
        "The client gets 502, or loses fields.",
    ),
    Case::new(
        Must,
        "response/content-type",
        "a response with a body has a Content-Type",
        &["RFC 3875 6.3.1", "R-4"],
        content_type,
        "Browsers guess, and Yaws drops the body.",
    )
    .app(),
    Case::new(
        Must,
        "response/content-length",
        "Content-Length, if there is one, is the length of the body",
        &["RFC 3875 6.3", "R-7"],
        content_length,
        "The response is cut off, or the client waits.",
    )
    .app(),
    Case::new(
        Must,
        "response/statuses",
        "200, 201, 400, 404, 418, 500 and 503 arrive",
        &["RFC 3875 6.3.3", "R-1"],
        statuses,
        "Errors look like successes.",
    )
    .app(),
    Case::new(
        Must,
        "response/redirect",
        "a redirect has its status and its Location",
        &["6.1", "RFC 3875 6.3.2", "RFC 3875 6.2.3", "R-1"],
        redirect,
        "Redirects do not work, or are followed inside the web server.",
    )
    .app(),
    Case::new(
        Must,
        "response/head",
        "a response to HEAD has no body",
        &["RFC 3875 4.3.3", "R-8"],
        head,
        "h2o sends the body, and the client takes it for the next response.",
    )
    .app(),
    Case::new(
        Should,
        "response/204-304",
        "responses with status 204 and 304 have no body",
        &["R-8"],
        no_body,
        "h2o sends the body, and the client takes it for the next response.",
    )
    .app(),
    Case::new(
        Should,
        "response/set-cookie",
        "two fields Set-Cookie stay two",
        &["R-2", "R-3"],
        set_cookie,
        "One of two cookies is lost.",
    )
    .app(),
    Case::new(
        Should,
        "response/long-field",
        "a value of 4,000 bytes arrives whole",
        &["R-5"],
        long_field,
        "Large cookies and policies are lost.",
    )
    .app(),
    Case::new(
        Should,
        "response/hop-by-hop",
        "Connection and Transfer-Encoding of the application are left out",
        &["RFC 3875 6.3.4", "R-4"],
        hop_by_hop,
        "Caddy and lighttpd decode what is not encoded.",
    )
    .app(),
    Case::new(
        Info,
        "response/status-first",
        "whether Status is there always, and first",
        &["R-1"],
        status_first,
        "With Location and without Status, some web servers say 302 and others 200.",
    ),
    Case::new(
        Info,
        "response/invented",
        "which of Date, Server and Content-Encoding come with a response that does not set them",
        &["R-4", "R-17"],
        invented,
        "Nothing.",
    )
    .app(),
    Case::new(
        Info,
        "response/1xx",
        "what becomes of a response with status 101",
        &["R-9"],
        interim,
        "Web servers take a second head for the body.",
    )
    .app(),
    Case::new(
        Info,
        "response/records",
        "how large the records of a large response are",
        &["R-12"],
        records,
        "Nothing but some speed.",
    )
    .app(),
];

fn no_status_line(bench: &Bench<'_>) -> Outcome {
    let stdout = bench.ask(&bench.plain())?.stdout();
    check(!stdout.starts_with(b"HTTP/"), "sent a status line")?;
    passed()
}

fn cgi_field(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.plain())?;
    let head = answer.answered()?.head();
    let mut names = head.fields().map(|(name, _)| name);
    let is_cgi = names.any(|it| ["content-type", "location", "status"].contains(&it.as_str()));
    check(is_cgi, "sent none of them")?;
    passed()
}

fn status(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.plain())?;
    if let Some(status) = answer.answered()?.head().field("status") {
        let (digits, rest) = status.split_at_checked(3).unwrap_or_default();
        let is_right = digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.is_empty()
            && (rest.is_empty() || rest.starts_with(' '));
        check(is_right, format!("sent Status: {status}"))?;
    }
    passed()
}

fn reason(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.plain())?;
    if let Some(status) = answer.answered()?.head().field("status") {
        let is_there = status
            .split_once(' ')
            .is_some_and(|(_, it)| !it.trim().is_empty());
        check(is_there, format!("sent Status: {status}"))?;
    }
    passed()
}

fn lines(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.plain())?;
    for line in answer.answered()?.head().lines {
        let colon = line.iter().position(|byte| *byte == b':');
        let name = line.get(..colon.unwrap_or(0)).unwrap_or_default();
        let is_token =
            |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
        let is_right = !name.is_empty() && name.iter().all(is_token);
        check(
            is_right,
            format!("sent the line \"{}\"", line.escape_ascii()),
        )?;
    }
    passed()
}

fn content_type(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.get("/hello"))?;
    let value = answer.has_status(200)?.head().field("content-type");
    check(value.is_some(), "sent no Content-Type")?;
    passed()
}

fn content_length(bench: &Bench<'_>) -> Outcome {
    for path in ["/hello", "/bytes/100000", "/status/404"] {
        let answer = bench.ask(&bench.get(path))?;
        if let Some(length) = answer.answered()?.head().field("content-length") {
            let found = answer.body().len();
            let text =
                format!("{path}: Content-Length is {length}, and the body has {found} bytes");
            check(length.parse() == Ok(found), text)?;
        }
    }
    passed()
}

fn statuses(bench: &Bench<'_>) -> Outcome {
    for status in [200, 201, 400, 404, 418, 500, 503] {
        let answer = bench.ask(&bench.get(&format!("/status/{status}")))?;
        answer.has_status(status)?;
    }
    passed()
}

fn redirect(bench: &Bench<'_>) -> Outcome {
    for status in [302, 307] {
        let answer = bench.ask(&bench.get(&format!("/status/{status}")))?;
        let location = answer.has_status(status)?.head().field("location");
        let text = format!("sent Location: {}", location.as_deref().unwrap_or("(none)"));
        check(location.as_deref() == Some("/elsewhere"), text)?;
    }
    passed()
}

fn head(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.get("/hello").set("REQUEST_METHOD", "HEAD"))?;
    let length = answer.has_status(200)?.body().len();
    check(length == 0, format!("sent a body of {length} bytes"))?;
    passed()
}

fn no_body(bench: &Bench<'_>) -> Outcome {
    for status in [204, 304] {
        let answer = bench.ask(&bench.get(&format!("/status/{status}")))?;
        let length = answer.has_status(status)?.body().len();
        check(
            length == 0,
            format!("{status}: sent a body of {length} bytes"),
        )?;
    }
    passed()
}

fn set_cookie(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.get("/fields"))?;
    let head = answer.has_status(200)?.head();
    let cookies: Vec<_> = head
        .fields()
        .filter(|(name, _)| name == "set-cookie")
        .collect();
    let values = cookies.iter().map(|(_, value)| *value);
    let is_right = values.eq([&b"a=1"[..], b"b=2"]);
    check(
        is_right,
        format!("sent {} lines of Set-Cookie", cookies.len()),
    )?;
    passed()
}

fn long_field(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.get("/fields"))?;
    let value = answer.has_status(200)?.head().field("x-long");
    let length = value.map(|it| it.len());
    check(
        length == Some(4000),
        format!("sent {} bytes of it", length.unwrap_or(0)),
    )?;
    passed()
}

fn hop_by_hop(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.get("/fields"))?;
    let head = answer.has_status(200)?.head();
    for name in ["connection", "transfer-encoding"] {
        check(head.field(name).is_none(), format!("sent {name}"))?;
    }
    passed()
}

fn status_first(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.plain())?;
    let head = answer.answered()?.head();
    let first = head.fields().next().map(|(name, _)| name);
    noted(match (first.as_deref(), head.field("status")) {
        (Some("status"), _) => "first",
        (_, Some(_)) => "there, but not first",
        (_, None) => "absent with status 200",
    })
}

fn invented(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.get("/hello"))?;
    let head = answer.has_status(200)?.head();
    let names = ["date", "server", "content-encoding", "x-powered-by"];
    let found: Vec<_> = names
        .into_iter()
        .filter(|name| head.field(name).is_some())
        .collect();
    noted(if found.is_empty() {
        "none".to_owned()
    } else {
        found.join(", ")
    })
}

fn interim(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.get("/status/101"))?;
    noted(match answer.head().status() {
        Some(status) if answer.head().is_whole => format!("the status is {status}"),
        _ => "no response".to_owned(),
    })
}

fn records(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    conn.send(bench.get("/bytes/1000000").bytes())?;
    let mut largest = 0;
    let mut count = 0;
    loop {
        match conn.next() {
            Next::Record(record) if record.kind == STDOUT => {
                largest = largest.max(record.content.len());
                count += 1;
            }
            Next::Record(record) if record.kind == END_REQUEST => break,
            Next::Record(_) => {}
            Next::End(_) | Next::Nothing => break,
        }
    }
    conn.next_within(QUIET / 10);
    noted(format!("{count} records, the largest has {largest} bytes"))
}
