//! What a case is given: connections to the application, and what is known of it.

use std::{
    cell::{Cell, OnceCell, RefCell},
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::{
    answer::Answer,
    case::Failure,
    conn::{Conn, Next},
    folder::Folder,
    log::Log,
    pairs::{self, Lengths, pair},
    process::Process,
    record::{GET_VALUES, GET_VALUES_RESULT, Record},
    request::Request,
    socket::Socket,
    target::{Address, SpawnOn, Target},
};

/// How long the application has to be quiet where nothing is to come.
pub(crate) const QUIET: Duration = Duration::from_millis(150);
const CONNECT: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(crate) struct Bench<'a> {
    pub(crate) target: &'a Target,
    /// The application, if it was started here.
    pub(crate) process: &'a RefCell<Option<Process>>,
    /// Params that each request has besides its own.
    pub(crate) params: &'a [(String, String)],
    /// The path that any application is asked for.
    pub(crate) path: &'a str,
    /// How many connections a case opens and leaves idle.
    pub(crate) idle_connections: usize,
    pub(crate) deadline: Cell<Instant>,
    pub(crate) log: RefCell<Log>,
    /// What the application says of multiplexing.
    pub(crate) multiplexes: &'a OnceCell<Option<bool>>,
}

impl Bench<'_> {
    /// A new connection.
    pub(crate) fn connect(&self) -> Result<Conn, Failure> {
        self.connect_to(self.target.address())
    }

    pub(crate) fn connect_to(&self, address: &Address) -> Result<Conn, Failure> {
        let limit = CONNECT.min(self.left()).max(Duration::from_millis(1));
        let socket = Socket::connect(address, limit);
        let socket = socket.map_err(|error| Failure::red(format!("cannot be reached: {error}")))?;
        Ok(Conn::new(socket, &self.log.borrow(), self.deadline.get()))
    }

    /// The time that the case still has.
    pub(crate) fn left(&self) -> Duration {
        let now = Instant::now();
        self.deadline.get().saturating_duration_since(now)
    }

    /// A GET that any application answers somehow.
    pub(crate) fn plain(&self) -> Request {
        self.get(self.path)
    }

    pub(crate) fn get(&self, path: &str) -> Request {
        self.with_params(Request::get(path))
    }

    pub(crate) fn post(&self, path: &str, body: impl Into<Vec<u8>>) -> Request {
        self.with_params(Request::post(path, body))
    }

    fn with_params(&self, request: Request) -> Request {
        let params = self.params.iter();
        params.fold(request, |request, (name, value)| request.set(name, value))
    }

    /// Sends a request on a connection of its own, and collects the answer up to END_REQUEST.
    pub(crate) fn ask(&self, request: &Request) -> Result<Answer, Failure> {
        let mut conn = self.connect()?;
        self.ask_on(&mut conn, request)
    }

    pub(crate) fn ask_on(&self, conn: &mut Conn, request: &Request) -> Result<Answer, Failure> {
        conn.send(request.bytes())?;
        conn.answer(request.id)
    }

    /// Asks for values, and gives the pairs of the answer.
    pub(crate) fn values(&self, names: &[&str]) -> Result<Vec<(String, String)>, Failure> {
        let mut conn = self.connect()?;
        conn.send(padded(names).bytes())?;
        loop {
            match conn.next() {
                Next::Record(record) if record.kind == GET_VALUES_RESULT => return values(&record),
                Next::Record(_) => {}
                Next::End(ending) => {
                    return Err(Failure::red(format!(
                        "{ending} without FCGI_GET_VALUES_RESULT"
                    )));
                }
                Next::Nothing => {
                    return Err(Failure::red("sent no FCGI_GET_VALUES_RESULT in time"));
                }
            }
        }
    }

    /// Whether the application says that it multiplexes, if it says anything.
    pub(crate) fn multiplexes(&self) -> Option<bool> {
        *self.multiplexes.get_or_init(|| {
            let values = self.values(&["FCGI_MPXS_CONNS"]).ok()?;
            let (_, value) = values.iter().find(|(name, _)| name == "FCGI_MPXS_CONNS")?;
            match value.as_str() {
                "0" => Some(false),
                "1" => Some(true),
                _ => None,
            }
        })
    }

    /// For cases about requests that run at the same time on one connection.
    pub(crate) fn needs_multiplexing(&self) -> Result<(), Failure> {
        match self.multiplexes() {
            Some(true) => Ok(()),
            Some(false) => Err(Failure::not_offered("FCGI_MPXS_CONNS is 0")),
            None => Err(Failure::not_offered("it does not say FCGI_MPXS_CONNS")),
        }
    }

    /// A plain GET is answered within `limit`, which has nothing to do with the time of the case.
    pub(crate) fn is_alive(&self, limit: Duration) -> Result<(), Failure> {
        let log = self.log.replace(Log::default());
        let deadline = self.deadline.replace(Instant::now() + limit);
        let answer = self.ask(&self.plain());
        self.deadline.set(deadline);
        self.log.replace(log);
        let answer = answer?;
        if answer.records.is_empty() {
            Err(Failure::red("closed the connection without a record"))
        } else {
            Ok(())
        }
    }

    /// Starts the program of a spawned application once more, elsewhere. `wrapper` is in front of its command line.
    pub(crate) fn spawn_another(
        &self,
        on: SpawnOn,
        environment: &[(&str, &str)],
        wrapper: &[&str],
    ) -> Result<Another, Failure> {
        let failed = |error| Failure::red(format!("cannot be started: {error}"));
        let program = self.target.program();
        let program = program.ok_or_else(|| Failure::not_offered("it was not spawned"))?;
        let mut program = program.clone();
        if let Some((first, rest)) = wrapper.split_first() {
            let rest = rest.iter().map(|it| (*it).to_owned());
            let file = program.file.to_string_lossy().into_owned();
            program.args = rest.chain([file]).chain(program.args).collect();
            program.file = PathBuf::from(first);
        }
        let folder = Folder::new().map_err(failed)?;
        let (address, stdin) = Target::listen(on, folder.path()).map_err(failed)?;
        let process = Process::start(&program, Some(stdin), environment).map_err(failed)?;
        Ok(Another {
            address,
            process,
            _folder: folder,
        })
    }
}

/// Another process of the same application.
#[derive(Debug)]
pub(crate) struct Another {
    pub(crate) address: Address,
    pub(crate) process: Process,
    _folder: Folder,
}

/// A query for values (specification, 4.1).
pub(crate) fn get_values(names: &[&str]) -> Record {
    let names = names.iter();
    let pairs: Vec<_> = names
        .map(|name| pair(name.as_bytes(), b"", Lengths::Shortest))
        .collect();
    Record::new(GET_VALUES, 0, pairs.concat())
}

/// The same, with a length that is a multiple of eight.
pub(crate) fn padded(names: &[&str]) -> Record {
    let query = get_values(names);
    let length = query.content.len();
    let padding = u8::try_from(length.next_multiple_of(8) - length);
    query.padded(padding.unwrap_or(0))
}

/// The pairs of an answer to it.
pub(crate) fn values(record: &Record) -> Result<Vec<(String, String)>, Failure> {
    let pairs = pairs::decode(&record.content);
    let pairs =
        pairs.ok_or_else(|| Failure::red(format!("sent pairs that do not end: {record}")))?;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let pairs = pairs.into_iter();
    Ok(pairs
        .map(|(name, value)| (text(name), text(value)))
        .collect())
}
