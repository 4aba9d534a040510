//! What an owner knows of its requests, and what it relies on when more is reported.

use std::collections::BTreeMap;

use fastcgi_core::{Event, NewRequest, RequestKey, StreamEnd, record::Role};

/// The requests that were reported to the owner and that it has not ended.
#[derive(Default)]
pub(super) struct Ledger {
    requests: BTreeMap<RequestKey, Told>,
    /// How many there have been.
    count: u32,
}

/// One of them.
pub(super) struct Told {
    pub(super) request: NewRequest,
    /// Which of all requests it is.
    pub(super) number: u32,
    stdin: Stream,
    data: Stream,
    has_surplus: bool,
    /// What its response is to be: head and body.
    pub(super) response: Vec<u8>,
}

struct Stream {
    announced: Option<u64>,
    received: u64,
    has_ended: bool,
}

impl Stream {
    fn new(announced: Option<u64>) -> Self {
        Self {
            announced,
            received: 0,
            has_ended: false,
        }
    }

    fn push(&mut self, data: &[u8]) {
        assert!(!data.is_empty() && !self.has_ended);
        self.received += data.len() as u64;
        let announced = self.announced.unwrap_or(u64::MAX);
        assert!(self.received <= announced, "never more than announced");
    }

    fn end(&mut self, end: StreamEnd) {
        assert!(!self.has_ended, "the end comes once");
        self.has_ended = true;
        if let Some(announced) = self.announced {
            let is_complete = end == StreamEnd::Complete;
            assert_eq!(self.received == announced, is_complete);
        }
    }
}

impl Ledger {
    pub(super) fn take(&mut self, event: &Event, max_reqs: usize) {
        match event {
            Event::Request(request) => self.begin(request, max_reqs),
            Event::Stdin { key, data } => self.told(*key).stdin.push(data),
            Event::StdinEnd { key, end } => self.told(*key).stdin.end(*end),
            Event::Data { key, data } => self.filter(*key).data.push(data),
            Event::DataEnd { key, end } => self.filter(*key).data.end(*end),
            Event::Surplus { key } => {
                let told = self.told(*key);
                assert!(!told.has_surplus, "once a request");
                told.has_surplus = true;
            }
            Event::Aborted { key } => {
                self.requests.remove(key).expect("a request in progress");
            }
            Event::Quiet => assert!(self.requests.is_empty()),
            _ => {}
        }
    }

    fn begin(&mut self, request: &NewRequest, max_reqs: usize) {
        assert!(request.key.index() < max_reqs);
        self.count += 1;
        let told = Told {
            number: self.count,
            stdin: Stream::new(request.length),
            data: Stream::new(request.data_length),
            has_surplus: false,
            response: Vec::new(),
            request: request.clone(),
        };
        let before = self.requests.insert(request.key, told);
        assert!(before.is_none(), "a key is that of one request");
        let ids = self.requests.values().map(|told| told.request.id);
        assert_eq!(ids.filter(|id| *id == request.id).count(), 1);
    }

    fn told(&mut self, key: RequestKey) -> &mut Told {
        self.requests.get_mut(&key).expect("a request in progress")
    }

    fn filter(&mut self, key: RequestKey) -> &mut Told {
        let told = self.told(key);
        assert_eq!(told.request.role, Role::FILTER);
        told
    }

    pub(super) fn keys(&self) -> Vec<RequestKey> {
        self.requests.keys().copied().collect()
    }

    pub(super) fn get_mut(&mut self, key: RequestKey) -> Option<&mut Told> {
        self.requests.get_mut(&key)
    }

    pub(super) fn remove(&mut self, key: RequestKey) -> Option<Told> {
        self.requests.remove(&key)
    }
}
