//! The record format and request ids (specification, 3.3).

use std::{thread::sleep, time::Duration};

use crate::{
    bench::Bench,
    case::{
        Case,
        Grade::{Info, Must, Should},
        Outcome, check, noted, passed,
    },
    conn::{Ending, Next},
    record::{ABORT_REQUEST, END_REQUEST, PARAMS, Record, STDERR, STDIN, STDOUT},
    request::bytes,
};

pub(crate) const CASES: &[Case] = &[
    Case::new(
        Must,
        "records/answered",
        "a plain GET is answered with a header block on STDOUT",
        &["3.3", "6.2", "B", "RFC 3875 6.2"],
        answered,
        "Nothing works.",
    ),
    Case::new(
        Must,
        "records/version",
        "each record that is sent has version 1",
        &["3.3", "8"],
        version,
        "Web servers that check the version (nginx, HAProxy) answer 502.",
    ),
    Case::new(
        Must,
        "records/types",
        "only records that an application sends are sent, and no others",
        &["3.3", "A"],
        types,
        "h2o and nginx end the request with an error.",
    ),
    Case::new(
        Must,
        "records/id",
        "all records of a response have the id of the request, in both bytes",
        &["3.3"],
        id,
        "A web server that multiplexes gives the response to another client, or waits for ever.",
    ),
    Case::new(
        Must,
        "records/largest-id",
        "65,535 is an id as any other",
        &["3.3"],
        largest_id,
        "HAProxy, whose ids only grow, loses the request.",
    ),
    Case::new(
        Must,
        "records/padding",
        "padding of received records is skipped, whatever is in it",
        &["3.3"],
        padding,
        "nginx pads its records: each request is misread.",
    ),
    Case::new(
        Must,
        "records/byte-by-byte",
        "a request may arrive in any pieces, single bytes included",
        &["3.3"],
        byte_by_byte,
        "On a slow network single requests fail at random.",
    )
    .limit(15),
    Case::new(
        Should,
        "records/reserved",
        "the reserved byte of a header is not looked at",
        &["3.3"],
        reserved,
        "A later version of a web server cannot use it.",
    ),
    Case::new(
        Must,
        "records/whole",
        "the connection does not end in the middle of a record",
        &["3.3"],
        whole,
        "The web server takes the response for broken.",
    ),
    Case::new(
        Must,
        "records/inactive-id",
        "records for an id that is not active are ignored",
        &["3.3", "B-13"],
        inactive_id,
        "What a web server still sends for a request that is over breaks the next one.",
    ),
    Case::new(
        Must,
        "records/after-end",
        "records for a request that has ended are ignored",
        &["3.3", "B-13"],
        after_end,
        "Uploads that are answered early break the kept connection.",
    ),
    Case::new(
        Info,
        "records/alignment",
        "records are on multiples of eight bytes, as is recommended",
        &["3.3", "R-12"],
        alignment,
        "Nothing but some speed.",
    ),
    Case::new(
        Info,
        "records/other-version",
        "what becomes of a record of version 2",
        &["3.3"],
        other_version,
        "Nothing: no web server sends one.",
    ),
    Case::new(
        Info,
        "records/wrong-direction",
        "what becomes of STDOUT that is sent to the application",
        &["A", "B-13"],
        wrong_direction,
        "Nothing: no web server sends it.",
    ),
    Case::new(
        Info,
        "records/unknown-type",
        "what becomes of a record of unknown type with the id of an active request",
        &["4.2"],
        unknown_type,
        "Nothing: no web server sends one.",
    ),
];

fn answered(bench: &Bench<'_>) -> Outcome {
    bench.ask(&bench.plain())?.answered()?;
    passed()
}

fn version(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.plain())?;
    for record in &answer.records {
        check(record.version == 1, format!("sent {record}"))?;
    }
    passed()
}

fn types(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.plain())?;
    for record in &answer.records {
        let is_known = [STDOUT, STDERR, END_REQUEST].contains(&record.kind);
        check(is_known, format!("sent {record}"))?;
    }
    passed()
}

fn id(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.plain().with_id(0x0203))?;
    for record in &answer.records {
        check(record.id == 0x0203, format!("sent {record} to request 515"))?;
    }
    passed()
}

fn largest_id(bench: &Bench<'_>) -> Outcome {
    bench.ask(&bench.plain().with_id(0xffff))?.answered()?;
    passed()
}

fn padding(bench: &Bench<'_>) -> Outcome {
    let request = bench.plain();
    let records = request.records().into_iter().zip([7, 255, 1, 8]);
    let records: Vec<_> = records.map(|(record, it)| record.padded(it)).collect();
    let mut conn = bench.connect()?;
    conn.send(bytes(&records))?;
    conn.answer(1)?.answered()?;
    passed()
}

fn byte_by_byte(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    for (number, byte) in bench.plain().bytes().into_iter().enumerate() {
        conn.send([byte])?;
        if number < 10 {
            // So that they are read one by one, too.
            sleep(Duration::from_millis(5));
        }
    }
    conn.answer(1)?.answered()?;
    passed()
}

fn reserved(bench: &Bench<'_>) -> Outcome {
    let mut records = bench.plain().records();
    for record in &mut records {
        record.reserved = 0x7f;
    }
    let mut conn = bench.connect()?;
    conn.send(bytes(&records))?;
    conn.answer(1)?.answered()?;
    passed()
}

fn whole(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    conn.send(bench.plain().bytes())?;
    loop {
        match conn.next() {
            Next::Record(_) => {}
            Next::End(Ending::Cut) => check(false, Ending::Cut.to_string())?,
            Next::End(_) | Next::Nothing => return passed(),
        }
    }
}

fn inactive_id(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    conn.send(bytes(&[
        Record::new(STDIN, 7, "nobody asked"),
        Record::new(PARAMS, 7, "\x01\x01ab"),
        Record::new(STDIN, 7, ""),
    ]))?;
    let answer = bench.ask_on(&mut conn, &bench.plain())?;
    answer.answered()?;
    let mut records = answer.records.iter();
    let of_7 = records.find(|record| record.id == 7);
    check(of_7.is_none(), "answered records of an inactive id")?;
    passed()
}

fn after_end(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    let request = bench.plain().kept();
    bench.ask_on(&mut conn, &request)?;
    conn.send(bytes(&[
        request.record(STDIN, "too late"),
        request.record(STDIN, ""),
    ]))?;
    let next = bench.ask_on(&mut conn, &request.with_id(2));
    next.map_err(|it| it.of("the next request"))?.answered()?;
    passed()
}

fn alignment(bench: &Bench<'_>) -> Outcome {
    let answer = bench.ask(&bench.plain())?;
    let is_aligned = |record: &Record| record.bytes().len() % 8 == 0;
    noted(if answer.records.iter().all(is_aligned) {
        "all records are"
    } else {
        "not all records are"
    })
}

fn other_version(bench: &Bench<'_>) -> Outcome {
    let mut records = bench.plain().records();
    for record in &mut records {
        record.version = 2;
    }
    let mut conn = bench.connect()?;
    conn.send(bytes(&records))?;
    noted(conn.next().to_string())
}

fn wrong_direction(bench: &Bench<'_>) -> Outcome {
    let request = bench.plain();
    let mut conn = bench.connect()?;
    conn.send(request.head())?;
    conn.send(request.record(STDOUT, "x").bytes())?;
    conn.send(request.record(STDIN, "").bytes())?;
    noted(conn.next().to_string())
}

fn unknown_type(bench: &Bench<'_>) -> Outcome {
    let request = bench.plain();
    let mut conn = bench.connect()?;
    conn.send(request.begin().bytes())?;
    conn.send(request.record(100, "x").bytes())?;
    let rest = request.records().split_off(1);
    conn.send(bytes(&rest))?;
    noted(conn.next().to_string())
}

/// An ABORT_REQUEST.
pub(super) fn abort(id: u16) -> Vec<u8> {
    Record::new(ABORT_REQUEST, id, "").bytes()
}
