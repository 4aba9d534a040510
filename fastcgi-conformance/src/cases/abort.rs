//! Requests that are given up (specification, 5.4).

use crate::{
    answer::Answer,
    bench::{Bench, QUIET},
    case::{
        Case, Failure,
        Grade::{Info, Must},
        Outcome, check, noted, passed,
    },
    cases::records::abort,
    conn::{Conn, Next},
    record::{END_REQUEST, PARAMS, protocol_status_name},
};

pub(crate) const CASES: &[Case] = &[
    Case::new(
        Must,
        "abort/params",
        "a request that is aborted before the end of its params is ended",
        &["5.4", "B-11"],
        in_params,
        WHY,
    ),
    Case::new(
        Must,
        "abort/stdin",
        "a request that is aborted before the end of its body is ended",
        &["5.4", "B-11"],
        in_stdin,
        WHY,
    )
    .app(),
    Case::new(
        Must,
        "abort/running",
        "a request that is aborted while it is worked on is ended as soon as possible",
        &["5.4", "B-11"],
        running,
        "What the client no longer wants is worked on, and a web server that multiplexes waits.",
    )
    .app(),
    Case::new(
        Must,
        "abort/complete",
        "the protocol status of an aborted request is REQUEST_COMPLETE",
        &["5.4"],
        complete,
        WHY,
    ),
    Case::new(
        Must,
        "abort/closes",
        "behind an aborted request without KEEP_CONN the connection is closed",
        &["5.1", "5.4"],
        closes,
        "The web server waits for the end of the connection until its time-out.",
    ),
    Case::new(
        Must,
        "abort/keeps",
        "behind an aborted request with KEEP_CONN the connection takes the next one",
        &["5.1", "5.4"],
        keeps,
        "Each client that leaves costs a connection, and the requests on it.",
    ),
    Case::new(
        Must,
        "abort/id-again",
        "the id of an aborted request may be used again, and only the new request is answered",
        &["3.3", "5.4"],
        id_again,
        "A client gets the response of another one.",
    )
    .app(),
    Case::new(
        Must,
        "abort/inactive",
        "an abort of a request that is not active is ignored",
        &["3.3", "5.4"],
        inactive,
        "An abort that crosses the end of the response breaks the connection.",
    ),
    Case::new(
        Info,
        "abort/app-status",
        "the app status of an aborted request",
        &["5.4", "B-11"],
        app_status,
        "Nothing.",
    ),
];

const WHY: &str = "A web server that multiplexes (HAProxy) waits for the end until its time-out.";

/// Begins a request, and aborts it in the middle of its params.
fn aborted(bench: &Bench<'_>, conn: &mut Conn, flags: u8) -> Result<Answer, Failure> {
    let request = bench.plain().with_flags(flags);
    conn.send(request.begin().bytes())?;
    conn.send(request.record(PARAMS, request.pairs()).bytes())?;
    conn.send(abort(1))?;
    conn.answer(1)
}

fn in_params(bench: &Bench<'_>) -> Outcome {
    aborted(bench, &mut bench.connect()?, 1)?.ended()?;
    passed()
}

fn in_stdin(bench: &Bench<'_>) -> Outcome {
    let request = bench.post("/length", "").set("CONTENT_LENGTH", "10").kept();
    let mut conn = bench.connect()?;
    conn.send(request.head())?;
    conn.send(abort(1))?;
    conn.answer(1)?.ended()?;
    passed()
}

fn running(bench: &Bench<'_>) -> Outcome {
    let request = bench.get("/wait").kept();
    let mut conn = bench.connect()?;
    conn.send(request.bytes())?;
    if let Next::Record(record) = conn.next_within(QUIET) {
        return Err(Failure::not_offered(format!(
            "/wait does not wait: {record:.60}"
        )));
    }
    conn.send(abort(1))?;
    loop {
        match conn.next_within(std::time::Duration::from_secs(1)) {
            Next::Record(record) if record.kind == END_REQUEST => return passed(),
            Next::Record(_) => {}
            Next::End(ending) => return Err(Failure::red(ending.to_string())),
            Next::Nothing => return Err(Failure::red("sent no END_REQUEST within 1 s")),
        }
    }
}

fn complete(bench: &Bench<'_>) -> Outcome {
    let status = aborted(bench, &mut bench.connect()?, 1)?
        .ended()?
        .protocol_status;
    check(
        status == 0,
        format!("ended it with {}", protocol_status_name(status)),
    )?;
    passed()
}

fn closes(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    aborted(bench, &mut conn, 0)?;
    conn.until_end()?;
    passed()
}

fn keeps(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    aborted(bench, &mut conn, 1)?;
    let next = bench.ask_on(&mut conn, &bench.plain().kept().with_id(2));
    let of = |it: Failure| it.of("the next request");
    next.and_then(|it| it.answered().cloned()).map_err(of)?;
    passed()
}

fn id_again(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    conn.send(bench.get("/wait").kept().bytes())?;
    if let Next::Record(record) = conn.next_within(QUIET) {
        return Err(Failure::not_offered(format!(
            "/wait does not wait: {record:.60}"
        )));
    }
    conn.send(abort(1))?;
    conn.answer(1)?.ended()?;
    let next = bench.ask_on(&mut conn, &bench.get("/hello").kept())?;
    next.has_body(b"Hello, world!")
        .map_err(|it| it.of("the next request"))?;
    match conn.next_within(QUIET) {
        Next::Record(record) => Err(Failure::red(format!("sent {record} behind the response"))),
        _ => passed(),
    }
}

fn inactive(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    conn.send(abort(7))?;
    let answer = bench.ask_on(&mut conn, &bench.plain())?;
    answer.answered()?;
    let mut records = answer.records.iter();
    let of_7 = records.find(|record| record.id == 7);
    check(of_7.is_none(), "answered an abort of an inactive id")?;
    passed()
}

fn app_status(bench: &Bench<'_>) -> Outcome {
    let end = aborted(bench, &mut bench.connect()?, 1)?.ended()?;
    noted(end.app_status.to_string())
}
