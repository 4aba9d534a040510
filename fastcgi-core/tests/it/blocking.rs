//! The conversations, held by the example `blocking.rs` over a socket, in real time.

#[path = "../../examples/blocking.rs"]
#[expect(dead_code, reason = "its own application is for people")]
mod example;

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::mpsc::{self, Receiver},
    thread,
    time::Duration,
};

use fastcgi_core::{Connection, Event};
use fastcgi_test_kit::{Conversation, End, Runner, Step};

use crate::conversations::{application::Application, config};

/// How long anything may take that is to happen.
const PATIENCE: Duration = Duration::from_secs(20);

impl example::Application for Application {
    fn take(&mut self, event: Event) {
        self.take(event);
    }

    fn go_on(&mut self, connection: &mut Connection) {
        self.go_on(connection);
    }
}

#[test]
fn the_blocking_example_holds_every_conversation() {
    let conversations = Conversation::all();
    let (left_out, held): (Vec<_>, Vec<_>) = conversations
        .iter()
        .partition(|conversation| conversation.exception(Runner::Blocking).is_some());
    assert!(
        left_out.len() * 9 <= held.len(),
        "{} are left out",
        left_out.len()
    );
    // Each waits for its own times.
    let failures = thread::scope(|scope| {
        let runs = held
            .into_iter()
            .map(|conversation| scope.spawn(|| hold(conversation)));
        let runs: Vec<_> = runs.collect();
        let results = runs.into_iter().map(|run| run.join().expect("no panic"));
        results.filter_map(Result::err).collect::<Vec<_>>()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

fn hold(conversation: &Conversation) -> Result<(), String> {
    let result = Run::begin(conversation).and_then(|mut run| {
        conversation
            .steps
            .iter()
            .try_for_each(|step| run.take(step))
    });
    result.map_err(|error| format!("{}: {error}", conversation.name))
}

/// The web server's end of a conversation.
struct Run {
    stream: TcpStream,
    is_deaf: bool,
    /// The example is done with its connection.
    done: Receiver<()>,
}

impl Run {
    fn begin(conversation: &Conversation) -> Result<Self, String> {
        let config = config(conversation);
        let text = |error: io::Error| error.to_string();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(text)?;
        let stream = listener
            .local_addr()
            .and_then(TcpStream::connect)
            .map_err(text)?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(text)?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(text)?;
        let (served, _) = listener.accept().map_err(text)?;
        let (end, done) = mpsc::channel();
        thread::spawn(move || {
            // How it ends is seen from the other end.
            let _ = example::serve(served, config, &mut Application::default());
            let _ = end.send(());
        });
        Ok(Self {
            stream,
            is_deaf: false,
            done,
        })
    }

    fn take(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Send(bytes) => self
                .stream
                .write_all(bytes)
                .map_err(|error| error.to_string()),
            Step::SendEof => {
                // The example may have closed the connection already.
                let _ = self.stream.shutdown(Shutdown::Write);
                Ok(())
            }
            Step::Deaf => {
                self.is_deaf = true;
                Ok(())
            }
            // What is to happen then is waited for.
            Step::Wait(_) => Ok(()),
            Step::Receive(bytes) => self.receive(bytes),
            Step::Expect(end) => self.expect(*end),
            Step::Shutdown => Err("there is no such command".to_owned()),
        }
    }

    fn receive(&mut self, wanted: &[u8]) -> Result<(), String> {
        let mut received = vec![0; wanted.len()];
        let result = self.stream.read_exact(&mut received);
        let received = if received == wanted && result.is_ok() {
            return Ok(());
        } else {
            received.escape_ascii()
        };
        let wanted = wanted.escape_ascii();
        Err(format!(
            "{result:?}: received \"{received}\"\n  in the place of \"{wanted}\""
        ))
    }

    fn expect(&mut self, end: End) -> Result<(), String> {
        match end {
            // Nothing is there to be seen yet; what comes too early is seen by the next step.
            End::Open => return Ok(()),
            End::Eof => {}
            End::Gone | End::Reset => {
                let done = self.done.recv_timeout(PATIENCE);
                done.map_err(|_| "the connection is still served".to_owned())?;
            }
        }
        if self.is_deaf {
            return Ok(());
        }
        let read = self.stream.read(&mut [0; 100]);
        let found = match &read {
            Ok(0) => End::Eof,
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => End::Reset,
            _ => return Err(format!("{read:?} in the place of {end:?}")),
        };
        match (end, found) {
            (End::Reset, End::Reset) | (End::Eof, End::Eof) | (End::Gone, _) => Ok(()),
            _ => Err(format!("{found:?} in the place of {end:?}")),
        }
    }
}
