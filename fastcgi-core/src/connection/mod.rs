//! The application's end of a connection, without I/O and without a clock.
//!
//! [`Connection`] is a thin router over requests: the one place that knows about multiplexing. What a request is sent and
//! sends is in `input` and `output`, how the connection lives and ends in `closing`, whether to read in `pressure`, and
//! until when things are awaited in `deadlines`.

mod budget;
mod closing;
mod commands;
mod deadlines;
mod error;
mod event;
mod input;
mod limits;
mod output;
mod pressure;
mod request;
mod requests;
mod time;
mod waste;

use std::{collections::VecDeque, fmt, time::Instant};

use bytes::{Buf, Bytes, BytesMut};
use http::StatusCode;

use self::{
    budget::Budget,
    closing::Closing,
    commands::ABORTED,
    deadlines::Deadlines,
    input::{Gathered, Taken},
    pressure::{Load, Pressure},
    request::{Gathering, Request},
    requests::Requests,
    waste::Waste,
};
pub use self::{
    closing::Life,
    commands::{Ending, RequestMut, TooLong},
    error::{Awaited, ConnectionError},
    event::{Event, NewRequest, Refusal, StreamEnd},
    limits::{Config, Limits, Timeouts},
    request::RequestKey,
};
use crate::{
    outgoing::Outgoing,
    params::Params,
    record::{
        BeginRequest, Decoder, EndRequest, ProtocolStatus, Record, RecordType, RequestId, Role,
    },
    values,
};

/// A FastCGI connection, seen from the application.
///
/// It does no I/O, reads no clock and never blocks. Its owner
///
/// - reads as long as the connection [wants input](Self::wants_input), and says when nothing more can come
///   ([`end_of_file`](Self::end_of_file));
/// - takes events with [`next_event`](Self::next_event) until there are none, after each read and each other call that changes
///   something: a deadline, a failure and a departure have events, too;
/// - answers requests through [`request`](Self::request), as long as the connection [wants output](Self::wants_output);
/// - writes out what is in [`outgoing`](Self::outgoing) after any call that takes `&mut self`, and says
///   [when something was written](Self::written);
/// - asks for the [`deadline`](Self::deadline) whenever it has nothing more to do, and calls
///   [`handle_deadline`](Self::handle_deadline) when that has come;
/// - and does what [`life`](Self::life) says: it serves, drains, closes or resets the connection.
///
/// The example `blocking.rs` does all this with a socket of the standard library.
///
/// Times are the owner's: each `now` is at least as late as the one before.
///
/// `Debug` prints how far the connection and its requests have come, and nothing of what they carry.
pub struct Connection {
    config: Config,
    decoder: Decoder,
    requests: Requests,
    outgoing: Outgoing,
    /// Events that have happened and not been taken.
    events: VecDeque<Event>,
    /// Why the connection fails when they are taken: a record can be of use and break a limit behind that.
    failure: Option<ConnectionError>,
    closing: Closing,
    waste: Waste,
    pressure: Pressure,
    deadlines: Deadlines,
    budget: Budget,
    /// Bytes of a record that is not whole, left in the owner's buffer.
    partial: usize,
}

impl Connection {
    /// A connection on which nothing has arrived.
    pub fn new(config: Config) -> Self {
        Self {
            config,
            decoder: Decoder::new(),
            requests: Requests::default(),
            outgoing: Outgoing::default(),
            events: VecDeque::new(),
            failure: None,
            closing: Closing::new(),
            waste: Waste::default(),
            pressure: Pressure::default(),
            deadlines: Deadlines::default(),
            budget: Budget::default(),
            partial: 0,
        }
    }

    /// Consumes records from the front of `input` until there is an event.
    ///
    /// `None` asks for more bytes. `input` then holds at most one record that is not whole, less than 65 543 bytes; except
    /// while more than 16 KiB of the connection's own answers wait to be written (B-15): then nothing is consumed until they
    /// are, and no input [is wanted](Self::wants_input). When what arrives is of no use any more, everything is consumed. A failure is not an event: see [`life`](Self::life) and
    /// [`error`](Self::error).
    pub fn next_event(&mut self, now: Instant, input: &mut BytesMut) -> Option<Event> {
        let event = self.consume(now, input);
        self.partial = input.len();
        event
    }

    fn consume(&mut self, now: Instant, input: &mut BytesMut) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if !self.takes_records() {
                self.failure = None;
                self.closing.discard(input.len());
                input.clear();
                return None;
            }
            if let Some(error) = self.failure.take() {
                self.fail(error);
                continue;
            }
            if self.waste.owes_too_much(&self.outgoing) {
                return None;
            }
            self.failure = match self.decoder.decode(input) {
                Ok(record) => self.take_record(now, record?).err(),
                Err(error) => Some(error.into()),
            };
            self.deadlines.took_record();
        }
    }

    /// Whether what arrives is looked at: behind the last request it is of no use.
    fn takes_records(&self) -> bool {
        match self.closing.life() {
            Life::Open | Life::FirstIsLast => true,
            Life::LastRequests => !self.requests.is_empty(),
            Life::Draining | Life::Closed | Life::Reset => false,
        }
    }

    /// The web server has closed its side, and everything that it sent was handed over.
    ///
    /// No web server closes only its side, so nobody waits for a response any more (B-11), unless
    /// [`Config::allow_half_close`] says otherwise.
    pub fn end_of_file(&mut self) {
        let is_receiving = self
            .requests
            .iter()
            .any(|(_, request)| request.is_receiving());
        if !self.config.allow_half_close || is_receiving {
            self.abort_all();
        }
        self.closing.end_of_file();
        self.settle();
    }

    /// The connection is gone: nothing more can be read or written.
    pub fn lost(&mut self) {
        self.abort_all();
        self.closing.end_of_file();
        self.closing.give_up();
    }

    /// The commands for one request, or `None` once it has ended.
    pub fn request(&mut self, key: RequestKey) -> Option<RequestMut<'_>> {
        // An old key may be that of a request that the application does not know yet.
        self.requests.get(key).filter(|it| it.is_handed_out)?;
        Some(RequestMut::new(self, key))
    }

    /// The number of requests in progress.
    pub fn requests_in_progress(&self) -> usize {
        self.requests.len()
    }

    /// Bytes for the web server; [`advance`](bytes::Buf::advance) by what was written.
    pub fn outgoing(&mut self) -> &mut Outgoing {
        &mut self.outgoing
    }

    /// Something of [`outgoing`](Self::outgoing) was written.
    pub fn written(&mut self) {
        self.deadlines.was_written();
        self.pressure.is_stalled = false;
        self.settle();
    }

    /// Our side of the connection is closed, as [`Life::Draining`] asks for. `leftover` is how much has arrived that was
    /// not handed over.
    pub fn write_side_closed(&mut self, leftover: usize) {
        self.closing
            .shut_down_write(self.decoder.awaited().saturating_add(leftover));
    }

    /// Sets how many bytes of a request's body wait to be read, with what it costs to keep them.
    pub fn set_held(&mut self, key: RequestKey, bytes: usize) {
        let request = self.requests.get_mut(key);
        if let Some(request) = request.filter(|it| it.is_handed_out) {
            request.held = bytes;
        }
    }

    /// Whether to read from the socket. It may be so again after anything that happens.
    pub fn wants_input(&self) -> bool {
        self.may_read()
            && (self.closing.life() == Life::Draining
                || (self.has_input_room() && self.wants_records()))
    }

    fn wants_records(&self) -> bool {
        !self.waste.owes_too_much(&self.outgoing)
            && self.pressure.wants_input(self.load(), &self.config.limits)
    }

    /// Whether more may arrive, and is not left alone for good.
    fn may_read(&self) -> bool {
        let is_over = matches!(self.closing.life(), Life::Closed | Life::Reset);
        !is_over && !self.closing.is_at_eof() && !self.closing.is_broken_by_web_server()
    }

    /// Whether there is room for more of a response.
    pub fn wants_output(&self) -> bool {
        self.outgoing.remaining() < self.budget.output
    }

    /// Lets the requests in progress finish, and ends then. A connection that has not brought its first request yet gets
    /// 250 ms for it.
    pub fn shutdown(&mut self) {
        self.closing.shut_down();
        self.settle();
    }

    /// How far the connection has come, and so what its owner has to do.
    pub fn life(&self) -> Life {
        self.closing.life()
    }

    /// Why the connection ends, when it is not the web server's wish.
    pub fn error(&self) -> Option<&ConnectionError> {
        self.closing.error()
    }

    fn load(&self) -> Load {
        let mut held = 0_usize;
        let mut is_receiving = false;
        for (_, request) in self.requests.iter().filter(|(_, it)| it.is_handed_out) {
            // The owner may count as it likes.
            held = held.saturating_add(request.held);
            is_receiving |= request.is_receiving();
        }
        Load {
            held,
            unwritten: self.outgoing.remaining(),
            requests: self.requests.len(),
            may_send_body: is_receiving || self.closing.has_unread_body(),
        }
    }

    /// The connection cannot go on. What is outgoing may still be written.
    fn fail(&mut self, error: ConnectionError) {
        self.abort_all();
        self.closing.fail(error);
        self.settle();
    }

    /// Nobody waits for any response any more.
    fn abort_all(&mut self) {
        for (key, request) in self.requests.drain() {
            if request.is_handed_out {
                self.events.push_back(Event::Aborted { key });
            }
        }
    }

    /// Goes on in life, once the last request has ended and all is written.
    fn settle(&mut self) {
        if self.requests.is_empty() && !self.outgoing.has_remaining() {
            self.closing.finish();
        }
    }

    /// Gives a record to the request that it belongs to.
    fn take_record(&mut self, now: Instant, record: Record) -> Result<(), ConnectionError> {
        let Record {
            record_type,
            request_id,
            content,
        } = record;
        let Some(id) = request_id else {
            return self.take_management(record_type, content);
        };
        if record_type == RecordType::BEGIN_REQUEST {
            return self.begin(now, id, &content);
        }
        // 3.3: an application ignores records of inactive requests.
        let Some(key) = self.requests.find(id) else {
            return self.ignore(content.len());
        };
        match record_type {
            RecordType::ABORT_REQUEST => {
                self.abort(key);
                Ok(())
            }
            RecordType::PARAMS => self.take_params(now, key, content),
            RecordType::STDIN | RecordType::DATA => {
                self.take_stream(now, key, record_type, content)
            }
            unexpected if unexpected.is_application() => {
                Err(ConnectionError::UnexpectedRecord(unexpected))
            }
            _ => self.ignore(content.len()),
        }
    }

    /// 4: management records are answered at once and have no request id.
    fn take_management(
        &mut self,
        record_type: RecordType,
        content: Bytes,
    ) -> Result<(), ConnectionError> {
        if record_type.is_application() {
            return Err(ConnectionError::MissingRequestId(record_type));
        }
        let start = self.outgoing.end();
        if record_type == RecordType::GET_VALUES {
            let query = Params::parse(content)?;
            let answer = values::answer(&query, &self.config.limits);
            self.outgoing
                .put_record(RecordType::GET_VALUES_RESULT, None, answer.as_bytes());
        } else {
            // 4.2: the type that was not understood, and seven reserved bytes.
            let unknown = [record_type.as_u8(), 0, 0, 0, 0, 0, 0, 0];
            self.outgoing
                .put_record(RecordType::UNKNOWN_TYPE, None, &unknown);
        }
        self.waste.owe(start, &self.outgoing);
        Ok(())
    }

    fn begin(
        &mut self,
        now: Instant,
        id: RequestId,
        content: &[u8],
    ) -> Result<(), ConnectionError> {
        let Ok(content) = content.try_into() else {
            return Err(ConnectionError::InvalidLength(
                RecordType::BEGIN_REQUEST,
                content.len(),
            ));
        };
        // B-13: an id in use is a protocol error; one that has ended may be used again.
        if self.requests.find(id).is_some() {
            return Err(ConnectionError::DuplicateRequest(id));
        }
        let begin = BeginRequest::parse(content);
        let is_alone = self.requests.is_empty();
        let takes_it = matches!(self.closing.life(), Life::Open | Life::FirstIsLast);
        if !takes_it || !(is_alone || self.config.limits.mpxs_conns) {
            self.refuse_multiplexing(id);
            return Ok(());
        }
        let is_too_many = self.requests.len() >= self.config.limits.max_reqs;
        let since = self.deadlines.begin_request(now);
        let request = Request::new(id, &begin, since);
        self.closing.begin_request(request.keep_conn, is_alone);
        let key = self.requests.insert(request);
        if is_too_many {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            self.turn_away(key, Refusal::TooManyRequests, status);
        }
        Ok(())
    }

    /// The one refusal without a response (R-10a).
    fn refuse_multiplexing(&mut self, id: RequestId) {
        let start = self.outgoing.end();
        let end = EndRequest {
            app_status: 0,
            protocol_status: ProtocolStatus::CANT_MPX_CONN,
        };
        self.outgoing
            .put_record(RecordType::END_REQUEST, Some(id), &end.to_bytes());
        self.waste.owe(start, &self.outgoing);
        self.closing.refuse_request();
        let refusal = Refusal::Multiplexed;
        self.events.push_back(Event::Refused { id, refusal });
    }

    /// R-10a: refuses a request that the application does not know of.
    fn turn_away(&mut self, key: RequestKey, refusal: Refusal, status: StatusCode) {
        let start = self.outgoing.end();
        if let Some(request) = self.requests.get(key) {
            let id = request.id;
            self.events.push_back(Event::Refused { id, refusal });
        }
        let end = EndRequest {
            app_status: 0,
            protocol_status: match refusal {
                Refusal::Role(_) => ProtocolStatus::UNKNOWN_ROLE,
                _ => ProtocolStatus::REQUEST_COMPLETE,
            },
        };
        self.refuse(key, status, end);
        self.waste.owe(start, &self.outgoing);
    }

    /// B-11: nobody waits for the response, and the request is ended once.
    fn abort(&mut self, key: RequestKey) {
        let start = self.outgoing.end();
        let Some(request) = self.requests.get_mut(key) else {
            return;
        };
        if request.is_handed_out {
            self.events.push_back(Event::Aborted { key });
        }
        request.output.forget();
        self.end_request(key, ABORTED);
        self.waste.owe(start, &self.outgoing);
    }

    fn take_params(
        &mut self,
        now: Instant,
        key: RequestKey,
        content: Bytes,
    ) -> Result<(), ConnectionError> {
        let Some(request) = self.requests.get_mut(key) else {
            return Ok(());
        };
        let Gathering::Arriving(gathered) = &mut request.params else {
            return Err(ConnectionError::UnexpectedRecord(RecordType::PARAMS));
        };
        if !content.is_empty() {
            gathered.push(content, &self.config.limits);
            return Ok(());
        }
        let gathered = std::mem::replace(gathered, Gathered::Nothing);
        let (params, refusal) = gathered.finish(&self.config.limits)?;
        request.set_params(params, refusal.is_some(), now);
        let is_served = match request.role {
            Role::RESPONDER => true,
            Role::AUTHORIZER => self.config.authorizer,
            Role::FILTER => self.config.filter,
            _ => false,
        };
        if let Some(refusal) = refusal {
            self.turn_away(key, refusal, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
            return Ok(());
        }
        if !is_served {
            // B-13: fail closed. An authorizing web server takes a bare END_REQUEST for a yes.
            let role = request.role;
            self.turn_away(key, Refusal::Role(role), StatusCode::FORBIDDEN);
            return Ok(());
        }
        self.hand_out(key, false);
        Ok(())
    }

    /// Hands a request out, if enough of it is known (B-5, B-6), or if more of it is here already.
    fn hand_out(&mut self, key: RequestKey, has_data: bool) {
        let Some(request) = self.requests.get_mut(key) else {
            return;
        };
        if request.is_handed_out || !(has_data || request.stdin.is_ready()) {
            return;
        }
        let Gathering::Here { params, .. } = &request.params else {
            return;
        };
        request.is_handed_out = true;
        self.events.push_back(Event::Request(NewRequest {
            key,
            id: request.id,
            role: request.role,
            keep_conn: request.keep_conn,
            params: params.clone(),
            length: request.stdin.length(),
            data_length: request.data.length(),
        }));
        // What ended before the application could be told.
        if let Some(end) = request.stdin.end_without_data() {
            self.events.push_back(Event::StdinEnd { key, end });
        }
        if let (Role::FILTER, Some(end)) = (request.role, request.data.end_without_data()) {
            self.events.push_back(Event::DataEnd { key, end });
        }
        self.waste.begin_request();
    }

    fn take_stream(
        &mut self,
        now: Instant,
        key: RequestKey,
        record_type: RecordType,
        content: Bytes,
    ) -> Result<(), ConnectionError> {
        let Some(request) = self.requests.get_mut(key) else {
            return Ok(());
        };
        if request.params().is_none() {
            return Err(ConnectionError::UnexpectedRecord(record_type));
        }
        let is_stdin = record_type == RecordType::STDIN;
        let is_empty = content.is_empty();
        let stream = match is_stdin {
            true => &mut request.stdin,
            false if request.role == Role::FILTER => &mut request.data,
            // B-13: a file is for a Filter.
            false => return self.ignore(content.len()),
        };
        let Taken { data, surplus, end } = match is_empty {
            true => Taken {
                end: stream.push_end(now),
                ..Taken::default()
            },
            false => stream.push(content),
        };
        let was_handed_out = request.is_handed_out;
        if !data.is_empty() {
            request.silence.restart();
        }
        self.hand_out(key, !data.is_empty());
        if is_empty {
            self.waste.empty_record()?;
        }
        if !data.is_empty() {
            self.waste.progress();
            self.events.push_back(match is_stdin {
                true => Event::Stdin { key, data },
                false => Event::Data { key, data },
            });
        }
        // Of an end before any data, the application is told when the request is handed out.
        if let (Some(end), true) = (end, was_handed_out || !is_empty) {
            self.events.push_back(match is_stdin {
                true => Event::StdinEnd { key, end },
                false => Event::DataEnd { key, end },
            });
        }
        self.discard_surplus(key, surplus)
    }

    /// B-3: what follows the announced bytes is no part of the stream.
    fn discard_surplus(&mut self, key: RequestKey, length: usize) -> Result<(), ConnectionError> {
        if length == 0 {
            return Ok(());
        }
        let request = self.requests.get_mut(key);
        if let Some(request) = request.filter(|it| it.is_handed_out) {
            if !std::mem::replace(&mut request.has_surplus, true) {
                self.events.push_back(Event::Surplus { key });
            }
        }
        self.ignore(length)
    }

    fn ignore(&mut self, length: usize) -> Result<(), ConnectionError> {
        self.waste
            .ignored_record(length, self.config.limits.max_ignored)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("life", &self.closing.life())
            .field("error", &self.closing.error())
            .field("requests", &self.requests)
            .field("unwritten", &self.outgoing.remaining())
            .finish_non_exhaustive()
    }
}
