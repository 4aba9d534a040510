//! The CGI function of the documentation, in every way in which it is started: one suite.

use std::fs;
use std::io::{self, BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use fastcgi_e2e::{
    Connection, Process, Request, Response, Shared, cgi_layouts, install, layouts, program,
};
use libtest_mimic::{Failed, Trial};

const PROGRAM: &str = "cgi-function";

/// The layouts, and what is particular to each.
const LAYOUTS: [(&str, Particular); 5] = [
    // It stops sending a body once it has the head of the response.
    (
        "nginx-unix",
        Particular {
            follows: false,
            echo: 20_000,
        },
    ),
    (
        "apache-fcgid-htaccess",
        Particular {
            follows: true,
            echo: LARGE,
        },
    ),
    (
        "caddy-unix",
        Particular {
            follows: false,
            echo: LARGE,
        },
    ),
    // Apache reads nothing of the response before it has sent the request.
    (
        "cgi-fcgi",
        Particular {
            follows: true,
            echo: 20_000,
        },
    ),
    (
        "cgi-apache",
        Particular {
            follows: true,
            echo: LARGE,
        },
    ),
];

/// What is particular to a way to start the function.
#[derive(Clone, Copy)]
struct Particular {
    /// Whether the web server itself follows a `Location` that is a path, without a status.
    follows: bool,
    /// How much can be echoed while it is sent.
    echo: usize,
}

const LARGE: usize = 1_000_000;

/// What the file of the web server has that the function redirects to.
const THERE: &str = "a file of the web server\n";

/// A fact about the function.
type Check = fn(SocketAddr, Particular) -> Result<(), Failed>;

const CHECKS: &[(&str, Check)] = &[
    ("function_greets", greets),
    ("function_echoes_a_body", echoes_a_body),
    ("function_reads_a_form", reads_a_form),
    ("function_redirects", redirects),
    ("function_redirects_locally", redirects_locally),
    ("function_fails_visibly_and_goes_on", fails_visibly),
    ("function_answers_head_without_a_body", answers_head),
];

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let behind = LAYOUTS.into_iter().flat_map(|(name, particular)| {
        let mut all = layouts().chain(cgi_layouts());
        let layout = all.find(|layout| layout.name == name);
        let layout = layout.unwrap_or_else(|| panic!("no layout {name}"));
        let shared = Arc::new(Shared::new(layout.clone(), PROGRAM));
        CHECKS.iter().map(move |(check_name, check)| {
            let shared = Arc::clone(&shared);
            Trial::test(format!("{name}::{check_name}"), move || {
                let site = shared.site()?;
                if particular.follows {
                    fs::write(site.dir().join("public/there.txt"), THERE)?;
                }
                check(site.addr(), particular)
            })
        })
    });
    let by_hand = Trial::test("by-hand::function_is_an_http_server", by_hand);
    behind.chain([by_hand])
}

fn send(addr: SocketAddr, request: &Request) -> io::Result<Response> {
    Connection::open(addr)?.send(request)
}

fn get(addr: SocketAddr, path: &str) -> io::Result<Response> {
    send(addr, &Request::get(path))
}

fn greets(addr: SocketAddr, _: Particular) -> Result<(), Failed> {
    let response = get(addr, "/")?;
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(response.text(), "<h1>Hello from a function</h1>\n");
    let kind = response.header("content-type").unwrap_or_default();
    assert!(kind.starts_with("text/html"), "{kind}");
    let missing = get(addr, "/nothing-here")?;
    assert_eq!(missing.status, 404);
    assert_eq!(missing.text(), "no such page\n");
    Ok(())
}

fn echoes_a_body(addr: SocketAddr, particular: Particular) -> Result<(), Failed> {
    let body: Vec<u8> = (0_u32..)
        .flat_map(u32::to_be_bytes)
        .take(particular.echo)
        .collect();
    let response = send(addr, &Request::post("/echo", body.clone()))?;
    assert_eq!(response.status, 200);
    assert!(response.body == body, "another body came back");
    Ok(())
}

fn reads_a_form(addr: SocketAddr, _: Particular) -> Result<(), Failed> {
    let response = send(addr, &Request::post("/form", "name=Zo%C3%AB"))?;
    assert_eq!(response.text(), "name=Zo%C3%AB\n");
    Ok(())
}

fn redirects(addr: SocketAddr, _: Particular) -> Result<(), Failed> {
    let moved = get(addr, "/moved")?;
    assert_eq!(moved.status, 301);
    let location = moved.header("location").unwrap_or_default();
    assert!(location.ends_with('/'), "{location}");
    let elsewhere = get(addr, "/elsewhere")?;
    assert_eq!(elsewhere.status, 302);
    let location = elsewhere.header("location").unwrap_or_default();
    assert_eq!(location, "https://example.org/");
    Ok(())
}

fn redirects_locally(addr: SocketAddr, particular: Particular) -> Result<(), Failed> {
    let response = get(addr, "/local")?;
    if particular.follows {
        assert_eq!(response.status, 200, "{}", response.text());
        assert_eq!(response.text(), THERE);
    } else {
        let location = response.header("location").unwrap_or_default();
        assert_eq!((response.status, location.as_str()), (302, "/there.txt"));
    }
    Ok(())
}

fn fails_visibly(addr: SocketAddr, particular: Particular) -> Result<(), Failed> {
    for path in ["/invalid", "/panic"] {
        let response = get(addr, path)?;
        assert_eq!(response.status, 500, "{path}");
        greets(addr, particular)?;
    }
    Ok(())
}

fn answers_head(addr: SocketAddr, _: Particular) -> Result<(), Failed> {
    let response = send(addr, &Request::new("HEAD", "/"))?;
    assert_eq!(response.status, 200);
    assert!(response.body.is_empty());
    Ok(())
}

/// Without a web server and without a setting.
fn by_hand() -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let binary = install(PROGRAM, dir.path())?;
    let mut command = program(&binary);
    let (output, input) = io::pipe()?;
    // Its connections inside the process are admitted whatever this says.
    command.env("FCGI_WEB_SERVER_ADDRS", "192.0.2.1");
    let mut process = Process::start(command.env("PORT", "0").stderr(input))?;
    drop(command);
    let mut output = BufReader::new(output);
    let mut line = String::new();
    output.read_line(&mut line)?;
    let addr = line
        .split_once("http://")
        .and_then(|(_, rest)| rest.split_once('/'));
    let (addr, _) = addr.ok_or_else(|| format!("no address in {line:?}"))?;
    let addr: SocketAddr = addr.parse()?;
    let draining = std::thread::spawn(move || output.read_to_string(&mut String::new()));
    let particular = Particular {
        follows: false,
        echo: LARGE,
    };
    for (_, check) in CHECKS {
        check(addr, particular)?;
    }
    process.signal(rustix::process::Signal::TERM)?;
    assert!(process.end_within(Duration::from_secs(5))?.success());
    let _ = draining.join();
    Ok(())
}
