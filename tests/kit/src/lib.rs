//! What the tests of several crates share.
//!
//! - [`Table`]: a table in a document or a source, whose rows name tests that exist.
//! - [`Tests`]: the tests that exist.

mod sources;
mod table;
mod tests;

pub use crate::{table::Table, tests::Tests};
