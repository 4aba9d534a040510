//! Bodies that take their time: streaming, back-pressure, and web servers that do not read (specification, 6.1 and 6.2).

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{
    bench::{Bench, QUIET},
    case::{
        Case, Failure,
        Grade::{Info, Must, Robust, Should},
        Needs, Outcome, check, noted, passed,
    },
    conn::Next,
    record::{END_REQUEST, STDIN, STDOUT},
};

/// How much an application may grow for what nobody takes.
const GROWTH: u64 = 64 << 20;
/// An application that takes nothing for this long has stopped reading.
const STALL: Duration = Duration::from_millis(1500);
/// What it is sent, or asked for: much more than that.
const FLOOD: usize = 256 << 20;
/// After how many bytes the memory of the application is looked at.
const LOOK: usize = 4 << 20;
/// How much time is left for the end of a case that watches.
const RESERVE: Duration = Duration::from_secs(1);

pub(crate) const CASES: &[Case] = &[
    Case::new(
        Must,
        "stream/large",
        "a response of 3 MB arrives whole",
        &["5.3", "6.2", "R-12"],
        large,
        "Downloads are cut off.",
    )
    .app()
    .limit(15),
    Case::new(
        Must,
        "stream/slow-reader",
        "a response arrives whole if the web server reads it slowly",
        &["6.2", "R-13"],
        slow_reader,
        "Downloads of slow clients are cut off.",
    )
    .app()
    .limit(15),
    Case::new(
        Should,
        "stream/first-part",
        "the first part of a response is sent when it is there, not when all is",
        &["6.2", "R-14"],
        first_part,
        "Progress, server-sent events and long answers come at their end.",
    )
    .app()
    .limit(10),
    Case::new(
        Should,
        "stream/duplex",
        "a response may begin before the end of the body",
        &["6.1", "6.2", "B-6"],
        duplex,
        "A handler that answers while it reads waits for ever.",
    )
    .app(),
    Case::new(
        Should,
        "stream/no-deadlock",
        "a web server may write a body of 4 MiB before it reads the response to it",
        &["6.2", "B-8"],
        no_deadlock,
        "Behind mod_fcgid and Caddy, which do so, uploads hang.",
    )
    .app()
    .limit(15),
    Case::new(
        Should,
        "stream/left",
        "a web server that leaves in the middle of a response harms nobody",
        &["3.5", "5.4", "B-11", "R-13"],
        left,
        "A client that breaks off a download occupies the application.",
    )
    .app(),
    Case::new(
        Robust,
        "stream/unread-body",
        "of a body that nobody reads, no more than 64 MiB are held",
        &["B-7", "B-8"],
        unread_body,
        "One client with a large upload takes the memory of all.",
    )
    .needs(Needs::Memory)
    .limit(15),
    Case::new(
        Robust,
        "stream/unread-response",
        "of a response that nobody takes, no more than 64 MiB are held",
        &["R-13"],
        unread_response,
        "One slow client with a large download takes the memory of all.",
    )
    .needs(Needs::Memory)
    .limit(15),
    Case::new(
        Info,
        "stream/back-pressure",
        "how much of a body is taken that nobody reads",
        &["B-7"],
        back_pressure,
        "Nothing, unless it is much.",
    )
    .app()
    .limit(10),
];

/// The bytes of `/bytes/LENGTH`: `abc…z` over and over.
pub(super) fn pattern(length: usize) -> Vec<u8> {
    let alphabet: Vec<u8> = (b'a'..=b'z').collect();
    let mut bytes = alphabet.repeat(length / alphabet.len() + 1);
    bytes.truncate(length);
    bytes
}

fn large(bench: &Bench<'_>) -> Outcome {
    bench
        .ask(&bench.get("/bytes/3000000"))?
        .has_body(&pattern(3_000_000))?;
    passed()
}

fn slow_reader(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    conn.send(bench.get("/bytes/3000000").bytes())?;
    let mut answer = crate::answer::Answer::new(1);
    // One long pause, and then short ones.
    let mut pauses = [1000, 40, 40, 40, 40, 40].into_iter();
    loop {
        match conn.next() {
            Next::Record(record) => {
                let is_end = record.kind == END_REQUEST;
                answer.records.push(record);
                if is_end {
                    break;
                }
                if let Some(pause) = pauses.next() {
                    sleep(Duration::from_millis(pause));
                }
            }
            Next::End(_) => break,
            Next::Nothing => return Err(Failure::red("did not send all in time")),
        }
    }
    answer.has_body(&pattern(3_000_000))?;
    passed()
}

fn first_part(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    conn.send(bench.get("/slow").bytes())?;
    let mut first = None;
    let mut answer = crate::answer::Answer::new(1);
    loop {
        match conn.next() {
            Next::Record(record) => {
                let is_end = record.kind == END_REQUEST;
                answer.records.push(record);
                if first.is_none() && !answer.body().is_empty() {
                    first = Some(Instant::now());
                }
                if is_end {
                    break;
                }
            }
            Next::End(_) => break,
            Next::Nothing => return Err(Failure::red("did not send all in time")),
        }
    }
    answer.has_body(b"first\nlast\n")?;
    let between = first.map(|it| it.elapsed()).unwrap_or_default();
    check(
        between > Duration::from_millis(250),
        format!("sent the first part {between:.0?} before the end, not 600 ms"),
    )?;
    passed()
}

fn duplex(bench: &Bench<'_>) -> Outcome {
    let request = bench.post("/duplex", "rest").without("CONTENT_LENGTH");
    let request = request.set("CONTENT_LENGTH", "9");
    let mut conn = bench.connect()?;
    let begin = request.record(STDIN, "begin").bytes();
    conn.send([request.head(), begin].concat())?;
    let mut answer = crate::answer::Answer::new(1);
    while !answer.body().starts_with(b"first\n") {
        match conn.next_within(Duration::from_millis(1500)) {
            Next::Record(record) => {
                answer.records.push(record);
                answer.offered()?;
            }
            Next::End(ending) => return Err(Failure::red(ending.to_string())),
            Next::Nothing => {
                return Err(Failure::red("sent nothing before the end of the body"));
            }
        }
    }
    conn.send(request.record(STDIN, "rest").bytes())?;
    conn.send(request.record(STDIN, "").bytes())?;
    let rest = conn.answer(1)?;
    answer.records.extend(rest.records);
    answer.has_body(b"first\n9\n")?;
    passed()
}

fn no_deadlock(bench: &Bench<'_>) -> Outcome {
    let body = pattern(4 << 20);
    let mut conn = bench.connect()?;
    conn.send(bench.post("/echo", body.clone()).bytes())?;
    conn.answer(1)?.has_body(&body)?;
    passed()
}

fn left(bench: &Bench<'_>) -> Outcome {
    for _ in 0..3 {
        let mut conn = bench.connect()?;
        conn.send(bench.get("/bytes/3000000").bytes())?;
        loop {
            match conn.next() {
                Next::Record(record) if record.kind == STDOUT => break,
                Next::Record(_) => {}
                Next::End(_) | Next::Nothing => break,
            }
        }
    }
    // What it does to the application may take a moment.
    sleep(QUIET);
    bench.ask(&bench.get("/hello"))?.has_status(200)?;
    passed()
}

/// How much the application is larger than it was.
fn growth(bench: &Bench<'_>, before: u64) -> u64 {
    resident(bench).saturating_sub(before)
}

fn resident(bench: &Bench<'_>) -> u64 {
    let process = bench.process.borrow();
    let resident = process.as_ref().and_then(crate::process::Process::resident);
    resident.unwrap_or(0)
}

fn unread_body(bench: &Bench<'_>) -> Outcome {
    let before = resident(bench);
    let request = bench
        .post("/wait", "")
        .set("CONTENT_LENGTH", FLOOD.to_string());
    let mut conn = bench.connect()?;
    conn.send(request.head())?;
    let record = request.record(STDIN, vec![b'x'; 0xffff]).bytes();
    let mut sent = 0;
    let mut growth_seen = 0;
    let mut looked_at = 0;
    let mut rest: &[u8] = &record;
    while sent < FLOOD && growth_seen < GROWTH {
        match conn.send_some_within(rest, STALL) {
            Ok(0) | Err(_) => break,
            Ok(count) => {
                sent += count;
                // Now and not at the end: the request ends after 3 s, and what was held may be free again.
                if sent - looked_at >= LOOK {
                    looked_at = sent;
                    growth_seen = growth_seen.max(growth(bench, before));
                }
                rest = rest.get(count..).unwrap_or_default();
                if rest.is_empty() {
                    rest = &record;
                }
            }
        }
    }
    growth_seen = growth_seen.max(growth(bench, before));
    drop(conn);
    sleep(QUIET);
    let text = format!(
        "grew by {} MiB, after {} MiB of a body",
        growth_seen >> 20,
        sent >> 20
    );
    check(growth_seen < GROWTH, text)?;
    passed()
}

fn unread_response(bench: &Bench<'_>) -> Outcome {
    let before = resident(bench);
    let mut conn = bench.connect()?;
    conn.send(bench.get(&format!("/bytes/{FLOOD}")).bytes())?;
    let mut growth_seen = 0;
    // As long as it grows: a slow one takes its time.
    let mut rests = 0;
    while rests < 8 && growth_seen < GROWTH && conn.left() > RESERVE {
        sleep(Duration::from_millis(100));
        let growth = growth(bench, before);
        rests = if growth > growth_seen { 0 } else { rests + 1 };
        growth_seen = growth_seen.max(growth);
    }
    drop(conn);
    sleep(QUIET);
    check(
        growth_seen < GROWTH,
        format!("grew by {} MiB", growth_seen >> 20),
    )?;
    passed()
}

fn back_pressure(bench: &Bench<'_>) -> Outcome {
    let request = bench.post("/wait", "").set("CONTENT_LENGTH", "100000000");
    let mut conn = bench.connect()?;
    conn.send(request.head())?;
    let record = request.record(STDIN, vec![b'x'; 0xffff]).bytes();
    let mut sent = 0;
    while sent < 32 << 20 {
        match conn.send_some_within(&record, Duration::from_millis(200)) {
            Ok(count) if count == record.len() => sent += count,
            Ok(_) | Err(_) => break,
        }
    }
    noted(match sent {
        0..0x200_0000 => format!("{} KiB, with the buffers of the system", sent >> 10),
        _ => "32 MiB and more".to_owned(),
    })
}
