//! `run`: a program's life from its startup to its end.
//!
//! What is chosen by the environment runs in a process of its own: `tests/program.rs`.

use std::{
    error::Error as _,
    future::pending,
    io::{self, Read},
    net::TcpListener,
    os::{
        fd::OwnedFd,
        unix::net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use axum::Router;
use axum_fastcgi::{run, run_when_ready};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;

use crate::support::{get as get_request, reply};

#[tokio::test]
async fn a_startup_that_fails_is_an_error_in_one_line() {
    let error =
        run_when_ready(async { Err::<Router, _>(io::Error::other("the database is away")) })
            .await
            .expect_err("it fails");
    assert_eq!(error.to_string(), "the application cannot start");
    assert_eq!(
        error.source().map(ToString::to_string).as_deref(),
        Some("the database is away")
    );
    assert_eq!(
        format!("{error:?}"),
        "the application cannot start: the database is away"
    );
}

/// The `main` of most programs returns an `io::Error`.
#[tokio::test]
async fn an_error_can_be_that_of_io() {
    async fn main() -> io::Result<()> {
        run_when_ready(async { Err::<Router, _>(io::Error::from(io::ErrorKind::NotFound)) })
            .await?;
        Ok(())
    }
    let error = main().await.expect_err("it fails");
    assert_eq!(error.kind(), io::ErrorKind::NotFound);
    assert_eq!(
        format!("{error:?}"),
        "Custom { kind: NotFound, error: the application cannot start: entity not found }"
    );
    let other = run_when_ready(async { Err::<Router, _>("no motto") }).await;
    let other = io::Error::from(other.expect_err("it fails"));
    assert_eq!(other.kind(), io::ErrorKind::Other);
}

#[tokio::test(start_paused = true)]
async fn a_startup_that_takes_too_long_is_an_error() {
    let startup = async { pending::<io::Result<Router>>().await };
    let error = run_when_ready(startup)
        .startup_timeout(Duration::from_millis(1500))
        .await;
    let error = error.expect_err("it never ends");
    assert_eq!(
        format!("{error:?}"),
        "the application cannot start: it took longer than 1.5 s, which startup_timeout can change"
    );
}

#[test]
fn the_settings_can_be_seen() {
    let run = run(Router::new()).configure(|server| server.script_name("/app"));
    let shown = format!("{:?}", run.startup_timeout(Duration::from_secs(5)));
    assert!(shown.contains("startup_timeout: 5s"), "{shown}");
}

/// Where the program in `tests/programs/axum` finds the test that started it.
const CONTROL: &str = "AXUM_FASTCGI_TEST_CONTROL";

fn program() -> PathBuf {
    fastcgi_test_kit::program("axum-test-program")
}

/// Starts the program on `socket`.
fn start(dir: &Path, socket: &Path) -> (Child, UnixStream) {
    start_with(dir, socket, &[])
}

fn start_with(dir: &Path, socket: &Path, environment: &[(&str, &str)]) -> (Child, UnixStream) {
    let control = dir.join("control.sock");
    let listener = UnixListener::bind(&control).expect("a socket");
    let child = Command::new(program())
        .env(CONTROL, &control)
        .env("FCGI_LISTEN", socket)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .expect("a process");
    let (control, _) = listener.accept().expect("a connection");
    (child, control)
}

fn wait_for(path: &Path) {
    while !path.exists() {
        std::thread::yield_now();
    }
}

/// The socket is there before the application is, whose state then answers; its end comes after the last request.
#[tokio::test]
async fn requests_wait_for_the_startup() {
    let dir = TempDir::new().expect("a directory");
    let socket = dir.path().join("app.sock");
    let (mut child, mut control) = start(dir.path(), &socket);
    wait_for(&socket);
    let mut io = connect(&socket).await;
    io.write_all(&get_request("/", &[]))
        .await
        .expect("a connection");
    io::Write::write_all(&mut control, &[42]).expect("the program waits");
    assert_eq!(reply(&mut io).await.body, "42");

    let mut end = [0];
    control.read_exact(&mut end).expect("on_shutdown");
    assert_eq!(end, [7]);
    assert!(child.wait().expect("a process").success());
    assert!(!socket.exists());
}

/// 300 ms, in that program; the default is 10 s.
#[tokio::test]
async fn what_is_to_be_done_at_the_end_has_a_limit() {
    let dir = TempDir::new().expect("a directory");
    let socket = dir.path().join("app.sock");
    let hangs = [("AXUM_FASTCGI_TEST_HANGS", "")];
    let (mut child, mut control) = start_with(dir.path(), &socket, &hangs);
    wait_for(&socket);
    io::Write::write_all(&mut control, &[42]).expect("the program waits");
    kill_process(Pid::from_child(&child), Signal::TERM).expect("a process");
    let start = Instant::now();
    while child.try_wait().expect("a process").is_none() {
        assert!(start.elapsed() < Duration::from_secs(8), "it hangs");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn the_builder_counts_more_than_fcgi_script_name() {
    let (env, builder) = (
        ("FCGI_SCRIPT_NAME", "/env"),
        ("AXUM_FASTCGI_TEST_MOUNT", "/builder"),
    );
    let cases = [
        (vec![env], "/env", 200),
        (vec![builder], "/builder", 200),
        (vec![env, builder], "/builder", 200),
        (vec![env, builder], "/env", 404),
    ];
    for (environment, path, status) in cases {
        let dir = TempDir::new().expect("a directory");
        let socket = dir.path().join("app.sock");
        let (mut child, mut control) = start_with(dir.path(), &socket, &environment);
        wait_for(&socket);
        io::Write::write_all(&mut control, &[42]).expect("the program waits");
        let mut io = connect(&socket).await;
        io.write_all(&get_request(path, &[]))
            .await
            .expect("a connection");
        let reply = reply(&mut io).await;
        assert!(reply.status == status, "{environment:?}, {path}: {reply:?}");
        assert!(child.wait().expect("a process").success());
    }
}

/// Who asks a program to stop before it has started does not want to wait for it.
#[tokio::test]
async fn a_signal_ends_the_startup() {
    let dir = TempDir::new().expect("a directory");
    let socket = dir.path().join("app.sock");
    let (mut child, mut control) = start(dir.path(), &socket);
    wait_for(&socket);
    kill_process(Pid::from_child(&child), Signal::TERM).expect("a process");
    assert!(child.wait().expect("a process").success());
    assert_eq!(
        control.read(&mut [0]).expect("a connection"),
        0,
        "it never ran"
    );
    assert!(!socket.exists());
}

/// A path that is safe does not vouch for the port beside it.
#[test]
fn every_socket_is_looked_at() {
    let refuses = |program: &mut Command| {
        let dir = TempDir::new().expect("a directory");
        let control = dir.path().join("control.sock");
        let listener = UnixListener::bind(&control).expect("a socket");
        let child = program.env(CONTROL, &control).stderr(Stdio::piped());
        let child = child.spawn().expect("a process");
        let (mut control, _) = listener.accept().expect("a connection");
        // The startup is over, and the server starts.
        io::Write::write_all(&mut control, &[42]).expect("the program waits");
        let text = last_words(child);
        assert!(text.contains("allow_remote"), "{text}");
    };
    let dir = TempDir::new().expect("a directory");
    let path = dir.path().join("app.sock").display().to_string();
    for list in [format!("{path},0.0.0.0:0"), format!("0.0.0.0:0,{path}")] {
        let mut program = Command::new(program());
        refuses(program.env("FCGI_LISTEN", list).stdin(Stdio::null()));
    }
    let path = dir.path().join("other.sock");
    let unix = || OwnedFd::from(UnixListener::bind(&path).expect("a socket"));
    let tcp = || OwnedFd::from(TcpListener::bind("0.0.0.0:0").expect("a socket"));
    refuses(&mut activated([unix(), tcp()]));
    std::fs::remove_file(&path).expect("a socket");
    refuses(&mut activated([tcp(), unix()]));
}

/// What a process says that fails before long.
fn last_words(mut child: Child) -> String {
    let limit = Instant::now() + Duration::from_secs(20);
    while child.try_wait().expect("a process").is_none() && Instant::now() < limit {
        std::thread::yield_now();
    }
    // One that serves would be waited for for ever.
    _ = child.kill();
    let output = child.wait_with_output().expect("a process");
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Started as systemd does, with these sockets.
fn activated([first, second]: [OwnedFd; 2]) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell
        .args([
            "-c",
            "exec 3<&0 4<&1 0</dev/null 1>&2; LISTEN_FDS=2 LISTEN_PID=$$ exec \"$0\"",
        ])
        .arg(program())
        .stdin(first)
        .stdout(second);
    shell
}

/// It may be bound and not listen yet.
async fn connect(socket: &Path) -> tokio::net::UnixStream {
    loop {
        match tokio::net::UnixStream::connect(socket).await {
            Ok(io) => return io,
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused),
        }
        tokio::task::yield_now().await;
    }
}
