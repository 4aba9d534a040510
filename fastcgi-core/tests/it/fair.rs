//! What a web server may rely on, and what not: cases that the model test has found, spelled by hand.

use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use fastcgi_core::{
    Awaited, Config, Connection, ConnectionError, Event, Life, Limits, RequestKey, StreamEnd,
    cgi::BodyLength,
};

/// BEGIN_REQUEST (5.1) with FCGI_KEEP_CONN.
fn begin(id: u8, role: u8) -> Vec<u8> {
    vec![1, 1, 0, id, 0, 8, 0, 0, 0, role, 1, 0, 0, 0, 0, 0]
}

/// Any other record (3.3), of up to 255 bytes.
fn record(kind: u8, id: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).expect("a short content");
    [&[1, kind, 0, id, 0, length, 0, 0][..], content].concat()
}

const ABORT: u8 = 2;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const DATA: u8 = 8;

/// A connection, with a clock that stands still.
struct Served {
    connection: Connection,
    now: Instant,
    input: BytesMut,
}

impl Served {
    fn new(config: Config) -> Self {
        let mut connection = Connection::new(config);
        let now = Instant::now();
        connection.deadline(now);
        Self {
            connection,
            now,
            input: BytesMut::new(),
        }
    }

    /// Hands bytes over, and takes the events.
    fn take(&mut self, bytes: &[u8]) -> Vec<Event> {
        self.input.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(event) = self.connection.next_event(&mut self.input) {
            events.push(event);
        }
        self.connection.deadline(self.now);
        events
    }

    fn wait(&mut self, time: Duration) {
        self.connection.deadline(self.now);
        self.now += time;
        while self
            .connection
            .deadline(self.now)
            .is_some_and(|deadline| deadline <= self.now)
        {
            self.connection.handle_deadline(self.now);
        }
    }

    /// Reads everything that is outgoing.
    fn read(&mut self) -> Vec<u8> {
        let outgoing = self.connection.outgoing();
        let bytes = outgoing.copy_to_bytes(outgoing.remaining());
        self.connection.written();
        bytes.to_vec()
    }
}

/// The key of the first request among the events.
fn key_of(events: &[Event]) -> RequestKey {
    let key = events.iter().find_map(|event| match event {
        Event::Request(request) => Some(request.key),
        _ => None,
    });
    key.expect("a request")
}

#[test]
fn stderr_follows_the_head_after_an_early_flush() {
    let mut served = Served::new(Config::default());
    let get = [begin(1, 1), record(PARAMS, 1, b""), record(STDIN, 1, b"")].concat();
    let key = key_of(&served.take(&get));
    let mut request = served.connection.request(key).expect("a request");
    request.flush();
    request.stderr("why".into());
    request.head(
        BytesMut::from("Status: 200 OK\r\n\r\n"),
        BodyLength::Unknown,
    );
    request.end(0);
    let output = served.read();
    assert!(
        output.starts_with(b"\x01\x06\x00\x01\x00\x12\x00\x00Status: 200 OK"),
        "{output:?}"
    );
}

/// A web server sends the same again and again and reads nothing: in the end no more of it is taken, and it has a minute
/// to read.
fn is_bounded(config: Config, round: &[u8]) {
    let mut served = Served::new(config);
    let mut rounds = 0;
    while served.connection.wants_input() {
        served.take(round);
        rounds += 1;
        assert!(rounds < 2000, "the web server never has to read");
    }
    let unwritten = served.connection.outgoing().remaining();
    assert!(unwritten < 17 * 1024, "{unwritten} bytes wait");
    served.take(&round.repeat(100));
    assert_eq!(served.connection.outgoing().remaining(), unwritten);
    assert_eq!(served.connection.error(), None);
    served.wait(MINUTE);
    let error = Some(&ConnectionError::TimedOut(Awaited::Write));
    assert_eq!(served.connection.error(), error);
}

#[test]
fn refusals_that_nobody_reads_are_limited() {
    let unknown_role = [begin(1, 9), record(PARAMS, 1, b"")].concat();
    let large = [&b"\x0f\x05SERVER_SOFTWAREnginx\x01\x60N"[..], &[b'x'; 0x60]].concat();
    let large = record(PARAMS, 1, &large);
    let too_large = [begin(1, 1), large, record(PARAMS, 1, b"")].concat();
    let config = Config::default().limits(Limits::default().max_params_size(50));
    for round in [unknown_role, too_large] {
        is_bounded(config.clone(), &round);
    }
}

#[test]
fn aborts_whose_ends_nobody_reads_are_limited() {
    let silent = [begin(1, 1), record(ABORT, 1, b"")].concat();
    let told = [
        begin(1, 1),
        record(PARAMS, 1, b""),
        record(STDIN, 1, b"x"),
        record(ABORT, 1, b""),
    ];
    for round in [silent, told.concat()] {
        is_bounded(Config::default(), &round);
    }
}

#[test]
fn aborts_whose_ends_are_read_late_are_not() {
    let mut served = Served::new(Config::default());
    let download = [begin(2, 1), record(PARAMS, 2, b""), record(STDIN, 2, b"")].concat();
    let key = key_of(&served.take(&download));
    for _ in 0..200 {
        // There is always something to write, as on a connection that a slow client holds up.
        let mut request = served.connection.request(key).expect("a request");
        request
            .stdout(Bytes::from_static(&[b'x'; 100]))
            .expect("a responder");
        served.take(&[begin(1, 1), record(ABORT, 1, b"")].concat());
        let outgoing = served.connection.outgoing();
        outgoing.advance(outgoing.remaining() - 10);
        served.connection.written();
    }
    assert_eq!(served.connection.error(), None);
}

/// A request with a body of 4 bytes, of which 2 have come; the window is full.
fn half_read(params: &[u8]) -> (Served, RequestKey) {
    let mut served =
        Served::new(Config::default().limits(Limits::default().max_reqs(2).body_window(2)));
    let request = [
        begin(1, 1),
        record(PARAMS, 1, params),
        record(PARAMS, 1, b""),
        record(STDIN, 1, b"ab"),
    ];
    let key = key_of(&served.take(&request.concat()));
    served.connection.set_held(key, 2);
    (served, key)
}

/// CONTENT_LENGTH 4 of mod_fcgid.
const FROM_MOD_FCGID: &[u8] = b"\x0e\x01CONTENT_LENGTH4\x0f\x0dSERVER_SOFTWAREApache/2.4.57";
const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_suspended_body_is_not_late_while_nothing_is_read() {
    let (mut served, key) = half_read(FROM_MOD_FCGID);
    served.take(&record(STDIN, 1, b""));
    assert!(!served.connection.wants_input());
    served.wait(MINUTE);
    // The rest may have been sent, and nobody has looked.
    assert_eq!(served.take(b""), [Event::HeldBack]);
    served.connection.set_held(key, 0);
    served.wait(Duration::from_secs(9));
    let rest = served.take(&record(STDIN, 1, b"cd"));
    let data = Bytes::from_static(b"cd");
    let end = StreamEnd::Complete;
    assert_eq!(
        rest,
        [Event::Stdin { key, data }, Event::StdinEnd { key, end }]
    );
}

#[test]
fn params_are_not_late_while_nothing_is_read() {
    let mut served = Served::new(Config::default());
    let get = [begin(1, 1), record(PARAMS, 1, b""), record(STDIN, 1, b"")].concat();
    let key = key_of(&served.take(&get));
    let mut request = served.connection.request(key).expect("a request");
    request
        .stdout(Bytes::from_static(&[b'x'; 200 * 1024]))
        .expect("a responder");
    request.end(0);
    served.take(&begin(1, 1)[..9]);
    assert!(!served.connection.wants_input(), "the response is not read");
    for _ in 0..2 {
        // The web server reads, but slowly.
        served.wait(MINUTE / 2);
        served.connection.outgoing().advance(10);
        served.connection.written();
    }
    assert_eq!(served.connection.error(), None);
}

#[test]
fn a_body_that_nobody_reads_does_not_stop_the_params_of_the_next_request() {
    let (mut served, _) = half_read(b"\x0e\x01CONTENT_LENGTH4");
    assert!(!served.connection.wants_input());
    served.take(&begin(2, 1));
    assert!(served.connection.wants_input(), "B-12");
}

#[test]
fn stderr_follows_a_head_that_is_the_first_of_stdout() {
    let mut served = Served::new(Config::default());
    let get = [begin(1, 1), record(PARAMS, 1, b""), record(STDIN, 1, b"")].concat();
    let key = key_of(&served.take(&get));
    let mut request = served.connection.request(key).expect("a request");
    request.stderr("why".into());
    request.stdout(Bytes::new()).expect("a responder");
    request
        .stdout("Status: 200 OK\r\n\r\n".into())
        .expect("a responder");
    request.end(0);
    let output = served.read();
    let stderr = [
        &b"\x01\x06\x00\x01\x00\x12\x00\x00Status: 200 OK\r\n\r\n"[..],
        b"\x01\x07",
    ];
    assert!(output.starts_with(&stderr.concat()), "{output:?}");
}

#[test]
fn the_padding_of_the_last_record_is_awaited_before_the_connection_is_closed() {
    let mut served = Served::new(Config::default());
    let mut get = [begin(1, 1), record(PARAMS, 1, b""), record(STDIN, 1, b"")].concat();
    get[10] = 0; // no FCGI_KEEP_CONN
    *get.last_mut().expect("reserved") = 0;
    let padding = get.len() - 2;
    get[padding] = 8;
    let key = key_of(&served.take(&get));
    served.connection.request(key).expect("a request").end(0);
    served.read();
    assert_eq!(served.connection.life(), Life::Draining);
    served.connection.write_side_closed(0);
    assert_eq!(
        served.connection.life(),
        Life::Draining,
        "eight bytes are on their way"
    );
}

#[test]
fn the_rest_of_a_body_is_read_before_a_response_that_broke_is_given_up() {
    let mut served = Served::new(Config::default());
    let post = [
        begin(1, 1),
        record(PARAMS, 1, b"\x0e\x06CONTENT_LENGTH900000"),
        record(PARAMS, 1, b""),
    ];
    let key = key_of(&served.take(&post.concat()));
    let mut request = served.connection.request(key).expect("a request");
    request
        .stdout(Bytes::from_static(&[b'x'; 200 * 1024]))
        .expect("a responder");
    request.fail(0);
    // B-8: it reads nothing before it has written all.
    assert!(served.connection.wants_input());
    assert_eq!(served.take(&record(STDIN, 1, &[b'x'; 200])), []);
    served.read();
    assert_eq!(served.connection.life(), Life::Reset);
}

#[test]
fn a_file_that_ends_before_its_request_is_known_ends_once() {
    let mut served = Served::new(Config::default().filter(true));
    let request = [
        begin(1, 3),
        record(PARAMS, 1, b""),
        record(DATA, 1, b""),
        record(STDIN, 1, b""),
    ];
    let events = served.take(&request.concat());
    let key = key_of(&events);
    let end = StreamEnd::Complete;
    assert_eq!(
        events[1..],
        [Event::StdinEnd { key, end }, Event::DataEnd { key, end }]
    );
}

#[test]
fn a_web_server_that_multiplexes_may_be_sending_when_its_connection_is_closed() {
    let mut served = Served::new(Config::default().limits(Limits::default().max_reqs(2)));
    let get = |id| {
        [
            begin(id, 1),
            record(PARAMS, id, b""),
            record(STDIN, id, b""),
        ]
        .concat()
    };
    let keys = [1, 2].map(|id| key_of(&served.take(&get(id))));
    served.connection.shutdown();
    for key in keys {
        served.connection.request(key).expect("a request").end(0);
    }
    served.read();
    served.connection.write_side_closed(0);
    assert_eq!(
        served.connection.life(),
        Life::Draining,
        "a third request may be on its way"
    );
    served.connection.end_of_file();
    assert_eq!(served.connection.life(), Life::Closed);
}

#[test]
fn the_body_of_a_request_that_is_refused_to_a_multiplexer_is_awaited() {
    let limits = Limits::default().max_reqs(1);
    let mut served = Served::new(Config::default().limits(limits));
    let get = [begin(1, 1), record(PARAMS, 1, b""), record(STDIN, 1, b"")].concat();
    let key = key_of(&served.take(&get));
    served.take(&begin(2, 1));
    served.connection.shutdown();
    served.connection.request(key).expect("a request").end(0);
    served.read();
    served.connection.write_side_closed(0);
    assert_eq!(
        served.connection.life(),
        Life::Draining,
        "the rest of request 2 is on its way"
    );
}

/// An early answer of 200 KiB to a body of 4 bytes of which more may come, ended and not read.
fn answered_early(mut served: Served, key: RequestKey) -> Served {
    let mut request = served.connection.request(key).expect("a request");
    request
        .stdout(Bytes::from_static(&[b'x'; 200 * 1024]))
        .expect("a responder");
    request.end(0);
    served
}

#[test]
fn a_body_with_a_surplus_is_read_on_after_its_answer() {
    let (mut served, key) = half_read(b"\x0e\x01CONTENT_LENGTH4");
    served.connection.set_held(key, 0);
    served.take(&record(STDIN, 1, b"cdefgh"));
    let served = answered_early(served, key);
    assert!(
        served.connection.wants_input(),
        "B-8: it may have to write all before it reads"
    );
}

#[test]
fn a_body_that_was_too_late_is_read_on_after_its_answer() {
    let (mut served, key) = half_read(FROM_MOD_FCGID);
    served.connection.set_held(key, 0);
    served.take(&record(STDIN, 1, b""));
    served.wait(Duration::from_secs(10));
    let end = StreamEnd::Incomplete;
    assert_eq!(served.take(b""), [Event::StdinEnd { key, end }]);
    let served = answered_early(served, key);
    assert!(served.connection.wants_input(), "B-8");
}

#[test]
fn nothing_is_awaited_of_a_connection_that_is_gone() {
    let (mut served, key) = half_read(b"\x0e\x01CONTENT_LENGTH4");
    let mut request = served.connection.request(key).expect("a request");
    request
        .stdout("Status: 200 OK\r\n\r\n".into())
        .expect("a responder");
    served.connection.lost();
    assert_eq!(served.take(b""), [Event::Aborted { key }]);
    assert_eq!(
        served.connection.deadline(served.now),
        None,
        "it cannot be written any more"
    );
    served.wait(MINUTE);
    assert_eq!(served.connection.error(), None);
}

#[test]
fn params_are_awaited_from_the_first_byte_of_their_own_request() {
    let mut served = Served::new(Config::default());
    // A part of a record that belongs to nothing, and 20 s later its rest.
    let get = [begin(1, 1), record(PARAMS, 1, b""), record(STDIN, 1, b"")].concat();
    let key = key_of(&served.take(&get));
    served.connection.request(key).expect("a request").end(0);
    served.read();
    let ignored = record(STDIN, 1, b"");
    let (front, back) = ignored.split_at(5);
    served.take(front);
    served.wait(Duration::from_secs(20));
    served.take(&[back, &begin(1, 1)].concat());
    served.wait(Duration::from_secs(29));
    assert_eq!(served.connection.error(), None);
    served.wait(Duration::from_secs(1));
    let error = ConnectionError::TimedOut(Awaited::Params);
    assert_eq!(served.connection.error(), Some(&error));
}
