//! The web server's end of a connection, without I/O.

use std::fmt;

use bytes::{Bytes, BytesMut};

use super::{
    event::ClientEvent,
    request::{ClientRequestMut, Request},
};
use crate::{
    connection::ConnectionError,
    outgoing::{Outgoing, PairsTooLong},
    params::Params,
    record::{BeginRequest, Decoder, EndRequest, Record, RecordType, RequestId},
};

/// A FastCGI connection, seen from the web server: the mirror image of [`Connection`](crate::Connection).
///
/// Begin requests with [`begin`](Self::begin), send their streams through [`request`](Self::request), and take what
/// the application answers with [`next_event`](Self::next_event).
///
/// > After any call that takes `&mut self`, write out `outgoing()`.
#[derive(Debug, Default)]
pub struct ClientConnection {
    decoder: Decoder,
    // Invariant: sorted by id; holds only requests that the application has not ended.
    requests: Vec<Request>,
    outgoing: Outgoing,
    /// Whether the application has sent a record.
    has_received: bool,
    failed: Option<ConnectionError>,
}

impl ClientConnection {
    /// A connection on which nothing was sent.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a request, under the lowest id that is free. `None` when all 65 535 are in use.
    ///
    /// Its params have to follow.
    pub fn begin(&mut self, begin: BeginRequest) -> Option<RequestId> {
        let (index, id) = self.free_id()?;
        self.requests.insert(index, Request::new(id));
        self.outgoing
            .put_fixed(RecordType::BEGIN_REQUEST, Some(id), &begin.to_bytes());
        Some(id)
    }

    /// The commands for one request, or `None` once the application has ended it.
    pub fn request(&mut self, id: RequestId) -> Option<ClientRequestMut<'_>> {
        let index = self.find(id).ok()?;
        Some(ClientRequestMut::new(
            self.requests.get_mut(index)?,
            &mut self.outgoing,
        ))
    }

    /// Asks what the application can do (specification, 4.1); see [`values`](crate::values) for the names.
    ///
    /// # Errors
    ///
    /// When the names do not fit one record: 65 535 bytes, with two to five bytes more for each name. Nothing is asked
    /// then.
    pub fn get_values(&mut self, names: &[&str]) -> Result<(), QueryTooLong> {
        let query: Params = names.iter().map(|name| (name, "")).collect();
        self.outgoing
            .put_pairs(RecordType::GET_VALUES, &query)
            .map_err(|PairsTooLong| QueryTooLong(()))
    }

    /// Consumes records from the front of `input` until one of them is an event. `Ok(None)` asks for more bytes.
    ///
    /// # Errors
    ///
    /// When the application breaks the protocol, and when it speaks HTTP ([`ConnectionError::Http`]). The error is sticky.
    pub fn next_event(
        &mut self,
        input: &mut BytesMut,
    ) -> Result<Option<ClientEvent>, ConnectionError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = self.take_event(input);
        if let Err(error) = &result {
            self.failed = Some(error.clone());
        }
        result
    }

    /// Bytes for the application; [`advance`](bytes::Buf::advance) by what was written.
    pub fn outgoing(&mut self) -> &mut Outgoing {
        &mut self.outgoing
    }

    /// The number of requests that the application has not ended.
    pub fn requests_in_progress(&self) -> usize {
        self.requests.len()
    }

    fn find(&self, id: RequestId) -> Result<usize, usize> {
        self.requests
            .binary_search_by_key(&id, |request| request.id)
    }

    fn free_id(&self) -> Option<(usize, RequestId)> {
        let mut candidate = 1;
        for (index, request) in self.requests.iter().enumerate() {
            if request.id.get() != candidate {
                return Some((index, RequestId::new(candidate)?));
            }
            candidate = candidate.checked_add(1)?;
        }
        Some((self.requests.len(), RequestId::new(candidate)?))
    }

    fn take_event(&mut self, input: &mut BytesMut) -> Result<Option<ClientEvent>, ConnectionError> {
        while let Some(record) = self.decode(input)? {
            if let Some(event) = self.handle_record(record)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Record>, ConnectionError> {
        let record = self.decoder.decode(input).map_err(|error| {
            if !self.has_received && input.starts_with(b"HTTP/") {
                return ConnectionError::Http;
            }
            error.into()
        })?;
        self.has_received |= record.is_some();
        Ok(record)
    }

    fn handle_record(&mut self, record: Record) -> Result<Option<ClientEvent>, ConnectionError> {
        let Some(id) = record.request_id else {
            return handle_management(record.record_type, record.content).map(Some);
        };
        let Ok(index) = self.find(id) else {
            return Ok(None);
        };
        match record.record_type {
            RecordType::STDOUT | RecordType::STDERR if record.content.is_empty() => Ok(None),
            RecordType::STDOUT => Ok(Some(ClientEvent::Stdout {
                id,
                data: record.content,
            })),
            RecordType::STDERR => Ok(Some(ClientEvent::Stderr {
                id,
                data: record.content,
            })),
            RecordType::END_REQUEST => {
                let content = &record.content[..];
                let bytes = content.try_into().map_err(|_| {
                    ConnectionError::InvalidLength(RecordType::END_REQUEST, content.len())
                })?;
                self.requests.remove(index);
                Ok(Some(ClientEvent::End {
                    id,
                    end: EndRequest::parse(bytes),
                }))
            }
            unexpected => Err(ConnectionError::UnexpectedRecord(unexpected)),
        }
    }
}

fn handle_management(
    record_type: RecordType,
    content: Bytes,
) -> Result<ClientEvent, ConnectionError> {
    match record_type {
        RecordType::GET_VALUES_RESULT => Ok(ClientEvent::Values(Params::parse(content)?)),
        RecordType::UNKNOWN_TYPE => match content.first() {
            Some(&unknown) => Ok(ClientEvent::UnknownType(RecordType::from(unknown))),
            None => Err(ConnectionError::InvalidLength(record_type, 0)),
        },
        unexpected => Err(ConnectionError::UnexpectedRecord(unexpected)),
    }
}

/// Names that do not fit one `FCGI_GET_VALUES` record, which holds 65 535 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueryTooLong(());

impl fmt::Display for QueryTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("names of more than 65535 bytes, wanted one record")
    }
}

impl std::error::Error for QueryTooLong {}
