//! A client that leaves while much of its upload waits to be read: its handler is gone within 3 s.

use std::io::{self, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use fastcgi_e2e::{FastCgi, Process, Request, Site, install, layouts, program};
use libtest_mimic::{Failed, Trial};

/// What is announced, of which most is sent.
const UPLOADS: [usize; 3] = [60_000, 200_000, 10_000_000];
const SOON: Duration = Duration::from_secs(3);

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let mut trials = Vec::new();
    for program in ["tour", "actix-tour"] {
        for tcp in [false, true] {
            let over = if tcp { "tcp" } else { "unix" };
            let name = format!("departure::{program}_sees_it_over_{over}");
            trials.push(Trial::test(name, move || directly(program, tcp)));
        }
        let behind = ["nginx-unix", "nginx-tcp-keep-conn"];
        for layout in layouts().filter(|it| behind.contains(&it.name)) {
            let name = format!("departure::{program}_sees_it_behind_{}", layout.name);
            trials.push(Trial::test(name, move || {
                behind_nginx(&Site::start(layout, program)?)
            }));
        }
    }
    trials.into_iter()
}

fn directly(name: &str, tcp: bool) -> Result<(), Failed> {
    let dir = tempfile::Builder::new().prefix("fastcgi-e2e-").tempdir()?;
    let binary = install(name, dir.path())?;
    let path = dir.path().join("app.sock");
    let mut command = program(&binary);
    let port = if tcp {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let port = listener.local_addr()?.port();
        command.stdin(Stdio::from(OwnedFd::from(listener)));
        port
    } else {
        let listener = UnixListener::bind(&path)?;
        command.stdin(Stdio::from(OwnedFd::from(listener)));
        0
    };
    let _process = Process::start(command.stderr(Stdio::null()))?;
    let ask = |target: &str| {
        if tcp {
            FastCgi::tcp(port)?.get(target)
        } else {
            FastCgi::unix(&path)?.get(target)
        }
    };
    for length in UPLOADS {
        let name = format!("upload-{length}");
        let upload = upload(&name, length);
        if tcp {
            let io = TcpStream::connect(("127.0.0.1", port))?;
            io.set_write_timeout(Some(Duration::from_millis(500)))?;
            leaves(io, &upload)?;
        } else {
            let io = UnixStream::connect(&path)?;
            io.set_write_timeout(Some(Duration::from_millis(500)))?;
            leaves(io, &upload)?;
        }
        is_dropped(&name, || ask(&format!("/life/{name}")))?;
    }
    Ok(())
}

/// nginx has all of the body before it asks the application, and closes its connection when its client has left.
fn behind_nginx(site: &Site) -> Result<(), Failed> {
    for length in UPLOADS {
        let name = format!("upload-{length}");
        let mut connection = site.connect()?;
        let upload = Request::post(site.at(&format!("/ignore/{name}")), vec![b'x'; length]);
        connection.start(&upload)?;
        let life = || Ok(site.get(&format!("/life/{name}"))?.text());
        let start = Instant::now();
        while life()? != "Running" {
            assert!(start.elapsed() < Duration::from_secs(20), "{length}");
            thread::sleep(Duration::from_millis(5));
        }
        // By then it waits for the application to read.
        thread::sleep(Duration::from_millis(200));
        drop(connection);
        is_dropped(&name, life)?;
    }
    Ok(())
}

fn is_dropped(name: &str, life: impl Fn() -> io::Result<String>) -> Result<(), Failed> {
    let start = Instant::now();
    loop {
        match life()?.as_str() {
            "Dropped" => return Ok(()),
            "Running" | "Unknown" if start.elapsed() < SOON => {
                thread::sleep(Duration::from_millis(20));
            }
            other => return Err(format!("{name} is {other} after {:?}", start.elapsed()).into()),
        }
    }
}

/// Writes as much as goes, and is gone.
fn leaves(mut io: impl Write, upload: &[u8]) -> io::Result<()> {
    match io.write_all(upload) {
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => Ok(()),
        result => result,
    }
}

/// A POST of `length` bytes without its last record.
fn upload(name: &str, length: usize) -> Vec<u8> {
    let path = format!("/ignore/{name}");
    let announced = length.to_string();
    let mut params = Vec::new();
    for (name, value) in [
        ("REQUEST_METHOD", "POST"),
        ("SCRIPT_NAME", ""),
        ("PATH_INFO", &path),
        ("REQUEST_URI", &path),
        ("CONTENT_LENGTH", &announced),
    ] {
        // Nothing here is longer than 127 bytes.
        params.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        params.push(u8::try_from(value.len()).unwrap_or(u8::MAX));
        params.extend_from_slice(name.as_bytes());
        params.extend_from_slice(value.as_bytes());
    }
    let mut wire = record(1, &[0, 1, 1, 0, 0, 0, 0, 0]);
    wire.extend(record(4, &params));
    wire.extend(record(4, b""));
    for piece in vec![b'x'; length - 1].chunks(32_000) {
        wire.extend(record(5, piece));
    }
    wire
}

fn record(record_type: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len())
        .unwrap_or(u16::MAX)
        .to_be_bytes();
    [&[1, record_type, 0, 1, high, low, 0, 0], content].concat()
}
