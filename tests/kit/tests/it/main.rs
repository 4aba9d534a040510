//! The public interface, in one binary.

mod architecture;
mod conversation;
mod guides;
mod house;
mod imports;
mod readme;
mod sources;
mod table;
