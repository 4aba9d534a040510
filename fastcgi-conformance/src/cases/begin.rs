//! The begin of a request: roles and flags (specification, 5.1 and 6).

use crate::{
    bench::{Bench, QUIET},
    case::{
        Case, Failure,
        Grade::{Info, Must, Robust, Should},
        Outcome, check, noted, passed,
    },
    record::{BEGIN_REQUEST, DATA, Record, UNKNOWN_ROLE},
    request::{AUTHORIZER, FILTER, Request, bytes},
};

pub(crate) const CASES: &[Case] = &[
    Case::new(
        Must,
        "begin/unknown-role",
        "a request of an unknown role is refused with UNKNOWN_ROLE",
        &["5.1", "5.5", "6", "B-13", "R-10a"],
        unknown_role,
        "A web server that asks for a new role waits for an answer.",
    ),
    Case::new(
        Must,
        "begin/refused-closes",
        "after a refusal, a connection that is not to be kept is closed",
        &["5.1", "3.5"],
        refused_closes,
        "nginx waits for the end of the connection until its time-out.",
    ),
    Case::new(
        Must,
        "begin/refused-keeps",
        "after a refusal, a connection that is to be kept takes the next request",
        &["5.1", "3.5"],
        refused_keeps,
        "The next request on the connection fails.",
    ),
    Case::new(
        Must,
        "begin/authorizer",
        "a request to an Authorizer, which has no STDIN, is ended: served, or refused",
        &["6.3", "B-13"],
        authorizer,
        "Behind Apache's mod_authnz_fcgi each request hangs.",
    ),
    Case::new(
        Must,
        "begin/filter",
        "a request to a Filter, which has DATA behind STDIN, is ended: served, or refused",
        &["6.4", "5.3", "B-13"],
        filter,
        "A web server that knows Filters waits for an answer.",
    ),
    Case::new(
        Must,
        "begin/other-flags",
        "flags other than KEEP_CONN do not count",
        &["5.1"],
        other_flags,
        "A connection is closed, or kept, against the word of the web server.",
    ),
    Case::new(
        Should,
        "begin/reserved",
        "the reserved bytes of BEGIN_REQUEST are not looked at",
        &["5.1"],
        reserved,
        "A later version of a web server cannot use them.",
    ),
    Case::new(
        Info,
        "begin/roles",
        "which roles are served",
        &["6", "6.1", "6.3", "6.4", "B-13"],
        roles,
        "Authorizers and Filters are a matter of taste.",
    ),
    Case::new(
        Info,
        "begin/active-id",
        "what becomes of BEGIN_REQUEST for an id that is active",
        &["3.3", "B-13"],
        active_id,
        "Nothing: no web server sends one.",
    ),
    Case::new(
        Info,
        "begin/null-id",
        "what becomes of BEGIN_REQUEST with the id 0",
        &["3.3", "B-13"],
        null_id,
        "Nothing: no web server sends one.",
    ),
    Case::new(
        Robust,
        "begin/short",
        "BEGIN_REQUEST that is too short harms its own connection at most",
        &["5.1"],
        short,
        "One broken peer ends the service for all.",
    ),
];

fn unknown_role(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.plain().with_role(99))?;
    let status = answer.ended()?.protocol_status;
    let name = crate::record::protocol_status_name(status);
    check(status == UNKNOWN_ROLE, format!("ended it with {name}"))?;
    passed()
}

fn refused_closes(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    conn.send(bench.plain().with_role(99).bytes())?;
    conn.until_end()?;
    passed()
}

fn refused_keeps(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    bench.ask_on(&mut conn, &bench.plain().kept().with_role(99))?;
    // Another id, so that nothing of the refused request is taken for its response.
    let next = bench.ask_on(&mut conn, &bench.plain().kept().with_id(2));
    next.map_err(|it| it.of("the next request"))?.answered()?;
    passed()
}

fn authorizer(bench: &Bench<'_>) -> Outcome {
    let request = authorizer_request(bench);
    let mut conn = bench.connect()?;
    conn.send(request.head())?;
    conn.answer(1)?.ended()?;
    passed()
}

/// Without what a web server does not send to an Authorizer.
fn authorizer_request(bench: &Bench<'_>) -> Request {
    let request = bench.plain().with_role(AUTHORIZER);
    request.without("PATH_INFO").without("SCRIPT_NAME")
}

fn filter(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    conn.send(filter_bytes(bench))?;
    conn.answer(1)?.ended()?;
    passed()
}

fn filter_bytes(bench: &Bench<'_>) -> Vec<u8> {
    let request = bench
        .plain()
        .with_role(FILTER)
        .set("FCGI_DATA_LAST_MOD", "0")
        .set("FCGI_DATA_LENGTH", "4");
    let data = bytes(&request.stream(DATA, b"file"));
    [request.bytes(), data].concat()
}

fn other_flags(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    bench.ask_on(&mut conn, &bench.plain().with_flags(0xff))?;
    let next = bench.ask_on(&mut conn, &bench.plain().with_flags(0xfe));
    let of = |it: Failure| it.of("after a request with all flags");
    next.and_then(|it| it.answered().cloned()).map_err(of)?;
    let of = |it: Failure| it.of("after a request with all flags but KEEP_CONN");
    conn.until_end().map_err(of)?;
    passed()
}

fn reserved(bench: &Bench<'_>) -> Outcome {
    let mut records = bench.plain().records();
    if let Some(begin) = records.first_mut() {
        begin.content = vec![0, 1, 0, 0xff, 0xff, 0xff, 0xff, 0xff];
    }
    let mut conn = bench.connect()?;
    conn.send(bytes(&records))?;
    conn.answer(1)?.answered()?;
    passed()
}

fn roles(bench: &Bench<'_>) -> Outcome {
    let served = |sent: Vec<u8>| -> Result<bool, Failure> {
        let mut conn = bench.connect()?;
        conn.send(sent)?;
        let end = conn.answer(1)?.end();
        Ok(end.is_some_and(|it| it.protocol_status == 0))
    };
    let mut roles = vec!["Responder"];
    if served(authorizer_request(bench).head()).unwrap_or(false) {
        roles.push("Authorizer");
    }
    if served(filter_bytes(bench)).unwrap_or(false) {
        roles.push("Filter");
    }
    noted(roles.join(", "))
}

fn active_id(bench: &Bench<'_>) -> Outcome {
    let request = bench.plain();
    let mut conn = bench.connect()?;
    conn.send(request.begin().bytes())?;
    conn.send(request.bytes())?;
    noted(conn.next_within(bench.left() / 2).to_string())
}

fn null_id(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    conn.send(bench.plain().with_id(0).bytes())?;
    noted(conn.next_within(bench.left() / 2).to_string())
}

fn short(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    conn.send(Record::new(BEGIN_REQUEST, 1, [0, 1, 0]).bytes())?;
    conn.next_within(QUIET);
    // Some serve one connection at a time.
    drop(conn);
    bench.ask(&bench.plain())?.answered()?;
    passed()
}
