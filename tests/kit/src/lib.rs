//! What the tests of several crates share.
//!
//! - [`Table`]: a table in a document or a source, whose rows name tests that exist.
//! - [`Tests`]: the tests that exist.
//! - [`Conversation`]: what a web server and an application say to each other, and when.
//! - [`scaled`], [`seed`]: tests that `tests/long` runs at another size.

mod conversation;
mod long;
mod sources;
mod table;
mod tests;

pub use crate::{
    conversation::{Conversation, End, Runner, Setting, Step},
    long::{scaled, seed},
    table::Table,
    tests::Tests,
};
