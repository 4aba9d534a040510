//! Sockets and connections that a process is handed when it is started: on descriptor 0 (specification, 2.2), and in
//! `LISTEN_FDS`.

use std::{
    fs::File,
    io::{Read, Write},
    net::{TcpListener, TcpStream, UdpSocket},
    os::{
        fd::OwnedFd,
        unix::net::{UnixListener, UnixStream},
    },
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    program::{Running, connect, last_words, program, socket, stdout},
    support::{get, get_close},
};

/// Starts a program.
fn spawn(program: &mut Command) -> Running {
    Running(program.spawn().expect("a process"))
}

/// Started as systemd does it, with one descriptor in `LISTEN_FDS`.
fn activated(what: &str, descriptor: impl Into<OwnedFd>) -> Command {
    let program = program(what);
    let mut shell = Command::new("/bin/sh");
    let script = "exec 3<&0 0</dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec \"$0\"";
    shell.arg("-c").arg(script).arg(program.get_program());
    for (name, value) in program.get_envs() {
        shell.env(name, value.expect("a value"));
    }
    shell.stdin(descriptor.into());
    shell
}

/// What is answered to one request on a connection that is closed after it.
fn ask(mut io: impl Read + Write) -> String {
    io.write_all(&get_close(1, "/x")).expect("a connection");
    let mut response = Vec::new();
    io.read_to_end(&mut response).expect("a response");
    stdout(&response)
}

fn tcp() -> (TcpListener, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let near = TcpStream::connect(listener.local_addr().expect("an address"));
    let near = near.expect("a connection");
    let limit = Some(Duration::from_secs(20));
    near.set_read_timeout(limit).expect("a socket");
    (listener, near)
}

/// A connection of each kind: this end, and that of the application.
fn connections() -> [(Box<dyn Io>, OwnedFd); 2] {
    let (near, far) = UnixStream::pair().expect("a connection");
    let limit = Some(Duration::from_secs(20));
    near.set_read_timeout(limit).expect("a socket");
    let unix: (Box<dyn Io>, OwnedFd) = (Box::new(near), far.into());
    let (listener, near) = tcp();
    let (far, _) = listener.accept().expect("a connection");
    [unix, (Box::new(near), far.into())]
}

trait Io: Read + Write {}

impl<T: Read + Write> Io for T {}

#[test]
fn a_socket_on_descriptor_0_is_served() {
    let (_dir, path) = socket();
    let listener = UnixListener::bind(&path).expect("a socket");
    let mut running = spawn(program("cgi").stdin(OwnedFd::from(listener)));
    assert!(ask(connect(&path)).ends_with("hello GET /x 0 bytes\n"));
    running.terminate();
    assert!(running.end().success());
    assert!(path.exists(), "the path is the process manager's");
}

/// As some process managers do: nothing that is printed may go to the socket.
#[test]
fn a_socket_on_descriptors_0_to_2_is_served() {
    let (_dir, path) = socket();
    let listener = UnixListener::bind(&path).expect("a socket");
    let duplicate = || OwnedFd::from(listener.try_clone().expect("a descriptor"));
    let mut program = program("cgi");
    program.stdin(duplicate()).stdout(duplicate());
    let mut running = spawn(program.stderr(duplicate()));
    drop((listener, program));
    assert!(ask(connect(&path)).ends_with("hello GET /x 0 bytes\n"));
    running.terminate();
    assert!(running.end().success());
    let limit = Instant::now() + Duration::from_secs(20);
    while UnixStream::connect(&path).is_ok() {
        assert!(Instant::now() < limit, "somebody has it");
        std::thread::yield_now();
    }
}

/// It goes before the address in the program.
#[test]
fn a_socket_in_listen_fds_is_served() {
    let (dir, path) = socket();
    let unix = UnixListener::bind(&path).expect("a socket");
    let mut running = spawn(activated("cgi-bound", unix).current_dir(dir.path()));
    assert!(ask(connect(&path)).ends_with("hello GET /x 0 bytes\n"));
    assert!(!dir.path().join("fcgi.sock").exists());
    running.terminate();
    assert!(running.end().success());

    let (listener, near) = tcp();
    let mut running = spawn(&mut activated("cgi", listener));
    assert!(ask(near).ends_with("hello GET /x 0 bytes\n"));
    running.terminate();
    assert!(running.end().success());
}

/// inetd with `nowait`, and systemd with `Accept=yes`.
#[test]
fn a_connection_that_was_handed_over_is_served_to_its_end() {
    for (near, far) in connections() {
        let mut running = spawn(program("cgi").stdin(far).stdout(Stdio::null()));
        assert!(ask(near).ends_with("hello GET /x 0 bytes\n"));
        assert!(running.end().success());
    }
    for (near, far) in connections() {
        let mut running = spawn(&mut activated("cgi", far));
        assert!(ask(near).ends_with("hello GET /x 0 bytes\n"));
        assert!(running.end().success());
    }
}

#[test]
fn a_process_ends_with_the_connection_that_it_was_started_for() {
    for (mut near, far) in connections() {
        let mut running = spawn(program("cgi").stdin(far).stdout(Stdio::null()));
        near.write_all(&get(1, "/x")).expect("a connection");
        let mut head = [0; 8];
        near.read_exact(&mut head).expect("a response");
        // It keeps the connection, until this end is closed.
        assert!(running.0.try_wait().expect("a process").is_none());
        drop(near);
        assert!(running.end().success());
    }
}

#[test]
fn what_is_no_socket_to_serve_on_is_an_error() {
    let datagrams = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    let error = last_words(program("cgi").stdin(OwnedFd::from(datagrams)));
    let expected = "descriptor 0 is a socket that neither listens nor is connected";
    assert!(error.contains(expected), "{error}");
    let file = File::open("/dev/null").expect("a file");
    let error = last_words(&mut activated("cgi", file));
    assert!(error.contains("LISTEN_FDS=1: "), "{error}");
}
