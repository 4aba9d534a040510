//! Management records (specification, 4).

use crate::{
    bench::{Bench, QUIET, get_values, padded, values},
    case::{
        Case, Failure,
        Grade::{Must, Robust, Should},
        Outcome, check, noted, passed,
    },
    conn::{Conn, Next},
    record::{GET_VALUES, GET_VALUES_RESULT, PARAMS, Record, STDIN, UNKNOWN_TYPE},
    request::bytes,
};

const NAMES: [&str; 3] = ["FCGI_MAX_CONNS", "FCGI_MAX_REQS", "FCGI_MPXS_CONNS"];

pub(crate) const CASES: &[Case] = &[
    Case::new(
        Must,
        "values/answered",
        "GET_VALUES is answered with GET_VALUES_RESULT, whose id is 0",
        &["4", "4.1", "B-12"],
        answered,
        "HAProxy with `option get-values` waits, and sends no request.",
    ),
    Case::new(
        Should,
        "values/all-three",
        "the three names that the text has are known",
        &["4.1", "8", "B-12"],
        all_three,
        "The web server guesses how many requests it may send at a time.",
    ),
    Case::new(
        Must,
        "values/unpadded",
        "a query that is not padded to eight bytes is answered, without a byte behind it",
        &["3.3", "4.1"],
        unpadded,
        "HAProxy with `option get-values`, which sends this, waits.",
    ),
    Case::new(
        Must,
        "values/decimal",
        "the values are decimal numbers, and FCGI_MPXS_CONNS is 0 or 1",
        &["4.1", "8"],
        decimal,
        "The web server takes another limit than was meant.",
    ),
    Case::new(
        Should,
        "values/only-what-was-asked",
        "the answer has the names of the query, and no others",
        &["4.1"],
        only_what_was_asked,
        "A web server that counts on it misreads the answer.",
    ),
    Case::new(
        Must,
        "values/unknown-name",
        "a name that is not known is left out of the answer",
        &["4.1"],
        unknown_name,
        "The web server takes a limit for known that is not.",
    ),
    Case::new(
        Must,
        "values/no-names",
        "a query without names is answered",
        &["4.1"],
        no_names,
        "The web server waits.",
    ),
    Case::new(
        Must,
        "values/during-params",
        "a query may come in the middle of a request",
        &["4.1"],
        during_params,
        "The request beside it is lost.",
    ),
    Case::new(
        Must,
        "values/then-request",
        "behind a query, the connection takes a request",
        &["3.3", "4.1"],
        then_request,
        "HAProxy with `option get-values` loses the first request of each connection.",
    ),
    Case::new(
        Robust,
        "values/repeated",
        "a query that repeats a name 100 times harms its own connection at most",
        &["4.1"],
        repeated,
        "One broken peer ends the service for all (libfcgi's stack).",
    ),
    Case::new(
        Must,
        "values/unknown-type",
        "a management record of unknown type is answered with UNKNOWN_TYPE, which names the type",
        &["4.2", "A", "B-13"],
        unknown_type,
        "A later version of a web server waits.",
    ),
    Case::new(
        Must,
        "values/unknown-type-length",
        "UNKNOWN_TYPE has eight bytes, and the id 0",
        &["4.2", "8"],
        unknown_type_length,
        "A web server cannot read it.",
    ),
    Case::new(
        Must,
        "values/unknown-type-then-request",
        "behind a management record of unknown type, the connection takes a request",
        &["4.2"],
        unknown_type_then_request,
        "A later version of a web server loses requests.",
    ),
];

/// The next record of a type.
fn next(conn: &mut Conn, kind: u8) -> Result<Record, Failure> {
    let name = crate::record::type_name(kind);
    loop {
        match conn.next() {
            Next::Record(record) if record.kind == kind => return Ok(record),
            Next::Record(_) => {}
            Next::End(ending) => return Err(Failure::red(format!("{ending} without {name}"))),
            Next::Nothing => return Err(Failure::red(format!("sent no {name} in time"))),
        }
    }
}

fn asked(bench: &Bench<'_>, query: &Record) -> Result<(Record, Vec<(String, String)>), Failure> {
    let mut conn = bench.connect()?;
    conn.send(query.bytes())?;
    let record = next(&mut conn, GET_VALUES_RESULT)?;
    let values = values(&record)?;
    Ok((record, values))
}

fn answered(bench: &Bench<'_>) -> Outcome {
    let (record, _) = asked(bench, &padded(&NAMES))?;
    check(record.id == 0, format!("sent {record}"))?;
    passed()
}

fn all_three(bench: &Bench<'_>) -> Outcome {
    let (_, values) = asked(bench, &padded(&NAMES))?;
    for name in NAMES {
        let is_there = values.iter().any(|(it, _)| it == name);
        check(is_there, format!("left {name} out"))?;
    }
    let values: Vec<_> = values
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    noted(values.join(" "))
}

fn unpadded(bench: &Bench<'_>) -> Outcome {
    // 15 bytes.
    asked(bench, &get_values(&["FCGI_MAX_REQS"]))?;
    passed()
}

fn decimal(bench: &Bench<'_>) -> Outcome {
    let (_, values) = asked(bench, &padded(&NAMES))?;
    for (name, value) in values {
        let is_number = value.parse::<u64>().is_ok();
        let is_right = is_number && (name != "FCGI_MPXS_CONNS" || value == "0" || value == "1");
        check(is_right, format!("says {name}={value:?}"))?;
    }
    passed()
}

fn only_what_was_asked(bench: &Bench<'_>) -> Outcome {
    let (_, values) = asked(bench, &padded(&["FCGI_MAX_REQS"]))?;
    let other = values.iter().find(|(name, _)| name != "FCGI_MAX_REQS");
    let other = other.map(|(name, _)| name.as_str());
    check(
        other.is_none(),
        format!("said {} unasked", other.unwrap_or_default()),
    )?;
    passed()
}

fn unknown_name(bench: &Bench<'_>) -> Outcome {
    let (_, values) = asked(bench, &padded(&["FCGI_NOBODY_KNOWS", "FCGI_MAX_REQS"]))?;
    let unknown = values.iter().any(|(name, _)| name == "FCGI_NOBODY_KNOWS");
    check(!unknown, "knows FCGI_NOBODY_KNOWS")?;
    passed()
}

fn no_names(bench: &Bench<'_>) -> Outcome {
    asked(bench, &Record::new(GET_VALUES, 0, ""))?;
    passed()
}

fn during_params(bench: &Bench<'_>) -> Outcome {
    let request = bench.plain();
    let pairs = request.pairs();
    let (first, rest) = pairs.split_at(pairs.len() / 2);
    let mut conn = bench.connect()?;
    conn.send(bytes(&[
        request.begin(),
        request.record(PARAMS, first),
        padded(&NAMES),
    ]))?;
    next(&mut conn, GET_VALUES_RESULT)?;
    let rest = [request.stream(PARAMS, rest), request.stream(STDIN, b"")];
    conn.send(bytes(&rest.concat()))?;
    conn.answer(1)
        .and_then(|it| it.answered().cloned())
        .map_err(|it| it.of("the request"))?;
    passed()
}

fn then_request(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    conn.send(padded(&NAMES).bytes())?;
    let answer = bench.ask_on(&mut conn, &bench.plain())?;
    answer.answered()?;
    passed()
}

fn repeated(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    conn.send(padded(&["FCGI_MAX_CONNS"; 100]).bytes())?;
    conn.next_within(QUIET);
    drop(conn);
    bench.ask(&bench.plain())?.answered()?;
    passed()
}

fn unknown_type(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    conn.send(Record::new(100, 0, [0; 8]).bytes())?;
    let record = next(&mut conn, UNKNOWN_TYPE)?;
    let kind = record.content.first().copied();
    check(kind == Some(100), format!("sent {record} to type 100"))?;
    passed()
}

fn unknown_type_length(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    conn.send(Record::new(100, 0, [0; 8]).bytes())?;
    let record = next(&mut conn, UNKNOWN_TYPE)?;
    check(
        record.content.len() == 8,
        format!("sent {} bytes", record.content.len()),
    )?;
    check(record.id == 0, format!("sent {record}"))?;
    passed()
}

fn unknown_type_then_request(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    conn.send(Record::new(100, 0, [0; 8]).bytes())?;
    bench.ask_on(&mut conn, &bench.plain())?.answered()?;
    passed()
}
