//! Constant load: a few clients that ask again as soon as they have an answer.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;

use crate::{Connection, Request};

/// Clients that GET one path until the load is dropped or finished.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    clients: Vec<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    answers: Mutex<Vec<Answer>>,
}

/// What came of one request.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "tests look into it")]
pub struct Answer {
    /// When the request was begun.
    pub start: Instant,
    /// The text of a 200, or what went wrong.
    pub result: Result<String, String>,
}

impl Load {
    /// Starts `clients` clients.
    #[must_use]
    pub fn start(addr: SocketAddr, path: &str, clients: usize) -> Self {
        let shared = Arc::<Shared>::default();
        let clients = (0..clients).map(|_| {
            let (shared, path) = (Arc::clone(&shared), path.to_owned());
            thread::spawn(move || shared.ask_until_stopped(addr, &path))
        });
        Self {
            clients: clients.collect(),
            shared,
        }
    }

    /// Waits until the last `count` answers were each one of `wanted`: then what was before has settled.
    ///
    /// # Errors
    ///
    /// When that is not so after twenty seconds.
    pub fn settles(&self, count: usize, wanted: &BTreeSet<String>) -> Result<(), Failed> {
        let start = Instant::now();
        loop {
            {
                let answers = self.shared.answers();
                let last = answers.iter().rev().take(count);
                let good =
                    |answer: &Answer| matches!(&answer.result, Ok(text) if wanted.contains(text));
                if answers.len() >= count && last.clone().all(good) {
                    return Ok(());
                }
                if start.elapsed() > Duration::from_secs(20) {
                    let last: BTreeSet<_> = last.map(|it| format!("{:?}", it.result)).collect();
                    return Err(format!("{last:?}, not {wanted:?}").into());
                }
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The answers to `count` requests that are begun from now on.
    ///
    /// # Errors
    ///
    /// When they are not there after twenty seconds.
    pub fn next(&self, count: usize) -> Result<Vec<Answer>, Failed> {
        let start = Instant::now();
        loop {
            let answers: Vec<Answer> = {
                let answers = self.shared.answers();
                let new = answers.iter().filter(|answer| answer.start >= start);
                new.take(count).cloned().collect()
            };
            if answers.len() == count {
                return Ok(answers);
            }
            if start.elapsed() > Duration::from_secs(20) {
                return Err(format!("only {} answers", answers.len()).into());
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Ends the clients, and gives everything that was answered.
    #[must_use]
    pub fn finish(mut self) -> Vec<Answer> {
        self.stop();
        std::mem::take(&mut *self.shared.answers())
    }

    fn stop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        for client in self.clients.drain(..) {
            _ = client.join();
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn ask_until_stopped(&self, addr: SocketAddr, path: &str) {
        let mut connection = None;
        while !self.stop.load(Ordering::Relaxed) {
            let start = Instant::now();
            let result = ask(&mut connection, addr, path).map_err(|error| error.to_string());
            self.answers().push(Answer { start, result });
        }
    }

    fn answers(&self) -> MutexGuard<'_, Vec<Answer>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks on a connection that is kept as long as the web server does.
fn ask(connection: &mut Option<Connection>, addr: SocketAddr, path: &str) -> io::Result<String> {
    let mut open = match connection.take() {
        Some(open) => open,
        None => Connection::open(addr)?,
    };
    let response = open.send(&Request::get(path))?;
    if response.header("connection").is_none_or(|it| it != "close") {
        *connection = Some(open);
    }
    match response.status {
        200 => Ok(response.text()),
        status => Err(io::Error::other(format!("status {status}"))),
    }
}
