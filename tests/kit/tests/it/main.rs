//! The public interface, in one binary.

mod house;
mod imports;
mod sources;
mod table;
