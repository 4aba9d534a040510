//! What proves that core alone is enough.

#[path = "it/fair.rs"]
mod fair;
