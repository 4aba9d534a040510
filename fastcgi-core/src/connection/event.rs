//! What the web server told us.

use bytes::Bytes;

use crate::{
    Params,
    record::{RequestId, Role},
};

/// Something the web server said that the application has to know.
///
/// Management records, unknown types and records of requests that are over are dealt with inside
/// [`Connection`](crate::Connection) and are no events.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// `FCGI_BEGIN_REQUEST` and the whole of `FCGI_PARAMS`.
    Request {
        /// The new request; it is in progress until it is ended.
        id: RequestId,
        /// What is wanted of us.
        role: Role,
        /// Whether the connection stays open after this request.
        keep_conn: bool,
        /// What the web server knows about the request.
        params: Params,
    },
    /// A request that goes over a limit. It has to be ended, with a response that says so, before
    /// [`poll_event`](crate::Connection::poll_event) is called again.
    Refused {
        /// The request to end.
        id: RequestId,
        /// What was wanted of us.
        role: Role,
        /// Whether the connection stays open after this request.
        keep_conn: bool,
        /// What is known about the request: the params within the limit on their size.
        params: Params,
        /// Why.
        refusal: Refusal,
    },
    /// Part of `FCGI_STDIN`; never empty.
    Stdin {
        /// The request.
        id: RequestId,
        /// A slice of the input.
        data: Bytes,
    },
    /// An empty `FCGI_STDIN` record, the end of the stream.
    ///
    /// It is reported each time it arrives, and data may follow it: mod_fcgid can send one in front of the data (B-1).
    /// Who knows how much was announced ignores an end that comes too early.
    StdinEnd {
        /// The request.
        id: RequestId,
    },
    /// Part of `FCGI_DATA`, for a Filter; never empty.
    Data {
        /// The request.
        id: RequestId,
        /// A slice of the input.
        data: Bytes,
    },
    /// The end of `FCGI_DATA`.
    DataEnd {
        /// The request.
        id: RequestId,
    },
    /// `FCGI_ABORT_REQUEST`: nobody waits for the response. The request still has to be ended.
    Abort {
        /// The request.
        id: RequestId,
    },
}

/// Why a request was refused before it came to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Params over a limit of [`Config`](crate::Config). The HTTP answer is 431.
    ParamsTooLarge,
    /// More than [`Config::max_reqs`](crate::Config::max_reqs) requests in progress. The HTTP answer is 503.
    TooManyRequests,
}
