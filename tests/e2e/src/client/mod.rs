//! An HTTP/1.1 client that can do what a browser does not: odd targets, and leaving in the middle.

mod connection;
mod message;

pub use self::connection::Connection;
pub use self::message::{Request, Response};
