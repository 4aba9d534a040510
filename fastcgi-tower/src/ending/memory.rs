//! How much memory the process has.

use std::{fs, future::Future};

use super::once_a_second;

/// Is ready when the process has more than so many bytes of memory resident. Looked at once a second, and only on Linux.
///
/// For `with_graceful_shutdown`, where the process manager starts a new process.
pub fn larger_than(bytes: u64) -> impl Future<Output = ()> + Send + 'static {
    once_a_second(move || resident_memory().is_some_and(|rss| rss > bytes))
}

/// The second number of `/proc/self/statm`, in pages.
fn resident_memory() -> Option<u64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
