//! What arrives: each record is given to the request that it belongs to, and events are what comes of it.

use bytes::Bytes;
use http::StatusCode;

use super::{
    Config, Connection, ConnectionError, Event, NewRequest, Refusal, RequestKey,
    commands::ABORTED,
    input::{Gathered, Taken},
    request::{Gathering, Request},
};
use crate::{
    params::Params,
    record::{BeginRequest, EndRequest, ProtocolStatus, Record, RecordType, RequestId, Role},
    values,
};

/// A piece of a stream, when nothing else has happened: an event that needs no queue.
pub(super) struct Piece {
    key: RequestKey,
    is_stdin: bool,
    data: Bytes,
}

impl From<Piece> for Event {
    #[inline]
    fn from(
        Piece {
            key,
            is_stdin,
            data,
        }: Piece,
    ) -> Self {
        if is_stdin {
            Self::Stdin { key, data }
        } else {
            Self::Data { key, data }
        }
    }
}

impl Connection {
    /// Gives a record to the request that it belongs to. Most records are pieces of bodies, and those come back; all else
    /// becomes events in the queue.
    ///
    /// What comes once a request is not inlined here.
    pub(super) fn take_record(&mut self, record: Record) -> Result<Option<Piece>, ConnectionError> {
        let Record {
            record_type,
            request_id,
            content,
        } = record;
        let Some(id) = request_id else {
            self.take_management(record_type, content)?;
            return Ok(None);
        };
        if record_type == RecordType::BEGIN_REQUEST {
            self.begin(id, &content)?;
            return Ok(None);
        }
        // 3.3: an application ignores records of inactive requests.
        let Some(key) = self.requests.find(id) else {
            if record_type == RecordType::STDIN && content.is_empty() {
                self.closing.end_body(id);
            }
            self.ignore(content.len())?;
            return Ok(None);
        };
        match record_type {
            RecordType::STDIN | RecordType::DATA => {
                return self.take_stream(key, record_type, content);
            }
            RecordType::ABORT_REQUEST => self.abort(key),
            RecordType::PARAMS => self.take_params(key, content)?,
            unexpected if unexpected.is_application() => {
                return Err(ConnectionError::UnexpectedRecord(unexpected));
            }
            _ => self.ignore(content.len())?,
        }
        Ok(None)
    }

    /// 4: management records are answered at once and have no request id.
    #[inline(never)]
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
            let Config {
                limits, max_conns, ..
            } = &*self.config;
            let known = [
                (values::MAX_CONNS, *max_conns),
                (values::MAX_REQS, Some(limits.max_reqs)),
                (values::MPXS_CONNS, Some(usize::from(limits.max_reqs > 1))),
            ];
            let answer = values::answer(&query, known);
            self.outgoing
                .put_pairs(RecordType::GET_VALUES_RESULT, &answer)
                .expect("three short pairs fit one record");
        } else {
            // 4.2: the type that was not understood, and seven reserved bytes.
            let unknown = [record_type.as_u8(), 0, 0, 0, 0, 0, 0, 0];
            self.outgoing
                .put_fixed(RecordType::UNKNOWN_TYPE, None, &unknown);
        }
        self.waste.owe(start, &self.outgoing);
        Ok(())
    }

    #[inline(never)]
    fn begin(&mut self, id: RequestId, content: &[u8]) -> Result<(), ConnectionError> {
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
        let takes_it = self.life().takes_requests();
        let max_reqs = self.config.limits.max_reqs;
        let refusal = if !takes_it || (!is_alone && max_reqs == 1) {
            Some(Refusal::Multiplexed)
        } else if self.requests.len() >= max_reqs {
            Some(Refusal::TooManyRequests)
        } else {
            None
        };
        let wait = self.deadlines.begin_request();
        let request = Request::new(id, &begin, wait);
        self.closing.end_body(id);
        self.closing.begin_request(request.keep_conn, is_alone);
        let key = self.requests.insert(request);
        if let Some(refusal) = refusal {
            self.turn_away(key, refusal, StatusCode::SERVICE_UNAVAILABLE);
        }
        Ok(())
    }

    /// R-10a: refuses a request that the application does not know of.
    pub(super) fn turn_away(&mut self, key: RequestKey, refusal: Refusal, status: StatusCode) {
        let start = self.outgoing.end();
        if let Some(request) = self.requests.get(key) {
            let id = request.id;
            self.events.push_back(Event::Refused { id, refusal });
        }
        let end = EndRequest {
            app_status: 0,
            protocol_status: match refusal {
                Refusal::Role(_) => ProtocolStatus::UNKNOWN_ROLE,
                // HAProxy lowers its limit. Without a response it lets the client wait (R-10a).
                Refusal::Multiplexed => ProtocolStatus::CANT_MPX_CONN,
                Refusal::ParamsTooLarge | Refusal::ParamsTooSlow | Refusal::TooManyRequests => {
                    ProtocolStatus::REQUEST_COMPLETE
                }
            },
        };
        self.refuse(key, status, end);
        self.waste.owe(start, &self.outgoing);
    }

    /// B-11: the response is of no use any more, and the request is ended once.
    #[inline(never)]
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

    #[inline(never)]
    fn take_params(&mut self, key: RequestKey, content: Bytes) -> Result<(), ConnectionError> {
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
        let (params, refusal) = gathered.finish()?;
        request.set_params(params, refusal.is_some());
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

    /// Hands a request to the application, if enough of it is known (B-5, B-6), or if some of its body is here.
    #[inline(never)]
    pub(super) fn hand_out(&mut self, key: RequestKey, has_data: bool) {
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
        self.closing.hand_out();
        self.events.push_back(Event::Request(NewRequest {
            key,
            id: request.id,
            role: request.role,
            keep_conn: request.keep_conn,
            params: params.clone(),
            length: request.stdin.length(),
            data_length: request.data.length(),
        }));
        // What ended before the request was handed out.
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
        key: RequestKey,
        record_type: RecordType,
        content: Bytes,
    ) -> Result<Option<Piece>, ConnectionError> {
        let Some(request) = self.requests.get_mut(key) else {
            return Ok(None);
        };
        if request.params().is_none() {
            return Err(ConnectionError::UnexpectedRecord(record_type));
        }
        let is_stdin = record_type == RecordType::STDIN;
        let is_empty = content.is_empty();
        let stream = if is_stdin {
            &mut request.stdin
        } else if request.role == Role::FILTER {
            &mut request.data
        } else {
            // B-13: a file is for a Filter.
            self.ignore(content.len())?;
            return Ok(None);
        };
        let Taken { data, surplus, end } = if is_empty {
            Taken {
                end: stream.push_end(),
                ..Taken::default()
            }
        } else {
            stream.push(content)
        };
        let was_handed_out = request.is_handed_out;
        if !data.is_empty() {
            request.silence.restart();
        }
        if !was_handed_out {
            self.hand_out(key, !data.is_empty());
        }
        if is_empty {
            self.waste.empty_record()?;
        }
        if !data.is_empty() {
            self.waste.progress();
            let piece = Piece {
                key,
                is_stdin,
                data,
            };
            if end.is_none() && surplus == 0 && self.events.is_empty() {
                return Ok(Some(piece));
            }
            self.events.push_back(piece.into());
        }
        // An end before any data is reported when the request is handed out.
        if let Some(end) = end.filter(|_| was_handed_out || !is_empty) {
            self.events.push_back(if is_stdin {
                Event::StdinEnd { key, end }
            } else {
                Event::DataEnd { key, end }
            });
        }
        self.discard_surplus(key, surplus)?;
        Ok(None)
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
