//! Pieces of a body that wait to be read, and what it costs to keep them.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

/// The buffer that a piece has arrived in. A piece is a slice of it, and keeps all of it from being freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// Which of all buffers of its connection it is.
    pub(crate) number: u32,
    /// Its size in bytes.
    pub(crate) size: u32,
}

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
}

#[derive(Debug)]
struct Slice {
    data: Bytes,
    /// The number of its buffer; none of a copy.
    origin: Option<u32>,
    /// What is freed with it. The last slice of a buffer has the size of the buffer, and those before it nothing.
    keeps: usize,
}

/// What a piece costs besides its bytes.
const SLICE_COST: usize = size_of::<Slice>();

/// Pieces that are shorter are copied when they have to wait behind others.
const SHORT: usize = 4 * 1024;
/// How much memory there is for copies at a time.
const COPIES: usize = 16 * 1024;

impl Chunks {
    pub(super) fn push(&mut self, data: Bytes, origin: Origin) {
        self.bytes += data.len();
        if data.len() < SHORT && !self.slices.is_empty() {
            return self.copy(&data);
        }
        self.settle();
        let number = Some(origin.number);
        // There is at most one copy in between.
        let mut last = self.slices.iter_mut().rev().take(2);
        let keeps = match last.find(|it| it.origin == number) {
            Some(last) => std::mem::take(&mut last.keeps),
            None => {
                let size = usize::try_from(origin.size).unwrap_or(usize::MAX);
                let size = size.max(data.len());
                self.kept += size;
                size
            }
        };
        self.slices.push_back(Slice {
            data,
            origin: number,
            keeps,
        });
    }

    /// The next piece.
    pub(super) fn pop(&mut self) -> Option<Bytes> {
        if self.slices.is_empty() {
            self.settle();
        }
        let slice = self.slices.pop_front()?;
        self.kept -= slice.keeps;
        self.bytes -= slice.data.len();
        if self.bytes == 0 {
            self.copies = None;
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
        let copies = if self.copies.is_some() { COPIES } else { 0 };
        self.kept + copies + self.slices.capacity() * SLICE_COST
    }

    /// Whether the last piece is in the buffer `origin`, which counts here then.
    pub(super) fn ends_in(&self, origin: Origin) -> bool {
        let mut last = self.slices.iter().rev().take(2);
        last.any(|it| it.origin == Some(origin.number))
    }

    fn copy(&mut self, data: &[u8]) {
        let is_full = |it: &BytesMut| it.capacity() - it.len() < data.len();
        if self.copies.as_deref().is_none_or(is_full) {
            self.settle();
            let last = self.slices.back_mut().filter(|_| self.copies.is_some());
            if let Some(last) = last {
                // It is freed with the copies in it, which are no later than this.
                last.keeps += COPIES;
                self.kept += COPIES;
            }
            self.copies = Some(Box::new(BytesMut::with_capacity(COPIES)));
        }
        if let Some(copies) = &mut self.copies {
            copies.extend_from_slice(data);
        }
    }

    /// What was copied becomes a piece like others.
    fn settle(&mut self) {
        let copies = self.copies.as_mut().filter(|it| !it.is_empty());
        if let Some(copies) = copies {
            self.slices.push_back(Slice {
                data: copies.split().freeze(),
                origin: None,
                keeps: 0,
            });
        }
    }
}
