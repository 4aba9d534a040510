//! A small FastCGI server that keeps to the specification and answers the contract of the README. The tests of the suite ask
//! it, and mutants of it: `--fault NAME` makes one thing wrong, and the cases that are named for it in
//! `tests/it/mutants.txt` have to notice. It shares no code with the suite.
//!
//! ```sh
//! fastcgi-conformance --app --spawn target/debug/examples/reference
//! ```
//!
//! It serves the socket on descriptor 0, with a thread for each connection and each request. `--multiplex` lets it take
//! several requests at a time on one connection.

mod app;
mod body;
mod connection;
mod management;
mod output;
mod reply;
mod wire;

use std::{
    env, fs,
    io::{self, Read, Write},
    net::{IpAddr, Shutdown, TcpListener, TcpStream},
    os::{
        fd::AsFd as _,
        unix::net::{UnixListener, UnixStream},
    },
    process::exit,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

struct Settings {
    multiplex: bool,
    fault: Option<String>,
}

static SETTINGS: OnceLock<Settings> = OnceLock::new();

/// Whether this is the mutant `name`.
fn fault(name: &str) -> bool {
    let settings = SETTINGS.get();
    settings.is_some_and(|it| it.fault.as_deref() == Some(name))
}

fn multiplexes() -> bool {
    SETTINGS.get().is_some_and(|it| it.multiplex)
}

/// What mutants count, over all connections.
#[derive(Default)]
struct Counters {
    requests: AtomicUsize,
    empty: AtomicUsize,
    kept: AtomicUsize,
    half_requests: AtomicUsize,
    not_kept: AtomicUsize,
    failed: AtomicBool,
}

static COUNTERS: Counters = Counters {
    requests: AtomicUsize::new(0),
    empty: AtomicUsize::new(0),
    kept: AtomicUsize::new(0),
    half_requests: AtomicUsize::new(0),
    not_kept: AtomicUsize::new(0),
    failed: AtomicBool::new(false),
};

fn main() -> io::Result<()> {
    let mut args = env::args().skip(1);
    let mut settings = Settings {
        multiplex: false,
        fault: None,
    };
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--multiplex" => settings.multiplex = true,
            "--fault" => settings.fault = args.next(),
            _ => return Err(io::Error::other(format!("unknown argument {arg}"))),
        }
    }
    SETTINGS.get_or_init(|| settings);
    if fault("needs-home") && env::var_os("HOME").is_none() {
        exit(1);
    }
    let descriptor_1 = fs::read_link("/proc/self/fd/1");
    if fault("needs-descriptor-1") && descriptor_1.is_ok_and(|it| it.ends_with("null")) {
        exit(1);
    }
    if fault("sigterm-is-ignored") {
        signal_hook::flag::register(signal_hook::consts::SIGTERM, Arc::default())?;
    }
    serve()
}

/// Accepts on descriptor 0 (specification, 2.2 and 3.2).
fn serve() -> io::Result<()> {
    let descriptor = io::stdin().as_fd().try_clone_to_owned()?;
    let unix = UnixListener::from(descriptor.try_clone()?);
    if unix.local_addr().is_ok() {
        for stream in unix.incoming() {
            let stream = Stream::Unix(stream?);
            thread::spawn(move || connection::serve(stream));
        }
        return Ok(());
    }
    let tcp = TcpListener::from(descriptor);
    while fault("serves-unix-only") {
        drop(tcp.accept()?);
    }
    let mut web_servers = web_servers();
    if fault("the-first-web-server-counts") {
        web_servers.iter_mut().for_each(|it| it.truncate(1));
    }
    loop {
        let (stream, peer) = tcp.accept()?;
        let is_allowed = web_servers
            .as_ref()
            .is_none_or(|it| it.contains(&peer.ip()));
        if is_allowed || fault("any-web-server-is-served") {
            stream.set_nodelay(true)?;
            let stream = Stream::Tcp(stream);
            thread::spawn(move || connection::serve(stream));
        }
    }
}

/// Who may connect (specification, 3.2).
fn web_servers() -> Option<Vec<IpAddr>> {
    let list = env::var("FCGI_WEB_SERVER_ADDRS").ok()?;
    let addresses = list.split(',').map(str::trim);
    Some(addresses.filter_map(|it| it.parse().ok()).collect())
}

/// A connection to the web server.
enum Stream {
    Unix(UnixStream),
    Tcp(TcpStream),
}

impl Stream {
    fn try_clone(&self) -> io::Result<Self> {
        Ok(match self {
            Self::Unix(stream) => Self::Unix(stream.try_clone()?),
            Self::Tcp(stream) => Self::Tcp(stream.try_clone()?),
        })
    }

    fn shutdown(&self, how: Shutdown) {
        _ = match self {
            Self::Unix(stream) => stream.shutdown(how),
            Self::Tcp(stream) => stream.shutdown(how),
        };
    }

    fn set_write_timeout(&self, limit: Duration) {
        _ = match self {
            Self::Unix(stream) => stream.set_write_timeout(Some(limit)),
            Self::Tcp(stream) => stream.set_write_timeout(Some(limit)),
        };
    }

    /// What is closed is reset, on TCP.
    fn reset_when_closed(&self) {
        if let Self::Tcp(stream) = self {
            _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.read(buffer),
            Self::Tcp(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Unix(stream) => stream.write(bytes),
            Self::Tcp(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Counts, and is true from the `limit`th time on.
fn counted(counter: &AtomicUsize, limit: usize) -> bool {
    counter.fetch_add(1, Ordering::Relaxed) + 1 >= limit
}
