//! Plain CGI over the descriptors of a process (RFC 3875, 4.2): files, pipes and sockets, which a gateway may share.

use std::{
    fs::{self, File},
    io::{Read, Seek, Write},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    process::{Command, Stdio},
    thread,
};

use tempfile::{TempDir, tempfile};

use crate::{
    program::{Running, last_words, program},
    support::pattern,
};

/// More than all pipes on the way hold.
const LENGTH: usize = 1_000_000;
const HEAD: &[u8] = b"Status: 200 OK\r\n\r\n";

/// A program that is started for a POST.
fn post(what: &str, length: usize) -> Command {
    let mut program = program(what);
    program
        .env("WORKERS", "1")
        .env("GATEWAY_INTERFACE", "CGI/1.1")
        .env("REQUEST_METHOD", "POST")
        .env("PATH_INFO", "/x")
        .env("CONTENT_LENGTH", length.to_string());
    program
}

/// Reading it fails.
fn unreadable() -> File {
    File::open(Path::new("/")).expect("a directory")
}

#[test]
fn a_large_body_passes_in_both_directions_at_once() {
    let child = post("echo", LENGTH)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = child.expect("a process");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut stdout = child.stdout.take().expect("a pipe");
    let mut running = Running(child);
    let writing = thread::spawn(move || stdin.write_all(&pattern(LENGTH)));
    let mut response = Vec::new();
    stdout.read_to_end(&mut response).expect("a pipe");
    writing.join().expect("no panic").expect("it is read");
    assert!(response == [HEAD, &pattern(LENGTH)].concat());
    assert!(running.end().success());
}

#[test]
fn body_and_response_may_be_files() {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("body");
    for length in [5, LENGTH] {
        // RFC 3875, 4.2: what follows is not the request's.
        fs::write(&path, pattern(length + 10)).expect("a file");
        let mut response = tempfile().expect("a file");
        let child = post("echo", length)
            .stdin(File::open(&path).expect("a file"))
            .stdout(response.try_clone().expect("a descriptor"))
            .spawn();
        assert!(Running(child.expect("a process")).end().success());
        response.rewind().expect("a file");
        let mut bytes = Vec::new();
        response.read_to_end(&mut bytes).expect("a file");
        assert!(bytes == [HEAD, &pattern(length)].concat(), "{length}");
    }
}

#[test]
fn a_gateway_that_leaves_within_a_response_is_an_error() {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("body");
    fs::write(&path, pattern(LENGTH)).expect("a file");
    let child = post("echo", LENGTH)
        .stdin(File::open(&path).expect("a file"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut running = Running(child.expect("a process"));
    let mut stdout = running.0.stdout.take().expect("a pipe");
    stdout.read_exact(&mut [0; 1000]).expect("a response");
    drop(stdout);
    assert_eq!(running.end().code(), Some(1));
    let mut stderr = running.0.stderr.take().expect("a pipe");
    let mut error = String::new();
    stderr.read_to_string(&mut error).expect("a pipe");
    assert!(error.contains("Broken pipe"), "{error}");
}

#[test]
fn a_gateway_that_never_reads_is_an_error() {
    for length in [5, LENGTH] {
        let mut program = post("echo", length);
        let (near, far) = UnixStream::pair().expect("a socket");
        drop(near);
        let mut body = tempfile().expect("a file");
        body.write_all(&pattern(length)).expect("a file");
        body.rewind().expect("a file");
        let error = last_words(program.stdin(body).stdout(OwnedFd::from(far)));
        assert!(error.contains("Broken pipe"), "{error}");
    }
}

#[test]
fn a_body_that_cannot_be_read_is_an_error() {
    let error = last_words(post("cgi", 5).stdin(unreadable()).stdout(Stdio::null()));
    assert!(error.contains("Is a directory"), "{error}");
}

/// its fault is not the application's, which has answered.
#[test]
fn the_rest_of_a_body_that_cannot_be_read_is_no_error() {
    let child = post("cgi", 5)
        .env("CONTENT_LENGTH", "")
        .env("HTTP_TRANSFER_ENCODING", "chunked")
        .stdin(unreadable())
        .stdout(Stdio::piped())
        .spawn();
    let mut running = Running(child.expect("a process"));
    let mut text = String::new();
    let mut stdout = running.0.stdout.take().expect("a pipe");
    stdout.read_to_string(&mut text).expect("a response");
    assert!(text.starts_with("Status: 411 "), "{text}");
    assert!(running.end().success());
}

/// A function that returns the error of its input has failed.
#[test]
fn a_function_whose_input_ends_early_is_a_500() {
    let child = post("cgi", 5)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn();
    let mut running = Running(child.expect("a process"));
    let mut text = String::new();
    let mut stdout = running.0.stdout.take().expect("a pipe");
    stdout.read_to_string(&mut text).expect("a response");
    assert!(text.starts_with("Status: 500 "), "{text}");
    assert!(running.end().success());
}

/// What a handler says for the log, and what the gateway gets.
#[test]
fn messages_for_the_log_go_to_standard_error() {
    let output = post("cgi", 0)
        .env("PATH_INFO", "/log")
        .stdin(Stdio::null())
        .output();
    let output = output.expect("a process");
    assert_eq!(output.stderr, b"asked for the log\n");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.ends_with("hello POST /log 0 bytes\n"), "{text}");
}

/// mini_httpd and thttpd read the response from standard error, too.
#[test]
fn messages_for_the_log_are_not_in_a_response_that_shares_their_descriptor() {
    let (mut near, far) = UnixStream::pair().expect("a socket");
    let child = post("cgi", 0)
        .env("PATH_INFO", "/log")
        .stdin(Stdio::null())
        .stdout(OwnedFd::from(far.try_clone().expect("a descriptor")))
        .stderr(OwnedFd::from(far))
        .spawn();
    let mut running = Running(child.expect("a process"));
    let mut text = String::new();
    near.read_to_string(&mut text).expect("a response");
    assert!(running.end().success());
    assert!(text.starts_with("Status: 200 OK\r\n"), "{text}");
    assert!(text.ends_with("hello POST /log 0 bytes\n"), "{text}");
    assert!(!text.contains("asked"), "{text}");
}

/// The process was started to answer a request, whatever address it has of its own.
#[test]
fn a_request_goes_before_an_address_in_the_program() {
    let dir = TempDir::new().expect("a directory");
    let output = post("cgi-bound", 0)
        .current_dir(dir.path())
        .stdin(Stdio::null())
        .output();
    let output = output.expect("a process");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.ends_with("hello POST /x 0 bytes\n"), "{text}");
    assert!(!dir.path().join("fcgi.sock").exists());
}
