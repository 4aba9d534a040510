//! Handlers that fail, and that send more than they announced (specification, 7; RFC 3875, 6).

use crate::{
    bench::Bench,
    case::{
        Case, Failure,
        Grade::{Must, Should},
        Outcome, check, passed,
    },
};

pub(crate) const CASES: &[Case] = &[
    Case::new(
        Should,
        "response/failure",
        "a failure before the response is answered with status 500, and ended",
        &["7", "R-10"],
        failure,
        "The client waits, or gets an empty page with status 200.",
    )
    .app(),
    Case::new(
        Should,
        "response/cut-off",
        "a failure in the middle of a response does not look like its end",
        &["7", "R-10"],
        cut_off,
        "Half a page is kept in caches as a whole one.",
    )
    .app(),
    Case::new(
        Must,
        "response/after-failure",
        "a request behind one that failed is answered",
        &["7", "R-10"],
        after_failure,
        "One mistake of a handler ends the service for all.",
    )
    .app(),
    Case::new(
        Should,
        "response/surplus",
        "no more than Content-Length is sent",
        &["R-7"],
        surplus,
        "mod_fcgid sends the rest into the next response of the client.",
    )
    .app(),
];

fn failure(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.get("/fail/before").kept())?;
    answer.has_status(500)?.ended()?;
    passed()
}

fn cut_off(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.get("/fail/after").kept())?;
    answer.offered()?;
    check(answer.body().len() < 1000, "sent the whole response")?;
    let end = answer.end();
    let looks_whole = end.is_some_and(|end| end.app_status == 0 && end.protocol_status == 0);
    check(!looks_whole, "ended it as a success")?;
    passed()
}

fn after_failure(bench: &Bench<'_>) -> Outcome {
    for path in ["/fail/before", "/fail/after"] {
        // How these end is another case.
        if let Ok(answer) = bench.ask(&bench.get(path)) {
            answer.offered()?;
        }
        let answer = bench.ask(&bench.get("/hello"));
        let of = |it: Failure| it.of(format!("behind {path}"));
        answer
            .and_then(|it| it.has_status(200).cloned())
            .map_err(of)?;
    }
    passed()
}

fn surplus(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    conn.send(bench.get("/fail/surplus").kept().bytes())?;
    let answer = conn.answer(1)?;
    answer.offered()?;
    let length = answer.body().len();
    check(
        length <= 5,
        format!("sent a body of {length} bytes, where it had announced 5"),
    )?;
    passed()
}
