//! The line that a program prints once it is ready.

use std::{
    io::{self, IsTerminal, Write},
    sync::{Arc, Once},
};

use super::Environment;

/// One line with the addresses, printed once, by the worker that is ready first.
///
/// Printed only to a terminal: elsewhere standard error is a log, and a `tracing` event has the addresses.
#[derive(Clone, Debug)]
pub struct Greeting {
    line: Option<String>,
    said: Arc<Once>,
}

impl Greeting {
    /// The line for FastCGI in this environment; none where standard error is no terminal.
    pub fn new(environment: &Environment) -> Self {
        let sockets = match environment {
            Environment::Inherited(socket) => std::slice::from_ref(socket),
            Environment::Activated(sockets) | Environment::Bound(sockets) => sockets,
            Environment::Cgi(_) | Environment::Connected(_) | Environment::Http(_) => &[],
        };
        let addresses: Vec<_> = sockets.iter().map(ToString::to_string).collect();
        let is_wanted = !addresses.is_empty() && io::stderr().is_terminal();
        Self {
            line: is_wanted.then(|| format!("FastCGI on {}\n", addresses.join(", "))),
            said: Arc::new(Once::new()),
        }
    }

    /// Prints the line, once: the server is ready.
    pub fn say(&self) {
        if let Some(line) = &self.line {
            self.said.call_once(|| {
                // Not `eprintln!`, which panics where standard error is closed.
                let _ = io::stderr().write_all(line.as_bytes());
            });
        }
    }
}
