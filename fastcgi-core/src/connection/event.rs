//! What the web server said, as far as the application has to know.

use bytes::Bytes;

use super::request::RequestKey;
use crate::{
    params::Params,
    record::{RequestId, Role},
};

/// Something that the application has to know.
///
/// Of a request that its owner has ended there are no more events, and none behind [`Aborted`](Self::Aborted).
///
/// Management records, unknown types, records of requests that are over, and requests that are refused are dealt with
/// inside [`Connection`](crate::Connection).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A request to answer. It is in progress until it is [ended](crate::RequestMut::end) or
    /// [fails](crate::RequestMut::fail), or until [`Aborted`](Self::Aborted).
    Request(NewRequest),
    /// Part of `FCGI_STDIN`, the request body: never empty, and never more than was announced.
    Stdin {
        /// The request.
        key: RequestKey,
        /// A slice of the input.
        data: Bytes,
    },
    /// The end of the request body. It comes once for each request that is still in progress then.
    StdinEnd {
        /// The request.
        key: RequestKey,
        /// Whether all of it has come.
        end: StreamEnd,
    },
    /// Part of `FCGI_DATA`, the file for a Filter; never empty.
    Data {
        /// The request.
        key: RequestKey,
        /// A slice of the input.
        data: Bytes,
    },
    /// The end of the file for a Filter. It comes once for each request of that role that is still in progress then.
    DataEnd {
        /// The request.
        key: RequestKey,
        /// Whether all of it has come.
        end: StreamEnd,
    },
    /// Nobody waits for the response: the web server gave the request up, or the connection is over (B-11). The request
    /// has ended, and its key means nothing any more.
    Aborted {
        /// The request.
        key: RequestKey,
    },
    /// A request was refused, and has been answered (R-10a). For logs.
    Refused {
        /// The id that it had.
        id: RequestId,
        /// Why.
        refusal: Refusal,
    },
    /// More of a stream arrived than was announced; it is discarded (B-3). For logs, once a request.
    Surplus {
        /// The request.
        key: RequestKey,
    },
    /// With a request in progress, the socket has not been read for a second, because of what waits to be read. So it is not
    /// seen whether the web server has left (B-11). An owner whose socket reports that calls
    /// [`lost`](crate::Connection::lost); any other may [read on](crate::Connection::read_on). This event comes once a
    /// second until the socket is read again.
    HeldBack,
    /// There has been no request for a second. Memory that is kept for the next one can be given back: see
    /// [`release`](crate::Connection::release).
    Quiet,
}

impl Event {
    /// The request whose streams this is about.
    pub(super) fn stream(&self) -> Option<RequestKey> {
        match self {
            Self::Stdin { key, .. }
            | Self::StdinEnd { key, .. }
            | Self::Data { key, .. }
            | Self::DataEnd { key, .. }
            | Self::Surplus { key } => Some(*key),
            Self::Request(_)
            | Self::Aborted { .. }
            | Self::Refused { .. }
            | Self::HeldBack
            | Self::Quiet => None,
        }
    }
}

/// A request to answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewRequest {
    /// What to call it by.
    pub key: RequestKey,
    /// The id that the web server gave it.
    pub id: RequestId,
    /// What the web server wants from us.
    pub role: Role,
    /// Whether the web server wants to keep the connection open after this request.
    pub keep_conn: bool,
    /// What the web server knows about the request.
    pub params: Params,
    /// The length of the body, if it is known.
    pub length: Option<u64>,
    /// The length of the file for a Filter, if it is known; 0 for other roles.
    pub data_length: Option<u64>,
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StreamEnd {
    /// All of it has come.
    Complete,
    /// Fewer bytes came than were announced (B-4).
    Incomplete,
}

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// Params over [`Limits::max_params_size`](crate::Limits::max_params_size), more than 1000 of them, or a name of more than
    /// 1024 bytes. The answer is 431.
    ParamsTooLarge,
    /// Params that did not arrive in time, beside other requests. The answer is 408.
    ParamsTooSlow,
    /// More than [`Limits::max_reqs`](crate::Limits::max_reqs) requests in progress, where that is more than 1. The answer is
    /// 503.
    TooManyRequests,
    /// A second request on a connection that takes one at a time, or that ends (B-12). The answer is 503 and
    /// `FCGI_CANT_MPX_CONN`.
    Multiplexed,
    /// A role that is not served (B-13). The answer is 403 and `FCGI_UNKNOWN_ROLE`.
    Role(Role),
}
