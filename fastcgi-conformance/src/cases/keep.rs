//! Connections that are kept, and that are closed (specification, 3.5 and 5.1).

use std::{thread::sleep, time::Duration};

use crate::{
    bench::{Bench, QUIET},
    case::{
        Case, Failure,
        Grade::{Must, Should},
        Needs, Outcome, check, passed,
    },
    conn::{Conn, Ending, Next},
    process::Process,
    request::Request,
};

pub(crate) const CASES: &[Case] = &[
    Case::new(
        Must,
        "keep/closed",
        "without KEEP_CONN the connection is closed behind the response",
        &["3.5", "5.1", "B-14"],
        closed,
        "nginx waits for the end of the connection until its time-out.",
    ),
    Case::new(
        Should,
        "keep/closed-cleanly",
        "the connection is closed, not reset",
        &["3.5", "B-9", "B-14"],
        closed_cleanly,
        "The reset overtakes the response, and the client gets 502 at random.",
    ),
    Case::new(
        Must,
        "keep/kept",
        "with KEEP_CONN the connection stays open behind the response",
        &["3.5", "5.1", "B-14"],
        kept,
        "Web servers that keep connections answer 502 at random.",
    ),
    Case::new(
        Must,
        "keep/next",
        "a kept connection takes a second request, with the same id",
        &["3.3", "3.5", "5.1"],
        |bench| next(bench, 1),
        "Each second request fails.",
    ),
    Case::new(
        Must,
        "keep/other-id",
        "a kept connection takes a second request, with another id",
        &["3.3", "5.1"],
        |bench| next(bench, 2),
        "Behind HAProxy, whose ids grow, each second request fails.",
    ),
    Case::new(
        Must,
        "keep/fifty",
        "a kept connection takes fifty requests",
        &["3.5", "5.1"],
        fifty,
        "Requests fail now and then.",
    ),
    Case::new(
        Must,
        "keep/last",
        "behind a request without KEEP_CONN a connection that was kept is closed",
        &["5.1"],
        last,
        "The web server waits for the end of the connection until its time-out.",
    ),
    Case::new(
        Should,
        "keep/pause",
        "a kept connection takes a request after a pause of 1 s",
        &["3.5", "B-14"],
        pause,
        "Web servers that keep connections answer 502 at random.",
    )
    .limit(6),
    Case::new(
        Must,
        "keep/web-server-closes",
        "a web server may close a kept connection, and open another one",
        &["3.5"],
        web_server_closes,
        "After some time nothing is answered any more.",
    ),
    Case::new(
        Should,
        "keep/connect-and-leave",
        "a web server may connect and leave without a byte",
        &["3.2", "3.5"],
        connect_and_leave,
        "A health check occupies the application.",
    ),
    Case::new(
        Should,
        "keep/left-and-forgotten",
        "a web server that has connected and left costs nothing afterwards",
        &["3.2", "3.5"],
        left_and_forgotten,
        "A health check takes all of a CPU, for ever.",
    )
    .needs(Needs::Memory),
];

fn closed(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    conn.send(bench.plain().bytes())?;
    conn.until_end()?;
    passed()
}

fn closed_cleanly(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    conn.send(bench.plain().bytes())?;
    match conn.until_end() {
        Ok((_, Ending::Reset)) => Err(Failure::red(Ending::Reset.to_string())),
        _ => passed(),
    }
}

fn kept(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    bench.ask_on(&mut conn, &bench.plain().kept())?;
    // What else may be wrong is another case.
    match conn.next_within(Duration::from_millis(300)) {
        Next::End(ending) => Err(Failure::red(ending.to_string())),
        Next::Record(_) | Next::Nothing => passed(),
    }
}

fn next(bench: &Bench<'_>, id: u16) -> Outcome {
    let mut conn = bench.connect()?;
    bench.ask_on(&mut conn, &bench.plain().kept())?;
    answered(bench, &mut conn, &bench.plain().kept().with_id(id))
}

fn answered(bench: &Bench<'_>, conn: &mut Conn, request: &Request) -> Outcome {
    let of = |it: Failure| it.of("the next request");
    let answer = bench.ask_on(conn, request).map_err(of)?;
    answer.answered().map_err(of)?;
    passed()
}

fn fifty(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    for number in 1..=50 {
        let answer = bench.ask_on(&mut conn, &bench.plain().kept());
        let of = |it: Failure| it.of(format!("request {number}"));
        answer.and_then(|it| it.answered().cloned()).map_err(of)?;
    }
    passed()
}

fn last(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    bench.ask_on(&mut conn, &bench.plain().kept())?;
    answered(bench, &mut conn, &bench.plain())?;
    conn.until_end()?;
    passed()
}

fn pause(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    bench.ask_on(&mut conn, &bench.plain().kept())?;
    sleep(Duration::from_secs(1));
    answered(bench, &mut conn, &bench.plain().kept())
}

fn web_server_closes(bench: &Bench<'_>) -> Outcome {
    for number in 1..=3 {
        let answer = bench.ask(&bench.plain().kept());
        let of = |it: Failure| it.of(format!("connection {number}"));
        answer.and_then(|it| it.answered().cloned()).map_err(of)?;
    }
    passed()
}

fn connect_and_leave(bench: &Bench<'_>) -> Outcome {
    for _ in 0..3 {
        bench.connect()?;
    }
    let answer = bench.ask(&bench.plain())?;
    check(!answer.records.is_empty(), "answers nobody afterwards")?;
    passed()
}

fn left_and_forgotten(bench: &Bench<'_>) -> Outcome {
    for _ in 0..10 {
        bench.connect()?;
    }
    sleep(QUIET);
    let computed = || {
        let process = bench.process.borrow();
        process.as_ref().and_then(Process::computed).unwrap_or(0)
    };
    let before = computed();
    sleep(Duration::from_millis(600));
    let spent = 10 * (computed() - before);
    check(
        spent < 60,
        format!("computed for {spent} ms in 600 ms without a request"),
    )?;
    passed()
}
