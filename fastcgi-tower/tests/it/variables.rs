//! What environment variables say to a program.

use std::{
    ffi::OsStr,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::{
        fd::OwnedFd,
        unix::{ffi::OsStrExt, net::UnixStream},
    },
    process::{Command, Stdio},
    time::Duration,
};

use socket2::{Domain, Socket, Type};

use crate::{
    program::{Running, cgi, connect, last_words, program, socket, start, stdout},
    support::{CLOSE, RESPONDER, get_close, head_as, stdin},
};

/// The message is all that somebody who deploys the program gets to see.
#[test]
fn an_invalid_variable_is_named_with_its_value() {
    for (what, name, value, expected) in [
        ("cgi", "FCGI_LISTEN", "nonsense", "FCGI_LISTEN=nonsense: "),
        ("cgi", "FCGI_LISTEN", "/a,:1", "FCGI_LISTEN=/a,:1: \":1\" "),
        (
            "show",
            "FCGI_SCRIPT_NAME",
            "/a/..",
            "FCGI_SCRIPT_NAME=/a/..: \"/a/..\" is no script name",
        ),
        (
            "show",
            "FCGI_PATH_SOURCE",
            "uri",
            "FCGI_PATH_SOURCE=uri: \"uri\" is no path source: that is auto, path-info or request-uri",
        ),
        (
            "show",
            "FCGI_MOUNT_REDIRECTS",
            "yes",
            "FCGI_MOUNT_REDIRECTS=yes: write on or off",
        ),
    ] {
        let error = last_words(program(what).env(name, value).stdin(Stdio::null()));
        assert!(error.contains(expected), "{error}");
    }
    let bytes = OsStr::from_bytes(b"/caf\xe9");
    let mut listening = program("cgi");
    let error = last_words(listening.env("FCGI_LISTEN", bytes).stdin(Stdio::null()));
    assert!(error.contains(": it is not UTF-8"), "{error}");
}

#[cfg(feature = "http-server")]
#[test]
fn a_port_for_development_that_is_no_number_is_an_error() {
    let error = last_words(program("cgi").env("PORT", "many").stdin(Stdio::null()));
    let expected = "PORT=many: a port is a number from 0 to 65535";
    assert!(error.contains(expected), "{error}");
}

/// A gateway that sets them has to say that it is one, so that no HTTP server is started in its place.
#[test]
fn a_variable_of_cgi_alone_is_an_error() {
    for name in ["PATH_INFO", "QUERY_STRING", "SERVER_SOFTWARE"] {
        let error = last_words(program("cgi").env(name, "/x").stdin(Stdio::null()));
        let expected =
            "is set, as for a CGI program, but neither REQUEST_METHOD nor GATEWAY_INTERFACE is";
        assert!(error.contains(&format!("{name} {expected}")), "{error}");
    }
}

/// Asks a program that redirects for a path that the web server has changed, below a mount.
fn shown(variables: &[(&str, &str)]) -> String {
    let (_dir, path) = socket();
    let mut program = program("show");
    program
        .env("FCGI_LISTEN", &path)
        .envs(variables.iter().copied());
    let mut running = start(&mut program, &path);
    let mut io = connect(&path);
    let changed = [
        ("SCRIPT_NAME", "/app"),
        ("PATH_INFO", "/new"),
        ("REQUEST_URI", "/app/old"),
    ];
    let head = head_as(1, RESPONDER, CLOSE, "GET", "/", &changed);
    io.write_all(&[head, stdin(1, b"")].concat())
        .expect("a connection");
    let mut response = Vec::new();
    io.read_to_end(&mut response).expect("a response");
    running.terminate();
    assert!(running.end().success());
    stdout(&response)
}

#[test]
fn the_path_source_is_that_of_the_environment() {
    for (source, path) in [
        ("auto", "/new"),
        ("path-info", "/new"),
        ("request-uri", "/app/old"),
    ] {
        let text = shown(&[("FCGI_PATH_SOURCE", source)]);
        assert!(
            text.ends_with(&format!("\r\n\r\n{path}\n")),
            "{source}: {text}"
        );
    }
}

#[test]
fn redirects_get_the_mount_if_the_environment_says_so() {
    for (value, location) in [("on", "/app/there"), ("off", "/there")] {
        let text = shown(&[("FCGI_MOUNT_REDIRECTS", value)]);
        assert!(
            text.contains(&format!("\r\nlocation: {location}\r\n")),
            "{value}: {text}"
        );
    }
}

/// A TCP socket on descriptor 0 of a program that admits these web servers.
fn admitting(what: &str, web_servers: &str) -> (Running, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let addr = listener.local_addr().expect("an address");
    let child = program(what)
        .env("FCGI_WEB_SERVER_ADDRS", web_servers)
        .stdin(OwnedFd::from(listener))
        .spawn();
    (Running(child.expect("a process")), addr)
}

/// What a peer with this address is answered; nothing, if it is refused.
fn asked_from(from: [u8; 4], addr: SocketAddr) -> String {
    let io = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    io.bind(&SocketAddr::from((from, 0)).into())
        .expect("an address of this machine");
    io.connect(&addr.into()).expect("a connection");
    let mut io = TcpStream::from(io);
    let limit = Some(Duration::from_secs(20));
    io.set_read_timeout(limit).expect("a socket");
    let mut response = Vec::new();
    // One that is refused may be reset.
    let _ = io.write_all(&get_close(1, "/x"));
    let _ = io.read_to_end(&mut response);
    stdout(&response)
}

/// Specification, 3.2.
#[test]
fn only_the_web_servers_of_the_environment_may_connect() {
    for web_servers in ["127.0.0.2", "10.0.0.1, 127.0.0.2", "::ffff:127.0.0.2"] {
        let (mut running, addr) = admitting("show", web_servers);
        assert_eq!(asked_from([127, 0, 0, 1], addr), "", "{web_servers}");
        let answer = asked_from([127, 0, 0, 2], addr);
        assert!(answer.ends_with("/x\n"), "{web_servers}: {answer}");
        running.terminate();
        assert!(running.end().success());
    }
}

/// A peer that is refused is not the one request.
#[test]
fn one_request_is_that_of_a_web_server_of_the_environment() {
    let (mut running, addr) = admitting("one-request", "127.0.0.2");
    assert_eq!(asked_from([127, 0, 0, 1], addr), "");
    let answer = asked_from([127, 0, 0, 2], addr);
    assert!(answer.ends_with("/x\n"), "{answer}");
    assert!(running.end().success());
}

/// They have no IP address.
#[test]
fn peers_on_a_unix_socket_are_no_web_servers_of_the_environment() {
    let (_dir, path) = socket();
    let mut program = program("cgi");
    program
        .env("FCGI_LISTEN", &path)
        .env("FCGI_WEB_SERVER_ADDRS", "127.0.0.1");
    let mut running = start(&mut program, &path);
    let mut io = connect(&path);
    // It may be closed already.
    let _ = io.write_all(&get_close(1, "/x"));
    let mut response = Vec::new();
    let _ = io.read_to_end(&mut response);
    assert_eq!(response, b"");
    running.terminate();
    assert!(running.end().success());
}

#[test]
fn plain_cgi_needs_no_web_server_of_the_environment() {
    let variables = [
        ("REQUEST_METHOD", "GET"),
        ("PATH_INFO", "/x"),
        ("FCGI_WEB_SERVER_ADDRS", "10.0.0.1"),
    ];
    let output = cgi("cgi", &variables, "");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.ends_with("hello GET /x 0 bytes\n"), "{text}");
}

#[test]
fn an_address_of_a_web_server_that_is_none_is_an_error() {
    let mut named = program("cgi");
    named
        .env("FCGI_LISTEN", "127.0.0.1:0")
        .env("FCGI_WEB_SERVER_ADDRS", "127.0.0.1,example.org");
    let error = last_words(named.stdin(Stdio::null()));
    let expected = "FCGI_WEB_SERVER_ADDRS=127.0.0.1,example.org: \"example.org\" is not an IP address, such as 10.0.0.2";
    assert!(error.contains(expected), "{error}");
}

/// What is said without a socket.
fn without_a_socket(program: &mut Command) -> String {
    last_words(program.stdin(Stdio::null()))
}

#[test]
fn a_program_of_one_request_finds_its_socket_in_the_environment() {
    let (_dir, path) = socket();
    let child = program("one-request")
        .env("FCGI_LISTEN", &path)
        .stdin(Stdio::null())
        .spawn();
    let mut running = Running(child.expect("a process"));
    // It is there before it listens, and the first connection is the only one.
    let mut io = loop {
        match UnixStream::connect(&path) {
            Ok(io) => break io,
            Err(_) => assert!(running.0.try_wait().expect("a process").is_none()),
        }
        std::thread::yield_now();
    };
    let limit = Some(Duration::from_secs(20));
    io.set_read_timeout(limit).expect("a socket");
    io.write_all(&get_close(1, "/x")).expect("a connection");
    let mut response = Vec::new();
    io.read_to_end(&mut response).expect("a response");
    assert!(stdout(&response).ends_with("\r\n\r\n/x\n"));
    assert!(running.end().success());

    let error = without_a_socket(&mut program("one-request"));
    let expected = "descriptor 0 is not a listening socket and FCGI_LISTEN is not set";
    assert!(error.contains(expected), "{error}");
    let error = without_a_socket(program("one-request").env("FCGI_LISTEN", "nonsense"));
    assert!(error.contains("FCGI_LISTEN=nonsense: "), "{error}");
}
