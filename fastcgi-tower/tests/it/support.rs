//! A scripted web server at the other end of a pipe, and services to put behind it.
//!
//! Records are spelled out here, so that no encoder or decoder of the crates is trusted.

use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use fastcgi_tower::{
    BoxError, ConnectionBuilder, Error, ExchangeService, HttpService, Incoming, Limits,
    ServeConnection,
};
use http::{HeaderMap, Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf, duplex},
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};
use tower::service_fn;
use tower_service::Service;

/// Record types (8, constants of fastcgi.h).
pub(crate) const BEGIN_REQUEST: u8 = 1;
pub(crate) const ABORT_REQUEST: u8 = 2;
pub(crate) const END_REQUEST: u8 = 3;
pub(crate) const PARAMS: u8 = 4;
pub(crate) const STDIN: u8 = 5;
pub(crate) const STDOUT: u8 = 6;
pub(crate) const STDERR: u8 = 7;
pub(crate) const DATA: u8 = 8;

/// Roles (5.1).
pub(crate) const RESPONDER: u8 = 1;
pub(crate) const AUTHORIZER: u8 = 2;
pub(crate) const FILTER: u8 = 3;

/// The flags of BEGIN_REQUEST (5.1).
pub(crate) const CLOSE: u8 = 0;
pub(crate) const KEEP_CONN: u8 = 1;

/// The protocolStatus of END_REQUEST (5.5).
pub(crate) const REQUEST_COMPLETE: u8 = 0;
pub(crate) const CANT_MPX_CONN: u8 = 1;
pub(crate) const UNKNOWN_ROLE: u8 = 3;

/// Bytes that a pipe holds, unless a test says otherwise: more than any small response.
pub(crate) const PIPE: usize = 64 * 1024;

/// Longer than anything takes, on a clock that is paused: for what would otherwise be waited for for ever.
const PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// A record as 3.3 draws it, without padding.
pub(crate) fn record(record_type: u8, id: u16, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a content of at most 65 535 bytes");
    let mut record = vec![1, record_type];
    record.extend(id.to_be_bytes());
    record.extend(length.to_be_bytes());
    record.extend([0, 0]);
    record.extend(content);
    record
}

/// BEGIN_REQUEST (5.1).
pub(crate) fn begin(id: u16, role: u8, flags: u8) -> Vec<u8> {
    record(BEGIN_REQUEST, id, &[0, role, flags, 0, 0, 0, 0, 0])
}

/// A name-value pair (3.4): the lengths in one byte, or in four with the high bit set.
pub(crate) fn pair(name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut pair = Vec::new();
    for part in [name, value] {
        match u8::try_from(part.len()) {
            Ok(length @ ..=127) => pair.push(length),
            _ => {
                let length = u32::try_from(part.len()).expect("a short value") | 0x8000_0000;
                pair.extend(length.to_be_bytes());
            }
        }
    }
    pair.extend(name);
    pair.extend(value);
    pair
}

/// The whole of PARAMS (5.2): a stream of pairs and its end.
pub(crate) fn params(id: u16, pairs: &[(&str, &str)]) -> Vec<u8> {
    let content: Vec<u8> = pairs
        .iter()
        .flat_map(|(name, value)| pair(name.as_bytes(), value.as_bytes()))
        .collect();
    let mut stream: Vec<u8> = content
        .chunks(60_000)
        .flat_map(|piece| record(PARAMS, id, piece))
        .collect();
    stream.extend(record(PARAMS, id, b""));
    stream
}

/// BEGIN_REQUEST and PARAMS of a request that keeps the connection.
pub(crate) fn head(id: u16, method: &str, path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    head_as(id, RESPONDER, KEEP_CONN, method, path, more)
}

pub(crate) fn head_as(
    id: u16,
    role: u8,
    flags: u8,
    method: &str,
    path: &str,
    more: &[(&str, &str)],
) -> Vec<u8> {
    let mut pairs = vec![
        ("REQUEST_METHOD", method),
        ("SCRIPT_NAME", ""),
        ("PATH_INFO", path),
        ("REQUEST_URI", path),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("HTTP_HOST", "example.org"),
    ];
    pairs.extend(more);
    [begin(id, role, flags), params(id, &pairs)].concat()
}

/// All of a GET, as nginx sends it.
pub(crate) fn get(id: u16, path: &str) -> Vec<u8> {
    [head(id, "GET", path, &[]), stdin(id, b"")].concat()
}

/// All of a GET on a connection that is closed after it.
pub(crate) fn get_close(id: u16, path: &str) -> Vec<u8> {
    let head = head_as(id, RESPONDER, CLOSE, "GET", path, &[]);
    [head, stdin(id, b"")].concat()
}

/// The head of a POST with a CONTENT_LENGTH.
pub(crate) fn post(id: u16, path: &str, length: usize) -> Vec<u8> {
    head(id, "POST", path, &[("CONTENT_LENGTH", &length.to_string())])
}

/// One STDIN record; empty, it is the end (5.3).
pub(crate) fn stdin(id: u16, data: &[u8]) -> Vec<u8> {
    record(STDIN, id, data)
}

/// `data` in STDIN records of at most 32 KiB, and the end.
pub(crate) fn stdin_all(id: u16, data: &[u8]) -> Vec<u8> {
    let mut stream: Vec<u8> = data
        .chunks(32 * 1024)
        .flat_map(|piece| record(STDIN, id, piece))
        .collect();
    stream.extend(stdin(id, b""));
    stream
}

/// ABORT_REQUEST (5.4).
pub(crate) fn abort(id: u16) -> Vec<u8> {
    record(ABORT_REQUEST, id, b"")
}

/// What a web server receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) record_type: u8,
    pub(crate) id: u16,
    pub(crate) content: Vec<u8>,
}

/// Takes the first record off `bytes`, if all of it is there.
fn take_record(bytes: &mut Vec<u8>) -> Option<Record> {
    let &[version, record_type, id1, id0, length1, length0, padding, _] = bytes.first_chunk()?;
    assert_eq!(version, 1, "FCGI_VERSION_1");
    let length = usize::from(u16::from_be_bytes([length1, length0]));
    let end = 8 + length + usize::from(padding);
    if bytes.len() < end {
        return None;
    }
    let record = Record {
        record_type,
        id: u16::from_be_bytes([id1, id0]),
        content: bytes[8..8 + length].to_vec(),
    };
    bytes.drain(..end);
    Some(record)
}

/// All records of `bytes`, which has to end with a whole one.
pub(crate) fn records(bytes: &[u8]) -> Vec<Record> {
    let mut bytes = bytes.to_vec();
    let records = std::iter::from_fn(|| take_record(&mut bytes)).collect();
    assert!(bytes.is_empty(), "a torn record: {bytes:02x?}");
    records
}

/// A whole response.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    pub(crate) app_status: u32,
    pub(crate) protocol_status: u8,
    stdout_ended: bool,
}

impl Reply {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("an ASCII response")
    }

    pub(crate) fn head(&self) -> &str {
        let end = self.stdout.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.expect("a whole header block");
        std::str::from_utf8(&self.stdout[..end]).expect("an ASCII head")
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.stdout[self.head().len() + 4..]
    }

    /// The digits on the first line.
    pub(crate) fn status(&self) -> &str {
        let line = self.head().lines().next().expect("a first line");
        let status = line.strip_prefix("Status: ").expect("R-1: Status first");
        &status[..3]
    }
}

/// Settings for several requests at a time.
pub(crate) fn multiplexing() -> ConnectionBuilder {
    ConnectionBuilder::new().limits(Limits::default().max_reqs(64))
}

/// The web server's end of a connection.
#[derive(Debug)]
pub(crate) struct WebServer {
    pub(crate) io: DuplexStream,
    received: Vec<u8>,
    replies: BTreeMap<u16, Reply>,
    connection: JoinHandle<Result<(), Error>>,
}

impl WebServer {
    /// Connects to `service`, with the default settings.
    pub(crate) fn connect<S, B>(service: S) -> Self
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        Self::connect_with(ConnectionBuilder::new(), PIPE, service)
    }

    /// Connects to `service`, with several requests at a time.
    pub(crate) fn connect_multiplexed<S, B>(service: S) -> Self
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        Self::connect_with(multiplexing(), PIPE, service)
    }

    /// Connects to `service` over a pipe that holds `pipe` bytes.
    pub(crate) fn connect_with<S, B>(builder: ConnectionBuilder, pipe: usize, service: S) -> Self
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    {
        let (io, far) = duplex(pipe);
        Self::over(io, builder.serve_connection(far, HttpService::new(service)))
    }

    /// Connects to a service of exchanges.
    pub(crate) fn connect_exchanges<S>(builder: ConnectionBuilder, service: S) -> Self
    where
        S: ExchangeService<Future: Send, Body: Send> + Send + 'static,
    {
        let (io, far) = duplex(PIPE);
        Self::over(io, builder.serve_connection(far, service))
    }

    /// Is the other end of `connection`, which is driven in a task of its own.
    pub(crate) fn over<Io, S>(io: DuplexStream, connection: ServeConnection<Io, S>) -> Self
    where
        Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        S: ExchangeService<Future: Send, Body: Send> + Send + 'static,
    {
        Self::beside(io, tokio::spawn(connection))
    }

    pub(crate) fn beside(io: DuplexStream, connection: JoinHandle<Result<(), Error>>) -> Self {
        Self {
            io,
            received: Vec::new(),
            replies: BTreeMap::new(),
            connection,
        }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let written = timeout(PATIENCE, self.io.write_all(bytes.as_ref())).await;
        written
            .expect("the application reads")
            .expect("the application is there");
    }

    /// The next record, or `None` when the application has closed.
    pub(crate) async fn record(&mut self) -> Option<Record> {
        loop {
            if let Some(record) = take_record(&mut self.received) {
                return Some(record);
            }
            if self.read().await == 0 {
                assert!(self.received.is_empty(), "torn: {:02x?}", self.received);
                return None;
            }
        }
    }

    async fn read(&mut self) -> usize {
        let read = timeout(PATIENCE, self.io.read_buf(&mut self.received)).await;
        let read = read.unwrap_or_else(|_| panic!("nothing after {:02x?}", self.received));
        read.expect("a pipe fails only when written to")
    }

    /// The response to request `id`; what comes of others in between is kept for later.
    pub(crate) async fn reply(&mut self, id: u16) -> Reply {
        loop {
            let record = self.record().await;
            let record = record.unwrap_or_else(|| panic!("closed without a response to {id}"));
            if let Some(ended) = self.take_in(record) {
                if ended == id {
                    return self.replies.remove(&id).unwrap_or_default();
                }
            }
        }
    }

    /// The responses to `count` requests, in the order in which they end.
    pub(crate) async fn replies(&mut self, count: usize) -> Vec<(u16, Reply)> {
        let mut replies = Vec::new();
        while replies.len() < count {
            let record = self.record().await.expect("more responses");
            if let Some(id) = self.take_in(record) {
                replies.push((id, self.replies.remove(&id).unwrap_or_default()));
            }
        }
        replies
    }

    /// Gives the id of a request that this record ends.
    fn take_in(&mut self, record: Record) -> Option<u16> {
        let reply = self.replies.entry(record.id).or_default();
        match record.record_type {
            STDOUT => {
                assert!(!reply.stdout_ended, "STDOUT after its end");
                reply.stdout_ended = record.content.is_empty();
                reply.stdout.extend(record.content);
            }
            STDERR => reply.stderr.extend(record.content),
            END_REQUEST => {
                let &[s3, s2, s1, s0, protocol_status, 0, 0, 0] = record.content.as_slice() else {
                    panic!("END_REQUEST is {:02x?}", record.content);
                };
                reply.app_status = u32::from_be_bytes([s3, s2, s1, s0]);
                reply.protocol_status = protocol_status;
                return Some(record.id);
            }
            other => panic!("record of type {other}"),
        }
        None
    }

    /// Reads until exactly `count` bytes are here, of which none was looked at before.
    pub(crate) async fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.received.len() < count {
            assert_ne!(self.read().await, 0, "closed after {:02x?}", self.received);
        }
        self.received.drain(..count).collect()
    }

    /// Everything until the application closes its side.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.read().await > 0 {}
        std::mem::take(&mut self.received)
    }

    /// Demands that the application has nothing more to say and has closed its side.
    pub(crate) async fn closed(&mut self) {
        assert_eq!(self.record().await, None);
    }

    /// Demands that the application says nothing and does not close, whatever time passes in `duration`.
    pub(crate) async fn silent_for(&mut self, duration: Duration) {
        let record = timeout(duration, self.record()).await;
        assert!(record.is_err(), "{record:?}");
    }

    /// The end of the connection's future, while our end stays open.
    pub(crate) async fn result(&mut self) -> Result<(), Error> {
        let result = timeout(PATIENCE, &mut self.connection).await;
        result
            .expect("the connection ends")
            .expect("a connection does not panic")
    }

    /// Closes our end, and gives the end of the connection's future.
    pub(crate) async fn disconnect(self) -> Result<(), Error> {
        drop(self.io);
        let result = timeout(PATIENCE, self.connection).await;
        result
            .expect("the connection ends")
            .expect("a connection does not panic")
    }

    /// Drops the connection's future.
    pub(crate) async fn drop_connection(self) {
        self.connection.abort();
        let ended = self.connection.await.expect_err("it goes on");
        assert!(ended.is_cancelled(), "{ended}");
    }

    /// Whether the connection's future is done.
    pub(crate) fn is_finished(&self) -> bool {
        self.connection.is_finished()
    }
}

/// Waits until every task waits.
///
/// Tests that use it pause the clock, which goes on only when there is nothing else to do: this is no matter of luck.
pub(crate) async fn until_idle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

/// Answers with the request body, as it arrives.
pub(crate) async fn echo(request: Request<Incoming>) -> Result<Response<Incoming>, Infallible> {
    Ok(Response::new(request.into_body()))
}

/// Answers with the method, the target and the whole request body.
pub(crate) async fn show(request: Request<Incoming>) -> Result<Response<String>, BoxError> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let body = body.escape_ascii();
    Ok(Response::new(format!(
        "{} {} {body}",
        parts.method, parts.uri
    )))
}

/// Reads the request body and answers with how it failed.
pub(crate) async fn tell_failure(
    request: Request<Incoming>,
) -> Result<Response<String>, Infallible> {
    let text = match request.into_body().collect().await {
        Ok(body) => format!("whole {}", body.to_bytes().escape_ascii()),
        Err(error) if error.is_incomplete_body() => "incomplete".to_owned(),
        Err(error) if error.is_aborted() => "aborted".to_owned(),
        Err(error) => error.to_string(),
    };
    Ok(Response::new(text))
}

/// A response that is there at once.
pub(crate) async fn hello(_: Request<Incoming>) -> Result<Response<String>, Infallible> {
    Ok(Response::new("hello".to_owned()))
}

/// The response of [`hello`] to request 1, in bytes.
pub(crate) fn hello_bytes() -> Vec<u8> {
    [
        record(STDOUT, 1, b"Status: 200 OK\r\ncontent-length: 5\r\n\r\n"),
        record(STDOUT, 1, b"hello"),
        record(STDOUT, 1, b""),
        record(END_REQUEST, 1, &[0; 8]),
    ]
    .concat()
}

pub(crate) fn full(text: &'static str) -> Full<Bytes> {
    Full::new(Bytes::from_static(text.as_bytes()))
}

/// Bytes of which no two places look alike.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0_u32..)
        .flat_map(|number| number.wrapping_mul(2_654_435_761).to_be_bytes())
        .take(length)
        .collect()
}

/// What a [`Script`] does when it is polled.
#[derive(Debug)]
pub(crate) enum Step {
    Data(&'static str),
    Trailers,
    Fail,
    Panic,
    /// Comes back at once.
    Yield,
}

/// A response body of no known length that does what it is told, step by step.
#[derive(Debug)]
pub(crate) struct Script(VecDeque<Step>);

impl Script {
    pub(crate) fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self(steps.into_iter().collect())
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        Poll::Ready(match self.0.pop_front() {
            None => None,
            Some(Step::Data(data)) => Some(Ok(Frame::data(data.into()))),
            Some(Step::Trailers) => Some(Ok(Frame::trailers(HeaderMap::new()))),
            Some(Step::Fail) => Some(Err("the body is told to fail".into())),
            Some(Step::Panic) => panic!("the body is told to panic"),
            Some(Step::Yield) => {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        })
    }
}

/// A response body that is fed from outside.
#[derive(Debug)]
pub(crate) struct Fed(mpsc::UnboundedReceiver<Bytes>);

impl Fed {
    pub(crate) fn new() -> (mpsc::UnboundedSender<Bytes>, Self) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (sender, Self(receiver))
    }
}

impl Body for Fed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let data = ready!(self.0.poll_recv(cx));
        Poll::Ready(data.map(|data| Ok(Frame::data(data))))
    }
}

/// What an application does to its socket.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Calls that gave data.
    pub(crate) reads: AtomicUsize,
    /// Calls that took data.
    pub(crate) writes: AtomicUsize,
    /// Bytes read.
    pub(crate) bytes_in: AtomicUsize,
    /// Bytes written.
    pub(crate) bytes_out: AtomicUsize,
}

impl Counts {
    pub(crate) fn read(counter: &AtomicUsize) -> usize {
        counter.load(Ordering::Relaxed)
    }
}

/// A pipe that counts, and takes vectored writes whole, as a socket does.
#[derive(Debug)]
pub(crate) struct Counted {
    io: DuplexStream,
    counts: Arc<Counts>,
}

impl Counted {
    /// The web server's end, the application's end, and the counts of the latter.
    pub(crate) fn duplex(pipe: usize) -> (DuplexStream, Self, Arc<Counts>) {
        let (near, io) = duplex(pipe);
        let counts = Arc::<Counts>::default();
        let far = Self {
            io,
            counts: Arc::clone(&counts),
        };
        (near, far, counts)
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, buf))?;
        let count = buf.filled().len() - before;
        self.counts.bytes_in.fetch_add(count, Ordering::Relaxed);
        if count > 0 {
            self.counts.reads.fetch_add(1, Ordering::Relaxed);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.io).poll_write(cx, buf))?;
        self.counts.bytes_out.fetch_add(count, Ordering::Relaxed);
        self.counts.writes.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        // A socket takes the front of them all; what does not fit is left.
        let mut joined = Vec::new();
        for buf in bufs {
            joined.extend_from_slice(&buf[..buf.len().min(64 * 1024 - joined.len())]);
        }
        self.poll_write(cx, &joined)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// A response body of any kind.
pub(crate) type AnyBody = UnsyncBoxBody<Bytes, BoxError>;

/// A call that the test itself answers.
///
/// The handler's future is dropped when [`oneshot::Sender::closed`] says so.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) request: Request<Incoming>,
    pub(crate) answer: oneshot::Sender<Response<AnyBody>>,
}

impl Call {
    pub(crate) fn path(&self) -> &str {
        self.request.uri().path()
    }

    /// Answers without looking at the request body.
    pub(crate) fn answer<B>(self, body: B)
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let response = Response::new(body.map_err(Into::into).boxed_unsync());
        self.answer.send(response).expect("the handler lives");
    }
}

/// A service whose calls come out of a channel.
pub(crate) fn held() -> (
    impl Service<Request<Incoming>, Response = Response<AnyBody>, Error = BoxError, Future: Send>
    + Clone
    + Send
    + use<>,
    mpsc::UnboundedReceiver<Call>,
) {
    let (calls, receiver) = mpsc::unbounded_channel();
    let service = service_fn(move |request| {
        let (answer, answered) = oneshot::channel();
        let sent = calls.send(Call { request, answer });
        async move {
            sent?;
            Ok(answered.await?)
        }
    });
    (service, receiver)
}

/// The next data of a request body.
pub(crate) async fn chunk(body: &mut Incoming) -> Option<Result<Bytes, Error>> {
    let frame = body.frame().await?;
    Some(frame.map(|frame| frame.into_data().expect("FastCGI has no trailers")))
}
