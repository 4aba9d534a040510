//! The web server's end of a connection.

use bytes::{Buf, Bytes, BytesMut};
use fastcgi_core::{
    Connection, ConnectionError, Ending, Event, Params, client,
    record::{BeginRequest, EndRequest, Flags, RecordType, RequestId, Role},
    values,
};

use crate::support::{COMPLETE, drain, id, multiplexing, receive, record, wire};

const RESPONDER: BeginRequest = BeginRequest {
    role: Role::RESPONDER,
    flags: Flags::KEEP_CONN,
};

#[test]
fn a_request_is_framed() {
    let mut web_server = client::ClientConnection::new();
    let id = web_server.begin(RESPONDER).expect("a free id");
    let mut request = web_server.request(id).expect("in progress");
    request.params(&[("A", "1")].into_iter().collect());
    request.stdin(Bytes::from_static(b"hello"));
    request.stdin(Bytes::new());
    request.stdin_end();
    assert_eq!(
        drain(web_server.outgoing()),
        b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00\
          \x01\x04\x00\x01\x00\x04\x00\x00\x01\x01A1\
          \x01\x04\x00\x01\x00\x00\x00\x00\
          \x01\x05\x00\x01\x00\x05\x00\x00hello\
          \x01\x05\x00\x01\x00\x00\x00\x00"
    );
}

#[test]
fn no_params_are_an_end_alone() {
    let mut web_server = client::ClientConnection::new();
    let id = web_server.begin(RESPONDER).expect("a free id");
    drain(web_server.outgoing());
    let mut request = web_server.request(id).expect("in progress");
    request.params(&Params::default());
    assert_eq!(
        drain(web_server.outgoing()),
        b"\x01\x04\x00\x01\x00\x00\x00\x00"
    );
}

#[test]
fn stdin_ends_once() {
    let mut web_server = client::ClientConnection::new();
    let id = web_server.begin(RESPONDER).expect("a free id");
    drain(web_server.outgoing());
    let mut request = web_server.request(id).expect("in progress");
    request.stdin_end();
    request.stdin_end();
    request.stdin(Bytes::from_static(b"late"));
    assert_eq!(
        drain(web_server.outgoing()),
        b"\x01\x05\x00\x01\x00\x00\x00\x00"
    );
}

#[test]
fn a_filter_is_sent_data() {
    let mut web_server = client::ClientConnection::new();
    let begin = BeginRequest {
        role: Role::FILTER,
        flags: Flags::NONE,
    };
    let id = web_server.begin(begin).expect("a free id");
    let mut request = web_server.request(id).expect("in progress");
    request.data(Bytes::from_static(b"file"));
    request.data_end();
    request.abort();
    assert_eq!(
        drain(web_server.outgoing()),
        b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x03\x00\x00\x00\x00\x00\x00\
          \x01\x08\x00\x01\x00\x04\x00\x00file\
          \x01\x08\x00\x01\x00\x00\x00\x00\
          \x01\x02\x00\x01\x00\x00\x00\x00"
    );
}

#[test]
fn the_lowest_free_id_is_used() {
    let mut web_server = client::ClientConnection::new();
    let begin =
        |web_server: &mut client::ClientConnection| web_server.begin(RESPONDER).map(RequestId::get);
    assert_eq!(begin(&mut web_server), Some(1));
    assert_eq!(begin(&mut web_server), Some(2));
    assert_eq!(begin(&mut web_server), Some(3));
    let mut input = BytesMut::from(&record(3, 2, &[0; 8])[..]);
    let event = web_server.next_event(&mut input).unwrap();
    assert!(matches!(event, Some(client::ClientEvent::End { .. })));
    assert!(web_server.request(id(2)).is_none());
    assert_eq!(web_server.requests_in_progress(), 2);
    assert_eq!(begin(&mut web_server), Some(2));
    assert_eq!(begin(&mut web_server), Some(4));
}

#[test]
fn values_are_asked_for() {
    let mut web_server = client::ClientConnection::new();
    let names = [values::MAX_CONNS, values::MAX_REQS, values::MPXS_CONNS];
    assert_eq!(web_server.get_values(&names), Ok(()));
    assert_eq!(
        drain(web_server.outgoing()),
        b"\x01\x09\x00\x00\x00\x30\x00\x00\
          \x0e\x00FCGI_MAX_CONNS\x0d\x00FCGI_MAX_REQS\x0f\x00FCGI_MPXS_CONNS"
    );
}

#[test]
fn names_of_more_than_one_record_are_an_error() {
    // A name of 65 530 bytes, with four bytes of length and one for the value.
    let longest = "X".repeat(65_530);
    let mut web_server = client::ClientConnection::new();
    assert_eq!(web_server.get_values(&[&longest]), Ok(()));
    let sent = drain(web_server.outgoing());
    assert!(sent.starts_with(b"\x01\x09\x00\x00\xff\xff\x00\x00\x80\x00\xff\xfa\x00X"));
    assert_eq!(sent.len(), 8 + 65_535);

    let error = web_server.get_values(&[&longest, ""]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "names of more than 65535 bytes, wanted one record"
    );
    assert_eq!(drain(web_server.outgoing()), b"", "nothing is asked");
}

#[test]
fn http_is_an_error_of_its_own_at_the_beginning() {
    let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n";
    let mut web_server = client::ClientConnection::new();
    web_server.begin(RESPONDER).expect("a free id");
    let mut input = BytesMut::from(&answer[..]);
    let error = web_server.next_event(&mut input);
    assert_eq!(error, Err(ConnectionError::Http));

    let mut web_server = client::ClientConnection::new();
    web_server.begin(RESPONDER).expect("a free id");
    let mut input = BytesMut::from(&[&record(6, 1, b"")[..], answer].concat()[..]);
    let error = web_server.next_event(&mut input);
    assert!(matches!(error, Err(ConnectionError::UnsupportedVersion(_))));
}

#[test]
fn a_response_is_read() {
    let input = wire(&[
        b"\x01\x06\x00\x01\x00\x1c\x04\x00Content-type: text/html\r\n\r\n<\x00\x00\x00\x00",
        b"\x01\x07\x00\x01\x00\x04\x00\x00oops",
        b"\x01\x06\x00\x01\x00\x05\x00\x00html>",
        b"\x01\x07\x00\x01\x00\x00\x00\x00",
        COMPLETE,
    ]);
    let (events, error) = receive(1, &input);
    assert_eq!(
        events,
        [
            r"stdout 1: Content-type: text/html\r\n\r\n<",
            "stderr 1: oops",
            "stdout 1: html>",
            "end 1 0 REQUEST_COMPLETE",
        ]
    );
    assert_eq!(error, None);
}

#[test]
fn refusals_are_read() {
    let (events, error) = receive(
        2,
        b"\x01\x03\x00\x02\x00\x08\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\
          \x01\x03\x00\x01\x00\x08\x00\x00\x01\x02\x03\x04\x03\xff\xff\xff",
    );
    assert_eq!(
        events,
        ["end 2 0 CANT_MPX_CONN", "end 1 16909060 UNKNOWN_ROLE"]
    );
    assert_eq!(error, None);
}

#[test]
fn responses_interleave() {
    let (events, _) = receive(
        2,
        &wire(&[
            &record(6, 2, b"two"),
            &record(6, 1, b"one"),
            &record(6, 2, b" 2"),
            &record(3, 2, &[0; 8]),
            &record(6, 1, b" 1"),
            &record(3, 1, &[0; 8]),
        ]),
    );
    assert_eq!(
        events,
        [
            "stdout 2: two",
            "stdout 1: one",
            "stdout 2:  2",
            "end 2 0 REQUEST_COMPLETE",
            "stdout 1:  1",
            "end 1 0 REQUEST_COMPLETE",
        ]
    );
}

#[test]
fn management_answers_are_events() {
    let (events, error) = receive(
        0,
        b"\x01\x0a\x00\x00\x00\x12\x00\x00\x0f\x01FCGI_MPXS_CONNS0\
          \x01\x0b\x00\x00\x00\x08\x00\x00\xc8\x00\x00\x00\x00\x00\x00\x00",
    );
    assert_eq!(
        events,
        ["values FCGI_MPXS_CONNS=0", "unknown type RecordType(200)"]
    );
    assert_eq!(error, None);
}

#[test]
fn records_of_requests_that_are_over_are_ignored() {
    let input = wire(&[
        COMPLETE,
        &record(6, 1, b"late"),
        COMPLETE,
        &record(4, 9, b""),
    ]);
    let (events, error) = receive(1, &input);
    assert_eq!(events, ["end 1 0 REQUEST_COMPLETE"]);
    assert_eq!(error, None);
}

#[test]
fn what_an_application_does_not_send_is_an_error() {
    for number in [1, 2, 4, 5, 8, 9, 12] {
        let (_, error) = receive(1, &record(number, 1, b"x"));
        let unexpected = ConnectionError::UnexpectedRecord(RecordType::from(number));
        assert_eq!(error, Some(unexpected));
    }
    for number in [0, 1, 3, 6, 9, 12] {
        let (_, error) = receive(1, &record(number, 0, b"x"));
        let unexpected = ConnectionError::UnexpectedRecord(RecordType::from(number));
        assert_eq!(error, Some(unexpected));
    }
}

#[test]
fn end_request_of_another_length_is_an_error() {
    for length in [0, 7, 9] {
        let (_, error) = receive(1, &record(3, 1, &vec![0; length]));
        let invalid = ConnectionError::InvalidLength(RecordType::END_REQUEST, length);
        assert_eq!(error, Some(invalid));
    }
    let (_, error) = receive(1, &record(11, 0, b""));
    let invalid = ConnectionError::InvalidLength(RecordType::UNKNOWN_TYPE, 0);
    assert_eq!(error, Some(invalid));
    let (_, error) = receive(1, &record(10, 0, b"\x05"));
    assert!(matches!(error, Some(ConnectionError::InvalidParams(_))));
}

#[test]
fn an_error_is_returned_again() {
    let mut web_server = client::ClientConnection::new();
    let mut input = BytesMut::from(&b"SSH-2.0- 400 Bad Request"[..]);
    let error = web_server.next_event(&mut input).unwrap_err();
    assert!(matches!(error, ConnectionError::UnsupportedVersion(_)));
    let mut good = BytesMut::from(COMPLETE);
    assert_eq!(web_server.next_event(&mut good), Err(error));
}

#[test]
fn both_ends_understand_each_other() {
    let mut web_server = client::ClientConnection::new();
    let mut application = Connection::new(multiplexing());
    let asked = web_server.get_values(&[values::MPXS_CONNS, "UNHEARD_OF"]);
    assert_eq!(asked, Ok(()));
    let id = web_server.begin(RESPONDER).expect("a free id");
    let mut request = web_server.request(id).expect("in progress");
    request.params(&[("A", "v".repeat(70_000))].into_iter().collect());
    request.stdin(vec![b'x'; 200_000].into());
    request.stdin_end();

    let (mut to_application, mut to_web_server) = (BytesMut::new(), BytesMut::new());
    let (mut received, mut answered) = (0, 0);
    let mut seen = Vec::new();
    while seen.len() < 2 {
        carry(web_server.outgoing(), &mut to_application);
        while let Some(event) = application.next_event(&mut to_application) {
            match event {
                Event::Request(request) => {
                    assert_eq!(request.params.get("A").map(<[u8]>::len), Some(70_000));
                }
                Event::Stdin { key, data } => {
                    received += data.len();
                    let mut request = application.request(key).expect("in progress");
                    assert_eq!(request.stdout(data), Ok(0));
                }
                Event::StdinEnd { key, .. } => {
                    let request = application.request(key).expect("in progress");
                    assert_eq!(request.end(0), Ending::Complete);
                }
                other => panic!("{other:?}"),
            }
        }
        carry(application.outgoing(), &mut to_web_server);
        while let Some(event) = web_server.next_event(&mut to_web_server).unwrap() {
            match event {
                client::ClientEvent::Stdout { data, .. } => answered += data.len(),
                other => seen.push(other),
            }
        }
    }
    assert_eq!((received, answered), (200_000, 200_000));
    let values = [(values::MPXS_CONNS, "1")].into_iter().collect();
    assert_eq!(
        seen,
        [
            client::ClientEvent::Values(values),
            client::ClientEvent::End {
                id,
                end: EndRequest::COMPLETE,
            },
        ]
    );
}

/// Moves at most 1000 bytes, as a pipe that is nearly full.
fn carry(from: &mut impl Buf, to: &mut BytesMut) {
    let length = from.remaining().min(1000);
    to.extend_from_slice(&from.copy_to_bytes(length));
}
