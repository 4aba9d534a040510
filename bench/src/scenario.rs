//! What is asked of the servers, and how.

use std::time::Duration;

use crate::{
    Result,
    request::Kind,
    server::{Framework, Protocol},
    socket::Transport,
};

/// Equal requests, or requests of one kind.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) transport: Transport,
    pub(crate) mode: Mode,
    /// How many requests are counted.
    pub(crate) requests: usize,
    pub(crate) exactness: Exactness,
    pub(crate) times: Option<Times>,
}

/// How connections are used while requests are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// One connection is kept, with one request at a time.
    Kept,
    /// Each request has a connection of its own, which ends with it.
    Own,
    /// So many requests at a time: over FastCGI on one connection, over HTTP on as many connections.
    InFlight(u8),
    /// A process is started for each request, and ends with it: a CGI program; over HTTP, a server.
    Process,
    /// Connections that have had a request each have waited for the next for so long.
    Idle(Duration),
}

/// Whether two counts are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exactness {
    /// They are, so CI compares them with the table.
    Gate,
    /// They depend on how the bytes come in, or on the process's start: counted several times, with their spread.
    Spread,
    /// They depend on which of two threads waits: CI compares them with the table, and allows for their spread.
    Threads,
}

/// The load for the times: equal requests, as many at a time as there are connections or requests in flight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) connections: usize,
    pub(crate) requests: usize,
}

impl Scenario {
    pub(crate) const fn small(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            transport: Transport::Unix,
            mode: Mode::Kept,
            requests: 250,
            exactness: Exactness::Gate,
            times: None,
        }
    }

    const fn timed(mut self, connections: usize, requests: usize) -> Self {
        self.times = Some(Times {
            connections,
            requests,
        });
        self
    }

    const fn mode(mut self, mode: Mode, requests: usize) -> Self {
        self.mode = mode;
        self.requests = requests;
        self.exactness = match mode {
            Mode::Idle(_) => Exactness::Gate,
            _ => Exactness::Spread,
        };
        self
    }

    const fn over(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    const fn large(name: &'static str, kind: Kind, requests: usize) -> Self {
        Self::small(name, kind).mode(Mode::Kept, requests)
    }

    /// Why the HTTP server of `framework` cannot do this.
    pub(crate) fn not_over_http(&self, framework: Framework) -> Option<&'static str> {
        if framework.has_threads() {
            return Some("over FastCGI alone");
        }
        let too_many = self.kind == Kind::HundredFields && framework == Framework::Actix;
        too_many.then_some("actix's HTTP server answers 431 to more than 96 fields")
    }

    /// Whether `framework` is asked this: functions that block are asked what shows the way to a thread and back.
    pub(crate) fn is_for(&self, framework: Framework) -> bool {
        let is_small = ["hello", "100 fields", "upload 1 MiB"].contains(&self.name);
        is_small || !framework.has_threads()
    }

    /// Whether two counts are the same for `framework`.
    pub(crate) fn exactness(&self, framework: Framework) -> Exactness {
        if framework.has_threads() {
            Exactness::Threads
        } else {
            self.exactness
        }
    }

    pub(crate) fn takes(&self, framework: Framework, protocol: Protocol) -> bool {
        protocol == Protocol::FastCgi || self.not_over_http(framework).is_none()
    }
}

const MIB: usize = 1024 * 1024;

/// After that, a connection has given back what it kept for its next request.
pub(crate) const QUIET: Duration = Duration::from_millis(1200);

const ALL: [Scenario; 17] = [
    Scenario::small("hello", Kind::Hello).timed(32, 64_000),
    Scenario::small("browser", Kind::Browser).timed(32, 64_000),
    Scenario::small("100 fields", Kind::HundredFields).timed(8, 16_000),
    Scenario::small("unlearnable", Kind::Unlearnable),
    Scenario::small("kept connection", Kind::Hello).mode(Mode::Idle(Duration::ZERO), 64),
    Scenario::small("idle connection", Kind::Hello).mode(Mode::Idle(QUIET), 64),
    Scenario::small("own connection", Kind::Hello)
        .mode(Mode::Own, 250)
        .timed(8, 16_000),
    Scenario::small("64 in flight", Kind::Hello)
        .mode(Mode::InFlight(64), 64 * 20)
        .timed(64, 64_000),
    Scenario::large("download 1 MiB", Kind::Download(MIB as u64), 20).timed(4, 800),
    Scenario::large("upload 1 MiB", Kind::Upload(MIB), 20).timed(4, 800),
    Scenario::large("download 1 MiB TCP", Kind::Download(MIB as u64), 20)
        .over(Transport::Tcp)
        .timed(4, 800),
    Scenario::large("upload 1 MiB TCP", Kind::Upload(MIB), 20)
        .over(Transport::Tcp)
        .timed(4, 800),
    Scenario::large("download 100 MiB", Kind::Download(100 * MIB as u64), 4).timed(1, 15),
    Scenario::large("upload 100 MiB", Kind::Upload(100 * MIB), 4).timed(1, 15),
    Scenario::large("download 100 MiB TCP", Kind::Download(100 * MIB as u64), 4)
        .over(Transport::Tcp)
        .timed(1, 15),
    Scenario::large("upload 100 MiB TCP", Kind::Upload(100 * MIB), 4)
        .over(Transport::Tcp)
        .timed(1, 15),
    Scenario::small("plain CGI", Kind::Hello).mode(Mode::Process, 1),
];

/// The names of all scenarios, in the order of the table.
#[must_use]
pub fn scenario_names() -> Vec<&'static str> {
    ALL.iter().map(|scenario| scenario.name).collect()
}

/// The scenarios whose names contain `part`; all of them, if `part` is absent.
pub(crate) fn named(part: Option<&str>) -> Result<Vec<&'static Scenario>> {
    let is_meant = |scenario: &&Scenario| part.is_none_or(|part| scenario.name.contains(part));
    let found: Vec<_> = ALL.iter().filter(is_meant).collect();
    if found.is_empty() {
        Err(format!("no scenario is called {}", part.unwrap_or_default()).into())
    } else {
        Ok(found)
    }
}
