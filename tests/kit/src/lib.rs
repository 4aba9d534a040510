//! What the tests of several crates share.
//!
//! - [`Table`]: a table in a document or a source, whose rows name tests that exist.
//! - [`Tests`]: the tests that exist.
//! - [`imports`]: what the modules of a crate take from each other.
//! - [`scaled`], [`seed`]: tests that `tests/long` runs at another size.
//! - [`targets`]: requests of which it is known what an application has to see.

mod imports;
mod long;
mod sources;
mod table;
mod targets;
mod tests;

pub use crate::{
    imports::{Import, imports, root_modules},
    long::{scaled, seed},
    table::Table,
    targets::{Setup, Target, seen, targets},
    tests::Tests,
};
