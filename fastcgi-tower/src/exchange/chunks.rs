//! Pieces of a body that wait to be read, and what it costs to keep them.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::socket::Origin;

/// Pieces in their order. Short ones that have to wait are copied together, because each keeps a buffer.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    slices: VecDeque<Slice>,
    /// Where short pieces are copied to. What is in it is behind all slices; some of them may be of it.
    copies: Option<Box<BytesMut>>,
    /// Bytes of all pieces.
    bytes: usize,
    /// What `slices` keep from being freed.
    kept: usize,
    /// Of that, the buffer from which the last piece was taken: others of it may be in front.
    front: u32,
    /// The buffer of the last slice, if there is one and it is no copy.
    last: Option<u32>,
}

#[derive(Debug)]
struct Slice {
    data: Bytes,
    /// The size of the buffer that it is the first of.
    keeps: u32,
}

/// What a piece costs besides its bytes.
const SLICE_COST: usize = size_of::<Slice>();

/// Pieces that are shorter are copied when they have to wait behind others, so that they do not keep another buffer.
const SHORT: usize = 4 * 1024;
/// And those that are shorter than this although they are in the same buffer: they cost as much as they are long.
const TINY: usize = 64;
/// How much memory there is for copies at a time.
const COPIES: u32 = 16 * 1024;

impl Chunks {
    pub(super) fn push(&mut self, data: Bytes, origin: Origin) {
        self.bytes += data.len();
        let is_same = self.last == Some(origin.number);
        let is_short = data.len() < TINY || (data.len() < SHORT && !is_same);
        if is_short && !self.slices.is_empty() {
            return self.copy(&data);
        }
        if self.copies.is_some() {
            self.settle();
        }
        // After a copy it counts once more.
        let keeps = if is_same { 0 } else { origin.size };
        self.last = Some(origin.number);
        self.push_slice(data, keeps);
    }

    /// The next piece.
    #[inline]
    pub(super) fn pop(&mut self) -> Option<Bytes> {
        if self.bytes == 0 {
            return None;
        }
        self.pop_some()
    }

    fn pop_some(&mut self) -> Option<Bytes> {
        if self.slices.is_empty() {
            self.settle();
        }
        let slice = self.slices.pop_front()?;
        self.bytes -= slice.data.len();
        if slice.keeps > 0 {
            self.kept -= bytes(self.front);
            self.front = slice.keeps;
        }
        if self.bytes == 0 {
            self.copies = None;
            self.kept = 0;
            self.front = 0;
            self.last = None;
        }
        Some(slice.data)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Bytes that wait.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The bytes that wait, with what it costs to keep pieces of them.
    pub(super) fn held(&self) -> usize {
        self.bytes + self.slices.len() * SLICE_COST
    }

    /// All memory that cannot be freed because something waits.
    pub(super) fn kept(&self) -> usize {
        let copies = self.copies.as_ref().map_or(0, |_| bytes(COPIES));
        self.kept + copies + self.slices.capacity() * SLICE_COST
    }

    /// Whether the last piece is in the buffer `origin`, which counts here then.
    pub(super) fn ends_in(&self, origin: Origin) -> bool {
        self.last == Some(origin.number)
    }

    fn push_slice(&mut self, data: Bytes, keeps: u32) {
        self.kept += bytes(keeps);
        self.slices.push_back(Slice { data, keeps });
    }

    fn copy(&mut self, data: &[u8]) {
        let is_full = |it: &BytesMut| it.capacity() - it.len() < data.len();
        if self.copies.as_deref().is_none_or(is_full) {
            self.settle();
            self.copies = Some(Box::new(BytesMut::with_capacity(bytes(COPIES))));
        }
        if let Some(copies) = &mut self.copies {
            copies.extend_from_slice(data);
        }
    }

    /// What was copied becomes a piece like others.
    fn settle(&mut self) {
        let Some(copies) = self.copies.as_mut().filter(|it| !it.is_empty()) else {
            return;
        };
        // The first of them counts for all.
        let is_first = copies.capacity() == bytes(COPIES);
        let data = copies.split().freeze();
        self.last = None;
        self.push_slice(data, if is_first { COPIES } else { 0 });
    }
}

fn bytes(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
