//! What is told of requests that lose something on the way: names, never values.

use std::fmt::{self, Write};
use std::sync::{Arc, Mutex};

use fastcgi_core::Params;
use fastcgi_core::cgi::Mapping;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// The events, a line each.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

impl Subscriber for Events {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::DEBUG
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().expect("no panic elsewhere").push(line.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {field}={value:?}").expect("a String grows as needed");
    }
}

/// What is told while these params become a request.
fn events(pairs: &[(&str, &str)]) -> Vec<String> {
    let params: Params = [("REQUEST_METHOD", "GET"), ("REQUEST_URI", "/")]
        .iter()
        .chain(pairs)
        .copied()
        .collect();
    let events = Events::default();
    tracing::subscriber::with_default(events.clone(), || {
        Mapping::default().request(&params).expect("a request");
    });
    let lines = events.0.lock().expect("no panic elsewhere");
    lines.clone()
}

#[test]
fn what_is_left_out_is_told_by_name() {
    let told = events(&[
        ("HTTP_A B", "secret"),
        ("HTTP_X_C", "se\ncret"),
        ("HTTP_HOST", "secret.example"),
        ("HTTP_HOST", "example.org"),
    ]);
    assert_eq!(
        told,
        [
            "DEBUG message=leaving out a header field: its name is not a token name=A B",
            "DEBUG message=leaving out a header field: its value is invalid name=x-c",
            "DEBUG message=leaving out a header field: another one follows name=host",
        ]
    );
}

#[test]
fn an_ordinary_request_is_not_worth_a_word() {
    let told = events(&[
        ("HTTP_HOST", "example.org"),
        ("HTTP_HOST", "example.org"),
        ("HTTP_CONNECTION", "keep-alive"),
        ("HTTP_PROXY", "http://evil.example"),
    ]);
    assert_eq!(told, [""; 0]);
}

/// T-8a: said once for all requests of a server, whose connections have clones of the mapping.
#[test]
fn a_path_that_the_client_did_not_ask_for_is_told_once() {
    let params: Params = [
        ("REQUEST_METHOD", "GET"),
        ("REQUEST_URI", "/secret"),
        ("SCRIPT_NAME", "/app"),
        ("SERVER_SOFTWARE", "Apache/2.4.66"),
    ]
    .into_iter()
    .collect();
    let events = Events::default();
    tracing::subscriber::with_default(events.clone(), || {
        let mapping = Mapping::default();
        for mapping in [mapping.clone(), mapping.clone(), mapping] {
            assert_eq!(mapping.request(&params).expect("a request").uri, "/app");
        }
    });
    let lines = events.0.lock().expect("no panic elsewhere");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("DEBUG message=SCRIPT_NAME is not a part of REQUEST_URI"));
}
