//! Pieces of a body that wait to be read, and what it costs to keep them.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use crate::socket::Origin;

/// Pieces in their order. Short ones that have to wait are copied together, because each keeps a buffer; and what is taken
/// out never keeps a buffer of more than [`SHARE`] times its size, however long the service keeps it.
///
/// Most of the time all that waits is in one buffer, and then a piece costs one comparison more than in a queue.
#[derive(Debug)]
pub(super) struct Chunks {
    slices: VecDeque<Bytes>,
    /// Bytes of all pieces, ever.
    pushed: u64,
    /// Of those, bytes that were taken out.
    popped: u64,
    /// The buffer of the last piece; 0 if there is none, or if it is a copy.
    number: u32,
    /// The run of the piece in front.
    front: Run,
    /// What `slices` keep from being freed, or kept when there were some.
    kept: usize,
    more: Option<Box<More>>,
}

/// What is there when more than one buffer is kept.
#[derive(Debug, Default)]
struct More {
    /// Behind the run in front.
    runs: VecDeque<Run>,
    /// Short pieces, behind all others.
    copies: BytesMut,
}

/// Pieces behind one another that are in one buffer.
#[derive(Clone, Copy, Debug)]
struct Run {
    /// How many bytes were pushed before its end. The last run has no end yet.
    end: u64,
    /// The size of the buffer.
    size: usize,
}

/// What a piece costs besides its bytes.
const SLICE_COST: usize = size_of::<Bytes>();

/// Pieces that are shorter are copied when they have to wait behind others: they cost more than they are long.
const SHORT: usize = 64;
/// How many bytes are copied together.
const COPIES: usize = 16 * 1024;
/// The least that is taken out is this part of the buffer that it keeps; less is copied.
const SHARE: usize = 64;

impl Default for Chunks {
    fn default() -> Self {
        Self {
            slices: VecDeque::new(),
            pushed: 0,
            popped: 0,
            number: 0,
            front: Run::last(0),
            kept: 0,
            more: None,
        }
    }
}

/// Bytes that came from no socket.
impl From<Bytes> for Chunks {
    fn from(bytes: Bytes) -> Self {
        let mut chunks = Self::default();
        if !bytes.is_empty() {
            chunks.push(bytes, Origin::default());
        }
        chunks
    }
}

impl Chunks {
    #[inline(always)]
    pub(super) fn push(&mut self, data: Bytes, origin: Origin) {
        if data.len() < SHORT && !self.is_empty() {
            return self.copy(&data);
        }
        if self.number != origin.number {
            self.begin_buffer(origin);
        }
        self.pushed += data.len() as u64;
        self.slices.push_back(data);
    }

    /// The next piece.
    #[inline(always)]
    pub(super) fn pop(&mut self) -> Option<Bytes> {
        let Some(data) = self.slices.pop_front() else {
            return self.more.is_some().then(|| self.pop_copies()).flatten();
        };
        Some(self.taken_out(data))
    }

    /// A piece that was in front.
    #[inline(always)]
    fn taken_out(&mut self, data: Bytes) -> Bytes {
        self.popped += data.len() as u64;
        let Run { end, size } = self.front;
        if self.popped >= end || data.len() * SHARE < size {
            return self.taken_with_care(data);
        }
        data
    }

    /// A piece that is the last of its buffer, or keeps too much of it.
    #[cold]
    fn taken_with_care(&mut self, mut data: Bytes) -> Bytes {
        if data.len() * SHARE < self.front.size {
            data = Bytes::copy_from_slice(&data);
        }
        if self.popped >= self.front.end {
            self.next_run();
        }
        data
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pushed == self.popped
    }

    /// Bytes that were taken out.
    pub(super) fn popped(&self) -> u64 {
        self.popped
    }

    /// Bytes that wait.
    pub(super) fn bytes(&self) -> usize {
        usize::try_from(self.pushed - self.popped).unwrap_or(usize::MAX)
    }

    /// The bytes that wait, with what it costs to keep pieces of them.
    pub(super) fn held(&self) -> usize {
        self.bytes() + self.slices.len() * SLICE_COST
    }

    /// All memory that cannot be freed because something waits.
    pub(super) fn kept(&self) -> usize {
        let queue = self.slices.capacity() * SLICE_COST;
        let copies = self.more.as_ref().map_or(0, |it| it.copies.capacity());
        queue + copies + if self.is_empty() { 0 } else { self.kept }
    }

    /// Whether the last piece is in the buffer `origin`, which counts here then.
    pub(super) fn ends_in(&self, origin: Origin) -> bool {
        self.number == origin.number && !self.is_empty()
    }

    #[cold]
    fn copy(&mut self, data: &[u8]) {
        let is_full = |it: &More| it.copies.len() + data.len() > COPIES;
        if self.more.as_deref().is_some_and(is_full) {
            self.settle();
        }
        let more = self.more.get_or_insert_default();
        more.copies.extend_from_slice(data);
        self.pushed += data.len() as u64;
        self.number = 0;
    }

    #[cold]
    fn begin_buffer(&mut self, origin: Origin) {
        self.settle();
        let size = usize::try_from(origin.size).unwrap_or(usize::MAX);
        self.begin_run(self.pushed, size);
        self.number = origin.number;
    }

    /// What was copied becomes a piece like others.
    fn settle(&mut self) {
        let more = self.more.as_mut().filter(|it| !it.copies.is_empty());
        if let Some(more) = more {
            let copies = std::mem::take(&mut more.copies);
            self.begin_run(self.pushed - copies.len() as u64, copies.capacity());
            self.slices.push_back(copies.freeze());
        }
    }

    #[cold]
    fn pop_copies(&mut self) -> Option<Bytes> {
        self.settle();
        let data = self.slices.pop_front()?;
        Some(self.taken_out(data))
    }

    /// What is pushed from here on is in another buffer.
    fn begin_run(&mut self, start: u64, size: usize) {
        let run = Run::last(size);
        if self.slices.is_empty() {
            self.front = run;
            self.kept = size;
            return;
        }
        let more = self.more.get_or_insert_default();
        more.runs.back_mut().unwrap_or(&mut self.front).end = start;
        more.runs.push_back(run);
        self.kept += size;
    }

    /// All of the buffer in front was taken out.
    #[cold]
    fn next_run(&mut self) {
        let next = self.more.as_mut().and_then(|more| more.runs.pop_front());
        if let Some(next) = next {
            self.kept -= self.front.size;
            self.front = next;
        }
    }
}

impl Run {
    fn last(size: usize) -> Self {
        Self {
            end: u64::MAX,
            size,
        }
    }
}
