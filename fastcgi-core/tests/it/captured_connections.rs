//! Connections as web servers sent them, through the application's end: whole, byte by byte, and cut at many points.

use std::collections::BTreeMap;

use bytes::{Buf, BytesMut};
use fastcgi_core::{
    Config, Connection, ConnectionError, Event, Life, NewRequest, RequestKey, StreamEnd,
};
use sha2::{Digest, Sha256};

use crate::fixtures::{Capture, RecordedRequest, captures};

/// A request as the application has seen it.
#[derive(Debug, PartialEq)]
struct Heard {
    request: NewRequest,
    stdin: Vec<u8>,
    end: Option<StreamEnd>,
    is_aborted: bool,
    has_surplus: bool,
}

/// All that can be seen of a connection.
#[derive(Debug, PartialEq)]
struct Outcome {
    requests: Vec<Heard>,
    error: Option<ConnectionError>,
    output: Vec<u8>,
    life: Life,
}

/// What an application sees that ends every request with its body, as the recorder did.
fn run(pieces: &[&[u8]]) -> Outcome {
    let config = Config::default().authorizer(true).filter(true);
    let mut connection = Connection::new(config);
    let mut input = BytesMut::new();
    let mut requests = Vec::new();
    let mut places: BTreeMap<RequestKey, usize> = BTreeMap::new();
    for piece in pieces {
        input.extend_from_slice(piece);
        while let Some(event) = connection.next_event(&mut input) {
            take(&event, &mut requests, &mut places);
            if let Event::StdinEnd { key, .. } = event {
                connection.request(key).expect("in progress").end(0);
            }
        }
    }
    let outgoing = connection.outgoing();
    let output = outgoing.copy_to_bytes(outgoing.remaining()).into();
    connection.written();
    connection.end_of_file();
    while let Some(event) = connection.next_event(&mut input) {
        take(&event, &mut requests, &mut places);
    }
    Outcome {
        requests,
        output,
        error: connection.error().cloned(),
        life: connection.life(),
    }
}

fn take(event: &Event, requests: &mut Vec<Heard>, places: &mut BTreeMap<RequestKey, usize>) {
    let (key, change): (_, &dyn Fn(&mut Heard)) = match event {
        Event::Request(request) => {
            places.insert(request.key, requests.len());
            requests.push(Heard {
                request: request.clone(),
                stdin: Vec::new(),
                end: None,
                is_aborted: false,
                has_surplus: false,
            });
            return;
        }
        Event::Stdin { key, data } => (key, &|heard| heard.stdin.extend_from_slice(data)),
        Event::StdinEnd { key, end } => (key, &|heard| {
            assert_eq!(heard.end.replace(*end), None, "one end");
        }),
        Event::Aborted { key } => (key, &|heard| heard.is_aborted = true),
        Event::Surplus { key } => (key, &|heard| heard.has_surplus = true),
        other => panic!("{other:?}"),
    };
    let place = places.get(key).and_then(|place| requests.get_mut(*place));
    change(place.expect("a request in progress"));
}

/// B-1: mod_fcgid sent an empty record in front of these bodies, and one in the middle. The recorder stopped at the first.
const RESUMED: [(&str, &[u8]); 2] = [
    ("apache-fcgid/h2_post_nolen", b"streamed body"),
    ("apache-fcgid/h2_post_nolen_slow", b"1234567890"),
];

/// B-1: cgi-fcgi was run by Apache, behind which more may follow the end of a body that is too short.
const SUSPENDED: &str = "cgi-fcgi/abort_upload";

/// B-5: the client left before the first of a body of unknown length, so nobody has heard of the request.
const NEVER_BEGAN: &str = "caddy-root/abort_upload_chunked";

#[test]
fn events_are_what_was_recorded() {
    let mut requests = 0;
    for (name, wire, recorded) in connections() {
        let outcome = run(&[&wire]);
        assert_eq!(outcome.error, None, "{name}");
        assert_eq!(outcome.life, Life::Closed, "{name}");
        if name == NEVER_BEGAN {
            assert_eq!(outcome.requests, []);
            continue;
        }
        assert_eq!(outcome.requests.len(), recorded.len(), "{name}");
        for (heard, recorded) in outcome.requests.iter().zip(&recorded) {
            check(&name, heard, recorded);
            requests += 1;
        }
    }
    assert_eq!(requests, 998);
}

fn check(name: &str, heard: &Heard, recorded: &RecordedRequest) {
    let request = &heard.request;
    assert_eq!(request.id.get(), recorded.id, "{name}");
    assert_eq!(request.role.as_u16(), recorded.role, "{name}");
    let pairs = request.params.iter();
    let pairs: Vec<_> = pairs.map(|(n, v)| (n.to_vec(), v.to_vec())).collect();
    assert_eq!(pairs, recorded.params, "{name}");

    let resumed = RESUMED.iter().find(|(resumed, _)| *resumed == name);
    if let Some((_, body)) = resumed {
        assert_eq!(heard.stdin, *body, "{name}");
    } else {
        assert_eq!(heard.stdin.len(), recorded.stdin_length, "{name}");
        let digest = Sha256::digest(&heard.stdin);
        let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, recorded.stdin_sha256, "{name}");
    }
    assert!(!heard.has_surplus, "{name}");
    // B-1: the end is the last announced byte, or the empty record; without either, the request is aborted.
    let received = heard.stdin.len() as u64;
    let is_whole = request
        .length
        .map_or(recorded.stdin_ended, |length| length == received);
    let is_awaited = !recorded.stdin_ended || name == SUSPENDED;
    let end = match (is_whole, is_awaited) {
        (true, _) => Some(StreamEnd::Complete),
        (false, false) => Some(StreamEnd::Incomplete),
        (false, true) => None,
    };
    assert_eq!(
        (heard.end, heard.is_aborted),
        (end, end.is_none()),
        "{name}"
    );
}

#[test]
fn events_are_the_same_however_a_connection_is_cut() {
    let mut smallest: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (name, wire, _) in connections() {
        let whole = run(&[&wire]);
        let bytes: Vec<_> = wire.chunks(1).collect();
        assert_eq!(run(&bytes), whole, "{name}, byte by byte");
        for length in [7, 4096, 65_536] {
            let pieces: Vec<_> = wire.chunks(length).collect();
            assert_eq!(run(&pieces), whole, "{name}, {length} bytes at a time");
        }
        cut(&name, &wire, &whole, wire.len().div_ceil(24));
        let (configuration, _) = name.split_once('/').expect("a configuration");
        match smallest.get(configuration) {
            Some(other) if other.len() <= wire.len() => {}
            _ => drop(smallest.insert(configuration.to_owned(), wire)),
        }
    }
    assert_eq!(smallest.len(), 42);
    for (configuration, wire) in &smallest {
        assert!(wire.len() < 2000, "{configuration}");
        cut(configuration, wire, &run(&[wire]), 1);
    }
}

/// In two pieces, at every so many bytes.
fn cut(name: &str, wire: &[u8], whole: &Outcome, step: usize) {
    for at in (1..wire.len()).step_by(step) {
        let (front, back) = wire.split_at(at);
        assert_eq!(&run(&[front, back]), whole, "{name}, cut at {at}");
    }
}

/// The recorded connections of which every byte is there.
fn connections() -> impl Iterator<Item = (String, Vec<u8>, Vec<RecordedRequest>)> {
    captures().into_iter().filter_map(|capture| {
        let Capture {
            name,
            wire,
            requests,
        } = capture;
        Some((name, wire?, requests))
    })
}
