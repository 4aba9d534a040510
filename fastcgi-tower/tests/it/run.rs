//! Programs: their addresses, their settings and their ends.

use std::{
    future::{Future, IntoFuture, pending, ready},
    io::{self, Read, Write},
    path::Path,
    pin::pin,
    process::Stdio,
    task::{Context, Waker},
    time::Duration,
};

use fastcgi_tower::{
    CgiIo, HttpService, Run, cgi_fn,
    process::{Exchanges, no_http},
    run,
};
use socket2::{Domain, SockAddr, Socket, Type};
use tempfile::TempDir;
use tower::service_fn;
use tracing::Level;

use crate::{
    events::Events,
    program::{Running, connect, program, socket, stdout, wait_for},
    support::{get_close, hello},
};

fn hello_cgi(io: &mut CgiIo) -> io::Result<()> {
    writeln!(io, "Content-Type: text/plain\n\nhello")
}

#[tokio::test]
async fn an_address_in_the_program_that_is_none_is_an_error() {
    let error = run(service_fn(hello)).bind("nonsense").await;
    let error = error.expect_err("no address");
    assert_eq!(error.to_string(), "the socket to serve on cannot be used");
    let cause = std::error::Error::source(&error).expect("a cause");
    assert!(cause.to_string().starts_with("\"nonsense\" "), "{cause}");
    assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidInput);
}

#[cfg(feature = "http-server")]
#[tokio::test]
async fn a_port_for_http_that_is_taken_is_an_error_that_says_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let addr = taken.local_addr().expect("an address");
    let error = run(service_fn(hello)).http(addr.to_string()).await;
    let error = format!("{:?}", error.expect_err("it is taken"));
    assert_eq!(
        error,
        format!(
            "the application cannot be served: {addr}: Address already in use: choose another port (PORT, unless the \
             program names one), or serve FastCGI (FCGI_LISTEN)"
        )
    );
    let error = run(service_fn(hello)).http("nonsense").await;
    let error = format!("{:?}", error.expect_err("no address"));
    let expected = "the socket to serve on cannot be used: nonsense: ";
    assert!(error.starts_with(expected), "{error}");
}

#[tokio::test]
async fn a_program_without_http_says_how_to_deploy_it() {
    let addr = ([127, 0, 0, 1], 0).into();
    let error = no_http(addr, (), Box::pin(ready(()))).await;
    let error = error.expect_err("there is no server");
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    assert!(error.to_string().contains("set FCGI_LISTEN"), "{error}");
}

/// Starts a CGI function that stops after one request, or when its standard input ends.
fn start_settings(what: &str, path: &Path) -> Running {
    let child = program(what)
        .env("FCGI_LISTEN", path)
        .stdin(Stdio::piped())
        .spawn();
    let mut running = Running(child.expect("a process"));
    wait_for(&mut running, path);
    running
}

#[test]
fn a_cgi_function_has_settings() {
    for what in ["cgi-settings", "async-cgi-settings"] {
        let (_dir, path) = socket();
        let mut running = start_settings(what, &path);
        let mut io = connect(&path);
        io.write_all(&get_close(1, "/x")).expect("a connection");
        let mut response = Vec::new();
        io.read_to_end(&mut response).expect("a response");
        assert!(stdout(&response).contains("hello"), "{what}");
        assert!(running.end().success(), "{what}");
        assert!(!path.exists(), "{what}");
    }
}

#[test]
fn a_cgi_function_stops_when_its_signal_is_ready() {
    let (_dir, path) = socket();
    let mut running = start_settings("cgi-settings", &path);
    drop(running.0.stdin.take());
    assert!(running.end().success());
    assert!(!path.exists());
}

#[test]
fn the_address_and_the_times_of_a_program_can_be_seen() {
    let program = cgi_fn(hello_cgi).bind("/run/app/app.sock");
    let shown = format!("{program:?}");
    assert!(shown.contains("\"/run/app/app.sock\""), "{shown}");
    let shown = format!(
        "{:?}",
        run(service_fn(hello)).startup_timeout(Duration::from_secs(7))
    );
    assert!(shown.contains("startup_timeout: 7s"), "{shown}");
}

/// A startup that never ends.
async fn never<S>(_: S) -> io::Result<S> {
    pending().await
}

/// The socket is there before the application is. Linux lets one more wait than it was told.
#[tokio::test]
async fn the_backlog_of_a_program_is_what_it_was_set_to() {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("app.sock");
    let startup = never(HttpService::new(service_fn(hello)));
    let program = Run::<_, Exchanges<_>>::new(startup)
        .backlog(1)
        .bind(path.to_str().expect("a text"));
    let mut running = pin!(program.into_future());
    let mut cx = Context::from_waker(Waker::noop());
    assert!(running.as_mut().poll(&mut cx).is_pending());
    let waiting: Vec<_> = (0..8)
        .map_while(|_| {
            let socket = Socket::new(Domain::UNIX, Type::STREAM, None).expect("a socket");
            socket.set_nonblocking(true).expect("a socket");
            let addr = SockAddr::unix(&path).expect("a path");
            socket.connect(&addr).is_ok().then_some(socket)
        })
        .collect();
    assert_eq!(waiting.len(), 2);
}

/// What a program says of itself in the log.
fn said(program: impl Future) -> Vec<String> {
    let events = Events::default();
    let _guard = tracing::subscriber::set_default(events.clone());
    let mut program = pin!(program);
    let mut cx = Context::from_waker(Waker::noop());
    // Its startup never ends, but a test beside this one sends signals to this process.
    let _ = program.as_mut().poll(&mut cx);
    events.lines(Level::INFO)
}

#[tokio::test]
async fn a_program_logs_what_it_was_started_for() {
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("app.sock");
    let startup = never(HttpService::new(service_fn(hello)));
    let program = Run::<_, Exchanges<_>>::new(startup).bind(path.to_str().expect("a text"));
    let expected =
        "INFO message=running: FastCGI on the addresses in the program or in FCGI_LISTEN";
    assert_eq!(said(program.into_future()), [expected]);
}

#[cfg(feature = "http-server")]
#[tokio::test]
async fn a_program_for_http_logs_its_address() {
    let startup = never(HttpService::new(service_fn(hello)));
    let program = Run::<_, Exchanges<_>>::new(startup).http("127.0.0.1:0");
    let expected = "INFO message=running: HTTP for development on http://127.0.0.1:0/";
    assert_eq!(said(program.into_future()), [expected]);
}
