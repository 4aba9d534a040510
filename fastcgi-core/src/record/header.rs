//! The eight bytes in front of every record (specification, 3.3).

use std::fmt;

use super::{VERSION, record_type::RecordType, request_id::RequestId};

/// The eight bytes in front of a record's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the eight bytes are fixed by the specification and any value is legal"
)]
pub struct Header {
    /// What the record is about.
    pub record_type: RecordType,
    /// Which request it belongs to; `None` for management records.
    pub request_id: Option<RequestId>,
    /// How many bytes of content follow.
    pub content_length: u16,
    /// How many bytes to skip after the content.
    pub padding_length: u8,
}

impl Header {
    /// The length of a header on the wire.
    pub const LEN: usize = 8;

    /// The header in these bytes. The reserved byte is ignored.
    ///
    /// # Errors
    ///
    /// When the first byte is not version 1.
    pub const fn parse(bytes: [u8; Self::LEN]) -> Result<Self, UnsupportedVersion> {
        let [
            version,
            record_type,
            id1,
            id0,
            length1,
            length0,
            padding_length,
            _reserved,
        ] = bytes;
        if version != VERSION {
            return Err(UnsupportedVersion(version));
        }
        Ok(Self {
            record_type: RecordType::from_u8(record_type),
            request_id: RequestId::new(u16::from_be_bytes([id1, id0])),
            content_length: u16::from_be_bytes([length1, length0]),
            padding_length,
        })
    }

    /// The header on the wire, version 1 in front and the reserved byte zero.
    pub const fn to_bytes(self) -> [u8; Self::LEN] {
        let [id1, id0] = match self.request_id {
            Some(id) => id.get().to_be_bytes(),
            None => [0, 0],
        };
        let [length1, length0] = self.content_length.to_be_bytes();
        [
            VERSION,
            self.record_type.as_u8(),
            id1,
            id0,
            length1,
            length0,
            self.padding_length,
            0,
        ]
    }
}

/// A record that is not of version 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsupportedVersion(u8);

impl fmt::Display for UnsupportedVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "record of version {}, wanted {VERSION}", self.0)
    }
}

impl std::error::Error for UnsupportedVersion {}
