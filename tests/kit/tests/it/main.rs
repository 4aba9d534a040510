//! The public interface, in one binary.

mod architecture;
mod conversation;
mod house;
mod imports;
mod sources;
mod table;
