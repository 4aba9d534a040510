//! A connection to the application, with a log and a time by which the case has to be over.

use std::{
    fmt,
    io::{self, ErrorKind, Read as _, Write as _},
    time::{Duration, Instant},
};

use crate::{
    answer::Answer,
    case::Failure,
    log::{From, Log},
    record::{END_REQUEST, Record, type_name},
    socket::Socket,
};

/// What is read of one connection at most: an application may send without end.
const MAX_READ: usize = 300 << 20;
/// How many records are read of one connection at most: an empty one costs more memory than it has bytes.
const MAX_RECORDS: usize = 1 << 20;

/// How a connection ended, seen from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The application ended its side.
    Closed,
    /// The same, in the middle of a record.
    Cut,
    /// A reset.
    Reset,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed the connection",
            Self::Cut => "closed the connection in the middle of a record",
            Self::Reset => "reset the connection",
        })
    }
}

/// What comes next on a connection.
#[derive(Clone, Debug)]
pub(crate) enum Next {
    Record(Record),
    End(Ending),
    /// Nothing, in the time that was given.
    Nothing,
}

/// What the application did, in words.
impl fmt::Display for Next {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Record(record) => write!(f, "sent {}", type_name(record.kind)),
            Self::End(ending) => ending.fmt(f),
            Self::Nothing => f.write_str("said nothing"),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Conn {
    socket: Socket,
    buffer: Vec<u8>,
    /// How much of the buffer was taken.
    taken: usize,
    read: usize,
    records: usize,
    log: Log,
    number: usize,
    deadline: Instant,
    ending: Option<Ending>,
}

impl Conn {
    pub(crate) fn new(socket: Socket, log: &Log, deadline: Instant) -> Self {
        Self {
            socket,
            buffer: Vec::new(),
            taken: 0,
            read: 0,
            records: 0,
            log: log.clone(),
            number: log.connection(),
            deadline,
            ending: None,
        }
    }

    /// Sends all of `bytes`.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Failure> {
        let mut rest = bytes.as_ref();
        let length = rest.len();
        while !rest.is_empty() {
            if self.left().is_zero() {
                let text = format!("took {} of {length} bytes", length - rest.len());
                return Err(Failure::red(text + ", and then no more in time"));
            }
            match self.send_some(rest) {
                Ok(0) => {}
                Ok(sent) => rest = rest.get(sent..).unwrap_or_default(),
                Err(error) => {
                    let text = format!("after {} of {length} bytes", length - rest.len());
                    return Err(Failure::red(format!("no longer reads {text}: {error}")));
                }
            }
        }
        Ok(())
    }

    /// Sends what the application takes before the time of the case is over: none is a time-out.
    pub(crate) fn send_some(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send_some_within(bytes, self.left())
    }

    /// The same, within `limit`.
    pub(crate) fn send_some_within(&mut self, bytes: &[u8], limit: Duration) -> io::Result<usize> {
        self.socket.set_limits(limit.min(self.left()))?;
        match self.socket.write(bytes) {
            Ok(sent) => {
                let bytes = bytes.get(..sent).unwrap_or_default();
                self.log.bytes(self.number, From::WebServer, bytes);
                Ok(sent)
            }
            Err(error) if is_timeout(&error) => Ok(0),
            Err(error) => {
                self.log
                    .remark(self.number, &format!("a write failed: {error}"));
                Err(error)
            }
        }
    }

    /// The next record, or the end, within the time of the case.
    pub(crate) fn next(&mut self) -> Next {
        self.next_within(self.left())
    }

    /// The next record, or the end, within `limit`.
    pub(crate) fn next_within(&mut self, limit: Duration) -> Next {
        let until = self.deadline.min(Instant::now() + limit);
        if self.records > MAX_RECORDS {
            return Next::Nothing;
        }
        loop {
            let rest = self.buffer.get(self.taken..).unwrap_or_default();
            if let Some((record, length)) = Record::first(rest) {
                self.taken += length;
                self.records += 1;
                return Next::Record(record);
            }
            if let Some(ending) = self.ending {
                let is_cut = !rest.is_empty() && ending == Ending::Closed;
                return Next::End(if is_cut { Ending::Cut } else { ending });
            }
            self.buffer.drain(..self.taken);
            self.taken = 0;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || self.read > MAX_READ {
                return Next::Nothing;
            }
            self.fill(left);
        }
    }

    /// Reads once.
    fn fill(&mut self, limit: Duration) {
        let mut bytes = vec![0; 64 << 10];
        let read = match self.socket.set_limits(limit) {
            Ok(()) => self.socket.read(&mut bytes),
            Err(error) => Err(error),
        };
        match read {
            Ok(0) => self.end(Ending::Closed),
            Ok(count) => {
                let bytes = bytes.get(..count).unwrap_or_default();
                self.read += count;
                self.log.bytes(self.number, From::Application, bytes);
                self.buffer.extend_from_slice(bytes);
            }
            Err(error) if is_timeout(&error) => {}
            Err(_) => self.end(Ending::Reset),
        }
    }

    fn end(&mut self, ending: Ending) {
        self.ending = Some(ending);
        self.log
            .remark(self.number, &format!("the application {ending}"));
    }

    /// Collects the records of the request `id`, up to END_REQUEST or the end of the connection.
    pub(crate) fn answer(&mut self, id: u16) -> Result<Answer, Failure> {
        let mut answer = Answer::new(id);
        loop {
            match self.next() {
                Next::Record(record) => {
                    let is_end = record.kind == END_REQUEST && record.id == id;
                    answer.records.push(record);
                    if is_end {
                        return Ok(answer);
                    }
                }
                Next::End(ending) => {
                    answer.ending = Some(ending);
                    return Ok(answer);
                }
                Next::Nothing if answer.records.is_empty() => {
                    return Err(Failure::red("sent nothing in time"));
                }
                Next::Nothing => {
                    let text = "sent no END_REQUEST in time, and kept the connection";
                    return Err(Failure::red(text));
                }
            }
        }
    }

    /// Waits for the application to end its side, and gives the records that came before.
    pub(crate) fn until_end(&mut self) -> Result<(Vec<Record>, Ending), Failure> {
        let mut records = Vec::new();
        loop {
            match self.next() {
                Next::Record(record) => records.push(record),
                Next::End(ending) => return Ok((records, ending)),
                Next::Nothing => return Err(Failure::red("did not close the connection in time")),
            }
        }
    }

    /// Ends this direction.
    pub(crate) fn half_close(&self) -> Result<(), Failure> {
        self.log.remark(self.number, "the suite ended its side");
        let ended = self.socket.half_close();
        ended.map_err(|error| Failure::red(format!("cannot end this side: {error}")))
    }

    /// The time that the case still has.
    pub(crate) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}
