//! The public interface, in one binary.

mod architecture;
mod conversation;
mod sources;
mod table;
