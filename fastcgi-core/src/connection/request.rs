//! One request in progress.
//!
//! Its two halves know nothing of each other:
//!
//! ```text
//!  input                                              output
//!  ┌────────┐ PARAMS ""    ┌─────────┐                ┌──────┐ end      ┌───────┐
//!  │ Params │────────────▶ │ Streams │ ─┐ Stdin,      │ Open │────────▶ │ Ended │
//!  └────────┘ Request or   └─────────┘ ◀┘ Data, Abort └──────┘ truncate └───────┘
//!       │     Refused
//!       │ ABORT_REQUEST: ended by the connection      The slot is freed at Ended. Records for an id without
//!       ▼                                             a slot are ignored (3.3).
//! ```

use bytes::{Bytes, BytesMut};

use super::{Config, ConnectionError, Phase, Refusal};
use crate::{
    Outgoing, Params,
    params::ParamsError,
    record::{EndRequest, Flags, RecordType, RequestId, Role},
};

/// A request in progress, from its `FCGI_BEGIN_REQUEST` to its `FCGI_END_REQUEST`.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) id: RequestId,
    pub(super) role: Role,
    pub(super) flags: Flags,
    pub(super) input: Input,
    /// Whether `FCGI_STDERR` has been written to, and so has to be ended.
    stderr: bool,
}

impl Request {
    pub(super) fn new(id: RequestId, role: Role, flags: Flags) -> Self {
        Self {
            id,
            role,
            flags,
            input: Input::Params(Gathered::Nothing),
            stderr: false,
        }
    }

    pub(super) fn keep_conn(&self) -> bool {
        self.flags.contains(Flags::KEEP_CONN)
    }

    fn end_streams(&self, outgoing: &mut Outgoing) {
        outgoing.put_stream_end(RecordType::STDOUT, self.id);
        if self.stderr {
            outgoing.put_stream_end(RecordType::STDERR, self.id);
        }
    }
}

/// What the web server may still send.
#[derive(Debug)]
pub(super) enum Input {
    /// `FCGI_PARAMS`.
    Params(Gathered),
    /// `FCGI_STDIN` and `FCGI_DATA`.
    Streams,
}

/// The contents of `FCGI_PARAMS` so far.
#[derive(Debug)]
pub(super) enum Gathered {
    Nothing,
    /// As it arrived: nearly every request has its params in one record.
    One(Bytes),
    /// A pair may cross records, so they are joined before they are read.
    Joined(BytesMut),
    /// Over the limit: as much as is within. The rest is read and forgotten up to the end.
    TooLarge(Bytes),
}

impl Gathered {
    pub(super) fn push(&mut self, mut content: Bytes, config: &Config) {
        let room = config.max_params_size.saturating_sub(self.len());
        let fits = content.len() <= room;
        content.truncate(room);
        *self = match std::mem::replace(self, Self::Nothing) {
            Self::Nothing => Self::One(content),
            Self::One(first) => {
                let mut joined = BytesMut::with_capacity(first.len() + content.len());
                joined.extend_from_slice(&first);
                joined.extend_from_slice(&content);
                Self::Joined(joined)
            }
            Self::Joined(mut joined) => {
                joined.extend_from_slice(&content);
                Self::Joined(joined)
            }
            Self::TooLarge(block) => Self::TooLarge(block),
        };
        if !fits {
            *self = Self::TooLarge(std::mem::replace(self, Self::Nothing).into_block());
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::One(block) | Self::TooLarge(block) => block.len(),
            Self::Joined(joined) => joined.len(),
        }
    }

    fn into_block(self) -> Bytes {
        match self {
            Self::Nothing => Bytes::new(),
            Self::One(block) | Self::TooLarge(block) => block,
            Self::Joined(joined) => joined.freeze(),
        }
    }

    /// The params, and whether they are only the first of too many.
    pub(super) fn finish(
        self,
        config: &Config,
    ) -> Result<(Params, Option<Refusal>), ConnectionError> {
        if let Self::TooLarge(start) = self {
            return Ok((Params::parse_start(start), Some(Refusal::ParamsTooLarge)));
        }
        let block = self.into_block();
        match Params::parse_limited(block, config.max_params, config.max_param_name) {
            Ok(params) => Ok((params, None)),
            Err(ParamsError::TooLarge(params)) => Ok((params, Some(Refusal::ParamsTooLarge))),
            Err(ParamsError::Invalid(error)) => Err(error.into()),
        }
    }
}

/// The commands for one request in progress.
#[derive(Debug)]
pub struct RequestMut<'a> {
    pub(super) index: usize,
    pub(super) requests: &'a mut Vec<Request>,
    pub(super) outgoing: &'a mut Outgoing,
    pub(super) phase: &'a mut Phase,
}

impl RequestMut<'_> {
    /// Part of the response. Nothing is sent for an empty `data`, which would be the end.
    pub fn stdout(&mut self, data: Bytes) {
        if let Some(request) = self.requests.get(self.index) {
            self.outgoing
                .put_stream(RecordType::STDOUT, request.id, data);
        }
    }

    /// As [`stdout`](Self::stdout), for bytes that are to be copied, at most 65 535 of them in a record.
    pub fn stdout_slice(&mut self, data: &[u8]) {
        if let Some(request) = self.requests.get(self.index) {
            for piece in data.chunks(crate::record::MAX_ALIGNED_CONTENT) {
                self.outgoing
                    .put_record(RecordType::STDOUT, Some(request.id), piece);
            }
        }
    }

    /// A message for the web server's log.
    ///
    /// Only after the head of the response: nginx counts what comes before against the buffer for the head (R-16).
    pub fn stderr(&mut self, data: Bytes) {
        if let Some(request) = self.requests.get_mut(self.index) {
            request.stderr |= !data.is_empty();
            self.outgoing
                .put_stream(RecordType::STDERR, request.id, data);
        }
    }

    /// Ends the streams that were used and the request (R-11). By value: nothing can follow.
    pub fn end(self, end: EndRequest) {
        let request = self.requests.remove(self.index);
        request.end_streams(self.outgoing);
        self.outgoing
            .put_record(RecordType::END_REQUEST, Some(request.id), &end.to_bytes());
    }

    /// Ends the streams that were used, and the request with a connection that the web server would keep:
    /// `FCGI_END_REQUEST` is left out (B-9).
    ///
    /// When other requests are in progress on the connection, they are worth more: then this one is ended as ever. So is
    /// one without `FCGI_KEEP_CONN`.
    pub fn end_by_closing(self, end: EndRequest) {
        if self.requests.len() > 1 || !self.requests.iter().all(Request::keep_conn) {
            return self.end(end);
        }
        let request = self.requests.remove(self.index);
        request.end_streams(self.outgoing);
        self.phase.end_with_the_last_request();
    }

    /// Gives the request up in the middle of its response, so that the web server sees that something is missing
    /// (R-10).
    ///
    /// A record is begun that no web server can take for one, and not finished; after that nothing can be sent on this
    /// connection. When other requests are in progress on it, they are worth more: then the request is ended with an
    /// `app_status` of 1.
    pub fn truncate(self) -> Truncated {
        if self.requests.len() > 1 {
            self.end(EndRequest {
                app_status: 1,
                ..EndRequest::COMPLETE
            });
            return Truncated::Request;
        }
        let request = self.requests.remove(self.index);
        self.phase.end_with_the_last_request();
        self.outgoing.put_broken(request.id);
        Truncated::Connection
    }
}

/// What [`RequestMut::truncate`] had to give up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Truncated {
    /// The request alone.
    Request,
    /// The connection: close it as soon as the outgoing bytes are written, on TCP with a reset.
    Connection,
}
