//! What is said of a healthy start.

use std::{
    io::{self, IsTerminal, Write},
    sync::{Arc, Once},
};

use super::Environment;

/// One line with the addresses, for somebody who has started the program on a terminal: once, by whichever worker is ready
/// first.
///
/// Nobody else is told: standard error is a log then, and what is chosen is in a `tracing` event.
#[derive(Clone, Debug)]
pub struct Greeting {
    line: Option<String>,
    said: Arc<Once>,
}

impl Greeting {
    /// What is to be said of FastCGI in this environment; nothing where standard error is no terminal.
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

    /// Says it, unless it was said: the server is ready.
    pub fn say(&self) {
        if let Some(line) = &self.line {
            self.said.call_once(|| {
                // Not `eprintln!`, which panics where nobody reads.
                let _ = io::stderr().write_all(line.as_bytes());
            });
        }
    }
}
