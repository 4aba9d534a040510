//! The load for the counts: the server has come to rest before each request.
//!
//! Otherwise it sometimes finds the next request there already and does not go to sleep in between: half of the requests
//! do, or a third, and the counts move by 3 %. With the pause all do.

use std::{io::BufReader, io::Write, thread, time::Duration};

use crate::{
    Result,
    process::ServerProcess,
    reply::{self, Reader},
    request::Connection,
    scenario::{Mode, Scenario},
    server::Protocol,
};

/// Long enough for a server under a tool to finish what it does after a response.
const PAUSE: Duration = Duration::from_micros(1500);

/// Requests of one scenario, on connections that stay open.
#[derive(Debug)]
pub(super) struct Load<'a> {
    server: &'a ServerProcess,
    scenario: &'a Scenario,
    kept: Vec<Reader>,
    /// A request that is the same each time.
    prepared: Vec<u8>,
    sent: usize,
}

impl<'a> Load<'a> {
    pub(super) fn new(server: &'a ServerProcess, scenario: &'a Scenario) -> Result<Self> {
        let mut load = Self {
            server,
            scenario,
            kept: Vec::new(),
            prepared: Vec::new(),
            sent: 0,
        };
        let connections = match (scenario.mode, server.protocol) {
            (Mode::Own | Mode::Process, _) => 0,
            (Mode::Kept, _) | (Mode::InFlight(_), Protocol::FastCgi) => 1,
            (Mode::InFlight(count), Protocol::Http) => usize::from(count),
            (Mode::Idle(_), _) => scenario.requests,
        };
        for _ in 0..connections {
            load.kept
                .push(BufReader::with_capacity(128 * 1024, server.connect()?));
        }
        if !scenario.kind.varies() {
            load.prepared = load.request();
        }
        Ok(load)
    }

    /// What is written at a time.
    fn request(&self) -> Vec<u8> {
        let connection = match self.scenario.mode {
            Mode::Own => Connection::Own,
            _ => Connection::Kept,
        };
        let with_id = |id| {
            let kind = self.scenario.kind;
            kind.request(self.server.protocol, connection, id, self.sent)
        };
        match (self.scenario.mode, self.server.protocol) {
            (Mode::InFlight(count), Protocol::FastCgi) => (1..=count).flat_map(with_id).collect(),
            _ => with_id(1),
        }
    }

    /// Sends so many requests, and waits for their responses.
    pub(super) fn run(&mut self, requests: usize) -> Result<()> {
        let at_a_time = match self.scenario.mode {
            Mode::InFlight(count) => usize::from(count),
            Mode::Idle(_) => self.scenario.requests,
            _ => 1,
        };
        for _ in 0..requests / at_a_time {
            let varied = self.scenario.kind.varies().then(|| self.request());
            thread::sleep(PAUSE);
            self.server.sleeps()?;
            self.exchange(varied.as_deref(), at_a_time)?;
            self.sent += at_a_time;
        }
        // What follows the last response belongs to these requests.
        thread::sleep(PAUSE);
        self.server.sleeps()
    }

    /// Closes the connections, and waits until the server has seen it: otherwise it sometimes would before its end, and
    /// sometimes not.
    pub(super) fn close(mut self) -> Result<()> {
        self.kept.clear();
        thread::sleep(PAUSE);
        self.server.sleeps()
    }

    fn exchange(&mut self, varied: Option<&[u8]>, at_a_time: usize) -> Result<()> {
        let request = varied.unwrap_or(&self.prepared);
        let protocol = self.server.protocol;
        let answer = self.scenario.kind.answer();
        if self.kept.is_empty() {
            let mut own = BufReader::new(self.server.connect()?);
            own.get_mut().write_all(request)?;
            return reply::read(&mut own, protocol, 1, &answer);
        }
        let each = at_a_time / self.kept.len();
        for connection in &mut self.kept {
            connection.get_mut().write_all(request)?;
        }
        for connection in &mut self.kept {
            reply::read(connection, protocol, each, &answer)?;
        }
        Ok(())
    }
}
