//! What the fuzz targets check.
//!
//! It is separate from the targets, so that the corpora can be run through the same checks by a test on stable Rust.

pub mod connection;
pub mod cut;
pub mod params;
pub mod records;
pub mod request;
