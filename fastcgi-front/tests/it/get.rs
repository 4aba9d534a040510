//! `fastcgi-front get`: what it prints, and each of its failures, which is one line and an exit status.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread::{self, JoinHandle},
    time::Duration,
};

use tempfile::TempDir;

use crate::{App, command, nobody};

/// The end of STDOUT and END_REQUEST (5.5): appStatus 0, FCGI_REQUEST_COMPLETE.
const COMPLETE: &[u8] =
    b"\x01\x06\x00\x01\x00\x00\x00\x00\x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";

/// What a run prints, and how it ends.
#[derive(Debug, PartialEq)]
struct Run {
    stdout: String,
    stderr: String,
    code: Option<i32>,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            code: output.status.code(),
        }
    }
}

fn get(args: &[&str]) -> Run {
    prepared(args).output().expect("it was built").into()
}

fn prepared(args: &[&str]) -> Command {
    let mut command = command();
    command.arg("get").args(args).stdin(Stdio::null());
    command
}

/// A failure without a response: one line, and nothing on standard output.
#[track_caller]
fn assert_fails(run: &Run, code: i32, line: &str) {
    let expected = Run {
        stdout: String::new(),
        stderr: format!("fastcgi-front: {line}\n"),
        code: Some(code),
    };
    assert_eq!(*run, expected);
}

/// A record of STDOUT (3.3).
fn stdout(content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).expect("a short content");
    [&[1, 6, 0, 1, 0, length, 0, 0], content].concat()
}

/// An application that answers one request with bytes, and closes the connection when its client does, or at once.
struct Scripted {
    path: PathBuf,
    thread: Option<JoinHandle<()>>,
    _dir: TempDir,
}

impl Scripted {
    fn answer(answer: &[u8]) -> Self {
        Self::start(answer, false)
    }

    fn answer_and_close(answer: &[u8]) -> Self {
        Self::start(answer, true)
    }

    fn start(answer: &[u8], closes: bool) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("app.sock");
        let listener = UnixListener::bind(&path).expect("a free path");
        let answer = answer.to_vec();
        let thread = thread::spawn(move || {
            let (mut io, _) = listener.accept().expect("a connection");
            io.set_read_timeout(Some(Duration::from_secs(60)))
                .expect("a socket");
            // The end of STDIN is the last record of a request.
            read_to(&mut io, b"\x01\x05\x00\x01\x00\x00\x00\x00");
            io.write_all(&answer).expect("a reader");
            if !closes {
                _ = io.read(&mut [0]);
            }
        });
        Self {
            path,
            thread: Some(thread),
            _dir: dir,
        }
    }

    fn get(&self, args: &[&str]) -> Run {
        let path = self.path.to_str().expect("a path of UTF-8");
        get(&[args, &[path, "/a"]].concat())
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        // One that was not asked is not waited for.
        drop(UnixStream::connect(&self.path));
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

fn read_to(io: &mut UnixStream, end: &[u8]) {
    let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
    while !all.ends_with(end) {
        match io.read(&mut buffer) {
            Ok(count @ 1..) => all.extend_from_slice(&buffer[..count]),
            _ => return,
        }
    }
}

#[test]
fn the_body_of_the_response_is_printed() {
    let app = App::start();
    let path = app.socket.to_str().expect("a path of UTF-8");
    let address = format!("unix:{path}");
    let run = get(&[&address, "/params?q=%20"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    for line in [
        "REQUEST_METHOD=GET",
        "REQUEST_URI=/params?q=%20",
        "QUERY_STRING=q=%20",
        "SCRIPT_NAME=/params",
        "SCRIPT_FILENAME=/params",
        "PATH_INFO=",
        "SERVER_NAME=localhost",
        concat!("SERVER_SOFTWARE=fastcgi-front/", env!("CARGO_PKG_VERSION")),
    ] {
        let found = run.stdout.lines().filter(|it| *it == line);
        assert_eq!(found.count(), 1, "{line} in {}", run.stdout);
    }
}

#[test]
fn what_is_given_is_sent() {
    let app = App::start();
    let path = app.socket.to_str().expect("a path of UTF-8");
    for (args, target, expected) in [
        (
            &["--mount", "/app/", "-H", "X-Some: a: b", "-p", "A=b=c"][..],
            "/app/params",
            &[
                "SCRIPT_NAME=/app",
                "PATH_INFO=/params",
                "HTTP_X_SOME=a: b",
                "A=b=c",
            ][..],
        ),
        (
            &["--mount", "/"],
            "/params",
            &["SCRIPT_NAME=", "PATH_INFO=/params"],
        ),
        (
            &[
                "-r",
                "/srv/www",
                "-p",
                "SCRIPT_NAME=",
                "-p",
                "PATH_INFO=/params",
            ],
            "/d/a.php/%C3%A9?x",
            &[
                "SCRIPT_FILENAME=/srv/www/d/a.php",
                "DOCUMENT_ROOT=/srv/www",
                "REQUEST_URI=/d/a.php/%C3%A9?x",
                "DOCUMENT_URI=/d/a.php/\u{e9}",
            ],
        ),
        (
            &[
                "-s",
                "/srv/www/i.php",
                "-p",
                "SCRIPT_NAME=",
                "-p",
                "PATH_INFO=/params",
            ],
            "/news/7",
            &[
                "SCRIPT_FILENAME=/srv/www/i.php",
                "DOCUMENT_ROOT=/srv/www",
                "REQUEST_URI=/news/7",
                "DOCUMENT_URI=/i.php",
            ],
        ),
    ] {
        // The application is asked for /params, whatever else is said.
        let run = get(&[args, &[path, target]].concat());
        assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{target}");
        for line in expected {
            let has_it = run.stdout.lines().any(|it| it == *line);
            assert!(has_it, "{line} in {}", run.stdout);
        }
        let path_infos = run.stdout.matches("\nPATH_INFO=").count();
        assert_eq!(path_infos, 1, "{}", run.stdout);
    }
}

/// The application has another working directory.
#[test]
fn a_relative_folder_is_that_of_the_user() {
    let app = App::start();
    let path = app.socket.to_str().expect("a path of UTF-8");
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path().canonicalize().expect("it is there");
    fs::create_dir_all(dir.join("www/sub")).expect("a folder");
    for (root, args) in [("www", &[][..]), ("sub/..", &["www"])] {
        let mut command = prepared(&["-r", root, "-p", "SCRIPT_NAME=", "-p", "PATH_INFO=/params"]);
        let output = command
            .args([path, "/a.php"])
            .current_dir(args.iter().fold(dir.clone(), |dir, name| dir.join(name)))
            .output();
        let run = Run::from(output.expect("it was built"));
        let line = format!("SCRIPT_FILENAME={}/www/a.php", dir.display());
        let has_it = run.stdout.lines().any(|it| it == line);
        assert!(has_it, "{line} in {run:?}");
    }
}

#[test]
fn a_body_comes_from_a_file_or_from_standard_input() {
    let app = App::start();
    let path = app.socket.to_str().expect("a path of UTF-8");
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("body");
    // It takes many records.
    let body: String = (0..100_000).map(|number| format!("{number} ")).collect();
    fs::write(&file, &body).expect("a file");
    let file = file.to_str().expect("a path of UTF-8");
    let run = get(&["--body", file, path, "/echo"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    assert!(run.stdout == body, "{} bytes", run.stdout.len());

    let mut child = prepared(&["-b", "-", path, "/echo"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("it was built");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin.write_all(b"hello").expect("a reader");
    drop(stdin);
    let run = Run::from(child.wait_with_output().expect("it runs"));
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "hello"));
}

#[test]
fn the_head_is_printed_where_it_is_asked_for() {
    let app = Scripted::answer(
        &[
            &stdout(b"Status: 201 Made\nX-A: b\nX-A: c\n\nbody"),
            COMPLETE,
        ]
        .concat(),
    );
    let run = app.get(&["--include"]);
    let expected = "Status: 201 Created\r\nx-a: b\r\nx-a: c\r\n\r\nbody";
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), expected));
    assert_eq!(run.stderr, "");
}

#[test]
fn messages_are_printed_where_they_are_asked_for() {
    let app = App::start();
    let path = app.socket.to_str().expect("a path of UTF-8");
    for (args, stderr) in [(&["--stderr"][..], "for the log\n"), (&[], "")] {
        let run = get(&[args, &[path, "/log"]].concat());
        let expected = Run {
            stdout: "logged".to_owned(),
            stderr: stderr.to_owned(),
            code: Some(0),
        };
        assert_eq!(run, expected);
    }
}

#[test]
fn a_trace_has_the_records_of_both_directions() {
    let answer = [
        // STDERR (3.3).
        &b"\x01\x07\x00\x01\x00\x05\x00\x00a \x1b\nb"[..],
        &stdout(b"X-A: b\r\n\r\nbody"),
        COMPLETE,
    ];
    let app = Scripted::answer(&answer.concat());
    let run = app.get(&["--trace", "--role", "authorizer"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(0), "body"));
    let software = concat!("SERVER_SOFTWARE=fastcgi-front/", env!("CARGO_PKG_VERSION"));
    let size = 232 + env!("CARGO_PKG_VERSION").len();
    let expected = format!(
        "\
> BEGIN_REQUEST 1, AUTHORIZER
> PARAMS 1, {size} bytes
    REQUEST_METHOD=GET
    REQUEST_URI=/a
    QUERY_STRING=
    SERVER_PROTOCOL=HTTP/1.1
    REQUEST_SCHEME=http
    SERVER_NAME=localhost
    GATEWAY_INTERFACE=CGI/1.1
    {software}
    SERVER_PORT=80
    SCRIPT_FILENAME=/a
    SCRIPT_NAME=/a
    PATH_INFO=
> PARAMS 1, end
> STDIN 1, end
< STDERR 1, 5 bytes
    a \\x1b
    b
< STDOUT 1, 14 bytes
    X-A: b
    
    body
< STDOUT 1, end
< END_REQUEST 1, REQUEST_COMPLETE, status of the application 0
"
    );
    assert_eq!(run.stderr, expected);
}

#[test]
fn nobody_who_listens_is_one_line() {
    let missing = "/nonexistent/app.sock";
    let line = format!("nobody listens on {missing}: No such file or directory (os error 2)");
    assert_fails(&get(&[missing, "/"]), 3, &line);

    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let line = format!("nobody listens on {address}: Connection refused (os error 111)");
    assert_fails(&get(&[&address]), 3, &line);

    let name = "no-such-host.invalid:9000";
    let run = get(&[name, "/"]);
    let line = format!("fastcgi-front: cannot connect to {name}: ");
    assert!(run.stderr.starts_with(&line), "{run:?}");
    assert_eq!((run.code, run.stderr.lines().count()), (Some(3), 1));
}

#[test]
fn each_failure_of_an_application_is_one_line() {
    let table: [(&[u8], i32, &str); 8] = [
        (
            b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
            5,
            "{} speaks HTTP, not FastCGI",
        ),
        (
            b"SSH-2.0-OpenSSH_9.2\r\n",
            5,
            "{} does not speak FastCGI: unsupported protocol version: record of version 83, wanted 1",
        ),
        (
            // BEGIN_REQUEST of an application.
            b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00",
            5,
            "{} does not speak FastCGI: unexpected BEGIN_REQUEST record",
        ),
        (
            // END_REQUEST: FCGI_OVERLOADED.
            b"\x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00",
            6,
            "{}: the application refused the request: OVERLOADED",
        ),
        (b"", 7, "{}: the application's answer broke off"),
        (
            b"\x01\x06\x00\x01\x00\x08\x00\x00Status: ",
            7,
            "{}: the application's answer broke off",
        ),
        (
            COMPLETE,
            7,
            "{}: the application's answer has no header block",
        ),
        (
            b"\x01\x06\x00\x01\x00\x07\x00\x00what?\n\n",
            7,
            "{}: the application's answer is not a CGI response: a line of the header block is not a field",
        ),
    ];
    for (answer, code, line) in table {
        let app = Scripted::answer_and_close(answer);
        let line = line.replace("{}", app.path.to_str().expect("a path of UTF-8"));
        assert_fails(&app.get(&[]), code, &line);
    }
}

#[test]
fn what_is_late_is_one_line() {
    for (answer, stdout, line) in [
        (&b""[..], "", "the application did not answer within 200ms"),
        (
            b"\x01\x06\x00\x01\x00\x05\x00\x00\nbody",
            "body",
            "the application's answer was not whole within 200ms",
        ),
    ] {
        let app = Scripted::answer(answer);
        let run = app.get(&["--timeout", "0.2"]);
        let expected = Run {
            stdout: stdout.to_owned(),
            stderr: format!("fastcgi-front: {}: {line}\n", app.path.display()),
            code: Some(4),
        };
        assert_eq!(run, expected);
    }
}

/// As Apache and others do, which wait for the end of a line.
fn wait_for_a_line<S: Read + Write>(mut accept: impl FnMut() -> S) -> [u8; 18] {
    let _first = accept();
    let mut second = accept();
    let mut line = [0; 18];
    second.read_exact(&mut line).expect("a request");
    second
        .write_all(b"HTTP/1.1 404 Not Found\r\n\r\n")
        .expect("a reader");
    line
}

#[test]
fn a_web_server_that_waits_for_a_line_is_found_out() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    let server = thread::spawn(move || wait_for_a_line(|| listener.accept().expect("a client").0));
    let run = get(&["--timeout", "0.2", &address, "/"]);
    assert_fails(&run, 5, &format!("{address} speaks HTTP, not FastCGI"));
    assert_eq!(&server.join().expect("no panic"), b"GET / HTTP/1.0\r\n\r\n");
}

/// Its name could be that of a host with a port.
#[test]
fn a_web_server_on_a_unix_socket_is_found_out() {
    let dir = tempfile::tempdir().expect("a directory");
    let listener = UnixListener::bind(dir.path().join("a:1")).expect("a free path");
    let server = thread::spawn(move || wait_for_a_line(|| listener.accept().expect("a client").0));
    let mut command = prepared(&["--timeout", "0.2", "unix:a:1", "/"]);
    let output = command.current_dir(dir.path()).output();
    let run = output.expect("it was built").into();
    assert_fails(&run, 5, "unix:a:1 speaks HTTP, not FastCGI");
    assert_eq!(&server.join().expect("no panic"), b"GET / HTTP/1.0\r\n\r\n");
}

/// It answers HTTP in words, and is none the less a FastCGI application.
#[test]
fn a_slow_application_is_no_web_server() {
    let app = App::start();
    let path = app.socket.to_str().expect("a path of UTF-8");
    let run = get(&["--timeout", "0.2", path, "/never"]);
    let line = format!("{path}: the application did not answer within 200ms");
    assert_fails(&run, 4, &line);
}

#[test]
fn a_status_of_failure_is_one_line_and_the_body_is_there() {
    // END_REQUEST: appStatus 3, FCGI_REQUEST_COMPLETE.
    let failed = b"\x01\x03\x00\x01\x00\x08\x00\x00\x00\x00\x00\x03\x00\x00\x00\x00";
    let unknown = b"\x01\x07\x00\x01\x00\x16\x00\x00Primary script unknown";
    let none = "the response is 404 Not Found: php-fpm has no such page; --root or --script says where a script is";
    for (answer, code, line) in [
        (
            [&stdout(b"Status: 503\n\nbody")[..], COMPLETE].concat(),
            8,
            "the response is 503 Service Unavailable",
        ),
        (
            [unknown, &stdout(b"Status: 404\n\nbody")[..], COMPLETE].concat(),
            8,
            none,
        ),
        (
            [&stdout(b"\nbody")[..], failed].concat(),
            9,
            "the application ended the request with a status of 3",
        ),
    ] {
        let run = Scripted::answer(&answer).get(&[]);
        let expected = Run {
            stdout: "body".to_owned(),
            stderr: format!("fastcgi-front: {line}\n"),
            code: Some(code),
        };
        assert_eq!(run, expected);
    }
}

#[test]
fn what_fails_here_is_one_line() {
    let run = get(&["--body", "/nonexistent/body", "/nonexistent/app.sock"]);
    let line = "cannot read /nonexistent/body: No such file or directory (os error 2)";
    assert_fails(&run, 1, line);

    let app = App::start();
    let path = app.socket.to_str().expect("a path of UTF-8");
    let output = prepared(&[path, "/params"]).stdout(nobody()).output();
    let run = Run::from(output.expect("it was built"));
    let line = "cannot write the response: Broken pipe (os error 32)";
    assert_fails(&run, 1, line);
}

#[test]
fn invalid_arguments_are_one_line() {
    for (args, line) in [
        (&[][..], "no ADDRESS is given"),
        (
            &["nowhere"],
            "cannot parse argument \"nowhere\": \"nowhere\" is neither a path nor host:port: did you mean ./nowhere?",
        ),
        (
            &["/a.sock", "a"],
            "cannot parse argument \"a\": a PATH begins with a slash",
        ),
        (
            &["/a.sock", "/a b"],
            "cannot parse argument \"/a b\": a PATH is encoded as in a URL",
        ),
        (&["/a.sock", "/", "/b"], "unexpected argument \"/b\""),
        (&["--what"], "invalid option '--what'"),
        (
            &["-H", "a", "/a.sock"],
            "cannot parse argument \"a\": NAME: VALUE is wanted",
        ),
        (
            &["-t", "-1", "/a.sock"],
            "cannot parse argument \"-1\": a number of seconds is wanted",
        ),
        (
            &["--role", "judge", "/a.sock"],
            "cannot parse argument \"judge\": responder, authorizer or filter is wanted",
        ),
        (&["-p", "a", "/a.sock"], "\"a\" is not NAME=VALUE"),
        (
            &["-m", "/", "-r", "/srv", "/a.sock"],
            "--mount excludes --script and --root",
        ),
        (
            &["-r", "/srv", "/a.sock", "/../a.php"],
            "the name of the script has a segment . or .. in it",
        ),
        (
            &["-r", "/srv", "/a.sock", "/"],
            "the name of the script is that of a folder",
        ),
    ] {
        assert_fails(&get(args), 2, &format!("{line}; get --help explains"));
    }
}

#[test]
fn help_has_every_option_and_exit_status() {
    let run = get(&["--help"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    for option in [
        "--method",
        "--header",
        "--param",
        "--body",
        "--script",
        "--root",
        "--mount",
        "--role",
        "--timeout",
        "--include",
        "--stderr",
        "--trace",
        "ping.path",
        "pm.status_path",
    ] {
        assert!(run.stdout.contains(option), "{option}");
    }
    for code in 0..=9 {
        assert!(run.stdout.contains(&format!("\n  {code}  ")), "{code}");
    }
    assert!(run.stdout.lines().all(|line| line.len() <= 120));
}

/// A program of the name `get` can still be started.
#[test]
fn a_program_called_get_is_started_by_its_path() {
    let dir = tempfile::tempdir().expect("a directory");
    let program = dir.path().join("get");
    std::os::unix::fs::symlink(which("true"), &program).expect("a link");
    let output = command()
        .args(["--listen", "127.0.0.1:0"])
        .arg(&program)
        .output()
        .expect("it was built");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("has ended: exit status: 0"), "{said}");
}

fn which(name: &str) -> PathBuf {
    let folders = ["/usr/bin", "/bin"];
    let found = folders.iter().map(|folder| Path::new(folder).join(name));
    found.into_iter().find(|path| path.exists()).expect(name)
}
