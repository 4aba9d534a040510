//! The program itself, started as a user does, and asked over HTTP.

mod get;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
};

use axum::{Extension, Router, body::Body, routing::get};
use axum_fastcgi::{Params, RequestHandle, UnixSocket};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// A running `fastcgi-front` on a free port.
struct Front {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// The line that it prints when it serves.
    line: String,
}

impl Front {
    fn start<I: AsRef<std::ffi::OsStr>>(args: &[I]) -> Self {
        Self::start_with(args, Stdio::inherit())
    }

    fn start_with<I: AsRef<std::ffi::OsStr>>(args: &[I], stderr: Stdio) -> Self {
        let mut child = command()
            .args(["--listen", "127.0.0.1:0"])
            .args(args)
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("the program was built for this test");
        let mut stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line of UTF-8");
        Self {
            child,
            stdout,
            line,
        }
    }

    fn connect(&self) -> TcpStream {
        let (_, rest) = self.line.split_once("http://").expect("an address");
        let (addr, _) = rest.split_once('/').expect("a path");
        TcpStream::connect(addr).expect("it listens")
    }

    /// The whole answer to a request.
    fn get(&self, path: &str) -> String {
        let mut io = self.connect();
        let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        io.write_all(request.as_bytes()).expect("it reads");
        let mut answer = String::new();
        io.read_to_string(&mut answer).expect("an answer of UTF-8");
        answer
    }

    /// Ends it with SIGTERM. Gives the exit code and what it printed after its line.
    fn terminate(mut self) -> (Option<i32>, String) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("it runs");
        let code = self.child.wait().expect("it was not waited for").code();
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("UTF-8");
        (code, rest)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        // A test that failed has not ended it.
        if matches!(self.child.try_wait(), Ok(None)) {
            _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
            _ = self.child.wait();
        }
    }
}

/// An application that runs already.
struct App {
    runtime: Runtime,
    socket: PathBuf,
    _dir: TempDir,
}

impl App {
    fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let dir = tempfile::tempdir().expect("a directory");
        let socket = dir.path().join("app.sock");
        let listener = {
            let _entered = runtime.enter();
            UnixSocket::bind(&socket).expect("a free path")
        };
        let router = Router::new()
            .route("/echo", axum::routing::post(async |body: Body| body))
            .route("/params", get(params))
            .route("/log", get(log))
            .route("/never", get(std::future::pending::<()>));
        runtime.spawn(async { axum_fastcgi::serve(listener, router).await });
        Self {
            runtime,
            socket,
            _dir: dir,
        }
    }
}

async fn log(Extension(handle): Extension<RequestHandle>) -> &'static str {
    handle.stderr("for the log");
    "logged"
}

async fn params(params: Params) -> String {
    let lines = params.iter().map(|(name, value)| {
        let [name, value] = [name, value].map(String::from_utf8_lossy);
        format!("{name}={value}\n")
    });
    lines.collect()
}

fn command() -> Command {
    Command::new(env!("CARGO_BIN_EXE_fastcgi-front"))
}

/// The output of a run that ends by itself.
fn output(args: &[&str]) -> Output {
    command()
        .args(["--listen", "127.0.0.1:0"])
        .args(args)
        .output()
        .expect("the program was built for this test")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The command in the README, on a free port.
#[test]
fn command_is_started_served_and_ended() {
    let profile_dir = Path::new(env!("CARGO_BIN_EXE_fastcgi-front")).parent();
    let target_dir = profile_dir.and_then(Path::parent).unwrap();
    let mut lines = include_str!("../../../README.md").lines();
    let command = lines.find_map(|line| line.strip_prefix("cargo run -p fastcgi-front -- cargo "));
    let words = command
        .expect("a first command")
        .split(' ')
        .map(AsRef::as_ref);
    let args: Vec<_> = [env!("CARGO").as_ref()]
        .into_iter()
        .chain(words)
        .chain(["--target-dir".as_ref(), target_dir.as_os_str()])
        .collect();
    let front = Front::start(&args);
    let answer = front.get("/");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(
        answer.ends_with("<h1>Hello from axum over FastCGI</h1>\n"),
        "{answer}"
    );
    let answer = front.get("/whoami");
    assert!(
        answer.contains("127.0.0.1 through fastcgi-front/"),
        "{answer}"
    );

    let (_, pid) = front.line.rsplit_once("(pid ").unwrap();
    let pid = pid.trim_end().trim_end_matches(')').to_owned();
    let process = Path::new("/proc").join(pid);
    assert!(process.exists());
    let (code, rest) = front.terminate();
    assert_eq!((code, rest.as_str()), (Some(0), ""));
    assert!(!process.exists());
}

#[test]
fn running_application_is_connected_to() {
    let app = App::start();
    let front = Front::start(&[
        "--mount".as_ref(),
        "/app/".as_ref(),
        "--param=A=b=c".as_ref(),
        "--connect".as_ref(),
        app.socket.as_os_str(),
    ]);
    let expected = format!("/app/ -> {}\n", app.socket.display());
    assert!(front.line.ends_with(&expected), "{}", front.line);

    let answer = front.get("/app/params?q");
    let port = front.connect().peer_addr().unwrap().port();
    for line in [
        "A=b=c",
        "SCRIPT_NAME=/app",
        "PATH_INFO=/params",
        "REQUEST_URI=/app/params?q",
        "REMOTE_ADDR=127.0.0.1",
        "SERVER_ADDR=127.0.0.1",
        &format!("SERVER_PORT={port}"),
        "HTTP_HOST=a",
    ] {
        assert!(
            answer.lines().any(|found| found == line),
            "{line} in {answer}"
        );
    }
    for outside in ["/", "/apple", "/params"] {
        let answer = front.get(outside);
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
        assert!(
            answer.ends_with("the application is at /app/\n"),
            "{answer}"
        );
    }
    assert_eq!(front.terminate().0, Some(0));
}

#[test]
fn bodies_stream_both_ways() {
    let app = App::start();
    let front = Front::start(&["--connect".as_ref(), app.socket.as_os_str()]);
    let mut io = front.connect();
    let head = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    io.write_all(head.as_bytes()).unwrap();
    let mut answer = BufReader::new(io.try_clone().unwrap());
    let mut read_to = |end: &str| {
        let mut read = String::new();
        while !read.ends_with(end) {
            assert_ne!(answer.read_line(&mut read).unwrap(), 0, "{read}");
        }
        read
    };
    io.write_all(b"3\r\none\r\n").unwrap();
    let head = read_to("\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    assert_eq!(read_to("one\r\n"), "3\r\none\r\n");
    io.write_all(b"3\r\ntwo\r\n").unwrap();
    assert_eq!(read_to("two\r\n"), "3\r\ntwo\r\n");
    io.write_all(b"0\r\n\r\n").unwrap();
    assert_eq!(read_to("0\r\n\r\n"), "0\r\n\r\n");
}

#[test]
fn application_that_is_gone_is_a_bad_gateway() {
    let app = App::start();
    let front = Front::start(&["--connect".as_ref(), app.socket.as_os_str()]);
    assert!(front.get("/params").starts_with("HTTP/1.1 200 "));
    drop(app.runtime);
    let answer = front.get("/params");
    assert!(
        answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"),
        "{answer}"
    );
    assert!(
        answer.contains("fastcgi-front: the application cannot be reached: "),
        "{answer}"
    );
}

#[test]
fn command_that_ends_ends_the_program_with_its_status() {
    let ended = output(&["sh", "-c", "exit 3"]);
    assert_eq!(ended.status.code(), Some(3));
    let message = stderr(&ended);
    assert!(
        message.starts_with("fastcgi-front: sh -c exit 3 (pid "),
        "{message}"
    );
    assert!(
        message.ends_with(") has ended: exit status: 3\n"),
        "{message}"
    );
    assert!(ended.stdout.is_empty());

    assert_eq!(
        output(&["sh", "-c", "kill -9 $$"]).status.code(),
        Some(128 + 9)
    );
}

#[test]
fn command_that_cannot_be_started_is_one_line() {
    let failed = output(&["/nonexistent/program"]);
    assert_eq!(failed.status.code(), Some(1));
    let message = stderr(&failed);
    let expected = "fastcgi-front: cannot start /nonexistent/program: ";
    assert!(message.starts_with(expected), "{message}");
    assert_eq!(message.lines().count(), 1, "{message}");
}

#[test]
fn wrong_arguments_are_one_line() {
    for args in [
        &[][..],
        &["--listen"],
        &["--what"],
        &["--param", "a", "true"],
        &["--mount", "/a b", "true"],
        &["--connect", "nowhere"],
        &["--connect", "/a", "true"],
    ] {
        let failed = output(args);
        assert_eq!(failed.status.code(), Some(2), "{args:?}");
        let message = stderr(&failed);
        assert!(message.starts_with("fastcgi-front: "), "{message}");
        assert_eq!(message.lines().count(), 1, "{message}");
    }
}

#[test]
fn a_standard_error_that_nobody_reads_changes_nothing() {
    for (args, code) in [
        (&["--what"][..], 2),
        (&["/nonexistent/program"], 1),
        (&["sh", "-c", "exit 3"], 3),
    ] {
        let mut command = command();
        command.args(["--listen", "127.0.0.1:0"]).args(args);
        let ended = command.stderr(nobody()).output().expect("it was built");
        assert_eq!(ended.status.code(), Some(code), "{args:?}");
    }

    let app = App::start();
    let args = ["--connect".as_ref(), app.socket.as_os_str()];
    let front = Front::start_with(&args, nobody());
    let answer = front.get("/log");
    assert!(answer.ends_with("\r\n\r\nlogged"), "{answer}");
    assert_eq!(front.terminate().0, Some(0));
}

/// The end of a socket that is closed at the other.
fn nobody() -> Stdio {
    let (ours, _) = UnixStream::pair().expect("a pair of sockets");
    OwnedFd::from(ours).into()
}

#[test]
fn help_names_every_option() {
    let help = output(&["--help"]);
    assert!(help.status.success());
    let help = String::from_utf8(help.stdout).unwrap();
    for option in ["--listen", "--connect", "--mount", "--param", "COMMAND"] {
        assert!(help.contains(option), "{option}");
    }
}
