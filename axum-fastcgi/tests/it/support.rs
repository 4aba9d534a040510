//! A web server that speaks bytes spelled out here, and an application's server on a socket of its own.

use std::{convert::Infallible, path::PathBuf, time::Duration};

use axum::{Router, extract::Request, response::Response};
use axum_fastcgi::{IncomingRequest, Serve, UnixSocket, serve};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::UnixStream,
    task::JoinHandle,
    time::timeout,
};
use tower_service::Service;

/// Record types (specification, 8).
const BEGIN_REQUEST: u8 = 1;
const END_REQUEST: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;

/// Nothing here takes as long.
const PATIENCE: Duration = Duration::from_secs(20);

fn record(record_type: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).expect("a content of at most 65 535 bytes");
    let [high, low] = length.to_be_bytes();
    [&[1, record_type, 0, 1, high, low, 0, 0], content].concat()
}

/// A request that keeps the connection, but for its body.
pub(crate) fn head(params: &[(&str, &str)]) -> Vec<u8> {
    let mut pairs = Vec::new();
    for (name, value) in params {
        for part in [name, value] {
            let length = u8::try_from(part.len()).expect("a short string");
            assert!(length < 128, "a length in one byte");
            pairs.push(length);
        }
        pairs.extend_from_slice(name.as_bytes());
        pairs.extend_from_slice(value.as_bytes());
    }
    [
        record(BEGIN_REQUEST, &[0, 1, 1, 0, 0, 0, 0, 0]),
        record(PARAMS, &pairs),
        record(PARAMS, b""),
    ]
    .concat()
}

/// All of a GET as nginx sends it, and more params.
pub(crate) fn get(path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut params = vec![
        ("REQUEST_METHOD", "GET"),
        ("SCRIPT_NAME", path),
        ("REQUEST_URI", path),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("HTTP_HOST", "example.org"),
    ];
    params.extend(more);
    [head(&params), stdin(b""), Vec::new()].concat()
}

/// The head of a POST.
pub(crate) fn post(path: &str, content_type: &str, length: usize) -> Vec<u8> {
    head(&[
        ("REQUEST_METHOD", "POST"),
        ("SCRIPT_NAME", path),
        ("REQUEST_URI", path),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
        ("HTTP_HOST", "example.org"),
        ("CONTENT_TYPE", content_type),
        ("CONTENT_LENGTH", &length.to_string()),
    ])
}

/// A part of a body; empty, it is the end.
pub(crate) fn stdin(data: &[u8]) -> Vec<u8> {
    record(STDIN, data)
}

/// A response, as the web server has it.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Reply {
    /// The values of a field, in their order.
    pub(crate) fn fields<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.filter_map(move |(field, value)| (field == name).then_some(value))
    }
}

/// Reads the response to the request that was sent.
pub(crate) async fn reply(io: &mut (impl AsyncRead + Unpin)) -> Reply {
    let mut stdout = Vec::new();
    loop {
        let mut header = [0; 8];
        let read = timeout(PATIENCE, io.read_exact(&mut header)).await;
        read.expect("an answer in time").expect("an answer");
        let [1, record_type, 0, 1, high, low, padding, _] = header else {
            panic!("no header of a record: {header:02x?}");
        };
        let length = u16::from_be_bytes([high, low]);
        let mut content = vec![0; usize::from(length) + usize::from(padding)];
        io.read_exact(&mut content).await.expect("a whole record");
        content.truncate(usize::from(length));
        match record_type {
            STDOUT => stdout.extend(content),
            END_REQUEST => {
                assert_eq!(content, [0; 8], "complete");
                break;
            }
            other => panic!("a record of type {other}"),
        }
    }
    let text = String::from_utf8(stdout).expect("text");
    let (head, body) = text.split_once("\r\n\r\n").expect("a header block");
    let status = head.strip_prefix("Status: ").expect("R-1: Status first");
    Reply {
        status: status[..3].parse().expect("three digits"),
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

/// Sends a request over `io`, and reads the response.
pub(crate) async fn exchange(
    io: &mut (impl AsyncRead + AsyncWrite + Unpin),
    request: &[u8],
) -> Reply {
    io.write_all(request).await.expect("a connection");
    reply(io).await
}

/// A server on a path of its own, until the end of the test.
pub(crate) struct Server {
    _dir: TempDir,
    path: PathBuf,
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// Serves `app` at the root.
    pub(crate) fn start(app: Router) -> Self {
        Self::start_with(app, |server| server)
    }

    /// Serves whatever `serve` takes, with other settings.
    pub(crate) fn start_with<M, S>(
        make_service: M,
        configure: impl FnOnce(Serve<UnixSocket, M>) -> Serve<UnixSocket, M>,
    ) -> Self
    where
        M: Service<IncomingRequest, Error = Infallible, Response = S> + Clone + Send + 'static,
        M::Future: Send,
        S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
        S::Future: Send,
    {
        let dir = TempDir::new().expect("a directory");
        let path = dir.path().join("app.sock");
        let listener = UnixSocket::bind(&path).expect("a socket");
        let server = configure(serve(listener, make_service).script_name(""));
        Self {
            _dir: dir,
            path,
            task: tokio::spawn(server.into_future()),
        }
    }

    pub(crate) async fn connect(&self) -> UnixStream {
        UnixStream::connect(&self.path).await.expect("a connection")
    }

    /// Sends a request on a connection of its own.
    pub(crate) async fn ask(&self, request: impl AsRef<[u8]>) -> Reply {
        exchange(&mut self.connect().await, request.as_ref()).await
    }

    /// The end of the server's future.
    pub(crate) async fn ended(self) -> std::io::Result<()> {
        let ended = timeout(PATIENCE, self.task).await;
        ended.expect("the server ends").expect("it does not panic")
    }
}
