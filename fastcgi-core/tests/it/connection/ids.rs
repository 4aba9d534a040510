//! Request ids: which request a record belongs to (3.3, B-13).

use bytes::Bytes;
use fastcgi_core::{
    Config, ConnectionError, Event, Life,
    record::{RecordType, RequestId},
};

use crate::{
    owner::Owner,
    support::{
        ABORT, BEGIN, COMPLETE, PARAMS_END, STDIN_END, complete, multiplexing, record, serve,
        watch, wire,
    },
};

#[test]
fn an_id_may_be_used_again_once_its_request_has_ended() {
    // One of the peers never forgets an id, another hands a late abort to the new request.
    let request = wire(&[BEGIN, PARAMS_END, STDIN_END]);
    let late = wire(&[ABORT, STDIN_END, PARAMS_END, &record(5, 1, b"late")]);
    let seen = complete(&Config::default(), &wire(&[&request, &late, &request]));
    assert_eq!(
        seen.events,
        ["request 1 RESPONDER keep", "stdin end 1"].repeat(2)
    );
    assert_eq!(seen.output, COMPLETE.repeat(2));
}

#[test]
fn an_id_in_use_is_an_error() {
    for between in [&b""[..], PARAMS_END] {
        let seen = watch(&wire(&[BEGIN, between, BEGIN]));
        assert_eq!(
            seen.error,
            Some(ConnectionError::DuplicateRequest(RequestId::ONE))
        );
        assert_eq!(seen.life, Life::Closed);
    }
}

#[test]
fn an_application_record_without_an_id_is_an_error() {
    for number in 1..=8 {
        // BEGIN_REQUEST has eight bytes; the others may have any number.
        let seen = watch(&record(number, 0, &[0, 1, 0, 0, 0, 0, 0, 0]));
        let error = ConnectionError::MissingRequestId(RecordType::from(number));
        assert_eq!(seen.error, Some(error), "type {number}");
        assert!(seen.output.is_empty());
    }
}

#[test]
fn the_largest_id_is_one() {
    let seen = complete(
        &Config::default(),
        b"\x01\x01\xff\xff\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\
          \x01\x04\xff\xff\x00\x00\x00\x00\
          \x01\x05\xff\xff\x00\x00\x00\x00",
    );
    assert_eq!(
        seen.events,
        ["request 65535 RESPONDER close", "stdin end 65535"]
    );
    assert_eq!(
        seen.output,
        b"\x01\x06\xff\xff\x00\x00\x00\x00\
          \x01\x03\xff\xff\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    );
}

#[test]
fn responses_carry_the_id_of_their_request() {
    // A peer answers everything as request 1.
    let seen = serve(
        &Config::default(),
        &wire(&[
            b"\x01\x01\x01\x02\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00",
            &record(4, 0x0102, b""),
            &record(5, 0x0102, b""),
        ]),
        |connection, event| {
            if let Event::StdinEnd { key, .. } = event {
                let mut request = connection.request(*key).expect("in progress");
                assert_eq!(request.stdout(Bytes::from_static(b"out")), Ok(0));
                request.stderr(Bytes::from_static(b"err"));
                request.end(0);
            }
        },
    );
    assert_eq!(
        seen.output,
        b"\x01\x06\x01\x02\x00\x03\x00\x00out\
          \x01\x07\x01\x02\x00\x03\x00\x00err\
          \x01\x06\x01\x02\x00\x00\x00\x00\
          \x01\x07\x01\x02\x00\x00\x00\x00\
          \x01\x03\x01\x02\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
    );
}

#[test]
fn records_of_requests_never_begun_are_ignored() {
    // 3.3: also of types that would be an error in a request in progress.
    let records: Vec<u8> = (2..=255)
        .flat_map(|number| record(number, 9, b"x"))
        .collect();
    let seen = watch(&wire(&[BEGIN, &records, PARAMS_END, STDIN_END]));
    assert_eq!(seen.events, ["request 1 RESPONDER keep", "stdin end 1"]);
    assert_eq!((seen.error, seen.output), (None, Vec::new()));
}

#[test]
fn late_records_are_ignored() {
    // tokio-fastcgi closes the connection over a STDIN record behind the end.
    let mut owner = Owner::connected(Config::default(), &super::get(1));
    owner.request(1).expect("in progress").end(0);
    assert_eq!(owner.write(), COMPLETE);
    let late = wire(&[
        &record(5, 1, b"late"),
        STDIN_END,
        ABORT,
        &record(8, 1, b"x"),
    ]);
    assert!(owner.feed(&late).is_empty());
    assert_eq!(owner.write(), b"");
    assert_eq!(
        owner.feed(&super::get(1)),
        ["request 1 RESPONDER keep CONTENT_LENGTH=0", "stdin end 1"]
    );
}

#[test]
fn a_key_is_small_and_used_again() {
    let mut owner = Owner::connected(multiplexing(), &wire(&[&super::get(7), &super::get(5)]));
    let keys = |owner: &Owner, ids: [u16; 2]| ids.map(|id| owner.key(id).map(|key| key.index()));
    assert_eq!(keys(&owner, [7, 5]), [Some(0), Some(1)]);
    owner.request(7).expect("in progress").end(0);
    owner.feed(&super::get(9));
    assert_eq!(keys(&owner, [9, 5]), [Some(0), Some(1)]);
}

#[test]
fn a_key_of_a_request_that_has_ended_is_of_no_use() {
    let mut owner = Owner::connected(Config::default(), &super::get(1));
    let key = owner.key(1).expect("a request");
    owner.request(1).expect("in progress").end(0);
    assert!(owner.connection.request(key).is_none());
    // The place is taken by a request of which the application does not know yet.
    assert!(owner.feed(BEGIN).is_empty());
    assert!(owner.connection.request(key).is_none());
    owner.connection.set_held(key, usize::MAX);
    assert!(owner.connection.wants_input());
}
