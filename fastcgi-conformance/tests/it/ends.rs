//! The suite comes to an end, with a verdict, whatever is at the other end.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

use fastcgi_conformance::{Report, Target, Verdict, run};

use crate::support::everything;

/// Asks a peer that does this with each connection.
fn ask(serve: fn(TcpStream)) -> Report {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("its address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    let address = address.to_string().parse().expect("an address");
    run(&Target::at(address), &everything(), |_| {}).expect("nothing is started")
}

fn is_over_soon(serve: fn(TcpStream), reason: &str) {
    let start = Instant::now();
    let report = ask(serve);
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "{:?}",
        start.elapsed()
    );
    assert!(!report.is_success());
    let first = report.findings.first().expect("a finding");
    assert_eq!(first.verdict, Verdict::Failed);
    assert!(first.detail.contains(reason), "{}", first.detail);
    assert!(!first.log.is_empty(), "what was sent is shown");
    let rest = report.findings.iter().skip(1);
    assert!(
        rest.map(|it| it.verdict)
            .all(|it| it == Verdict::NotRun || it == Verdict::Skipped)
    );
}

#[test]
fn a_dead_peer_is_red_at_once() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("its address").to_string();
    drop(listener);
    let target = Target::at(address.parse().expect("an address"));
    let report = run(&target, &everything(), |_| {}).expect("nothing is started");
    let first = report.findings.first().expect("a finding");
    assert_eq!(first.verdict, Verdict::Failed);
    assert!(
        first.detail.contains("cannot be reached"),
        "{}",
        first.detail
    );
    assert_eq!(report.count(Verdict::Passed), 0);
}

#[test]
fn a_silent_peer_is_red_after_some_seconds() {
    is_over_soon(
        |mut stream| while let Ok(1..) = stream.read(&mut [0; 4096]) {},
        "sent nothing in time",
    );
}

#[test]
fn a_peer_that_closes_is_red() {
    is_over_soon(drop, "the connection");
}

#[test]
fn a_peer_that_sends_without_end_is_red() {
    is_over_soon(
        |mut stream| {
            let record = [&[1, 6, 0, 1, 0x10, 0, 0, 0][..], &[b'x'; 0x1000]].concat();
            while stream.write_all(&record).is_ok() {}
        },
        "no END_REQUEST in time",
    );
}

#[test]
fn a_peer_that_speaks_http_is_red() {
    is_over_soon(
        |mut stream| {
            let text = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
            _ = stream.write_all(text);
            while let Ok(1..) = stream.read(&mut [0; 4096]) {}
        },
        "in time",
    );
}

#[test]
fn no_case_begins_after_the_budget() {
    let mut options = everything();
    options.budget = Duration::ZERO;
    let address = "127.0.0.1:1".parse().expect("an address");
    let report = run(&Target::at(address), &options, |_| {}).expect("nothing is started");
    assert_eq!(report.count(Verdict::Failed), 0);
    assert!(report.count(Verdict::NotRun) > 100);
    assert!(!report.is_success());
}
