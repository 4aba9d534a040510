//! A conversation in progress.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use atomic_waker::AtomicWaker;
use fastcgi_test_kit::{Conversation, End, Setting, Step};
use fastcgi_tower::{ConnectionBuilder, Error, ExchangeService, Limits, ServeConnection, Timeouts};
use tokio::{
    io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf},
    time::sleep,
};

use super::application::{self, Live};
use crate::faults::Gates;

/// A connection and the web server at the other end of its pipe.
pub(crate) struct Run<Io, S: ExchangeService> {
    name: String,
    web_server: DuplexStream,
    gates: Gates,
    /// Until it is done.
    connection: Option<ServeConnection<Io, S>>,
    /// How it was done.
    result: Option<Result<(), Error>>,
    alarm: Arc<Alarm>,
    waker: Waker,
    live: Live,
    /// How many requests were being answered at the end, when the connection was still there.
    live_at_end: usize,
    /// What the web server has read, and was not compared.
    unchecked: Vec<u8>,
    is_at_eof: bool,
    is_deaf: bool,
}

/// Whether the connection was woken.
#[derive(Debug, Default)]
struct Alarm {
    is_woken: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.is_woken.store(true, Ordering::Release);
        self.task.wake();
    }
}

/// More polls at one moment than any conversation takes: one that is never done fails, and does not hang.
const MAX_POLLS: usize = 1_000_000;

/// Begins a conversation over the two ends of a pipe, of which `io` is the application's.
pub(crate) fn begin<Io: AsyncRead + AsyncWrite + Unpin>(
    conversation: &Conversation,
    web_server: DuplexStream,
    io: Io,
    gates: Gates,
) -> Run<Io, impl ExchangeService + use<Io>> {
    let live = Live::default();
    let service = application::service(&live);
    let connection = builder(conversation).serve_connection(io, service);
    let alarm = Arc::<Alarm>::default();
    alarm.is_woken.store(true, Ordering::Relaxed);
    let mut run = Run {
        name: conversation.name.clone(),
        web_server,
        gates,
        connection: Some(connection),
        result: None,
        waker: Waker::from(Arc::clone(&alarm)),
        alarm,
        live,
        live_at_end: 0,
        unchecked: Vec::new(),
        is_at_eof: false,
        is_deaf: false,
    };
    run.settle();
    run
}

fn builder(conversation: &Conversation) -> ConnectionBuilder {
    let (mut limits, mut timeouts) = (Limits::default(), Timeouts::default());
    let mut builder = ConnectionBuilder::new();
    for setting in &conversation.settings {
        match *setting {
            Setting::MaxParamsSize(bytes) => limits = limits.max_params_size(bytes),
            Setting::MaxReqs(count) => limits = limits.max_reqs(count),
            Setting::Params(time) => timeouts = timeouts.params(time),
            Setting::Idle(time) => timeouts = timeouts.idle(Some(time)),
            Setting::Read(time) => timeouts = timeouts.read(Some(time)),
            Setting::Write(time) => timeouts = timeouts.write(time),
            Setting::Authorizer(is_on) => builder = builder.authorizer(is_on),
            Setting::Filter(is_on) => builder = builder.filter(is_on),
        }
    }
    builder.limits(limits).timeouts(timeouts)
}

impl<Io: AsyncRead + AsyncWrite + Unpin, S: ExchangeService> Run<Io, S> {
    /// Does what a step says, or compares.
    pub(crate) async fn take(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Send(bytes) => self.send(bytes),
            Step::SendEof => {
                // It may have been closed at both ends already.
                let _ = poll_now(Pin::new(&mut self.web_server).poll_shutdown(&mut nobody()));
                self.settle();
                Ok(())
            }
            Step::Shutdown => {
                if let Some(connection) = &mut self.connection {
                    Pin::new(connection).graceful_shutdown();
                    // Whoever calls it polls the connection.
                    self.alarm.is_woken.store(true, Ordering::Relaxed);
                }
                self.settle();
                Ok(())
            }
            Step::Deaf => {
                self.is_deaf = true;
                Ok(())
            }
            Step::Wait(time) => {
                self.wait(*time).await;
                Ok(())
            }
            Step::Receive(bytes) => self.receive(bytes),
            Step::Expect(end) => self.expect(*end),
        }
    }

    fn send(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        while !bytes.is_empty() {
            let written = Pin::new(&mut self.web_server).poll_write(&mut nobody(), bytes);
            match poll_now(written) {
                Some(Ok(count)) => bytes = &bytes[count..],
                // What nobody reads any more is of no use.
                Some(Err(_)) => break,
                None => return Err(format!("{} bytes are not read", bytes.len())),
            }
            self.settle();
        }
        Ok(())
    }

    async fn wait(&mut self, time: Duration) {
        let mut end = pin!(sleep(time));
        poll_fn(|cx| {
            self.alarm.task.register(cx.waker());
            self.settle();
            end.as_mut().poll(cx)
        })
        .await;
        // Its own deadline may be the same moment.
        self.settle();
    }

    /// Does everything that can be done at this moment.
    fn settle(&mut self) {
        for _ in 0..MAX_POLLS {
            let was_woken = self.alarm.is_woken.swap(false, Ordering::AcqRel);
            if let (true, Some(connection)) = (was_woken, &mut self.connection) {
                let mut cx = Context::from_waker(&self.waker);
                if let Poll::Ready(result) = Pin::new(connection).poll(&mut cx) {
                    self.result = Some(result);
                    self.live_at_end = self.live.count();
                    self.connection = None;
                }
            }
            let is_restless = self.read() || self.alarm.is_woken.load(Ordering::Acquire);
            if !is_restless && !self.gates.open_one() {
                return;
            }
        }
        panic!("the connection is polled again and again");
    }

    /// Reads as the web server, and gives whether there was anything.
    fn read(&mut self) -> bool {
        if self.is_deaf || self.is_at_eof {
            return false;
        }
        let mut chunk = [0; 16 * 1024];
        let mut buf = ReadBuf::new(&mut chunk);
        let read = Pin::new(&mut self.web_server).poll_read(&mut nobody(), &mut buf);
        let Some(result) = poll_now(read) else {
            return false;
        };
        result.expect("a pipe that is read does not fail");
        self.is_at_eof = buf.filled().is_empty();
        self.unchecked.extend_from_slice(buf.filled());
        true
    }

    /// Compares the next bytes.
    fn receive(&mut self, wanted: &[u8]) -> Result<(), String> {
        let length = wanted.len().min(self.unchecked.len());
        let received: Vec<_> = self.unchecked.drain(..length).collect();
        if received == wanted {
            Ok(())
        } else {
            Err(format!(
                "received \"{}\"\n  in the place of \"{}\"",
                received.escape_ascii(),
                wanted.escape_ascii()
            ))
        }
    }

    fn expect(&self, end: End) -> Result<(), String> {
        if !self.unchecked.is_empty() {
            let surplus = self.unchecked.escape_ascii();
            return Err(format!("received \"{surplus}\" and nothing was to come"));
        }
        let found = match &self.result {
            Some(Err(error)) if error.is_truncated() => End::Reset,
            Some(_) => End::Gone,
            None if self.is_at_eof => End::Eof,
            None => End::Open,
        };
        // Both sides may be closed at once.
        if found == end || (end, found) == (End::Eof, End::Gone) {
            Ok(())
        } else {
            Err(format!("{found:?} in the place of {end:?}"))
        }
    }

    /// How the connection was done, if it is.
    pub(crate) fn result(&self) -> Option<&Result<(), Error>> {
        self.result.as_ref()
    }

    /// What the web server has read, and was not compared.
    pub(crate) fn unchecked(&self) -> &[u8] {
        &self.unchecked
    }

    /// How many requests were being answered when the connection was done, in front of its being dropped.
    pub(crate) fn live_at_end(&self) -> usize {
        self.live_at_end
    }
}

impl<Io, S: ExchangeService> Drop for Run<Io, S> {
    /// A panic in the middle has its name, too.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("in the conversation {}", self.name);
        }
    }
}

/// The result of something that is ready, or nothing.
fn poll_now<T>(poll: Poll<T>) -> Option<T> {
    match poll {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// The web server is asked again whenever the connection has done something.
fn nobody() -> Context<'static> {
    Context::from_waker(Waker::noop())
}
