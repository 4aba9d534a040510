//! What the application sends.

use bytes::Bytes;

use crate::{
    params::Params,
    record::{EndRequest, RecordType, RequestId},
};

/// Something the application said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientEvent {
    /// Part of the response; never empty. The end of the stream is no event: [`End`](Self::End) follows it.
    Stdout {
        /// The request.
        id: RequestId,
        /// A slice of the input.
        data: Bytes,
    },
    /// A message for the log; never empty.
    Stderr {
        /// The request.
        id: RequestId,
        /// A slice of the input.
        data: Bytes,
    },
    /// The request is over; its id is free.
    End {
        /// The request.
        id: RequestId,
        /// How it ended.
        end: EndRequest,
    },
    /// The answer to [`ClientConnection::get_values`](super::ClientConnection::get_values).
    Values(Params),
    /// The application does not know a management record of this type.
    UnknownType(RecordType),
}
