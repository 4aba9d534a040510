//! Params and a body, and what the application makes of them.

use bytes::Bytes;
use fastcgi_tower::{
    Params, Role,
    client::{Client, ClientError, Output, Piece, Script},
};
use http_body_util::{Empty, Full};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    join,
    task::JoinHandle,
};

use crate::{
    blocking::within,
    client::{
        App, BEGIN, COMPLETE, PARAMS_END, STDIN_END, exchange, get, params, stderr, stdin, stdout,
    },
};

/// END_REQUEST (5.5): appStatus 7, FCGI_REQUEST_COMPLETE.
const FAILED: &[u8] = b"\x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x00\x07\x00\x00\x00\x00";

fn a(value: &str) -> Params {
    [("A", value)].into_iter().collect()
}

fn start(client: &Client, stdin: &'static [u8]) -> JoinHandle<Result<Output, ClientError>> {
    let client = client.clone();
    tokio::spawn(async move { client.exchange(a("1"), stdin).await })
}

#[tokio::test]
async fn all_that_an_application_makes_of_params_and_a_body() {
    let app = App::listen();
    let client = app.client().param("B", "2");
    let call = start(&client, b"");
    let mut link = app.accept().await;
    link.expect([BEGIN, &params(b"\x01\x01A1\x01\x01B2"), STDIN_END].concat())
        .await;
    let answer = [
        &stderr(b"one\n")[..],
        &stdout(b"no header "),
        &stderr(b"two\n"),
        &stdout(b"block"),
        FAILED,
    ];
    link.send(answer.concat()).await;
    let output = call.await.unwrap().unwrap();
    assert_eq!(output.stdout, "no header block");
    assert_eq!(output.stderr, "one\ntwo\n");
    assert_eq!(output.app_status, 7);
    let shown = "Output { stdout: 15 bytes, stderr: 8 bytes, app_status: 7 }";
    assert_eq!(format!("{output:?}"), shown);

    // A request of HTTP uses the same connection.
    let call = tokio::spawn(exchange(client, get()));
    link.expect(BEGIN).await;
    link.send([stdout(b"\nhello"), COMPLETE.into()].concat())
        .await;
    assert_eq!(call.await.unwrap().unwrap().into_body(), "hello");
}

#[tokio::test]
async fn the_length_of_a_body_is_added_where_there_is_none() {
    let app = App::listen();
    let client = app.client();
    let call = start(&client, b"hello");
    let mut link = app.accept().await;
    let added = params(b"\x01\x01A1\x0e\x01CONTENT_LENGTH5");
    link.expect([BEGIN, &added, &stdin(b"hello"), STDIN_END].concat())
        .await;
    link.send(COMPLETE).await;
    assert_eq!(call.await.unwrap().unwrap().stdout, "");

    let given: Params = [("CONTENT_LENGTH", "3")].into_iter().collect();
    let serve = async {
        let given = params(b"\x0e\x01CONTENT_LENGTH3");
        link.expect([BEGIN, &given, &stdin(b"hello"), STDIN_END].concat())
            .await;
        link.send(COMPLETE).await;
    };
    let (output, ()) = join!(client.exchange(given, "hello"), serve);
    output.unwrap();
}

#[tokio::test]
async fn a_param_of_the_client_takes_the_place_of_one_of_the_request() {
    let app = App::listen();
    let client = app.client().param("A", "2");
    let call = start(&client, b"");
    let mut link = app.accept().await;
    link.expect([BEGIN, &params(b"\x01\x01A2"), STDIN_END].concat())
        .await;
    link.send(COMPLETE).await;
    call.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_script_is_a_request() {
    let app = App::listen();
    let client = app.client();
    let serve = async {
        let mut link = app.accept().await;
        let mut request = Vec::new();
        while !request.ends_with(STDIN_END) {
            link.0.read_buf(&mut request).await.expect("a connection");
        }
        link.send([stdout(b"Status: 404\n\nnone"), COMPLETE.into()].concat())
            .await;
        request
    };
    let script = Script::page("/ping").unwrap();
    let (output, request) = join!(client.exchange(script, ""), serve);
    let pair = b"\x0b\x05SCRIPT_NAME/ping";
    assert!(request.windows(pair.len()).any(|window| window == pair));
    let response = output.unwrap().into_response().unwrap();
    assert_eq!(response.status(), 404);
    assert_eq!(response.into_body(), "none");
}

#[tokio::test]
async fn an_output_that_is_no_response_is_an_error() {
    let app = App::listen();
    let client = app.client();
    let mut link = None;
    for text in ["what?\n\n", "Status: 200\n"] {
        let call = start(&client, b"");
        let link = match &mut link {
            Some(link) => link,
            link => link.insert(app.accept().await),
        };
        let head = [BEGIN, &params(b"\x01\x01A1"), STDIN_END].concat();
        link.expect(head).await;
        link.send([stdout(text.as_bytes()), COMPLETE.into()].concat())
            .await;
        let output = call.await.unwrap().unwrap();
        let error = output.into_response().unwrap_err();
        assert!(error.is_invalid_response(), "{error:?}");
    }
    let mut output = Output::default();
    output.stdout = Bytes::from_static(b"Status: 103\n\nStatus: 201\n\nx");
    let response = output.into_response().unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.body()[..]),
        (201, &b"x"[..])
    );
}

#[tokio::test]
async fn an_output_may_be_as_long_as_the_limit() {
    let app = App::listen();
    let client = app.client().max_output(10);
    for (more, is_too_long) in [(&b"12345"[..], false), (b"123456", true)] {
        let call = start(&client, b"");
        let mut link = app.accept().await;
        let head = [BEGIN, &params(b"\x01\x01A1"), STDIN_END].concat();
        link.expect(head).await;
        link.send([stdout(b"12345"), stderr(more)].concat()).await;
        if is_too_long {
            let error = call.await.unwrap().unwrap_err();
            assert!(error.is_output_too_long(), "{error:?}");
            let text = "the application's answer is longer than 10 bytes";
            assert_eq!(error.to_string(), text);
            link.expect_closed().await;
        } else {
            link.send(COMPLETE).await;
            drop(link);
            assert_eq!(call.await.unwrap().unwrap().stderr, "12345");
        }
    }
}

#[tokio::test]
async fn sixteen_mib_are_collected() {
    const LIMIT: usize = 16 * 1024 * 1024;
    for (length, is_too_long) in [(LIMIT, false), (LIMIT + 1, true)] {
        let app = App::listen();
        let call = start(&app.client(), b"");
        let mut link = app.accept().await;
        let text = vec![b'x'; length];
        let sending = tokio::spawn(async move {
            let records = text.chunks(32 * 1024).flat_map(stdout);
            let answer: Vec<u8> = records.chain(COMPLETE.iter().copied()).collect();
            // The client closes the connection at the limit.
            _ = link.0.write_all(&answer).await;
        });
        let output = call.await.unwrap();
        match output {
            Ok(output) => assert_eq!((output.stdout.len(), is_too_long), (LIMIT, false)),
            Err(error) => assert!(is_too_long && error.is_output_too_long(), "{error:?}"),
        }
        within(sending).await.expect("no panic");
    }
}

#[tokio::test]
async fn an_authorizer_and_a_filter_are_asked_as_such() {
    let app = App::listen();
    let client = app.client();
    for (role, number, data) in [
        (Role::AUTHORIZER, 2, &b""[..]),
        // The end of FCGI_DATA.
        (Role::FILTER, 3, b"\x01\x08\x00\x01\x00\x00\x00\x00"),
    ] {
        // Clones share the connections, and the second role finds the first one's.
        let client = client.clone().keep_conn(true).role(role);
        let serve = async {
            let mut link = app.accept().await;
            let begin = [b"\x01\x01\x00\x01\x00\x08\x00\x00\x00", &[number][..]].concat();
            link.expect([&begin[..], b"\x01\0\0\0\0\0", &params(b"\x01\x01A1")].concat())
                .await;
            link.expect([STDIN_END, data].concat()).await;
            link.send(COMPLETE).await;
        };
        let (output, ()) = join!(client.exchange(a("1"), ""), serve);
        output.unwrap();
    }
}

#[tokio::test]
async fn pieces_come_as_they_are_sent() {
    let app = App::listen();
    let client = app.client();
    let mut stream = client.exchange_stream(a("1"), Empty::<Bytes>::new());
    assert_eq!(format!("{stream:?}"), "ExchangeStream(\"starting\")");
    let serve = async {
        let mut link = app.accept().await;
        link.expect([BEGIN, &params(b"\x01\x01A1"), STDIN_END].concat())
            .await;
        link.send(stderr(b"one")).await;
        link
    };
    let (piece, mut link) = join!(stream.next(), serve);
    assert_eq!(piece.unwrap(), Some(Piece::Stderr("one".into())));
    link.send(stdout(b"two")).await;
    let piece = stream.next().await.unwrap();
    assert_eq!(piece, Some(Piece::Stdout("two".into())));

    // A call that is dropped loses nothing.
    let waited = tokio::time::timeout(std::time::Duration::ZERO, stream.next()).await;
    assert!(waited.is_err());
    assert_eq!(format!("{stream:?}"), "ExchangeStream(\"calling\")");
    link.send(FAILED).await;
    let piece = stream.next().await.unwrap();
    assert_eq!(piece, Some(Piece::End { app_status: 7 }));
    assert_eq!(stream.next().await.unwrap(), None);
    assert_eq!(format!("{stream:?}"), "ExchangeStream(\"done\")");

    let call = start(&client, b"");
    link.expect([BEGIN, &params(b"\x01\x01A1"), STDIN_END].concat())
        .await;
    link.send(COMPLETE).await;
    call.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_stream_that_is_dropped_closes_its_connection() {
    let app = App::listen();
    let client = app.client();
    // Before it has begun, while it sends, and between two pieces.
    drop(client.exchange_stream(a("1"), Empty::<Bytes>::new()));
    let body = Full::new(Bytes::from(vec![0; 4 * 1024 * 1024]));
    let mut stream = client.exchange_stream(a("1"), body);
    let serve = async {
        let mut link = app.accept().await;
        link.expect([BEGIN, &params(b"\x01\x01A1")].concat()).await;
        link.send(stdout(b"early")).await;
        link
    };
    let (piece, mut link) = join!(stream.next(), serve);
    assert_eq!(piece.unwrap(), Some(Piece::Stdout("early".into())));
    drop(stream);
    within(link.expect_closed()).await;
}

/// A late answer to a request that was dropped is nobody's.
#[tokio::test]
async fn the_answer_to_a_request_that_was_dropped_is_not_anybody_elses() {
    let app = App::listen();
    let client = app.client().max_connections(1);
    let call = start(&client, b"");
    let mut link = app.accept().await;
    link.expect([BEGIN, &params(b"\x01\x01A1"), STDIN_END].concat())
        .await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    // The client has closed it: whether this arrives is the system's.
    _ = link
        .0
        .try_write(&[stdout(b"old"), COMPLETE.into()].concat());

    let call = start(&client, b"");
    let mut link = app.accept().await;
    link.expect([BEGIN, &params(b"\x01\x01A1"), STDIN_END].concat())
        .await;
    link.send([stdout(b"new"), COMPLETE.into()].concat()).await;
    assert_eq!(call.await.unwrap().unwrap().stdout, "new");
}

/// Without params there is the end of their stream alone.
#[tokio::test]
async fn there_may_be_no_params_at_all() {
    let app = App::listen();
    let client = app.client();
    let serve = async {
        let mut link = app.accept().await;
        link.expect([BEGIN, PARAMS_END, STDIN_END].concat()).await;
        link.send(COMPLETE).await;
    };
    let (output, ()) = join!(client.exchange(Params::default(), ""), serve);
    assert_eq!(output.unwrap(), Output::default());
}
