//! What an application can rely on, behind any web server.
//!
//! Each behaviour is written once, and runs behind every web server in every layout.

mod body;
mod cgi;
mod connection;
mod failure;
mod leaving;
mod life;
mod path;
mod request;
mod response;
mod stream;

pub use self::cgi::CGI;
pub use self::connection::concurrent_requests;
pub(crate) use self::connection::{concurrent_requests_apart, many_requests, many_requests_apart};
pub(crate) use self::failure::{Ending, LOOKS_COMPLETE, ends};
pub(crate) use self::leaving::thousand_clients_that_leave;
pub(crate) use self::life::{finishes_although_nobody_waits, finishes_although_the_client_left};
pub(crate) use self::path::uri_becomes;
pub(crate) use self::request::{arrives_as, client_has_no_port, host_of_an_absolute_target_counts};
pub(crate) use self::response::{
    message_is_lost, reason_phrase_is_the_usual_one, whole_page_comes,
};
pub(crate) use self::stream::{arrivals, arrives_at_once, arrives_in_parts};
use crate::Behaviour;

/// All behaviours.
pub fn behaviours() -> impl Iterator<Item = &'static Behaviour> {
    [
        path::BEHAVIOURS,
        request::BEHAVIOURS,
        body::BEHAVIOURS,
        response::BEHAVIOURS,
        failure::BEHAVIOURS,
        stream::BEHAVIOURS,
        connection::BEHAVIOURS,
        life::BEHAVIOURS,
    ]
    .into_iter()
    .flatten()
}
