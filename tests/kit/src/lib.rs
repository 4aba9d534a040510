//! What the tests of several crates share.
//!
//! - [`Table`]: a table in a document or a source, whose rows name tests that exist.
//! - [`Tests`]: the tests that exist.
//! - [`scaled`], [`seed`]: tests that `tests/long` runs at another size.
//! - [`targets`]: requests of which it is known what an application has to see.

mod long;
mod sources;
mod table;
mod targets;
mod tests;

pub use crate::{
    long::{scaled, seed},
    table::Table,
    targets::{Setup, Target, seen, targets},
    tests::Tests,
};
