//! A connection of the reference server: reads records, and starts a thread for each request.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::BufReader,
    net::Shutdown,
    process::exit,
    sync::{Arc, Mutex, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{
    COUNTERS, Stream, app,
    body::{Body, Request},
    counted, fault, multiplexes,
    output::Output,
    wire::{self, Broken, Pairs, Record},
};

const MAX_PARAMS: usize = 1 << 20;

/// A request whose params are not complete.
pub(crate) struct Begun {
    keep: bool,
    params: Vec<u8>,
    pairs: Pairs,
}

pub(crate) struct Connection {
    pub(crate) output: Arc<Output>,
    pub(crate) begun: BTreeMap<u16, Begun>,
    pub(crate) active: BTreeMap<u16, Arc<Request>>,
    used: BTreeSet<u16>,
    begins: usize,
    pub(crate) queries: usize,
    empty: usize,
    last_begun: u16,
    first_keep: Option<bool>,
    /// Held by a request that runs, in the mutant that runs them one after the other.
    turn: Arc<Mutex<()>>,
}

/// Why no more is read.
pub(crate) struct Close;

pub(crate) fn serve(stream: Stream) {
    let Ok(writer) = stream.try_clone() else {
        return;
    };
    if fault("slow-readers-are-given-up") {
        stream.set_write_timeout(Duration::from_millis(200));
    }
    let mut connection = Connection {
        output: Arc::new(Output::new(writer)),
        begun: BTreeMap::new(),
        active: BTreeMap::new(),
        used: BTreeSet::new(),
        begins: 0,
        queries: 0,
        empty: 0,
        last_begun: 0,
        first_keep: None,
        turn: Arc::default(),
    };
    let mut reader = BufReader::with_capacity(64 << 10, stream);
    let mut is_first = true;
    while let Ok(Some(record)) = wire::read(&mut reader) {
        is_first = false;
        let has_more = !reader.buffer().is_empty();
        if connection.record(record, has_more).is_err() {
            connection.output.close();
            return;
        }
    }
    if is_first && fault("an-empty-connection-ends-the-process") {
        exit(1);
    }
    let is_polled = is_first && COUNTERS.empty.fetch_add(1, Ordering::Relaxed) < 8;
    if is_polled && fault("an-empty-connection-is-polled") {
        let until = Instant::now() + Duration::from_secs(2);
        while Instant::now() < until {}
    }
    connection.end_of_file();
}

impl Connection {
    fn record(&mut self, record: Record, has_more: bool) -> Result<(), Close> {
        let Record {
            kind, id, content, ..
        } = record;
        if record.reserved != 0 && fault("reserved-is-checked") {
            return Err(Close);
        }
        let limit = match kind {
            4 if fault("params-have-32-kib-a-record") => 32 << 10,
            5 if fault("stdin-has-32-kib-a-record") => 32 << 10,
            _ => usize::MAX,
        };
        if content.len() > limit {
            return Err(Close);
        }
        self.forget_ended();
        self.empty = if content.is_empty() {
            self.empty + 1
        } else {
            0
        };
        if self.empty > 10_000 && fault("empty-records-end-the-process") {
            exit(1);
        }
        match (kind, id) {
            (9, 0) => self.get_values(&content)?,
            (_, 0) => self.unknown_type(kind)?,
            (1, _) => self.begin(id, &content)?,
            (2, _) => self.abort(id),
            (4, _) if self.begun.contains_key(&id) => self.params(id, &content, has_more)?,
            (5, _) if self.active.contains_key(&id) => self.stdin(id, &content),
            _ => self.inactive(id, &content)?,
        }
        Ok(())
    }

    /// Requests that their threads have ended.
    fn forget_ended(&mut self) {
        let output = &self.output;
        self.active.retain(|_, request| output.is_active(request));
    }

    fn inactive(&self, id: u16, content: &[u8]) -> Result<(), Close> {
        let name = if self.used.contains(&id) {
            "ended-ids-are-an-error"
        } else {
            "inactive-ids-are-an-error"
        };
        if !content.is_empty() && fault(name) {
            Err(Close)
        } else {
            Ok(())
        }
    }

    fn begin(&mut self, id: u16, content: &[u8]) -> Result<(), Close> {
        let [role_high, role_low, flags, reserved @ ..] = content else {
            return Err(Close);
        };
        self.begins += 1;
        if self.begins > 1000 && fault("1000-begins-end-the-process") {
            exit(1);
        }
        if reserved.len() < 5 {
            if fault("a-short-begin-ends-the-process") {
                exit(1);
            }
            return Err(Close);
        }
        if reserved.iter().any(|it| *it != 0) && fault("reserved-of-begin-is-checked") {
            return Err(Close);
        }
        if self.begins > 40 && fault("40-requests-a-connection") {
            return Err(Close);
        }
        if self.used.contains(&id) && fault("ids-are-used-once") {
            return Ok(());
        }
        if !self.used.is_empty() && !self.used.contains(&id) && fault("one-id-a-connection") {
            return Ok(());
        }
        if self.begun.contains_key(&id) || self.active.contains_key(&id) {
            return Err(Close);
        }
        let mut keep = flags & 1 == 1;
        if fault("keep-is-1-exactly") {
            keep = *flags == 1;
        } else if fault("any-flag-keeps") {
            keep = *flags != 0;
        }
        let first = *self.first_keep.get_or_insert(keep);
        if fault("the-first-flag-counts") {
            keep = first;
        }
        self.used.insert(id);
        self.count_connections(keep);
        let role = u16::from_be_bytes([*role_high, *role_low]);
        if role != 1 && !fault("any-role-is-a-responder") {
            return self.refuse_role(id, role, keep);
        }
        let is_busy = !self.begun.is_empty() || !self.active.is_empty();
        if is_busy && !multiplexes() {
            if fault("a-second-request-breaks-the-first") {
                self.begun.clear();
            }
            if !fault("a-second-request-is-dropped") {
                self.output.end(id, 0, 1);
            }
            return Ok(());
        }
        self.last_begun = id;
        let begun = Begun {
            keep,
            params: Vec::new(),
            pairs: Vec::new(),
        };
        self.begun.insert(id, begun);
        Ok(())
    }

    /// Only Responders are served.
    fn refuse_role(&self, id: u16, role: u16, keep: bool) -> Result<(), Close> {
        let is_silent = match role {
            2 => fault("authorizers-are-not-answered"),
            3 => fault("filters-are-not-answered"),
            _ => false,
        };
        if is_silent {
            return Ok(());
        }
        self.output.end(id, 0, 3);
        let keep = if keep {
            !fault("a-refusal-closes")
        } else {
            fault("a-refusal-keeps")
        };
        self.output.finish(keep);
        Ok(())
    }

    fn params(&mut self, id: u16, content: &[u8], has_more: bool) -> Result<(), Close> {
        let id_of_buffer = if fault("params-are-mixed") {
            self.last_begun
        } else {
            id
        };
        let Some(begun) = self.begun.get_mut(&id_of_buffer) else {
            return Ok(());
        };
        begun.params.extend_from_slice(content);
        if begun.params.len() > 0xffff && fault("params-have-64-kib") {
            return Err(Close);
        }
        if begun.params.len() > 16 << 20 {
            exit(1);
        }
        if begun.params.len() > MAX_PARAMS && !fault("params-have-no-limit") {
            return Err(Close);
        }
        let is_end = content.is_empty();
        if is_end || fault("pairs-end-with-records") {
            let params = std::mem::take(&mut begun.params);
            match wire::pairs(&params) {
                Ok(pairs) => begun.pairs.extend(pairs),
                Err(Broken::FalseLength) if fault("false-lengths-end-the-process") => exit(1),
                Err(Broken::Cut) if fault("cut-pairs-end-the-process") => exit(1),
                Err(_) => return Err(Close),
            }
        }
        if !is_end || (begun.pairs.is_empty() && fault("a-request-has-pairs")) {
            return Ok(());
        }
        let Some(begun) = self.begun.remove(&id_of_buffer) else {
            return Ok(());
        };
        self.start(id_of_buffer, begun, has_more);
        Ok(())
    }

    fn start(&mut self, id: u16, begun: Begun, has_more: bool) {
        let request = Arc::new(Request::new(id, begun.keep, begun.pairs));
        if fault("a-body-comes-at-once") && !has_more {
            request.body.end();
        }
        self.output.activate(&request);
        self.active.insert(id, Arc::clone(&request));
        let is_lost = counted(&COUNTERS.requests, 2);
        let is_lost = is_lost && COUNTERS.requests.load(Ordering::Relaxed) == 2;
        if is_lost && fault("the-second-request-is-lost") {
            self.output.end_of(&request, 0);
            return;
        }
        if fault("a-failure-costs-the-next-request")
            && COUNTERS.failed.swap(false, Ordering::Relaxed)
        {
            self.output.close();
            return;
        }
        let output = Arc::clone(&self.output);
        let turn = Arc::clone(&self.turn);
        thread::spawn(move || {
            let _turn = fault("one-after-the-other").then(|| turn.lock());
            if fault("a-handler-waits-for-the-body") {
                request.body.wait_for_end();
            }
            app::answer(&request, &output);
        });
    }

    fn stdin(&self, id: u16, content: &[u8]) {
        let id = if fault("bodies-are-mixed") {
            self.last_begun
        } else {
            id
        };
        let Some(request) = self.active.get(&id) else {
            return;
        };
        if content.is_empty() {
            request.body.end();
            return;
        }
        let is_lost =
            fault("bodies-are-empty") || (content.len() == 1 && fault("one-byte-is-lost"));
        if !is_lost {
            request.body.push(content, request.content_length());
        }
    }

    fn abort(&mut self, id: u16) {
        if let Some(begun) = self.begun.get(&id) {
            let keep = begun.keep;
            if !fault("no-abort-in-params") {
                self.begun.remove(&id);
                self.end_aborted(id, keep);
            }
            return;
        }
        let Some(request) = self.active.get(&id) else {
            if fault("an-abort-of-nothing-is-answered") {
                self.output.end(id, 1, 0);
            }
            return;
        };
        let name = if request.body.has_ended() {
            "an-abort-waits-for-the-handler"
        } else {
            "no-abort-in-stdin"
        };
        if fault(name) {
            return;
        }
        let keep = request.keep;
        let was_active = self.output.deactivate(request);
        request.body.abort();
        self.active.remove(&id);
        if was_active {
            self.end_aborted(id, keep);
        }
    }

    fn end_aborted(&self, id: u16, keep: bool) {
        let status = if fault("an-abort-is-overloaded") {
            2
        } else {
            0
        };
        self.output.end(id, 1, status);
        let keep = if keep {
            !fault("an-abort-closes")
        } else {
            fault("an-abort-keeps")
        };
        self.output.finish(keep);
    }

    /// The web server has ended its side. Responses still go out.
    fn end_of_file(&mut self) {
        self.forget_ended();
        for request in self.active.values() {
            if fault("a-lost-body-ends-the-process")
                && request.body.is_short(request.content_length())
            {
                exit(1);
            }
            request.body.abort();
        }
        if !self.begun.is_empty()
            && counted(&COUNTERS.half_requests, 60)
            && fault("half-requests-are-kept")
        {
            exit(1);
        }
        if self.active.is_empty() && !fault("connections-are-reset") {
            self.output.shutdown(Shutdown::Both);
        }
    }

    /// For mutants that keep something of each connection.
    fn count_connections(&self, keep: bool) {
        let (counter, other) = if keep {
            (&COUNTERS.kept, &COUNTERS.not_kept)
        } else {
            (&COUNTERS.not_kept, &COUNTERS.kept)
        };
        other.store(0, Ordering::Relaxed);
        if self.begins > 1 {
            return;
        }
        let count = counter.fetch_add(1, Ordering::Relaxed) + 1;
        if (keep && count == 3 && fault("kept-connections-are-not-given-up"))
            || (!keep && count == 400 && fault("400-connections-in-a-row"))
        {
            exit(1);
        }
    }
}

/// A body of a request, as long as `content_length` at most.
impl Request {
    fn content_length(&self) -> Option<usize> {
        let mut lengths = self
            .params
            .iter()
            .filter(|(name, _)| name == b"CONTENT_LENGTH");
        let length = lengths.next_back()?;
        std::str::from_utf8(&length.1).ok()?.parse().ok()
    }
}

impl Body {
    fn is_short(&self, length: Option<usize>) -> bool {
        !self.has_ended() && length.is_some_and(|it| it > 0)
    }
}
