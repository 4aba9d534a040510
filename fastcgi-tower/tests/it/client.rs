//! The client, before an application that is bytes spelled by hand.

use std::{
    io,
    path::{Path, PathBuf},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use fastcgi_tower::{
    BoxError, Params,
    client::{Address, Client, ClientBody, ClientError, ExtraParams, ServerInfo},
};
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    join,
    net::{UnixListener, UnixStream},
    sync::mpsc,
    task::JoinSet,
    task::yield_now,
    time::timeout,
};
use tower::ServiceExt;

/// BEGIN_REQUEST (5.1): id 1, a Responder, FCGI_KEEP_CONN.
pub(crate) const BEGIN: &[u8] = b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x01\x00\x00\x00\x00\x00";
/// The same without flags.
pub(crate) const BEGIN_CLOSE: &[u8] =
    b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00";
pub(crate) const PARAMS_END: &[u8] = b"\x01\x04\x00\x01\x00\x00\x00\x00";
pub(crate) const STDIN_END: &[u8] = b"\x01\x05\x00\x01\x00\x00\x00\x00";
/// The end of STDOUT and END_REQUEST (5.5): FCGI_REQUEST_COMPLETE.
pub(crate) const COMPLETE: &[u8] =
    b"\x01\x06\x00\x01\x00\x00\x00\x00\x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
/// END_REQUEST: FCGI_OVERLOADED.
const OVERLOADED: &[u8] = b"\x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00";

/// A record of request 1, as 3.3 draws it.
fn record(record_type: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a content of at most 65 535 bytes");
    let [high, low] = length.to_be_bytes();
    [&[1, record_type, 0, 1, high, low, 0, 0], content].concat()
}

pub(crate) fn stdin(content: &[u8]) -> Vec<u8> {
    record(5, content)
}

pub(crate) fn stdout(content: &[u8]) -> Vec<u8> {
    record(6, content)
}

pub(crate) fn stderr(content: &[u8]) -> Vec<u8> {
    record(7, content)
}

/// An application's socket.
pub(crate) struct App {
    listener: UnixListener,
    path: PathBuf,
    _dir: TempDir,
}

impl App {
    pub(crate) fn listen() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("app.sock");
        Self {
            listener: UnixListener::bind(&path).expect("a free path"),
            path,
            _dir: dir,
        }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(self.path.as_path()).server_info(ServerInfo::default().software("test"))
    }

    pub(crate) async fn accept(&self) -> Link {
        // A client that uses another connection would be waited for without an end.
        let accepted = timeout(Duration::from_secs(20), self.listener.accept()).await;
        let (link, _) = accepted
            .expect("a connection in time")
            .expect("a connection");
        Link(link)
    }
}

/// A connection, seen from the application.
pub(crate) struct Link(pub(crate) UnixStream);

impl Link {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let written = self.0.write_all(bytes.as_ref()).await;
        written.expect("the client is there");
    }

    pub(crate) async fn expect(&mut self, bytes: impl AsRef<[u8]>) {
        let expected = bytes.as_ref();
        let mut received = vec![0; expected.len()];
        let read = self.0.read_exact(&mut received).await;
        read.expect("as many bytes as expected");
        assert_eq!(
            received.escape_ascii().to_string(),
            expected.escape_ascii().to_string()
        );
    }

    /// Takes what [`get`] sends.
    pub(crate) async fn expect_get(&mut self) {
        self.expect([BEGIN, &params(GET), STDIN_END].concat()).await;
    }

    pub(crate) async fn expect_closed(&mut self) {
        let end = self.0.read_to_end(&mut Vec::new()).await;
        // The system resets a connection that is closed with something unread.
        let is_reset = |error: io::Error| error.kind() == io::ErrorKind::ConnectionReset;
        assert!(end.is_ok() || end.is_err_and(is_reset));
    }
}

/// The pairs (3.4) of `GET /a%20b?c`.
pub(crate) const GET: &[u8] = b"\x0e\x03REQUEST_METHODGET\x0b\x08REQUEST_URI/a%20b?c\x0b\x00SCRIPT_NAME\x09\x04PATH_INFO/a b\
    \x0c\x01QUERY_STRINGc\x0f\x08SERVER_PROTOCOLHTTP/1.1\x0e\x04REQUEST_SCHEMEhttp\x0b\x00SERVER_NAME\
    \x11\x07GATEWAY_INTERFACECGI/1.1\x0f\x04SERVER_SOFTWAREtest\x0b\x02SERVER_PORT80";
/// The pairs of `POST /` with five bytes.
const POST_FIVE: &[u8] = b"\x0e\x04REQUEST_METHODPOST\x0b\x01REQUEST_URI/\x0b\x00SCRIPT_NAME\x09\x01PATH_INFO/\
    \x0c\x00QUERY_STRING\x0e\x01CONTENT_LENGTH5\x0f\x08SERVER_PROTOCOLHTTP/1.1\x0e\x04REQUEST_SCHEMEhttp\
    \x0b\x00SERVER_NAME\x11\x07GATEWAY_INTERFACECGI/1.1\x0f\x04SERVER_SOFTWAREtest\x0b\x02SERVER_PORT80";
/// The pairs of `POST /` with nobody knows how many.
pub(crate) const POST: &[u8] = b"\x0e\x04REQUEST_METHODPOST\x0b\x01REQUEST_URI/\x0b\x00SCRIPT_NAME\x09\x01PATH_INFO/\
    \x0c\x00QUERY_STRING\x0f\x08SERVER_PROTOCOLHTTP/1.1\x0e\x04REQUEST_SCHEMEhttp\
    \x0b\x00SERVER_NAME\x11\x07GATEWAY_INTERFACECGI/1.1\x0f\x04SERVER_SOFTWAREtest\x0b\x02SERVER_PORT80";

pub(crate) fn params(pairs: &[u8]) -> Vec<u8> {
    [record(4, pairs), PARAMS_END.to_vec()].concat()
}

pub(crate) fn get() -> Request<Empty<Bytes>> {
    let request = Request::get("/a%20b?c").body(Empty::new());
    request.expect("a valid request")
}

/// A request body that is fed by hand.
pub(crate) struct Upload(mpsc::UnboundedReceiver<io::Result<Bytes>>);

impl Upload {
    pub(crate) fn new() -> (mpsc::UnboundedSender<io::Result<Bytes>>, Request<Self>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let request = Request::post("/").body(Self(receiver));
        (sender, request.expect("a valid request"))
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let chunk = self.0.poll_recv(cx);
        chunk.map(|chunk| chunk.map(|chunk| chunk.map(Frame::data)))
    }
}

/// A request body without end, which counts what was taken of it.
pub(crate) struct Endless(pub(crate) Arc<AtomicUsize>);

impl Body for Endless {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.fetch_add(16 * 1024, Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(
            &[b'x'; 16 * 1024],
        )))))
    }
}

/// What a client makes of `answer`, which is followed by the end of the connection.
pub(crate) async fn answer_to_get(answer: &[u8]) -> Result<Response<Bytes>, ClientError> {
    let app = App::listen();
    let serve = async {
        let mut link = app.accept().await;
        link.expect_get().await;
        link.send(answer).await;
    };
    join!(exchange(app.client(), get()), serve).0
}

/// A response with all of its body.
pub(crate) async fn exchange<B>(
    client: Client,
    request: Request<B>,
) -> Result<Response<Bytes>, ClientError>
where
    B: Body<Error: Into<BoxError>>,
{
    let (head, body) = client.oneshot(request).await?.into_parts();
    Ok(Response::from_parts(head, body.collect().await?.to_bytes()))
}

async fn next<B>(response: &mut Response<ClientBody<B>>) -> Option<Result<Bytes, ClientError>>
where
    B: Body<Error: Into<BoxError>>,
{
    let frame = response.body_mut().frame().await?;
    Some(frame.map(|frame| frame.into_data().expect("no trailers")))
}

/// Lets the other side see what has been sent so far.
async fn settle() {
    for _ in 0..4 {
        yield_now().await;
    }
}

#[tokio::test]
async fn request_has_the_params_of_the_client_and_its_own() {
    let app = App::listen();
    let client = app.client().param("A", "1").param("B", "0").param("B", "1");
    let mut request = get();
    // libfcgi would take the first A.
    let own: Params = [("A", "2")].into_iter().collect();
    request.extensions_mut().insert(ExtraParams::from(own));
    let serve = async {
        let mut link = app.accept().await;
        let pairs = [GET, b"\x01\x01B1\x01\x01A2"].concat();
        link.expect([BEGIN, &params(&pairs), STDIN_END].concat())
            .await;
        link.send([stdout(b"\n"), COMPLETE.into()].concat()).await;
    };
    let (response, ()) = join!(exchange(client, request), serve);
    assert_eq!(response.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn server_info_of_the_request_counts_more_than_the_clients() {
    let app = App::listen();
    let client = app
        .client()
        .server_info(ServerInfo::default().software("other"));
    let mut request = get();
    request
        .extensions_mut()
        .insert(ServerInfo::default().software("test"));
    let serve = async {
        let mut link = app.accept().await;
        link.expect_get().await;
        link.send([stdout(b"\n"), COMPLETE.into()].concat()).await;
    };
    join!(exchange(client, request), serve).0.unwrap();
}

#[tokio::test]
async fn body_of_known_size_has_its_length_announced() {
    let app = App::listen();
    let request = Request::post("/")
        .body(Full::new(Bytes::from("hello")))
        .unwrap();
    let serve = async {
        let mut link = app.accept().await;
        link.expect([BEGIN, &params(POST_FIVE), &stdin(b"hello"), STDIN_END].concat())
            .await;
        link.send([stdout(b"\n"), COMPLETE.into()].concat()).await;
    };
    join!(exchange(app.client(), request), serve).0.unwrap();
}

#[tokio::test]
async fn response_is_the_same_however_it_is_cut() {
    let app = App::listen();
    let client = app.client();
    let answer = [
        &stdout(b"Status: 404 Not Found\r\nX-A: b\r\n\r\nbo")[..],
        // With three bytes of padding.
        b"\x01\x06\x00\x01\x00\x02\x03\x00dy???",
        COMPLETE,
    ]
    .concat();
    let mut link = None;
    for cut in 0..answer.len() {
        let serve = async {
            let link = match &mut link {
                Some(link) => link,
                link => link.insert(app.accept().await),
            };
            link.expect_get().await;
            let (front, back) = answer.split_at(cut);
            link.send(front).await;
            settle().await;
            link.send(back).await;
        };
        let (response, ()) = join!(exchange(client.clone(), get()), serve);
        let response = response.unwrap();
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "cut at {cut}");
        assert_eq!(response.headers()["x-a"], "b", "cut at {cut}");
        assert_eq!(response.into_body(), "body", "cut at {cut}");
    }
}

#[tokio::test]
async fn head_may_come_in_records_of_one_byte() {
    let head = b"Status: 201 Created\n\nx".chunks(1).flat_map(stdout);
    let answer: Vec<u8> = head.chain(COMPLETE.iter().copied()).collect();
    let response = answer_to_get(&answer).await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    assert_eq!(response.into_body(), "x");
}

#[tokio::test]
async fn stderr_and_interim_responses_are_no_part_of_the_response() {
    let answer = [
        stderr(b"a message\n"),
        stdout(b"Status: 103 Early Hints\n\nStatus: 202 Accepted\n\nab"),
        stderr(&[b'!'; 60_000]),
        stderr(b"more"),
        stdout(b"cd"),
        COMPLETE.into(),
    ];
    let response = answer_to_get(&answer.concat()).await.unwrap();
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    assert_eq!(response.into_body(), "abcd");
}

#[tokio::test]
async fn response_body_arrives_as_it_is_sent() {
    let app = App::listen();
    let call = tokio::spawn(app.client().oneshot(get()));
    let mut link = app.accept().await;
    link.expect_get().await;
    link.send(stdout(b"\n")).await;
    let mut response = call.await.unwrap().unwrap();
    for piece in [&b"one"[..], b"two"] {
        link.send(stdout(piece)).await;
        assert_eq!(next(&mut response).await.unwrap().unwrap(), piece);
    }
    assert!(!response.body().is_end_stream());
    link.send(COMPLETE).await;
    assert!(next(&mut response).await.is_none());
}

#[tokio::test]
async fn response_body_that_nobody_reads_is_not_taken_from_the_socket() {
    let app = App::listen();
    let call = tokio::spawn(app.client().oneshot(get()));
    let mut link = app.accept().await;
    link.expect_get().await;
    link.send(stdout(b"\n")).await;
    let mut response = call.await.unwrap().unwrap();
    let record = stdout(&[b'x'; 32 * 1024]);
    let mut sent = 0;
    while let Ok(count) = link.0.try_write(&record) {
        sent += count;
        settle().await;
    }
    assert!(sent < 1024 * 1024, "{sent} bytes");
    tokio::select! {
        writable = link.0.writable() => writable.unwrap(),
        () = async { while next(&mut response).await.unwrap().is_ok() {} } => unreachable!(),
    }
}

#[tokio::test]
async fn request_body_is_not_taken_faster_than_the_application_reads() {
    let app = App::listen();
    let taken = Arc::new(AtomicUsize::new(0));
    let request = Request::post("/")
        .body(Endless(Arc::clone(&taken)))
        .unwrap();
    let call = tokio::spawn(app.client().oneshot(request));
    let mut link = app.accept().await;
    settle().await;
    let before = taken.load(Ordering::Relaxed);
    assert!(before < 1024 * 1024, "{before} bytes");
    link.expect([BEGIN, &params(POST)].concat()).await;
    link.0.read_exact(&mut vec![0; before]).await.unwrap();
    settle().await;
    assert!(taken.load(Ordering::Relaxed) > before);
    assert!(!call.is_finished());
}

#[tokio::test]
async fn bodies_stream_both_ways_at_once() {
    let app = App::listen();
    let (upload, request) = Upload::new();
    let call = tokio::spawn(app.client().oneshot(request));
    let mut link = app.accept().await;
    link.expect([BEGIN, &params(POST)].concat()).await;
    link.send(stdout(b"\n")).await;
    let mut response = call.await.unwrap().unwrap();
    for piece in [&b"one"[..], b"two"] {
        upload.send(Ok(Bytes::from_static(piece))).unwrap();
        let echo = async {
            link.expect(stdin(piece)).await;
            link.send(stdout(piece)).await;
        };
        let (echoed, ()) = join!(next(&mut response), echo);
        assert_eq!(echoed.unwrap().unwrap(), piece);
    }
    drop(upload);
    let end = async {
        link.expect(STDIN_END).await;
        link.send(COMPLETE).await;
    };
    assert!(join!(next(&mut response), end).0.is_none());
}

#[tokio::test]
async fn early_answer_ends_the_upload() {
    let app = App::listen();
    let (upload, request) = Upload::new();
    let call = tokio::spawn(exchange(app.client(), request));
    let mut link = app.accept().await;
    link.expect([BEGIN, &params(POST)].concat()).await;
    link.send([stdout(b"Status: 413\n\nno"), COMPLETE.into()].concat())
        .await;
    let response = call.await.unwrap().unwrap();
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(response.into_body(), "no");
    assert!(upload.is_closed(), "nobody takes the rest of the body");
    // The application could not tell the rest of this body from the next request.
    link.expect_closed().await;
}

#[tokio::test]
async fn answer_of_an_application_that_closes_without_reading_is_not_lost() {
    let app = App::listen();
    let taken = Arc::new(AtomicUsize::new(0));
    let request = Request::post("/").body(Endless(taken)).unwrap();
    let call = tokio::spawn(exchange(app.client(), request));
    let mut link = app.accept().await;
    settle().await;
    link.send([stdout(b"Status: 413\n\nno"), COMPLETE.into()].concat())
        .await;
    drop(link);
    assert_eq!(call.await.unwrap().unwrap().into_body(), "no");
}

#[tokio::test]
async fn failure_of_the_request_body_is_told_and_closes_the_connection() {
    let app = App::listen();
    let (upload, request) = Upload::new();
    let call = tokio::spawn(exchange(app.client(), request));
    let mut link = app.accept().await;
    upload.send(Err(io::Error::other("gone"))).unwrap();
    let error = call.await.unwrap().unwrap_err();
    assert!(error.is_request_body(), "{error:?}");
    link.expect([BEGIN, &params(POST)].concat()).await;
    link.expect_closed().await;
}

#[tokio::test]
async fn refusal_is_an_error() {
    let error = answer_to_get(OVERLOADED).await.unwrap_err();
    assert!(error.is_refused());
    assert_eq!(
        error.to_string(),
        "the application refused the request: OVERLOADED"
    );
    let late = [stdout(b"\nx"), OVERLOADED.into()].concat();
    assert!(answer_to_get(&late).await.unwrap_err().is_refused());
}

#[tokio::test]
async fn what_is_no_response_is_an_error() {
    for answer in [
        COMPLETE,
        &stdout(b"Status: 200\n"),
        &stdout(b"what?\n\n"),
        &stdout(b"Status: ok\n\n"),
    ] {
        let answer = [answer, COMPLETE].concat();
        let error = answer_to_get(&answer).await.unwrap_err();
        assert!(error.is_invalid_response(), "{error:?}");
    }
}

#[tokio::test]
async fn what_is_no_record_is_an_error() {
    let error = answer_to_get(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap_err();
    assert!(error.is_protocol(), "{error:?}");
    assert!(error.is_http(), "{error:?}");
    let error = answer_to_get(b"SSH-2.0-OpenSSH\r\n").await.unwrap_err();
    assert!(error.is_protocol() && !error.is_http(), "{error:?}");
}

#[tokio::test]
async fn end_of_the_connection_is_no_end_of_the_response() {
    let whole = [stdout(b"Status: 200\n\nbody"), COMPLETE.into()].concat();
    for cut in 0..whole.len() {
        let error = answer_to_get(&whole[..cut]).await.unwrap_err();
        assert!(error.is_incomplete_response(), "cut at {cut}: {error:?}");
    }
    assert_eq!(answer_to_get(&whole).await.unwrap().into_body(), "body");
}

#[tokio::test]
async fn body_shorter_than_its_content_length_is_an_error() {
    let answer = [stdout(b"Content-Length: 5\n\nfour"), COMPLETE.into()].concat();
    let error = answer_to_get(&answer).await.unwrap_err();
    assert!(error.is_incomplete_response());
}

#[tokio::test]
async fn responses_without_a_body_keep_their_content_length() {
    let app = App::listen();
    let client = app.client();
    let request = Request::head("/a%20b?c")
        .body(Empty::<Bytes>::new())
        .unwrap();
    let call = tokio::spawn(client.clone().oneshot(request));
    let mut link = app.accept().await;
    link.0
        .read_buf(&mut Vec::with_capacity(4096))
        .await
        .unwrap();
    link.send([stdout(b"Content-Length: 5\n\nwrong"), COMPLETE.into()].concat())
        .await;
    let response = call.await.unwrap().unwrap();
    assert_eq!(response.headers()["content-length"], "5");
    assert!(response.body().is_end_stream());
    assert_eq!(response.body().size_hint().exact(), None);

    let call = tokio::spawn(exchange(client, get()));
    link.expect_get().await;
    link.send(
        [
            stdout(b"Status: 304\nContent-Length: 5\n\n"),
            COMPLETE.into(),
        ]
        .concat(),
    )
    .await;
    assert_eq!(call.await.unwrap().unwrap().into_body(), "");
}

#[tokio::test]
async fn connection_is_used_again_once_the_body_was_read() {
    let app = App::listen();
    let client = app.client();
    let mut link = None;
    for _ in 0..3 {
        let call = tokio::spawn(exchange(client.clone(), get()));
        let link = match &mut link {
            Some(link) => link,
            link => link.insert(app.accept().await),
        };
        link.expect_get().await;
        link.send([stdout(b"\nhello"), COMPLETE.into()].concat())
            .await;
        assert_eq!(call.await.unwrap().unwrap().into_body(), "hello");
    }
}

#[tokio::test]
async fn connection_is_used_again_when_only_the_end_was_not_read() {
    let app = App::listen();
    let client = app.client();
    let call = tokio::spawn(client.clone().oneshot(get()));
    let mut link = app.accept().await;
    link.expect_get().await;
    link.send(stdout(b"Content-Length: 5\n\nhello")).await;
    let mut response = call.await.unwrap().unwrap();
    assert_eq!(next(&mut response).await.unwrap().unwrap(), "hello");
    link.send(COMPLETE).await;
    settle().await;
    drop(response);
    let call = tokio::spawn(client.oneshot(get()));
    link.expect_get().await;
    drop(call);
}

#[tokio::test]
async fn connection_that_the_application_closed_is_replaced() {
    let app = App::listen();
    let client = app.client();
    for _ in 0..3 {
        let (upload, request) = Upload::new();
        let call = tokio::spawn(exchange(client.clone(), request));
        let mut link = app.accept().await;
        drop(upload);
        link.expect([BEGIN, &params(POST), STDIN_END].concat())
            .await;
        link.send([stdout(b"\nhello"), COMPLETE.into()].concat())
            .await;
        assert_eq!(call.await.unwrap().unwrap().into_body(), "hello");
    }
}

#[tokio::test]
async fn connection_is_closed_after_the_response_where_none_is_kept() {
    let app = App::listen();
    let call = tokio::spawn(exchange(app.client().keep_conn(false), get()));
    let mut link = app.accept().await;
    link.expect([BEGIN_CLOSE, &params(GET), STDIN_END].concat())
        .await;
    link.send([stdout(b"\nhello"), COMPLETE.into()].concat())
        .await;
    assert_eq!(call.await.unwrap().unwrap().into_body(), "hello");
    link.expect_closed().await;
}

#[tokio::test]
async fn eight_idle_connections_are_kept() {
    let app = App::listen();
    let client = app.client();
    let calls = [(); 9].map(|()| tokio::spawn(exchange(client.clone(), get())));
    let mut links = Vec::new();
    for _ in &calls {
        links.push(app.accept().await);
    }
    for link in &mut links {
        link.expect_get().await;
        link.send([stdout(b"\n"), COMPLETE.into()].concat()).await;
    }
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let mut closed = JoinSet::new();
    for mut link in links {
        closed.spawn(async move { link.0.read(&mut [0]).await });
    }
    // The others are silent.
    let first = closed.join_next().await.expect("nine connections");
    assert_eq!(first.unwrap().unwrap(), 0);
    assert!(closed.try_join_next().is_none());
}

#[tokio::test]
async fn dropping_the_response_closes_the_connection() {
    let app = App::listen();
    let call = tokio::spawn(app.client().oneshot(get()));
    let mut link = app.accept().await;
    link.expect_get().await;
    link.send(stdout(b"\nhello")).await;
    drop(call.await.unwrap().unwrap());
    link.expect_closed().await;
}

#[tokio::test]
async fn dropping_the_future_closes_the_connection() {
    let app = App::listen();
    let call = tokio::spawn(app.client().oneshot(get()));
    let mut link = app.accept().await;
    link.expect_get().await;
    call.abort();
    link.expect_closed().await;
}

#[tokio::test]
async fn requests_over_the_limit_wait_for_their_turn() {
    let app = App::listen();
    let client = app.client().max_connections(1).keep_conn(false);
    let calls = [(); 2].map(|()| tokio::spawn(exchange(client.clone(), get())));
    for _ in 0..2 {
        let mut link = app.accept().await;
        settle().await;
        let mut no_other = Box::pin(app.accept());
        let is_alone =
            std::future::poll_fn(|cx| Poll::Ready(no_other.as_mut().poll(cx).is_pending()));
        assert!(is_alone.await);
        link.expect([BEGIN_CLOSE, &params(GET), STDIN_END].concat())
            .await;
        link.send([stdout(b"\n"), COMPLETE.into()].concat()).await;
        link.expect_closed().await;
    }
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_limit_of_no_requests_is_one_of_one() {
    let app = App::listen();
    let call = tokio::spawn(exchange(app.client().max_connections(0), get()));
    let mut link = app.accept().await;
    link.expect_get().await;
    link.send([stdout(b"\n"), COMPLETE.into()].concat()).await;
    call.await.unwrap().unwrap();
}

#[tokio::test]
async fn application_that_is_not_there_is_an_error() {
    let app = App::listen();
    let client = app.client();
    drop(app);
    let error = exchange(client, get()).await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
}

#[tokio::test]
async fn values_are_asked_for() {
    let app = App::listen();
    let client = app.client();
    let call = tokio::spawn(async move { client.get_values(&["FCGI_MPXS_CONNS"]).await });
    let mut link = app.accept().await;
    link.expect(b"\x01\x09\x00\x00\x00\x11\x00\x00\x0f\x00FCGI_MPXS_CONNS")
        .await;
    link.send(b"\x01\x0a\x00\x00\x00\x12\x00\x00\x0f\x01FCGI_MPXS_CONNS1")
        .await;
    let values = call.await.unwrap().unwrap();
    assert_eq!(values.get("FCGI_MPXS_CONNS"), Some(&b"1"[..]));
}

#[tokio::test]
async fn names_of_more_than_one_record_are_an_error() {
    let app = App::listen();
    let client = app.client();
    let name = "X".repeat(70_000);
    let names = [&*name];
    let call = timeout(Duration::from_secs(30), client.get_values(&names));
    let error = call.await.expect("an answer in time").unwrap_err();
    assert!(error.is_query_too_long(), "{error:?}");
}

#[test]
fn addresses_are_paths_or_hosts_with_ports() {
    for address in [
        "/run/app.sock",
        "./app.sock",
        "127.0.0.1:9000",
        "[::1]:9000",
        "app:9000",
    ] {
        assert_eq!(address.parse::<Address>().unwrap().to_string(), address);
    }
    for (address, path, shown) in [
        ("unix:/run/app.sock", "/run/app.sock", "/run/app.sock"),
        ("unix:app.sock", "app.sock", "app.sock"),
        ("unix:app", "app", "unix:app"),
        ("unix:app:9000", "app:9000", "unix:app:9000"),
        ("unix:tcp:/app", "tcp:/app", "unix:tcp:/app"),
    ] {
        let address: Address = address.parse().unwrap();
        assert_eq!(address.as_path(), Some(Path::new(path)));
        assert_eq!(address.to_string(), shown);
        assert_eq!(shown.parse::<Address>().unwrap(), address);
    }
    assert_eq!("app:9000".parse::<Address>().unwrap().as_path(), None);
    for address in ["", "app", "app:", ":9000", "app:70000", "[::1:9000"] {
        assert!(address.parse::<Address>().is_err(), "{address}");
    }
}
