//! What a process is started with, and its signals, are its own: so the server is in a process of its own.

use std::io::{self, BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use actix_web::App;
use tempfile::TempDir;

use crate::wire::{self, Ask};

/// The program in `tests/programs/actix`, in the way that is named.
fn program(way: &str) -> Command {
    let mut program = Command::new(fastcgi_test_kit::program("actix-test-program"));
    program.arg(way).stdin(Stdio::null()).stdout(Stdio::null());
    program
}

/// Started as a process manager starts applications, with a socket on descriptor 0.
fn start_with_socket(child: &str) -> (Child, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let listener = UnixListener::bind(dir.path().join("app.sock")).unwrap();
    let child = program(child).stdin(OwnedFd::from(listener)).spawn();
    (child.unwrap(), dir)
}

fn connect(path: &Path) -> UnixStream {
    wire::patient(UnixStream::connect(path).unwrap())
}

fn answers(path: &Path, target: &str, answer: &str) {
    let stream = connect(path);
    wire::send(&stream, &Ask::post(target, "one").fastcgi());
    assert_eq!(wire::read_answer(&stream).unwrap().text(), answer);
}

fn kill(child: &Child, signal: &str) {
    let mut kill = Command::new("kill");
    let killed = kill.arg(signal).arg(child.id().to_string()).status();
    assert!(killed.unwrap().success());
}

fn stops_gracefully(how: &str, signal: &str) {
    let (mut child, dir) = start_with_socket(how);
    let path = dir.path().join("app.sock");
    // When this is answered the server runs, and listens to signals.
    answers(&path, "/", "/ one");

    let stream = connect(&path);
    let bytes = Ask::post("/", "half and half").fastcgi();
    let (first, second) = bytes.split_at(bytes.len() - 16);
    wire::send(&stream, first);
    kill(&child, signal);
    // mod_fcgid repeats it.
    kill(&child, signal);
    let limit = Instant::now() + Duration::from_secs(20);
    while UnixStream::connect(&path).is_ok() {
        assert!(Instant::now() < limit, "it still listens");
        thread::yield_now();
    }
    wire::send(&stream, second);
    let answer = wire::read_answer(&stream).unwrap();
    assert_eq!(answer.text(), "/ half and half");
    assert!(child.wait().unwrap().success());
}

/// A signal of the program is one reason more for `run` to stop.
#[test]
fn sigterm_stops_gracefully_beside_a_signal_of_the_program() {
    stops_gracefully("run_with_a_signal_more", "-TERM");
}

#[test]
fn sigterm_stops_gracefully() {
    stops_gracefully("listen_stdin", "-TERM");
}

#[test]
fn sigint_stops_gracefully() {
    stops_gracefully("listen_stdin", "-INT");
}

#[test]
fn sigusr1_stops_gracefully() {
    stops_gracefully("listen_stdin", "-USR1");
}

/// HTTP for development, too.
#[test]
fn run_by_hand_stops_for_every_signal() {
    for signal in ["-TERM", "-INT", "-USR1"] {
        let mut program = program("run");
        let mut child = program
            .env("PORT", "0")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        stderr.read_line(&mut line).unwrap();
        assert!(line.starts_with("HTTP for development"), "{line}");

        kill(&child, signal);
        let limit = Instant::now() + Duration::from_secs(20);
        while child.try_wait().unwrap().is_none() && Instant::now() < limit {
            thread::yield_now();
        }
        _ = child.kill();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{signal}");
    }
}

#[test]
fn run_finds_the_socket_on_descriptor_0() {
    stops_gracefully("run", "-TERM");
}

/// Nobody asks twice: a signal between the startup and the first request counts, too.
#[test]
fn a_signal_at_the_end_of_the_startup_counts() {
    let (mut child, _dir) = start_with_socket("run_signalled");
    let limit = Instant::now() + Duration::from_secs(20);
    let status = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status,
            None if Instant::now() > limit => {
                child.kill().unwrap();
                panic!("it goes on");
            }
            None => thread::sleep(Duration::from_millis(5)),
        }
    };
    assert!(status.success());
}

#[test]
fn run_listens_where_the_environment_says() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock");
    let mut program = program("run");
    program
        .env("FCGI_LISTEN", &path)
        .env("FCGI_SCRIPT_NAME", "/app");
    let mut child = program.spawn().unwrap();
    let limit = Instant::now() + Duration::from_secs(20);
    while UnixStream::connect(&path).is_err() {
        assert!(Instant::now() < limit, "it does not listen");
        thread::yield_now();
    }
    answers(&path, "/app/x", "/x one");
    kill(&child, "-TERM");
    assert!(child.wait().unwrap().success());
    assert!(!path.exists());
}

/// A path that is safe does not vouch for the port beside it.
#[test]
fn run_looks_at_every_socket() {
    let refuses = |program: &mut Command| {
        let mut child = program.stderr(Stdio::piped()).spawn().unwrap();
        let limit = Instant::now() + Duration::from_secs(20);
        while child.try_wait().unwrap().is_none() && Instant::now() < limit {
            thread::yield_now();
        }
        // One that serves would be waited for for ever.
        _ = child.kill();
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains("allow_remote"), "{text}");
    };
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.sock").display().to_string();
    for list in [format!("{path},0.0.0.0:0"), format!("0.0.0.0:0,{path}")] {
        refuses(program("run").env("FCGI_LISTEN", list));
    }
    let path = dir.path().join("other.sock");
    let unix = || OwnedFd::from(UnixListener::bind(&path).unwrap());
    let tcp = || OwnedFd::from(TcpListener::bind("0.0.0.0:0").unwrap());
    refuses(&mut activated("run", [unix(), tcp()]));
    std::fs::remove_file(&path).unwrap();
    refuses(&mut activated("run", [tcp(), unix()]));
}

/// Started as systemd does, with these sockets.
fn activated(way: &str, [first, second]: [OwnedFd; 2]) -> Command {
    let program = program(way);
    let mut shell = Command::new("/bin/sh");
    shell
        .args([
            "-c",
            "exec 3<&0 4<&1 0</dev/null 1>&2; LISTEN_FDS=2 LISTEN_PID=$$ exec \"$0\" \"$1\"",
        ])
        .arg(program.get_program())
        .args(program.get_args())
        .stdin(first)
        .stdout(second);
    shell
}

#[test]
fn run_answers_one_cgi_request() {
    let output = program("run")
        .env("GATEWAY_INTERFACE", "CGI/1.1")
        .env("REQUEST_METHOD", "GET")
        .env("REQUEST_URI", "/x?y")
        .env("SERVER_PROTOCOL", "HTTP/1.1")
        .stdout(Stdio::piped())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("Status: 200 OK\r\n"), "{text}");
    assert!(text.contains("\r\n\r\n/x?y "), "{text}");
}

#[actix_web::test]
async fn a_startup_that_fails_is_an_error_in_one_line() {
    let startup = async {
        let database = Err::<(), _>(io::Error::other("the database is away"));
        database.map(|()| App::new)
    };
    let error = fastcgi_actix::run_when_ready(startup).await.unwrap_err();
    assert_eq!(
        format!("{error:?}"),
        "the application cannot start: the database is away"
    );
}
