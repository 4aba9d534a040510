//! The application's end of a connection, without I/O.

mod config;
mod error;
mod event;
mod request;

use bytes::{Buf, Bytes, BytesMut};

use self::request::{Gathered, Input, Request};
pub use self::{
    config::Config,
    error::ConnectionError,
    event::{Event, Refusal},
    request::{RequestMut, Truncated},
};
use crate::{
    Outgoing, Params,
    record::{BeginRequest, Decoder, EndRequest, ProtocolStatus, Record, RecordType, RequestId},
    values,
};

/// A FastCGI connection, seen from the application.
///
/// Feed it the bytes that the web server sent with [`poll_event`](Self::poll_event), answer through
/// [`request`](Self::request), and write out what stands in [`outgoing`](Self::outgoing). That is the whole contract:
///
/// > After any call that takes `&mut self`, write out `outgoing()`.
///
/// A connection does no I/O, knows no clock and never blocks. Not calling `poll_event` is how its owner applies
/// back-pressure. End of file is the owner's affair too: drop the connection.
#[derive(Debug)]
pub struct Connection {
    config: Config,
    decoder: Decoder,
    // Invariant: sorted by id; holds only requests not yet ended.
    requests: Vec<Request>,
    outgoing: Outgoing,
    phase: Phase,
    idle: Idle,
    /// Answers of the connection's own since `outgoing` was last empty.
    replies: u32,
}

/// How long the connection goes on.
#[derive(Debug)]
enum Phase {
    Open,
    /// Until the requests in progress have ended; new ones are refused.
    LastRequests,
    Failed(ConnectionError),
}

impl Phase {
    fn end_with_the_last_request(&mut self) {
        if let Self::Open = self {
            *self = Self::LastRequests;
        }
    }
}

/// What has arrived since the last event and was of no use.
#[derive(Debug, Default)]
struct Idle {
    /// Empty records and management records.
    empty_records: u32,
    /// Bytes for requests that are over.
    ignored: u64,
}

/// Records in a row that carry nothing. No web server sends more than two.
const MAX_EMPTY_RECORDS: u32 = 1000;

/// Answers of the connection's own that may wait to be written. Each is caused by a few bytes of input, so a web server
/// that asks and does not read must not go on for ever.
const MAX_REPLIES: u32 = 100;

impl Connection {
    /// A connection on which nothing has arrived.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            decoder: Decoder::new(),
            requests: Vec::new(),
            outgoing: Outgoing::default(),
            phase: Phase::Open,
            idle: Idle::default(),
            replies: 0,
        }
    }

    /// Consumes records from the front of `input` until one of them is an event.
    ///
    /// `Ok(None)` asks for more bytes. `input` then holds at most one record that is not whole, less than 65 543 bytes.
    ///
    /// # Errors
    ///
    /// When the web server breaks the protocol or a limit. The error is sticky: every later call returns it again.
    pub fn poll_event(&mut self, input: &mut BytesMut) -> Result<Option<Event>, ConnectionError> {
        if let Phase::Failed(error) = &self.phase {
            return Err(error.clone());
        }
        let result = self.next_event(input);
        if let Err(error) = &result {
            self.phase = Phase::Failed(error.clone());
        }
        result
    }

    /// The commands for one request, or `None` once it has ended.
    pub fn request(&mut self, id: RequestId) -> Option<RequestMut<'_>> {
        let index = self.find(id).ok()?;
        Some(RequestMut {
            index,
            requests: &mut self.requests,
            outgoing: &mut self.outgoing,
            phase: &mut self.phase,
        })
    }

    /// The number of requests in progress.
    pub fn requests_in_progress(&self) -> usize {
        self.requests.len()
    }

    /// Bytes for the web server; [`advance`](bytes::Buf::advance) by what was written.
    pub fn outgoing(&mut self) -> &mut Outgoing {
        &mut self.outgoing
    }

    /// The number of bytes in [`outgoing`](Self::outgoing).
    pub fn outgoing_len(&self) -> usize {
        self.outgoing.remaining()
    }

    /// Refuses new requests, and finishes once the present ones have ended.
    pub fn shutdown(&mut self) {
        self.phase.end_with_the_last_request();
    }

    /// Whether to close the connection as soon as [`outgoing`](Self::outgoing) is written.
    ///
    /// It is so after a request without `FCGI_KEEP_CONN`, after one that was
    /// [ended by closing](RequestMut::end_by_closing), after [`shutdown`](Self::shutdown), after an error, and after a
    /// response that was [truncated](Truncated::Connection).
    pub fn is_finished(&self) -> bool {
        match self.phase {
            Phase::Open => false,
            Phase::LastRequests => self.requests.is_empty(),
            Phase::Failed(_) => true,
        }
    }

    fn find(&self, id: RequestId) -> Result<usize, usize> {
        self.requests
            .binary_search_by_key(&id, |request| request.id)
    }

    fn next_event(&mut self, input: &mut BytesMut) -> Result<Option<Event>, ConnectionError> {
        while let Some(record) = self.decoder.decode(input)? {
            let idle = record.content.is_empty() || record.request_id.is_none();
            let event = self.handle_record(record)?;
            match event {
                // The end of a stream may come again and again, which is no progress (B-15).
                Some(Event::StdinEnd { .. } | Event::DataEnd { .. }) | None if idle => {
                    self.idle.empty_records += 1;
                }
                Some(_) => self.idle = Idle::default(),
                None => {}
            }
            if self.idle.empty_records > MAX_EMPTY_RECORDS {
                return Err(ConnectionError::TooManyEmptyRecords);
            }
            if event.is_some() {
                return Ok(event);
            }
        }
        Ok(None)
    }

    fn handle_record(&mut self, record: Record) -> Result<Option<Event>, ConnectionError> {
        let Some(id) = record.request_id else {
            self.handle_management(record.record_type, record.content)?;
            return Ok(None);
        };
        if record.record_type == RecordType::BEGIN_REQUEST {
            return self.begin(id, &record.content);
        }
        // 3.3: an application ignores records of inactive requests.
        let Ok(index) = self.find(id) else {
            return self.ignore(record.content.len());
        };
        match record.record_type {
            RecordType::ABORT_REQUEST => Ok(self.abort(index, id)),
            RecordType::PARAMS => self.params(index, record.content),
            RecordType::STDIN => self.stream(index, record, |id, data| Event::Stdin { id, data }),
            RecordType::DATA => self.stream(index, record, |id, data| Event::Data { id, data }),
            record_type if record_type.is_application() => {
                Err(ConnectionError::UnexpectedRecord(record_type))
            }
            _ => self.ignore(record.content.len()),
        }
    }

    /// 4: management records are answered at once and have no request id.
    fn handle_management(
        &mut self,
        record_type: RecordType,
        content: Bytes,
    ) -> Result<(), ConnectionError> {
        if record_type.is_application() {
            return Err(ConnectionError::MissingRequestId(record_type));
        }
        self.count_reply()?;
        if record_type == RecordType::GET_VALUES {
            let query = Params::parse(content)?;
            let answer = values::answer(&query, &self.config);
            self.outgoing
                .put_record(RecordType::GET_VALUES_RESULT, None, answer.as_bytes());
        } else {
            // 4.2: the type that was not understood, and seven reserved bytes.
            let unknown = [record_type.as_u8(), 0, 0, 0, 0, 0, 0, 0];
            self.outgoing
                .put_record(RecordType::UNKNOWN_TYPE, None, &unknown);
        }
        Ok(())
    }

    fn begin(&mut self, id: RequestId, content: &[u8]) -> Result<Option<Event>, ConnectionError> {
        let Ok(content) = content.try_into() else {
            return Err(ConnectionError::InvalidLength(
                RecordType::BEGIN_REQUEST,
                content.len(),
            ));
        };
        let begin = BeginRequest::parse(content);
        // B-13: an id in use is a protocol error; one that has ended may be used again.
        let Err(index) = self.find(id) else {
            return Err(ConnectionError::DuplicateRequest(id));
        };
        let busy = !self.requests.is_empty();
        if self.refuses_more() || (busy && !self.config.mpxs_conns) {
            self.count_reply()?;
            self.refuse_multiplexing(id);
            return Ok(None);
        }
        let refused = self.requests.len() >= self.config.max_reqs;
        if refused {
            self.count_reply()?;
        }
        let request = Request::new(id, begin.role, begin.flags);
        let keep_conn = request.keep_conn();
        if !keep_conn {
            self.shutdown();
        }
        self.requests.insert(index, request);
        Ok(refused.then_some(Event::Refused {
            id,
            role: begin.role,
            keep_conn,
            params: Params::default(),
            refusal: Refusal::TooManyRequests,
        }))
    }

    fn count_reply(&mut self) -> Result<(), ConnectionError> {
        if !self.outgoing.has_remaining() {
            self.replies = 0;
        }
        self.replies += 1;
        if self.replies > MAX_REPLIES {
            return Err(ConnectionError::TooManyReplies);
        }
        Ok(())
    }

    fn refuses_more(&self) -> bool {
        matches!(self.phase, Phase::LastRequests)
    }

    /// The one refusal without a response: HAProxy tries again on another connection, and nobody else can see it
    /// (R-10a).
    fn refuse_multiplexing(&mut self, id: RequestId) {
        let end = EndRequest {
            app_status: 0,
            protocol_status: ProtocolStatus::CANT_MPX_CONN,
        };
        self.outgoing
            .put_record(RecordType::END_REQUEST, Some(id), &end.to_bytes());
    }

    fn abort(&mut self, index: usize, id: RequestId) -> Option<Event> {
        let request = self.requests.get(index)?;
        if let Input::Streams = request.input {
            return Some(Event::Abort { id });
        }
        // Nobody has heard of this request yet.
        self.request(id)?.end(ABORTED);
        None
    }

    fn params(&mut self, index: usize, content: Bytes) -> Result<Option<Event>, ConnectionError> {
        let Some(request) = self.requests.get_mut(index) else {
            return Ok(None);
        };
        let Input::Params(gathered) = &mut request.input else {
            return Err(ConnectionError::UnexpectedRecord(RecordType::PARAMS));
        };
        if !content.is_empty() {
            gathered.push(content, &self.config);
            return Ok(None);
        }
        let gathered = std::mem::replace(gathered, Gathered::Nothing);
        request.input = Input::Streams;
        let id = request.id;
        let (role, keep_conn) = (request.role, request.keep_conn());
        let (params, refusal) = gathered.finish(&self.config)?;
        Ok(Some(match refusal {
            None => Event::Request {
                id,
                role,
                keep_conn,
                params,
            },
            Some(refusal) => Event::Refused {
                id,
                role,
                keep_conn,
                params,
                refusal,
            },
        }))
    }

    fn stream(
        &self,
        index: usize,
        record: Record,
        event: fn(RequestId, Bytes) -> Event,
    ) -> Result<Option<Event>, ConnectionError> {
        let Some(request) = self.requests.get(index) else {
            return Ok(None);
        };
        if let Input::Params(_) = request.input {
            return Err(ConnectionError::UnexpectedRecord(record.record_type));
        }
        let id = request.id;
        Ok(Some(match record.content {
            content if !content.is_empty() => event(id, content),
            _ if record.record_type == RecordType::DATA => Event::DataEnd { id },
            _ => Event::StdinEnd { id },
        }))
    }

    fn ignore(&mut self, length: usize) -> Result<Option<Event>, ConnectionError> {
        self.idle.ignored = self.idle.ignored.saturating_add(length as u64);
        if self.idle.ignored > self.config.max_ignored {
            return Err(ConnectionError::TooMuchIgnored);
        }
        Ok(None)
    }
}

/// How a request ends that the web server gave up (B-11).
const ABORTED: EndRequest = EndRequest {
    app_status: 1,
    protocol_status: ProtocolStatus::REQUEST_COMPLETE,
};
