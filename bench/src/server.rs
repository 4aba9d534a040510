//! The servers that are compared: a framework, over a protocol, in a process of its own.

use std::{
    fmt,
    io::{self, Read, Write},
    num::NonZeroUsize,
    os::{fd::AsFd, unix::net::UnixStream},
    process,
    str::FromStr,
    thread,
};

use crate::{Result, app, socket::Listening};

/// An application over a protocol.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Server {
    pub(crate) framework: Framework,
    pub(crate) protocol: Protocol,
    /// Worker threads of tokio's multi-thread runtime, for axum; without them, one thread does all.
    pub(crate) workers: Option<NonZeroUsize>,
}

impl Server {
    /// With one thread.
    pub(crate) fn new(framework: Framework, protocol: Protocol) -> Self {
        Self {
            framework,
            protocol,
            workers: None,
        }
    }
}

/// What the allocator of a server has counted since it started.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the program with the allocator writes it down as a literal"
)]
pub struct Heap {
    /// How often memory was taken.
    pub allocations: u64,
    /// The sum of what was taken.
    pub bytes: u64,
    /// What is taken and not given back.
    pub held: u64,
}

/// Runs a server: `NAME unix` or `NAME tcp`, with its listening socket on descriptor 0, until the other end of
/// descriptor 1 is closed; or `cgi FRAMEWORK`, for one request.
///
/// # Errors
///
/// When there is no such server, or its framework has an error.
pub fn serve(args: &[&str], heap: Option<fn() -> Heap>) -> Result<()> {
    match *args {
        ["cgi", framework] => {
            let answered = app::run_cgi(framework.parse()?);
            if let Some(heap) = heap {
                io::stderr().write_all(&heap().to_bytes())?;
            }
            answered
        }
        [server, transport] => {
            accept_orders(heap)?;
            app::run(server.parse()?, Listening::from_stdin(transport.parse()?)?)
        }
        _ => Err("a server is `axum-fastcgi unix` or `cgi axum`".into()),
    }
}

/// The same of functions that block: `blocking-fastcgi unix`.
///
/// # Errors
///
/// The same.
pub fn serve_functions(args: &[&str], heap: Option<fn() -> Heap>) -> Result<()> {
    match *args {
        [server, transport] => {
            accept_orders(heap)?;
            let server: Server = server.parse()?;
            let listener = Listening::from_stdin(transport.parse()?)?;
            app::run_functions(server.framework, listener)
        }
        _ => Err("a server is `blocking-fastcgi unix`".into()),
    }
}

fn accept_orders(heap: Option<fn() -> Heap>) -> Result<()> {
    let control = UnixStream::from(io::stdout().as_fd().try_clone_to_owned()?);
    thread::spawn(move || obey(control, heap));
    Ok(())
}

/// Answers each byte with the allocator's figures, and ends the process where no more can come.
fn obey(mut control: UnixStream, heap: Option<fn() -> Heap>) {
    while control.read_exact(&mut [0]).is_ok() {
        let bytes = fastcgi_bench_figures(heap);
        if control.write_all(&bytes).is_err() {
            break;
        }
    }
    process::exit(0);
}

/// The name of the function at which callgrind begins to count anew.
pub(crate) const MARK: &str = "*fastcgi_bench_figures*";

#[inline(never)]
fn fastcgi_bench_figures(heap: Option<fn() -> Heap>) -> [u8; 24] {
    heap.map_or([0; 24], |heap| heap().to_bytes())
}

impl Heap {
    pub(crate) fn from_bytes(bytes: [u8; 24]) -> Self {
        let mut figures = bytes.chunks_exact(8).map(|figure| {
            let figure = figure.try_into().unwrap_or_default();
            u64::from_le_bytes(figure)
        });
        let mut next = || figures.next().unwrap_or_default();
        Self {
            allocations: next(),
            bytes: next(),
            held: next(),
        }
    }

    fn to_bytes(self) -> [u8; 24] {
        let mut bytes = [0; 24];
        let figures = [self.allocations, self.bytes, self.held];
        for (place, figure) in bytes.chunks_exact_mut(8).zip(figures) {
            place.copy_from_slice(&figure.to_le_bytes());
        }
        bytes
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.framework, self.protocol.as_str())?;
        match self.workers {
            Some(workers) => write!(f, "-{workers}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Server {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        const USAGE: &str = "a server is axum-http, or axum-http-2 with two workers";
        let (framework, rest) = name.split_once('-').ok_or(USAGE)?;
        let (protocol, workers) = match rest.split_once('-') {
            Some((protocol, workers)) => (protocol, Some(workers.parse().map_err(|_| USAGE)?)),
            None => (rest, None),
        };
        Ok(Self {
            framework: framework.parse()?,
            protocol: protocol.parse()?,
            workers,
        })
    }
}

/// What the application is written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "tests name them")]
pub enum Framework {
    /// A tower service and nothing else; over HTTP, hyper.
    Tower,
    /// axum, and `axum::serve`.
    Axum,
    /// actix-web, and its `HttpServer`.
    Actix,
    /// A blocking handler of fastcgi-tower, over FastCGI alone.
    Blocking,
    /// A CGI function of fastcgi-tower, over FastCGI alone.
    CgiFn,
    /// libfcgi with threads, in C: what functions that block are compared with. It is not in the table.
    Libfcgi,
}

impl Framework {
    /// Those of the table.
    pub(crate) const ALL: [Self; 5] = [
        Self::Tower,
        Self::Axum,
        Self::Actix,
        Self::Blocking,
        Self::CgiFn,
    ];

    /// Whether each request goes to a thread and back: then instructions depend on which of them waits.
    pub(crate) fn has_threads(self) -> bool {
        matches!(self, Self::Blocking | Self::CgiFn | Self::Libfcgi)
    }

    /// The program that has the servers of this framework, and the one whose allocator counts.
    pub(crate) fn programs(self) -> [&'static str; 2] {
        match self {
            Self::Tower | Self::Axum | Self::Actix => ["fastcgi-bench", "fastcgi-bench-heap"],
            Self::Blocking | Self::CgiFn => ["fastcgi-bench-functions", "fastcgi-bench-heap"],
            Self::Libfcgi => ["fastcgi-bench-libfcgi", "fastcgi-bench-libfcgi-heap"],
        }
    }

    /// As on the command line and in the table.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tower => "tower",
            Self::Axum => "axum",
            Self::Actix => "actix",
            Self::Blocking => "blocking",
            Self::CgiFn => "cgi_fn",
            Self::Libfcgi => "libfcgi",
        }
    }
}

impl fmt::Display for Framework {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Framework {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let mut all = Self::ALL.into_iter().chain([Self::Libfcgi]);
        let found = all.find(|it| it.as_str() == name);
        found.ok_or("the framework is tower, axum, actix, blocking, cgi_fn or libfcgi")
    }
}

/// What the web server would speak to the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    FastCgi,
    Http,
}

impl Protocol {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::FastCgi => "fastcgi",
            Self::Http => "http",
        }
    }
}

impl FromStr for Protocol {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "fastcgi" => Ok(Self::FastCgi),
            "http" => Ok(Self::Http),
            _ => Err("the protocol is fastcgi or http"),
        }
    }
}
