//! Records on their way to the socket.

use std::{collections::VecDeque, io::IoSlice};

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::{
    params::Params,
    record::{Header, MAX_ALIGNED_CONTENT, RecordType, RequestId},
};

/// Framed records that wait to be written, in order.
///
/// It is a [`Buf`]: write [`chunk`](Buf::chunk) or, better, [`chunks_vectored`](Buf::chunks_vectored), and
/// [`advance`](Buf::advance) by what the socket took. Small contents are gathered in one buffer, so that a small
/// response leaves in one piece; large ones are queued as they are, without a copy.
#[derive(Debug, Default)]
pub struct Outgoing {
    /// Whole chunks, in front of `tail`. No chunk is empty.
    queue: VecDeque<Bytes>,
    /// Where headers and small contents are gathered.
    tail: BytesMut,
    /// How many bytes `queue` holds.
    queued: usize,
    /// How many bytes have been taken, ever.
    written: u64,
}

/// Contents up to this size are copied: below it a copy costs less than one more slice in a vectored write.
const MAX_COPY: usize = 4 * 1024;

/// Room that is made at a time for the headers of large contents: 64 of them.
const ROOM_FOR_HEADERS: usize = 64 * Header::LEN;

impl Outgoing {
    /// A record of eight bytes: the length of every content that is a struct (specification, 5).
    pub(crate) fn put_fixed(
        &mut self,
        record_type: RecordType,
        request_id: Option<RequestId>,
        content: &[u8; 8],
    ) {
        self.put_header(record_type, request_id, 8);
        self.tail.put_slice(content);
    }

    /// A management record of name-value pairs.
    ///
    /// # Errors
    ///
    /// When the pairs do not fit one record: 65 535 bytes. Nothing is put then.
    pub(crate) fn put_pairs(
        &mut self,
        record_type: RecordType,
        pairs: &Params,
    ) -> Result<(), PairsTooLong> {
        let content = pairs.as_bytes();
        let length = u16::try_from(content.len()).map_err(|_| PairsTooLong)?;
        self.put_header(record_type, None, length);
        self.tail.put_slice(content);
        Ok(())
    }

    /// Part of a stream, in as few records as the protocol allows. Puts nothing for an empty `content`, which would
    /// end the stream.
    pub(crate) fn put_stream(
        &mut self,
        record_type: RecordType,
        request_id: RequestId,
        mut content: Bytes,
    ) {
        if content.len() > MAX_COPY {
            self.make_room_for_headers();
        }
        while !content.is_empty() {
            let length = piece_length(content.len());
            self.put_header(record_type, Some(request_id), length);
            self.put_content(content.split_to(length.into()));
        }
    }

    /// As [`put_stream`](Self::put_stream), for bytes that are to be copied.
    pub(crate) fn put_stream_slice(
        &mut self,
        record_type: RecordType,
        request_id: RequestId,
        mut content: &[u8],
    ) {
        while !content.is_empty() {
            let length = piece_length(content.len());
            let (piece, rest) = content.split_at(length.into());
            self.put_header(record_type, Some(request_id), length);
            self.tail.put_slice(piece);
            content = rest;
        }
    }

    /// An empty record: the end of a stream, an abort, or a management record without a content.
    pub(crate) fn put_empty(
        &mut self,
        record_type: RecordType,
        request_id: impl Into<Option<RequestId>>,
    ) {
        self.put_header(record_type, request_id.into(), 0);
    }

    /// What no web server takes for the end of a response: a header of STDOUT with an invalid version, and nothing
    /// of the content that it announces.
    ///
    /// nginx checks the version; without that it takes the end of the connection for the end of the response. HAProxy does
    /// not check it, and misses the content. After half a header, HAProxy would wait for the rest of it although the
    /// connection is closed.
    pub(crate) fn put_broken(&mut self, request_id: RequestId) {
        let header = Header {
            record_type: RecordType::STDOUT,
            request_id: Some(request_id),
            content_length: 8,
            padding_length: 0,
        };
        let [_version, rest @ ..] = header.to_bytes();
        self.tail.put_u8(0);
        self.tail.put_slice(&rest);
    }

    /// Bytes that are no record.
    pub(crate) fn put_bare(&mut self, bytes: &[u8]) {
        self.tail.put_slice(bytes);
    }

    /// How many bytes have been taken, ever.
    pub(crate) fn written(&self) -> u64 {
        self.written
    }

    /// How many bytes have been put, ever.
    pub(crate) fn end(&self) -> u64 {
        self.written + self.remaining() as u64
    }

    /// Frees the memory of what has been written. Keeps what the next small response needs.
    pub fn release(&mut self) {
        let held = self.tail.capacity() + self.queue.capacity() * size_of::<Bytes>();
        if held > MAX_COPY {
            self.release_all();
        }
    }

    /// Frees all memory, if nothing waits to be written.
    pub(crate) fn release_all(&mut self) {
        if !self.has_remaining() {
            *self = Self {
                written: self.written,
                ..Self::default()
            };
        }
    }

    fn put_header(&mut self, record_type: RecordType, request_id: Option<RequestId>, length: u16) {
        let header = Header {
            record_type,
            request_id,
            content_length: length,
            padding_length: 0,
        };
        self.tail.put_slice(&header.to_bytes());
    }

    /// Makes room for more than the next header: what is split off keeps its whole buffer, so that each header would need one.
    fn make_room_for_headers(&mut self) {
        let room = self.tail.capacity() - self.tail.len();
        if room < 4 * Header::LEN {
            self.tail.reserve(ROOM_FOR_HEADERS);
        }
    }

    fn put_content(&mut self, content: Bytes) {
        if content.len() <= MAX_COPY {
            self.tail.put_slice(&content);
            return;
        }
        self.queued += self.tail.len() + content.len();
        self.queue.push_back(self.tail.split().freeze());
        self.queue.push_back(content);
    }
}

/// How much of a stream of which `left` bytes remain is in the next record.
fn piece_length(left: usize) -> u16 {
    u16::try_from(left).map_or(MAX_ALIGNED_CONTENT, |left| left.min(MAX_ALIGNED_CONTENT))
}

/// Name-value pairs that do not fit one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PairsTooLong;

impl Buf for Outgoing {
    fn remaining(&self) -> usize {
        self.queued + self.tail.len()
    }

    fn chunk(&self) -> &[u8] {
        self.queue.front().map_or(&self.tail, |chunk| chunk)
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let chunks = self.queue.iter().map(|chunk| &chunk[..]);
        let tail = Some(&self.tail[..]).filter(|tail| !tail.is_empty());
        let mut filled = 0;
        for (slice, chunk) in slices.iter_mut().zip(chunks.chain(tail)) {
            *slice = IoSlice::new(chunk);
            filled += 1;
        }
        filled
    }

    fn advance(&mut self, mut count: usize) {
        self.written += count as u64;
        while let Some(front) = self.queue.front_mut() {
            let step = count.min(front.len());
            front.advance(step);
            self.queued -= step;
            count -= step;
            if front.has_remaining() {
                return;
            }
            self.queue.pop_front();
        }
        self.tail.advance(count);
    }
}
