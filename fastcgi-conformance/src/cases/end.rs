//! The end of a request: streams and END_REQUEST (specification, 5.5, 6.1 and 6.2).

use crate::{
    bench::{Bench, QUIET},
    case::{
        Case, Failure,
        Grade::{Info, Must, Should},
        Outcome, check, noted, passed,
    },
    conn::Next,
    record::{END_REQUEST, Record, STDERR, STDOUT, protocol_status_name},
};

pub(crate) const CASES: &[Case] = &[
    Case::new(
        Must,
        "end/ended",
        "a request is ended with END_REQUEST",
        &["5.5", "6.2", "R-11"],
        |bench| {
            bench.ask(&bench.plain())?.ended()?;
            passed()
        },
        "On a kept connection, the web server waits until its time-out.",
    ),
    Case::new(
        Must,
        "end/complete",
        "the protocol status of a request that was answered is REQUEST_COMPLETE",
        &["5.5", "6.2"],
        complete,
        "Web servers that look at it (HAProxy, Jetty) take the response for a failure.",
    ),
    Case::new(
        Must,
        "end/length",
        "END_REQUEST has eight bytes",
        &["5.5", "8"],
        length,
        "nginx answers 502, or cuts the response off.",
    ),
    Case::new(
        Must,
        "end/stdout",
        "STDOUT is ended with an empty record before END_REQUEST",
        &["3.3", "6.1", "B", "R-11"],
        stdout,
        "Web servers that wait for it take the response for cut off.",
    ),
    Case::new(
        Must,
        "end/stdout-once",
        "nothing follows the end of STDOUT on it",
        &["3.3"],
        stdout_once,
        "The rest of the response is lost, or taken for another one.",
    ),
    Case::new(
        Must,
        "end/last",
        "nothing of a request follows its END_REQUEST",
        &["3.3", "5.5"],
        last,
        "The next response on the connection is mixed with this one.",
    ),
    Case::new(
        Must,
        "end/app-status",
        "the app status of a success is 0",
        &["5.5", "6.2", "R-11"],
        app_status,
        "Jetty answers 502, and cgi-fcgi exits with it.",
    )
    .app(),
    Case::new(
        Must,
        "end/no-stderr",
        "without an error, STDERR has one empty record at most",
        &["6.1"],
        no_stderr,
        "The log of the web server is filled.",
    )
    .app(),
    Case::new(
        Should,
        "end/stderr",
        "what the application writes to STDERR arrives on STDERR",
        &["5.3", "6.1", "6.2", "7", "R-16"],
        stderr,
        "Errors are not in the log of the web server.",
    )
    .app(),
    Case::new(
        Must,
        "end/stderr-ended",
        "STDERR that was used is ended with an empty record before END_REQUEST",
        &["3.3", "6.1", "B", "R-11"],
        stderr_ended,
        "Web servers that wait for it take the response for cut off.",
    )
    .app(),
    Case::new(
        Info,
        "end/app-status-set",
        "whether an application can set its app status",
        &["5.5", "6.2", "R-11"],
        app_status_set,
        "Only cgi-fcgi and Jetty look at it.",
    )
    .app(),
    Case::new(
        Info,
        "end/stderr-first",
        "whether STDERR comes in front of the head, where nginx counts it against the buffer for the head",
        &["6.1", "R-16"],
        stderr_first,
        "Long messages to STDERR make nginx answer 502.",
    )
    .app(),
];

fn complete(bench: &Bench<'_>) -> Outcome {
    let status = bench.ask(&bench.plain())?.ended()?.protocol_status;
    check(
        status == 0,
        format!("ended it with {}", protocol_status_name(status)),
    )?;
    passed()
}

fn length(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.plain())?;
    let end = answer.of_type(END_REQUEST).next();
    let end = end.ok_or_else(|| Failure::red("sent no END_REQUEST"))?;
    check(
        end.content.len() == 8,
        format!("sent {} bytes", end.content.len()),
    )?;
    passed()
}

fn stdout(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.plain())?;
    let last = answer.of_type(STDOUT).last();
    let last = last.ok_or_else(|| Failure::red("sent nothing on STDOUT"))?;
    check(last.content.is_empty(), "sent no empty record on STDOUT")?;
    passed()
}

fn stdout_once(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.plain())?;
    let mut records = answer.of_type(STDOUT);
    records.find(|record| record.content.is_empty());
    let after = records.next();
    check(after.is_none(), "sent STDOUT behind its end")?;
    passed()
}

fn last(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    bench.ask_on(&mut conn, &bench.plain().kept())?;
    match conn.next_within(QUIET) {
        Next::Record(record) => Err(Failure::red(format!("sent {record} behind END_REQUEST"))),
        Next::End(_) | Next::Nothing => passed(),
    }
}

fn app_status(bench: &Bench<'_>) -> Outcome {
    let status = bench.ask(&bench.get("/hello"))?.ended()?.app_status;
    check(
        status == 0,
        format!("ended it with an app status of {status}"),
    )?;
    passed()
}

fn no_stderr(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.get("/hello"))?;
    let lengths: Vec<_> = answer.of_type(STDERR).map(|it| it.content.len()).collect();
    let is_empty = matches!(lengths[..], [] | [0]);
    check(
        is_empty,
        format!("sent records of STDERR with {lengths:?} bytes"),
    )?;
    passed()
}

fn stderr(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.get("/stderr"))?;
    answer.has_status(200)?;
    let text = answer.stderr();
    let is_there = text.windows(9).any(|it| it == b"a message");
    check(
        is_there,
        format!("sent \"{}\" on STDERR", text.escape_ascii()),
    )?;
    passed()
}

fn stderr_ended(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.get("/stderr"))?;
    answer.offered()?;
    let last = answer.of_type(STDERR).last();
    let is_ended = last.is_none_or(|last: &Record| last.content.is_empty());
    check(is_ended, "sent no empty record on STDERR")?;
    passed()
}

fn app_status_set(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.get("/stderr"))?;
    answer.offered()?;
    noted(match answer.ended()?.app_status {
        3 => "it can",
        _ => "it cannot",
    })
}

fn stderr_first(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.get("/stderr"))?;
    answer.offered()?;
    let mut records = answer.records.iter();
    let first = records.find(|record| !record.content.is_empty());
    noted(match first {
        Some(record) if record.kind == STDERR => "it comes first",
        _ => "it follows the head",
    })
}
