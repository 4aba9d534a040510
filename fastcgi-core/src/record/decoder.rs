//! Bytes to records.

use bytes::{Buf, Bytes, BytesMut};

use super::{
    header::{Header, UnsupportedVersion},
    record_type::RecordType,
    request_id::RequestId,
};

/// Takes a byte stream apart into records.
///
/// The contents are slices of the buffer they arrived in. A record of a stream type is handed out in parts, as they
/// arrive: in a stream the borders of records mean nothing, and no memory is held for what is still to come. A record of
/// any other type is handed out whole; it is at most 65 535 bytes long.
#[derive(Debug, Default)]
pub struct Decoder {
    partial: Option<Partial>,
    /// Padding still to skip.
    padding: usize,
}

/// A record whose content is arriving.
#[derive(Clone, Copy, Debug)]
struct Partial {
    record_type: RecordType,
    request_id: Option<RequestId>,
    /// Bytes of its content still to come.
    left: usize,
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
        let partial = match self.partial.take() {
            Some(partial) => partial,
            None => match decode_header(input)? {
                Some(partial) => partial,
                None => return Ok(None),
            },
        };
        Ok(self.decode_content(partial, input))
    }

    /// How many bytes of the last record, its padding included, have not arrived.
    pub(crate) fn awaited(&self) -> usize {
        let partial = self
            .partial
            .map_or(0, |partial| partial.left + partial.padding);
        partial + self.padding
    }

    fn decode_content(&mut self, partial: Partial, input: &mut BytesMut) -> Option<Record> {
        let available = partial.left.min(input.len());
        let left = partial.left - available;
        if left > 0 {
            self.partial = Some(Partial { left, ..partial });
            if available == 0 {
                return None;
            }
        } else {
            self.padding = partial.padding;
        }
        let content = if available == 0 {
            Bytes::new()
        } else {
            input.split_to(available).freeze()
        };
        self.skip_padding(input);
        Some(Record {
            record_type: partial.record_type,
            request_id: partial.request_id,
            content,
        })
    }

    fn skip_padding(&mut self, input: &mut BytesMut) {
        let skipped = self.padding.min(input.len());
        input.advance(skipped);
        self.padding -= skipped;
    }
}

/// Takes a header off the front of `input`. Leaves it there while the content must be waited for.
fn decode_header(input: &mut BytesMut) -> Result<Option<Partial>, UnsupportedVersion> {
    let Some((bytes, content)) = input.split_first_chunk::<{ Header::LEN }>() else {
        return Ok(None);
    };
    let header = Header::parse(*bytes)?;
    let left = usize::from(header.content_length);
    if content.len() < left && !header.record_type.is_stream() {
        return Ok(None);
    }
    input.advance(Header::LEN);
    Ok(Some(Partial {
        record_type: header.record_type,
        request_id: header.request_id,
        left,
        padding: usize::from(header.padding_length),
    }))
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
