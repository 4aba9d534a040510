//! The application's end of a connection.

mod aborting;
mod arriving;
mod authorizers;
mod bodies;
mod budget;
mod departure;
mod draining;
mod early_answers;
mod errors;
mod filters;
mod floods;
mod http;
mod ids;
mod life;
mod limits;
mod management;
mod multiplexing;
mod output;
mod pressure;
mod progress;
mod refusals;
mod requests;
mod room;
mod stderr;
mod stopping;
mod time;
mod truncation;

use crate::support::{begin, params, wire};

/// A request for a Responder on a connection that is kept, up to the end of its params.
fn request(id: u16, pairs: &[(&str, &str)]) -> Vec<u8> {
    wire(&[&begin(id, 1, 1), &params(id, pairs)])
}

/// A request without a body: it is handed out at the end of its params (B-6).
fn get(id: u16) -> Vec<u8> {
    request(id, &[("CONTENT_LENGTH", "0")])
}
