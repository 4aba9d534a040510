//! Several requests at a time on one connection, or their refusal (specification, 3.3, 4.1 and 5.5).

use crate::{
    answer::Answer,
    bench::Bench,
    case::{
        Case, Failure,
        Grade::{Info, Must, Should},
        Outcome, check, noted, passed,
    },
    conn::{Conn, Next},
    record::{CANT_MPX_CONN, END_REQUEST, PARAMS, Record, STDIN},
    request::{Request, bytes},
};

pub(crate) const CASES: &[Case] = &[
    Case::new(
        Must,
        "mpx/second",
        "a second request beside another is answered, or refused with CANT_MPX_CONN",
        &["3.3", "5.5", "B-12", "R-10a"],
        second,
        "A web server that multiplexes waits for an answer.",
    ),
    Case::new(
        Must,
        "mpx/as-announced",
        "requests are multiplexed, or refused, as the answer to GET_VALUES says",
        &["4.1", "B-12"],
        as_announced,
        "HAProxy multiplexes and loses requests, or does not where it could.",
    ),
    Case::new(
        Must,
        "mpx/first-goes-on",
        "the first request is answered, whatever becomes of the second",
        &["3.3", "5.5", "B-12"],
        first_goes_on,
        "One request too many costs another client its response.",
    ),
    Case::new(
        Must,
        "mpx/params",
        "the params of two requests may be interleaved",
        &["3.3", "B", "B-12"],
        params,
        "A request gets the params of another client.",
    )
    .app(),
    Case::new(
        Must,
        "mpx/bodies",
        "the bodies of two requests may be interleaved",
        &["3.3", "B-12"],
        bodies,
        "A request gets the body of another client.",
    )
    .app(),
    Case::new(
        Must,
        "mpx/responses",
        "two responses are whole, and not mixed",
        &["3.3", "B-12"],
        responses,
        "A client gets the response of another one.",
    )
    .app(),
    Case::new(
        Should,
        "mpx/out-of-order",
        "a second request is answered while the first waits for its body",
        &["3.3", "B", "B-12"],
        out_of_order,
        "One slow client stops all others.",
    )
    .app(),
    Case::new(
        Info,
        "mpx/refusal",
        "what comes with a refusal",
        &["5.5", "B-12", "R-10a"],
        refusal,
        "Behind a bare END_REQUEST HAProxy answers 504 after its time-out.",
    ),
];

/// A connection with a request that has half of its params, and what is missing.
fn half(bench: &Bench<'_>) -> Result<(Conn, Vec<u8>), Failure> {
    let request = bench.plain().kept();
    let pairs = request.pairs();
    let (first, rest) = pairs.split_at(pairs.len() / 2);
    let mut conn = bench.connect()?;
    conn.send(bytes(&[request.begin(), request.record(PARAMS, first)]))?;
    let rest = [request.stream(PARAMS, rest), request.stream(STDIN, b"")];
    Ok((conn, bytes(&rest.concat())))
}

/// What becomes of a second request beside it. Nothing is returned where the application says nothing.
fn beside(bench: &Bench<'_>, conn: &mut Conn) -> Result<Answer, Failure> {
    conn.send(bench.plain().kept().with_id(2).bytes())?;
    conn.answer(2)
}

fn is_refused(answer: &Answer) -> bool {
    let end = answer.end();
    end.is_some_and(|end| end.protocol_status == CANT_MPX_CONN)
}

fn second(bench: &Bench<'_>) -> Outcome {
    let (mut conn, _) = half(bench)?;
    let answer = beside(bench, &mut conn)?;
    if !is_refused(&answer) {
        answer.answered()?;
    }
    passed()
}

fn as_announced(bench: &Bench<'_>) -> Outcome {
    let announced = bench.multiplexes();
    let announced =
        announced.ok_or_else(|| Failure::not_offered("it does not say FCGI_MPXS_CONNS"))?;
    let (mut conn, _) = half(bench)?;
    let Ok(answer) = beside(bench, &mut conn) else {
        return Err(Failure::not_offered("it does neither: see mpx/second"));
    };
    let does = match (is_refused(&answer), answer.answered()) {
        (true, _) => false,
        (false, Ok(_)) => true,
        (false, Err(_)) => return Err(Failure::not_offered("it does neither: see mpx/second")),
    };
    let word = if does { "answers" } else { "refuses" };
    let value = u8::from(announced);
    check(
        does == announced,
        format!("{word} the second request, and says FCGI_MPXS_CONNS={value}"),
    )?;
    passed()
}

fn first_goes_on(bench: &Bench<'_>) -> Outcome {
    let (mut conn, rest) = half(bench)?;
    conn.send(bench.plain().kept().with_id(2).bytes())?;
    conn.send(rest)?;
    conn.answer(1)?.answered()?;
    passed()
}

/// Sends the records of two requests in turns, and collects both answers.
fn both(bench: &Bench<'_>, first: &Request, second: &Request) -> Result<[Answer; 2], Failure> {
    bench.needs_multiplexing()?;
    let mut conn = bench.connect()?;
    let mut turns = [first.records().into_iter(), second.records().into_iter()];
    loop {
        let records: Vec<Record> = turns.iter_mut().filter_map(Iterator::next).collect();
        if records.is_empty() {
            break;
        }
        conn.send(bytes(&records))?;
    }
    let mut answers = [Answer::new(first.id), Answer::new(second.id)];
    while answers.iter().any(|it| it.end().is_none()) {
        match conn.next() {
            Next::Record(record) => {
                for answer in &mut answers {
                    if answer.id == record.id {
                        answer.records.push(record.clone());
                    }
                }
            }
            Next::End(ending) => {
                return Err(Failure::red(format!("{ending} before both were answered")));
            }
            Next::Nothing => return Err(Failure::red("did not answer both in time")),
        }
    }
    Ok(answers)
}

fn params(bench: &Bench<'_>) -> Outcome {
    let request = |id: u16, value: &str| {
        let request = bench.get("/params").kept().with_id(id);
        request.set("T_WHO", value).in_records_of(16)
    };
    let answers = both(bench, &request(1, "first"), &request(2, "second"))?;
    for (answer, wanted) in answers.iter().zip(["T_WHO=first", "T_WHO=second"]) {
        let text = answer.text()?;
        check(text.trim() == wanted, format!("saw {text:?}, not {wanted}"))?;
    }
    passed()
}

fn bodies(bench: &Bench<'_>) -> Outcome {
    let request = |id: u16, body: &[u8]| {
        bench
            .post("/echo", body)
            .kept()
            .with_id(id)
            .in_records_of(20)
    };
    let bodies = [[b'a'; 500], [b'b'; 500]];
    let [first, second] = &bodies;
    let answers = both(bench, &request(1, first), &request(2, second))?;
    for (answer, body) in answers.iter().zip(&bodies) {
        answer.has_body(body)?;
    }
    passed()
}

fn responses(bench: &Bench<'_>) -> Outcome {
    let request = |id: u16| bench.get("/bytes/300000").kept().with_id(id);
    let answers = both(bench, &request(1), &request(2))?;
    for answer in &answers {
        answer.has_body(&super::stream::pattern(300_000))?;
    }
    passed()
}

fn out_of_order(bench: &Bench<'_>) -> Outcome {
    bench.needs_multiplexing()?;
    let first = bench.post("/echo", "body").kept();
    let mut conn = bench.connect()?;
    conn.send(first.head())?;
    let second = bench.ask_on(&mut conn, &bench.get("/hello").kept().with_id(2));
    let of = |it: Failure| it.of("the second request");
    let second = second.map_err(of)?;
    second.has_status(200).map_err(of)?;
    conn.send(bytes(&first.stream(STDIN, b"body")))?;
    let mut answer = conn.answer(1)?;
    // Its head may have come before.
    answer.records.splice(0..0, second.records);
    let of = |it: Failure| it.of("the first request");
    answer.has_body(b"body").map_err(of)?;
    passed()
}

fn refusal(bench: &Bench<'_>) -> Outcome {
    let (mut conn, _) = half(bench)?;
    let answer = beside(bench, &mut conn)?;
    if !is_refused(&answer) {
        return noted("nothing is refused");
    }
    let of_2: Vec<_> = answer.of_type(END_REQUEST).collect();
    noted(match answer.head().status() {
        Some(status) if answer.head().is_whole => format!("a response with status {status}"),
        _ => format!("END_REQUEST alone ({} record)", of_2.len()),
    })
}
