//! Survival: what a broken or hostile peer may send. The process stays, and others are served.

use std::{
    thread::sleep,
    time::{Duration, Instant},
};

use rustix::process::{Resource, getrlimit};

use crate::{
    bench::{Bench, QUIET},
    case::{
        Case, Failure,
        Grade::{Info, Robust},
        Outcome, noted, passed,
    },
    conn::{Conn, Next},
    record::{BEGIN_REQUEST, Record, STDIN},
    request::bytes,
};

/// How long somebody else may wait.
const SERVED: Duration = Duration::from_secs(8);
/// How long a flood may take: an application that does not read stops it.
const FLOOD: Duration = Duration::from_millis(300);

pub(crate) const CASES: &[Case] = &[
    Case::new(
        Robust,
        "robust/idle-connections",
        "after a thousand idle connections, requests are answered",
        &["3.2", "3.5", "B-15"],
        idle_connections,
        "One peer that only connects ends the service for all.",
    )
    .limit(20),
    Case::new(
        Info,
        "robust/beside-idle-connections",
        "whether a request is answered while a thousand connections are idle",
        &["3.2", "3.5", "B-15"],
        beside_idle_connections,
        "Where a connection occupies a process or a thread, web servers must not keep many.",
    )
    .limit(20),
    Case::new(
        Robust,
        "robust/garbage",
        "bytes that are no records harm their own connection at most",
        &["3.3", "B-15"],
        garbage,
        "A scanner ends the service for all.",
    )
    .limit(20),
    Case::new(
        Robust,
        "robust/http",
        "an HTTP request harms its own connection at most",
        &["3.3"],
        http,
        "A scanner ends the service for all.",
    ),
    Case::new(
        Robust,
        "robust/empty-records",
        "50,000 records that carry nothing harm their own connection at most",
        &["3.3", "B-15"],
        empty_records,
        "One broken peer takes all of a CPU.",
    )
    .limit(20),
    Case::new(
        Robust,
        "robust/unread-answers",
        "20,000 queries whose answers nobody reads harm their own connection at most",
        &["4.1", "B-15"],
        unread_answers,
        "One broken peer takes the memory of all.",
    )
    .limit(20),
    Case::new(
        Robust,
        "robust/begins",
        "20,000 requests that are only begun harm their own connection at most",
        &["3.3", "5.1", "B-12", "B-15"],
        begins,
        "One broken peer takes the memory of all.",
    )
    .limit(20),
    Case::new(
        Robust,
        "robust/half-requests",
        "300 peers that leave in the middle of a request harm nobody",
        &["3.5", "B-11"],
        half_requests,
        "Clients that leave occupy the application.",
    )
    .limit(20),
    Case::new(
        Robust,
        "robust/short-connections",
        "500 connections with one request each are answered",
        &["3.5"],
        short_connections,
        "After some hours nothing is answered any more.",
    )
    .limit(20),
];

/// A plain request of somebody else is answered.
fn others_are_served(bench: &Bench<'_>) -> Result<(), Failure> {
    let until = bench.deadline.get();
    bench.deadline.set(until.min(Instant::now() + SERVED));
    let answer = bench.ask(&bench.plain());
    bench.deadline.set(until);
    let of = |it: Failure| it.of("another connection afterwards");
    answer.and_then(|it| it.answered().cloned()).map_err(of)?;
    Ok(())
}

/// Opens idle connections, as many as the system allows and the application accepts.
fn idle(bench: &Bench<'_>) -> Vec<Conn> {
    let limit = getrlimit(Resource::Nofile).current;
    let limit = limit.and_then(|it| usize::try_from(it).ok());
    let room = limit.unwrap_or(usize::MAX).saturating_sub(100);
    let mut connections = Vec::new();
    let until = bench.deadline.get();
    for _ in 0..bench.idle_connections.min(room) {
        // One that is not accepted within a moment is the last.
        let moment = Instant::now() + Duration::from_millis(300);
        bench.deadline.set(moment.min(until));
        match bench.connect() {
            Ok(connection) => connections.push(connection),
            Err(_) => break,
        }
    }
    bench.deadline.set(until);
    connections
}

fn idle_connections(bench: &Bench<'_>) -> Outcome {
    let connections = idle(bench);
    let count = connections.len();
    drop(connections);
    others_are_served(bench)?;
    noted(format!("{count} were open"))
}

fn beside_idle_connections(bench: &Bench<'_>) -> Outcome {
    let connections = idle(bench);
    let is_served = bench.is_alive(Duration::from_secs(2)).is_ok();
    let count = connections.len();
    noted(if is_served {
        format!("it is, beside {count}")
    } else {
        format!("it is not, beside {count}")
    })
}

/// Sends until the application takes no more, or closes.
fn flood(conn: &mut Conn, mut bytes: &[u8]) {
    while let Ok(sent @ 1..) = conn.send_some_within(bytes, FLOOD) {
        bytes = bytes.get(sent..).unwrap_or_default();
        if bytes.is_empty() {
            break;
        }
    }
}

/// Reads what the application has to say of it, until it pauses.
fn settle(conn: &mut Conn) {
    while let Next::Record(_) = conn.next_within(QUIET) {}
}

/// Bytes that look random, and are the same in each run (xorshift).
fn random(state: &mut u64, length: usize) -> Vec<u8> {
    let mut next = || {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        state.to_le_bytes()
    };
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        bytes.extend_from_slice(&next());
    }
    bytes
}

fn garbage(bench: &Bench<'_>) -> Outcome {
    let mut state = 0x9e37_79b9_7f4a_7c15;
    for number in 0..300_u16 {
        let mut bytes = random(&mut state, 8 << 10);
        // Every other one begins as a record does.
        if let ([version, kind, ..], true) = (&mut bytes[..], number % 2 == 0) {
            *version = 1;
            *kind = u8::try_from(number % 13).unwrap_or(0);
        }
        flood(&mut bench.connect()?, &bytes);
    }
    sleep(QUIET);
    others_are_served(bench)?;
    passed()
}

fn http(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    flood(
        &mut conn,
        b"GET / HTTP/1.1\r\nHost: conformance.example\r\n\r\n",
    );
    settle(&mut conn);
    drop(conn);
    others_are_served(bench)?;
    passed()
}

fn empty_records(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    conn.send(bench.plain().begin().bytes())?;
    flood(&mut conn, &Record::new(STDIN, 7, "").bytes().repeat(50_000));
    settle(&mut conn);
    drop(conn);
    others_are_served(bench)?;
    passed()
}

fn unread_answers(bench: &Bench<'_>) -> Outcome {
    let mut conn = bench.connect()?;
    let query = crate::bench::get_values(&["FCGI_MAX_CONNS", "FCGI_MAX_REQS"]);
    flood(&mut conn, &query.bytes().repeat(20_000));
    sleep(QUIET);
    drop(conn);
    others_are_served(bench)?;
    passed()
}

fn begins(bench: &Bench<'_>) -> Outcome {
    let begins = (1..=20_000).map(|id| Record::new(BEGIN_REQUEST, id, [0, 1, 1, 0, 0, 0, 0, 0]));
    let mut conn = bench.connect()?;
    flood(&mut conn, &bytes(&begins.collect::<Vec<_>>()));
    settle(&mut conn);
    drop(conn);
    others_are_served(bench)?;
    passed()
}

fn half_requests(bench: &Bench<'_>) -> Outcome {
    let bytes = bench.plain().bytes();
    let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
    for _ in 0..300 {
        flood(&mut bench.connect()?, half);
    }
    sleep(QUIET);
    others_are_served(bench)?;
    passed()
}

fn short_connections(bench: &Bench<'_>) -> Outcome {
    for number in 1..=500 {
        let answer = bench.ask(&bench.plain());
        let of = |it: Failure| it.of(format!("request {number}"));
        answer.and_then(|it| it.answered().cloned()).map_err(of)?;
    }
    passed()
}
