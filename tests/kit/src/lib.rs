//! What the tests of several crates share.
//!
//! - [`Table`]: a table in a document or a source, whose rows name tests that exist.
//! - [`Tests`]: the tests that exist.
//! - [`Conversation`]: what a web server and an application say to each other, and when.
//! - [`imports`]: what the modules of a crate take from each other.
//! - [`no_test_hangs`]: a limit for all tests of a crate.
//! - [`program`]: a program of the workspace that tests start.
//! - [`scaled`], [`seed`]: tests that `tests/long` runs at another size.
//! - [`targets`]: requests of which it is known what an application has to see.

mod conversation;
mod imports;
mod long;
mod program;
mod sources;
mod table;
mod targets;
mod tests;
mod watchdog;

pub use crate::{
    conversation::{Conversation, End, Runner, Setting, Step},
    imports::{Import, imports, root_modules},
    long::{scaled, seed},
    program::program,
    table::Table,
    targets::{Setup, Target, seen, targets},
    tests::Tests,
    watchdog::no_test_hangs,
};
