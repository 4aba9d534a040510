//! The public interface, in one binary.

mod sources;
mod table;
