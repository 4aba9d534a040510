//! Records: the frames of the protocol (specification, 3.3).
//!
//! A record is eight bytes of [`Header`], up to 65 535 bytes of content, and up to 255 bytes of padding that mean
//! nothing. The modules below are the fixed contents; [`Decoder`] takes a byte stream apart.

mod begin_request;
mod decoder;
mod end_request;
mod header;
mod record_type;
mod request_id;

pub use self::{
    begin_request::{BeginRequest, Flags, Role},
    decoder::{Decoder, Record},
    end_request::{EndRequest, ProtocolStatus},
    header::{Header, UnsupportedVersion},
    record_type::RecordType,
    request_id::RequestId,
};

/// The one version of the protocol, the first byte of every record.
pub const VERSION: u8 = 1;

/// The largest content of a record that needs no padding to keep the next one aligned to eight bytes (3.3).
pub(crate) const MAX_ALIGNED_CONTENT: u16 = 0xfff8;
