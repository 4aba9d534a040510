//! What proves that core alone is enough.

#[path = "it/blocking.rs"]
mod blocking;
#[path = "it/conversations/mod.rs"]
mod conversations;
#[path = "it/fair.rs"]
mod fair;
#[path = "it/model/mod.rs"]
mod model;
