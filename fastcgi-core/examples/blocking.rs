//! FastCGI with `std::net` and a thread for each connection: hello at `/`, and an echo at `/echo`.
//!
//! All rules are in [`Connection`]; what is here moves bytes and waits. It is the pattern for anything that is not tokio.
//!
//! ```sh
//! cargo run -p fastcgi-core --example blocking -- 127.0.0.1:9000
//! ```
//!
//! Without an address, it listens on the socket that is its descriptor 0, as the specification has it (2.2). What nginx needs
//! is in `blocking.nginx.conf`.
//!
//! The thread blocks in one place, in `poll`. It must block neither in a read nor in a write: a web server may write all of a
//! request before it reads (B-8), so while we wait to write, we have to go on reading. Time-outs of the socket would have to
//! be tried in turns, and two threads would have to share the connection.

use std::{
    collections::{HashMap, VecDeque},
    env,
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::fd::AsFd,
    thread,
    time::{Duration, Instant},
};

use bytes::{Buf, Bytes, BytesMut};
use fastcgi_core::{
    Config, Connection, Event, Life, NewRequest, RequestKey, RequestMut, StreamEnd,
    cgi::{Mapping, ResponseMapping},
};
use http::{Method, Response, StatusCode};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::sockopt::set_socket_linger,
};

fn main() -> io::Result<()> {
    let listener = match env::args().nth(1) {
        Some(address) => TcpListener::bind(address)?,
        None => TcpListener::from(io::stdin().as_fd().try_clone_to_owned()?),
    };
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || {
            if let Err(error) = serve(stream, Config::default(), &mut Site::default()) {
                // Not `eprintln!`, which panics where nobody reads.
                let _ = writeln!(io::stderr(), "{error}");
            }
        });
    }
    Ok(())
}

/// What answers the requests of a connection.
pub(crate) trait Application {
    /// Something has happened.
    fn take(&mut self, event: Event);

    /// Sends what it has, as long as the connection wants output, and says how much of the request bodies it has not read.
    fn go_on(&mut self, connection: &mut Connection);
}

/// Serves a connection until it is closed.
pub(crate) fn serve(
    mut stream: TcpStream,
    config: Config,
    application: &mut impl Application,
) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)?;
    let mut connection = Connection::new(config);
    let mut input = BytesMut::new();
    let mut is_open = true;
    loop {
        if connection.wants_input() {
            read(&mut stream, &mut connection, &mut input);
        }
        write(&mut stream, &mut connection);
        while let Some(event) = connection.next_event(&mut input) {
            if event == Event::HeldBack {
                // The standard library does not say whether the web server has left.
                connection.read_on();
            }
            application.take(event);
        }
        application.go_on(&mut connection);
        match connection.life() {
            Life::Draining if is_open => {
                is_open = false;
                // It fails where the web server has left.
                let _ = stream.shutdown(Shutdown::Write);
                connection.write_side_closed(input.len());
            }
            Life::Closed => break,
            Life::Reset => {
                set_socket_linger(&stream, Some(Duration::ZERO))?;
                break;
            }
            _ => wait(&stream, &mut connection)?,
        }
    }
    connection
        .error()
        .cloned()
        .map_or(Ok(()), |error| Err(io::Error::other(error)))
}

/// Reads once.
fn read(stream: &mut TcpStream, connection: &mut Connection, input: &mut BytesMut) {
    let mut chunk = [0; 16 * 1024];
    match stream.read(&mut chunk) {
        Ok(0) => connection.end_of_file(),
        Ok(length) => input.extend_from_slice(&chunk[..length]),
        Err(error) if is_only_late(&error) => {}
        Err(_) => connection.lost(),
    }
}

/// Writes what the socket takes.
fn write(stream: &mut TcpStream, connection: &mut Connection) {
    while connection.outgoing().has_remaining() {
        match stream.write(connection.outgoing().chunk()) {
            Ok(length) => {
                connection.outgoing().advance(length);
                connection.written();
            }
            Err(error) if is_only_late(&error) => return,
            Err(_) => return connection.lost(),
        }
    }
}

fn is_only_late(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}

/// Waits until the socket can do what the connection wants, or something is late.
fn wait(stream: &TcpStream, connection: &mut Connection) -> io::Result<()> {
    let now = Instant::now();
    let time = connection
        .deadline(now)
        .map(|deadline| deadline.saturating_duration_since(now));
    if time == Some(Duration::ZERO) {
        connection.handle_deadline(now);
        return Ok(());
    }
    let mut wanted = PollFlags::empty();
    wanted.set(PollFlags::IN, connection.wants_input());
    wanted.set(PollFlags::OUT, connection.outgoing().has_remaining());
    let mut sockets = [PollFd::new(stream, wanted)];
    let time = time.and_then(|time| Timespec::try_from(time).ok());
    match poll(&mut sockets, time.as_ref()) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let is_gone = sockets[0]
        .revents()
        .intersects(PollFlags::ERR | PollFlags::HUP);
    if is_gone && !connection.wants_input() {
        connection.lost();
    }
    Ok(())
}

/// Hello, and an echo.
#[derive(Default)]
struct Site(HashMap<RequestKey, Exchange>);

/// A request in progress.
struct Exchange {
    request: NewRequest,
    /// What has come of the body, and is not yet sent back.
    body: VecDeque<Bytes>,
    end: Option<StreamEnd>,
    has_head: bool,
}

impl Application for Site {
    fn take(&mut self, event: Event) {
        match event {
            Event::Request(request) => {
                self.0.insert(request.key, Exchange::new(request));
            }
            Event::Stdin { key, data } => {
                self.0
                    .entry(key)
                    .and_modify(|exchange| exchange.body.push_back(data));
            }
            Event::StdinEnd { key, end } => {
                self.0
                    .entry(key)
                    .and_modify(|exchange| exchange.end = Some(end));
            }
            Event::Aborted { key } => {
                self.0.remove(&key);
            }
            _ => {}
        }
    }

    fn go_on(&mut self, connection: &mut Connection) {
        for (key, exchange) in &mut self.0 {
            while connection.wants_output() {
                let request = connection.request(*key);
                if !request.is_some_and(|request| exchange.go_on(request)) {
                    break;
                }
            }
            connection.set_held(*key, exchange.body.iter().map(Bytes::len).sum());
        }
        self.0.retain(|key, _| connection.request(*key).is_some());
    }
}

impl Exchange {
    fn new(request: NewRequest) -> Self {
        Self {
            request,
            body: VecDeque::new(),
            end: None,
            has_head: false,
        }
    }

    /// Takes a step, and gives whether there may be another one.
    fn go_on(&mut self, mut request: RequestMut<'_>) -> bool {
        if !self.has_head {
            return self.begin(request);
        }
        if let Some(data) = self.body.pop_front() {
            // Only the answer of an Authorizer can be too long.
            let _ = request.stdout(data);
            return true;
        }
        match self.end {
            None => request.flush(),
            Some(StreamEnd::Complete) => drop(request.end(0)),
            Some(_) => drop(request.fail(0)),
        }
        false
    }

    /// Sends the head, and the rest of all answers but the echo.
    fn begin(&mut self, mut request: RequestMut<'_>) -> bool {
        self.has_head = true;
        let (status, method, text) = match Mapping::default().request(&self.request.params) {
            Ok(head) if head.uri.path() == "/echo" => (StatusCode::OK, head.method, None),
            Ok(head) if head.uri.path() == "/" => (StatusCode::OK, head.method, Some("hello\n")),
            Ok(head) => (StatusCode::NOT_FOUND, head.method, Some("not found\n")),
            Err(error) => (error.status(), Method::GET, Some("not a request\n")),
        };
        let length = text.map_or(self.request.length, |text| Some(text.len() as u64));
        let mut response = Response::new(());
        *response.status_mut() = status;
        let mut head = BytesMut::new();
        let mapping = ResponseMapping::answering(&self.request.params);
        match mapping.write_head(&response.into_parts().0, &method, length, &mut head) {
            Ok(length) => request.head(head, length),
            Err(_) => {
                request.fail(0);
                return false;
            }
        }
        let Some(text) = text else {
            return true;
        };
        let _ = request.stdout(text.into());
        request.end(0);
        false
    }
}
