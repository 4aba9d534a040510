//! What the tests of several crates share.
//!
//! - [`Table`]: a table in a document or a source, whose rows name tests that exist.
//! - [`Tests`]: the tests that exist.
//! - [`no_test_hangs`]: a limit for all tests of a crate.
//! - [`scaled`], [`seed`]: tests that `tests/long` runs at another size.

mod long;
mod sources;
mod table;
mod tests;
mod watchdog;

pub use crate::{
    long::{scaled, seed},
    table::Table,
    tests::Tests,
    watchdog::no_test_hangs,
};
