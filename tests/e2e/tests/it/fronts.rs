//! The examples without a web server: under `fastcgi-front`, as the README has it. And behind Caddy, which speaks FastCGI or
//! HTTP to them.

use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::time::Duration;

use fastcgi_e2e::{
    CADDY_BOTH_WAYS, Connection, Process, Request, Response, Site, Socket, install, program,
};
use libtest_mimic::{Failed, Trial};

/// Sees that an example works.
type Check = fn(SocketAddr) -> Result<(), Failed>;

const EXAMPLES: &[(&str, Check)] = &[
    ("blocking-handler", blocking_handler),
    ("cgi-function", cgi_function),
    ("environment", environment),
    ("exchanges", exchanges),
    ("monitored", monitored),
];

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let under_front = EXAMPLES.iter().map(|(example, check)| {
        Trial::test(
            format!("example::{example}_under_fastcgi_front"),
            move || under_front(example, *check),
        )
    });
    under_front.chain(behind_caddy())
}

fn behind_caddy() -> impl Iterator<Item = Trial> {
    CADDY_BOTH_WAYS.into_iter().flat_map(|layout| {
        // axum's own server counts nothing.
        let is_counted = !matches!(layout.socket, Socket::Http);
        let examples = EXAMPLES.iter();
        let examples = examples.filter(move |(example, _)| is_counted || *example != "monitored");
        examples.map(move |(example, check)| {
            let layout = layout.clone();
            let name = format!("{}::{example}_is_served_both_ways", layout.name);
            Trial::test(name, move || {
                let site = Site::start(&layout, example)?;
                // Over HTTP, the web server is inside the program.
                if *example == "environment" {
                    let software = site.get("/")?.json()?["SERVER_SOFTWARE"].clone();
                    let software = software.as_str().unwrap_or_default();
                    let expected = match layout.socket {
                        Socket::Http => "fastcgi-",
                        _ => "Caddy/",
                    };
                    assert!(software.starts_with(expected), "{software}");
                }
                check(site.addr())?;
                if *example == "exchanges" && !matches!(layout.socket, Socket::Http) {
                    exchanges_in_pieces(site.addr())?;
                }
                Ok(())
            })
        })
    })
}

/// Where it listens is the first line that it says.
fn under_front(example: &str, check: Check) -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let binary = install(example, dir.path())?;
    let front = install("fastcgi-front", dir.path())?;
    let mut command = program(&front);
    let (output, input) = io::pipe()?;
    command.args(["--listen", "127.0.0.1:0", "--"]).arg(&binary);
    command.stdout(input.try_clone()?).stderr(input);
    let mut process = Process::start(&mut command)?;
    drop(command);
    let mut output = BufReader::new(output);
    let mut said = String::new();
    let addr: SocketAddr = loop {
        let mut line = String::new();
        if output.read_line(&mut line)? == 0 {
            return Err(format!("no address in {said:?}").into());
        }
        let rest = line.split_once("http://").map(|(_, rest)| rest);
        if let Some(addr) = rest.and_then(|rest| rest.split(['/', ' ', '\n']).next()) {
            break addr.parse()?;
        }
        said.push_str(&line);
    };
    let draining = std::thread::spawn(move || output.read_to_string(&mut String::new()));
    let mut checked = check(addr);
    if example == "exchanges" {
        checked = checked.and_then(|()| exchanges_in_pieces(addr));
    }
    process.signal(rustix::process::Signal::TERM)?;
    process.end_within(Duration::from_secs(10))?;
    let _ = draining.join();
    checked
}

fn get(addr: SocketAddr, path: &str) -> io::Result<Response> {
    Connection::open(addr)?.send(&Request::get(path))
}

fn post(addr: SocketAddr, path: &str, body: &[u8]) -> io::Result<Response> {
    Connection::open(addr)?.send(&Request::post(path, body))
}

fn echoes(addr: SocketAddr) -> Result<(), Failed> {
    let body: Vec<u8> = (0_u32..500_000).flat_map(u32::to_be_bytes).collect();
    let response = post(addr, "/echo", &body)?;
    assert!(response.body == body, "another body came back");
    Ok(())
}

fn blocking_handler(addr: SocketAddr) -> Result<(), Failed> {
    assert_eq!(get(addr, "/")?.text(), "<h1>Hello from a thread</h1>\n");
    assert_eq!(post(addr, "/lines", b"a\nb\n")?.text(), "2 lines\n");
    assert_eq!(get(addr, "/nothing-here")?.status, 404);
    echoes(addr)
}

fn cgi_function(addr: SocketAddr) -> Result<(), Failed> {
    assert_eq!(get(addr, "/")?.text(), "<h1>Hello from a function</h1>\n");
    assert_eq!(post(addr, "/form", b"a=b")?.text(), "a=b\n");
    assert_eq!(get(addr, "/nothing-here")?.status, 404);
    echoes(addr)
}

fn monitored(addr: SocketAddr) -> Result<(), Failed> {
    for _ in 0..3 {
        assert_eq!(get(addr, "/")?.text(), "<h1>Hello</h1>\n");
    }
    assert_eq!(get(addr, "/nothing-here")?.status, 404);
    let metrics = get(addr, "/metrics")?;
    let metrics = metrics.text();
    let value = |name: &str| -> Option<u64> {
        let mut lines = metrics.lines().filter_map(|line| line.split_once(' '));
        lines.find(|(it, _)| *it == name)?.1.parse().ok()
    };
    // Web servers may ask for something themselves.
    let completed = value("fastcgi_requests_completed");
    assert!(completed >= Some(4), "{metrics}");
    assert_eq!(value("fastcgi_connections_open"), Some(1), "{metrics}");
    assert_eq!(value("fastcgi_requests_failed"), Some(0), "{metrics}");
    assert!(value("fastcgi_bytes_read") > Some(1000), "{metrics}");
    Ok(())
}

fn environment(addr: SocketAddr) -> Result<(), Failed> {
    let params = get(addr, "/x?a=b")?.json()?;
    assert_eq!(params["REQUEST_METHOD"], "GET");
    assert_eq!(params["QUERY_STRING"], "a=b");
    Ok(())
}

/// The response begins before the body is read, which Caddy 2.6 and 2.11 do not always survive over HTTP: in about one of 300
/// requests Caddy closes its own connection to the application ("use of closed network connection" in its log), behind any HTTP
/// server, and 2.6 ends the response as if it were whole. Over FastCGI it sends the whole body first.
fn exchanges_in_pieces(addr: SocketAddr) -> Result<(), Failed> {
    let pieces = post(addr, "/pieces", b"123")?;
    assert_eq!(pieces.text(), "onetwothree", "{pieces:?}");
    Ok(())
}

fn exchanges(addr: SocketAddr) -> Result<(), Failed> {
    assert_eq!(get(addr, "/")?.text(), "<h1>Hello</h1>\n");
    assert_eq!(get(addr, "/log")?.text(), "logged\n");
    assert_eq!(get(addr, "/environment")?.json()?["REQUEST_METHOD"], "GET");
    assert_eq!(get(addr, "/nothing-here")?.status, 404);
    Ok(())
}
