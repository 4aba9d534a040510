//! Read buffers that no connection needs at the moment, kept by the thread for the next one that reads.
//!
//! A connection that waits for its next request owns no buffer, unless something keeps what was read into it.

use std::cell::RefCell;

use bytes::BytesMut;

/// The size of each buffer: enough for the params of most requests.
pub(crate) const SIZE: usize = 4 * 1024;
/// The most buffers that a thread keeps: 64 KiB.
const MOST: usize = 16;

thread_local! {
    static BUFFERS: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

/// An empty buffer of [`SIZE`] bytes.
pub(crate) fn take() -> BytesMut {
    // A thread that ends has no list any more.
    let spare = BUFFERS.try_with(|buffers| buffers.borrow_mut().pop());
    let spare = spare.ok().flatten();
    spare.unwrap_or_else(|| BytesMut::with_capacity(SIZE))
}

/// Keeps `buffer`, which is empty, of [`SIZE`] bytes, and shared with nothing; or frees it, if there are enough.
pub(crate) fn give(buffer: BytesMut) {
    let _ = BUFFERS.try_with(|buffers| {
        let mut buffers = buffers.borrow_mut();
        if buffers.len() < MOST {
            buffers.push(buffer);
        }
    });
}
