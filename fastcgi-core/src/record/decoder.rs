//! Bytes to records.

use std::fmt;

use bytes::{Buf, Bytes, BytesMut};

use crate::record::{Header, RecordType, RequestId, VERSION};

/// Takes a byte stream apart into records.
///
/// The contents are slices of the buffer they arrived in. A record of a stream type that has arrived in part is handed
/// out in part: in a stream the borders of records mean nothing, and no memory is held for what is still to come. A
/// record of any other type is handed out whole; it is at most 65 535 bytes long.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The stream record whose content is arriving.
    partial: Option<Header>,
    /// Padding still to skip.
    padding: usize,
}

impl Decoder {
    /// A decoder at the beginning of a record.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next record, or the next part of a stream record, from the front of `input`.
    ///
    /// `Ok(None)` asks for more bytes. A stream record is empty only if it was so on the wire: the end of its stream.
    ///
    /// # Errors
    ///
    /// When a record is not of version 1. The stream cannot be followed any further.
    pub fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Record>, UnsupportedVersion> {
        self.skip_padding(input);
        if self.padding > 0 {
            return Ok(None);
        }
        let header = match self.partial.take() {
            Some(header) => header,
            None => match self.decode_header(input)? {
                Some(header) => header,
                None => return Ok(None),
            },
        };
        Ok(self.decode_content(header, input))
    }

    /// How many bytes of the last record, its padding included, have not arrived.
    pub(crate) fn awaited(&self) -> usize {
        let content = self.partial.map_or(0, |header| {
            usize::from(header.content_length) + usize::from(header.padding_length)
        });
        content + self.padding
    }

    /// Leaves the header in `input` while the content must be waited for.
    fn decode_header(&self, input: &mut BytesMut) -> Result<Option<Header>, UnsupportedVersion> {
        let Some((bytes, content)) = input.split_first_chunk::<{ Header::LEN }>() else {
            return Ok(None);
        };
        let (version, header) = Header::parse(*bytes);
        if version != VERSION {
            return Err(UnsupportedVersion(version));
        }
        let complete = content.len() >= usize::from(header.content_length);
        if !complete && !header.record_type.is_stream() {
            return Ok(None);
        }
        input.advance(Header::LEN);
        Ok(Some(header))
    }

    fn decode_content(&mut self, header: Header, input: &mut BytesMut) -> Option<Record> {
        let wanted = usize::from(header.content_length);
        let available = wanted.min(input.len());
        if available < wanted {
            self.partial = Some(Header {
                // `available` is less than a u16, so nothing is lost.
                content_length: header.content_length - u16::try_from(available).unwrap_or(0),
                ..header
            });
            if available == 0 {
                return None;
            }
        } else {
            self.padding = usize::from(header.padding_length);
        }
        let content = match available {
            0 => Bytes::new(),
            _ => input.split_to(available).freeze(),
        };
        self.skip_padding(input);
        Some(Record {
            record_type: header.record_type,
            request_id: header.request_id,
            content,
        })
    }

    fn skip_padding(&mut self, input: &mut BytesMut) {
        let skipped = self.padding.min(input.len());
        input.advance(skipped);
        self.padding -= skipped;
    }
}

/// A record, or a part of a stream record.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// What it is about.
    pub record_type: RecordType,
    /// Which request it belongs to; `None` for management records.
    pub request_id: Option<RequestId>,
    /// Its content, without padding.
    pub content: Bytes,
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
