//! A server that cannot accept a connection, because there are too many open files.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    os::unix::net::UnixStream,
    process::Stdio,
    time::Duration,
};

use crate::{
    program::{Running, program, socket, stdout},
    support::get_close,
};

/// The program uses up its descriptors before it accepts, and gives them back upon the error. It tries again after 1 s.
#[test]
fn a_connection_that_cannot_be_accepted_is_served_once_it_can() {
    for kind in ["tcp", "unix", "any"] {
        let (_dir, path) = socket();
        let child = program("few-descriptors")
            .env("KIND", kind)
            .env("FCGI_LISTEN", &path)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn();
        let mut running = Running(child.expect("a process"));
        let output = running.0.stdout.take().expect("a pipe");
        let mut output = BufReader::new(output);
        let mut addr = String::new();
        let request = get_close(1, "/x");
        let limit = Some(Duration::from_secs(20));
        let mut response = Vec::new();
        if kind == "tcp" {
            output.read_line(&mut addr).expect("an address");
            let mut io = TcpStream::connect(addr.trim_end()).expect("a connection");
            io.set_read_timeout(limit).expect("a socket");
            io.write_all(&request).expect("a connection");
            io.read_to_end(&mut response).expect("a response");
        } else {
            let mut io = loop {
                match UnixStream::connect(&path) {
                    Ok(io) => break io,
                    Err(_) => assert!(running.0.try_wait().expect("a process").is_none(), "{kind}"),
                }
                std::thread::yield_now();
            };
            io.set_read_timeout(limit).expect("a socket");
            io.write_all(&request).expect("a connection");
            io.read_to_end(&mut response).expect("a response");
        }
        assert!(stdout(&response).ends_with("\r\n\r\n/x\n"), "{kind}");
        assert!(running.end().success(), "{kind}");
        let mut lines = String::new();
        output.read_to_string(&mut lines).expect("a pipe");
        assert_eq!(lines, "an error was logged\n", "{kind}");
    }
}
