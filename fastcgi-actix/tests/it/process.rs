//! What a process is started with, and its signals, are its own: so the server is in a process of its own.

use std::env;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use actix_web::rt::System;
use actix_web::{App, HttpRequest, web};
use fastcgi_actix::FastCgiServer;
use tempfile::TempDir;

use crate::wire::{self, Ask};

const CHILD: &str = "FASTCGI_ACTIX_TEST_CHILD";

/// The program that the other tests start. It is a test like any other, and alone it does nothing.
#[test]
fn child() {
    let echo = async |request: HttpRequest, body: String| format!("{} {body}", request.uri());
    let factory = move || App::new().default_service(web::to(echo));
    match env::var(CHILD).as_deref() {
        Ok("listen_stdin") => {
            let server = FastCgiServer::new(factory).listen_stdin().unwrap();
            System::new().block_on(server.run()).unwrap();
        }
        Ok("run") => System::new().block_on(fastcgi_actix::run(factory)).unwrap(),
        _ => {}
    }
}

fn program(child: &str) -> Command {
    let mut program = Command::new(env::current_exe().unwrap());
    program
        .args(["--exact", "process::child", "--nocapture"])
        .env(CHILD, child)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
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

#[test]
fn run_finds_the_socket_on_descriptor_0() {
    stops_gracefully("run", "-TERM");
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
