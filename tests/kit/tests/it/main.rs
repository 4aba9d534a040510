//! The public interface, in one binary.

mod conversation;
mod sources;
mod table;
