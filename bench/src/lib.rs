//! What a request costs over FastCGI, beside the same application over HTTP: in CPU time, and counted exactly.
//!
//! Times are medians of what the kernel's scheduler saw, and move by several per cent between two runs. Counts are
//! instructions, allocations and system calls, and are the same from run to run; they see no waiting, no cache misses
//! and nothing that the kernel does.

mod app;
pub mod count;
pub mod counts;
mod cpu;
mod fields;
mod load;
mod measure;
pub mod page;
mod process;
mod random;
mod reply;
mod request;
mod scenario;
mod server;
mod socket;
pub mod table;
mod times;

use std::error::Error;

pub use crate::{
    scenario::scenario_names, server::Framework, server::Heap, server::serve,
    server::serve_functions, times::times,
};

/// Whatever went wrong, for people to read.
pub type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

#[expect(
    clippy::print_stdout,
    reason = "the report is what this program is for"
)]
fn report(line: impl std::fmt::Display) {
    println!("{line}");
}
