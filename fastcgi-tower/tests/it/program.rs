//! Programs of their own: `tests/programs/tower`, started in the ways in which programs are started.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::support::{get, get_close, post, records, stdin};

/// The program, told what to be.
pub(crate) fn program(what: &str) -> Command {
    let mut program = Command::new(fastcgi_test_kit::program("tower-test-program"));
    program.env("TOWER_TEST_PROGRAM", what);
    program
}

/// A process that is ended with the test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// Waits for the end, for 20 seconds.
    pub(crate) fn end(&mut self) -> std::process::ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().expect("a process") {
                return status;
            }
            assert!(start.elapsed() < Duration::from_secs(20), "it goes on");
            std::thread::yield_now();
        }
    }

    pub(crate) fn terminate(&self) {
        kill_process(Pid::from_child(&self.0), Signal::TERM).expect("a process");
    }
}

fn start_on(what: &str, socket: &Path) -> Running {
    start(program(what).env("FCGI_LISTEN", socket), socket)
}

/// Starts a program, and waits until it listens on a path.
pub(crate) fn start(program: &mut Command, socket: &Path) -> Running {
    let child = program.stdin(Stdio::null()).spawn().expect("a process");
    let mut running = Running(child);
    wait_for(&mut running, socket);
    running
}

/// Waits until a program listens on a path.
pub(crate) fn wait_for(running: &mut Running, socket: &Path) {
    // It is there before it listens.
    while UnixStream::connect(socket).is_err() {
        assert!(
            running.0.try_wait().expect("a process").is_none(),
            "it has ended"
        );
        std::thread::yield_now();
    }
}

/// What a program says that ends with an error before long.
pub(crate) fn last_words(program: &mut Command) -> String {
    let child = program.stderr(Stdio::piped()).spawn();
    let mut running = Running(child.expect("a process"));
    assert_eq!(running.end().code(), Some(1));
    let mut text = String::new();
    let mut stderr = running.0.stderr.take().expect("a pipe");
    stderr.read_to_string(&mut text).expect("a pipe");
    text
}

pub(crate) fn connect(socket: &Path) -> UnixStream {
    let io = UnixStream::connect(socket).expect("a connection");
    let limit = Some(Duration::from_secs(20));
    io.set_read_timeout(limit).expect("a socket");
    io
}

pub(crate) fn socket() -> (TempDir, PathBuf) {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("app.sock");
    (dir, path)
}

pub(crate) fn stdout(response: &[u8]) -> String {
    let stdout = records(response)
        .into_iter()
        .filter(|record| record.record_type == crate::support::STDOUT);
    let bytes: Vec<u8> = stdout.flat_map(|record| record.content).collect();
    String::from_utf8(bytes).expect("a text")
}

#[test]
fn a_cgi_function_is_a_fastcgi_server() {
    for (what, expected) in [
        ("cgi", "hello GET /x 0 bytes\n"),
        ("async-cgi", "hello async\n"),
    ] {
        let (_dir, path) = socket();
        let mut running = start_on(what, &path);
        let mut io = connect(&path);
        io.write_all(&get_close(1, "/x")).expect("a connection");
        let mut response = Vec::new();
        io.read_to_end(&mut response).expect("a response");
        let text = stdout(&response);
        assert!(text.ends_with(expected), "{text}");
        running.terminate();
        assert!(running.end().success());
        assert!(!path.exists());
    }
}

/// As fastai's decorator has it.
#[test]
fn a_name_without_a_slash_is_bound_in_the_working_directory() {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("fcgi.sock");
    let mut running = start(program("cgi-bound").current_dir(dir.path()), &path);
    let mut io = connect(&path);
    io.write_all(&get_close(1, "/x")).expect("a connection");
    let mut response = Vec::new();
    io.read_to_end(&mut response).expect("a response");
    assert!(stdout(&response).ends_with("hello GET /x 0 bytes\n"));
    running.terminate();
    assert!(running.end().success());
    assert!(!path.exists());
}

pub(crate) fn cgi(what: &str, variables: &[(&str, &str)], body: &str) -> Output {
    let mut child = program(what)
        .env("GATEWAY_INTERFACE", "CGI/1.1")
        .env("SERVER_PROTOCOL", "HTTP/1.1")
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(body.as_bytes()).expect("a pipe");
    drop(stdin);
    child.wait_with_output().expect("a process")
}

#[test]
fn a_cgi_function_is_a_cgi_program() {
    let post = [
        ("REQUEST_METHOD", "POST"),
        ("PATH_INFO", "/x"),
        ("CONTENT_LENGTH", "5"),
    ];
    let output = cgi("cgi", &post, "hello");
    assert!(output.status.success());
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "Status: 200 OK\r\ncontent-type: text/plain\r\n\r\nhello POST /x 5 bytes\n"
    );
    let local = [("REQUEST_METHOD", "GET"), ("PATH_INFO", "/local")];
    let output = cgi("cgi", &local, "");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "Location: /there\r\n\r\n"
    );
}

/// With tokio's own pool, the process would go on for ever.
#[test]
fn a_handler_that_never_returns_delays_the_end_by_the_grace_period() {
    let (_dir, path) = socket();
    let mut running = start_on("stuck", &path);
    let mut stuck = connect(&path);
    stuck.write_all(&get(1, "/stuck")).expect("a connection");
    // Whoever is answered after it knows that it has begun.
    let mut io = connect(&path);
    io.write_all(&get_close(1, "/hello")).expect("a connection");
    let mut response = Vec::new();
    io.read_to_end(&mut response).expect("a response");
    assert!(stdout(&response).ends_with("hello GET\n"));
    running.terminate();
    assert!(running.end().success());
}

/// Uploads at once, and the size of each.
const UPLOADS: usize = 100;
const SIZE: usize = 5 * 1024 * 1024;

/// Sends a body and reads it back at the same time. `leaves` after so many bytes, if it does not wait for the end.
async fn upload(path: PathBuf, leaves: Option<usize>) -> usize {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let io = tokio::net::UnixStream::connect(&path).await;
    let (mut from, mut to) = io.expect("a connection").into_split();
    let writing = tokio::spawn(async move {
        let mut message = post(1, "/", SIZE);
        let chunk = stdin(1, &[b'x'; 32 * 1024]);
        for _ in 0..SIZE / (32 * 1024) {
            message.extend_from_slice(&chunk);
            // The application may have been left by the other half.
            if to.write_all(&message).await.is_err() {
                return;
            }
            message.clear();
        }
        let _ = to.write_all(&stdin(1, b"")).await;
        // Dropping the socket would close the connection.
        std::future::pending::<()>().await;
    });
    let mut received = 0;
    let mut body = 0;
    let mut buffer = Vec::new();
    while from.read_buf(&mut buffer).await.expect("a connection") > 0 {
        while let Some(&[_, kind, _, _, high, low, padding, _]) = buffer.first_chunk() {
            let length = usize::from(u16::from_be_bytes([high, low]));
            let end = 8 + length + usize::from(padding);
            if buffer.len() < end {
                break;
            }
            if kind == crate::support::STDOUT {
                body += length;
            }
            received += end;
            buffer.drain(..end);
            if kind == crate::support::END_REQUEST {
                writing.abort();
                return body - "Status: 200 OK\r\n\r\n".len();
            }
        }
        if leaves.is_some_and(|leaves| received > leaves) {
            break;
        }
    }
    writing.abort();
    body
}

impl Running {
    /// Bytes that are resident, now or at most so far.
    fn memory(&self, what: &str) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()));
        let status = status.expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix(what));
        let digits = line.expect("a line").trim().trim_end_matches(" kB");
        digits.parse::<usize>().expect("a number") * 1024
    }
}

/// All at once, of which `workers` are worked on; some clients leave.
fn uploads(workers: &str, is_left: impl Fn(usize) -> bool) {
    let (_dir, path) = socket();
    let mut echo = program("echo");
    echo.env("FCGI_LISTEN", &path).env("WORKERS", workers);
    let mut running = start(&mut echo, &path);
    let before = running.memory("VmRSS:");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let uploads: Vec<_> = (0..UPLOADS)
            .map(|index| {
                let leaves = is_left(index).then_some(index * 10_000);
                (leaves, tokio::spawn(upload(path.clone(), leaves)))
            })
            .collect();
        for (leaves, upload) in uploads {
            let limit = Duration::from_secs(120);
            let body = tokio::time::timeout(limit, upload).await;
            let body = body.expect("it is served").expect("no panic");
            assert!(leaves.is_some() || body == SIZE, "{body} bytes came back");
        }
    });
    let grown = running.memory("VmHWM:") - before;
    assert!(grown <= 64 * 1024 * 1024, "{grown} bytes");
    running.terminate();
    assert!(running.end().success());
}

#[test]
fn one_worker_serves_100_uploads_at_once() {
    uploads("1", |_| false);
}

#[test]
fn eight_workers_serve_uploads_of_which_some_clients_leave() {
    uploads("8", |index| index % 3 == 0);
}

#[cfg(feature = "http-server")]
mod http {
    use std::{io::BufRead, io::BufReader, net::TcpStream};

    use super::*;

    /// Starts the program, and reads where it listens.
    fn start(what: &str) -> (Running, String) {
        let mut child = program(what)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a process");
        let stderr = child.stderr.take().expect("a pipe");
        let running = Running(child);
        let mut line = String::new();
        let mut stderr = BufReader::new(stderr);
        stderr.read_line(&mut line).expect("a pipe");
        let rest = line.strip_prefix("HTTP on http://");
        let address = rest.and_then(|rest| rest.split_once("/ ")).map(|it| it.0);
        let address = address.unwrap_or_else(|| panic!("{line:?}")).to_owned();
        // What else it says is for people.
        std::thread::spawn(move || std::io::copy(&mut stderr, &mut std::io::sink()));
        (running, address)
    }

    fn ask(address: &str, request: &str) -> String {
        let mut io = TcpStream::connect(address).expect("a connection");
        let limit = Some(Duration::from_secs(20));
        io.set_read_timeout(limit).expect("a socket");
        io.write_all(request.as_bytes()).expect("a connection");
        let mut response = Vec::new();
        // A response that breaks off may end with a reset.
        let _ = io.read_to_end(&mut response);
        String::from_utf8_lossy(&response).into_owned()
    }

    #[test]
    fn a_cgi_function_is_an_http_server() {
        let (mut running, address) = start("cgi-http");
        let get = |path: &str| {
            ask(
                &address,
                &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
            )
        };
        let response = get("/x");
        assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
        assert!(response.contains("hello GET /x 0 bytes\n"), "{response}");
        let post =
            "POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
        assert!(ask(&address, post).contains("hello POST /x 5 bytes\n"));
        let response = get("/local");
        assert!(response.starts_with("HTTP/1.1 302 Found\r\n"), "{response}");
        assert!(response.contains("location: /there\r\n"), "{response}");
        let response = get("/invalid");
        assert!(response.starts_with("HTTP/1.1 500 "), "{response}");
        let response = get("/breaks");
        // The client sees that something is missing, whatever of it has left.
        let body = response.split("\r\n\r\n").nth(1).unwrap_or_default();
        assert!(body.len() < 100, "{response}");
        let has_length = response.contains("content-length: 100\r\n");
        assert!(response.is_empty() || has_length, "{response}");
        running.terminate();
        assert!(running.end().success());
    }

    /// As any web server would: a function may make the name of a file of a path.
    #[test]
    fn what_no_web_server_passes_on_is_refused() {
        let (mut running, address) = start("cgi-http");
        let close = "Connection: close\r\n\r\n";
        for (request, status) in [
            ("GET /a/../b HTTP/1.1\r\nHost: x\r\n", "400"),
            ("GET /.. HTTP/1.1\r\nHost: x\r\n", "400"),
            ("GET /a/%2e%2E%2fb HTTP/1.1\r\nHost: x\r\n", "400"),
            ("GET http://x/./b HTTP/1.1\r\nHost: x\r\n", "400"),
            ("GET /a%00 HTTP/1.1\r\nHost: x\r\n", "400"),
            (
                "GET /a..b/.../%252e%252e/..c?/../ HTTP/1.1\r\nHost: x\r\n",
                "200",
            ),
            ("GET / HTTP/1.1\r\n", "400"),
            ("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n", "400"),
            ("GET / HTTP/1.0\r\n", "200"),
            ("CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n", "405"),
        ] {
            let response = ask(&address, &format!("{request}{close}"));
            assert_eq!(response.get(9..12), Some(status), "{request}: {response}");
        }
        let upload = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n";
        let response = ask(&address, &format!("{upload}{close}no number\r\n"));
        assert_eq!(response.get(9..12), Some("400"), "{response}");
        running.terminate();
        assert!(running.end().success());
    }

    #[test]
    fn blocking_handlers_and_exchanges_are_http_servers() {
        let (mut running, address) = start("blocking-http");
        let get = "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        assert!(ask(&address, get).ends_with("hello GET\n"));
        running.terminate();
        assert!(running.end().success());

        let (mut running, address) = start("exchanges-http");
        let post = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
                    5\r\nhello\r\n0\r\n\r\n";
        let response = ask(&address, post);
        assert!(
            response.starts_with("HTTP/1.1 201 Created\r\n"),
            "{response}"
        );
        assert!(response.contains("\r\nx: y\r\n"), "{response}");
        assert!(response.contains("hello"), "{response}");
        running.terminate();
        assert!(running.end().success());
    }

    /// The grace period by hand is 3 s, unless the program says otherwise.
    #[test]
    fn a_handler_that_never_returns_does_not_keep_the_http_server() {
        let (mut running, address) = start("blocking-http");
        let mut stuck = TcpStream::connect(&address).expect("a connection");
        stuck
            .write_all(b"GET /stuck HTTP/1.1\r\nHost: x\r\n\r\n")
            .expect("a connection");
        let get = "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        assert!(ask(&address, get).ends_with("hello GET\n"));
        running.terminate();
        assert!(running.end().success());
    }
}
