//! Real web servers in front of the examples.
//!
//! Every web server, in every layout of `server`, is started with the program `tour` behind it, and every behaviour of
//! `suite` becomes one test there. Nothing is skipped: a web server that is not installed fails its tests, and where a
//! web server itself does something else, its file says what, and that is asserted instead.

mod application;
mod client;
mod examples;
mod layout;
mod process;
mod server;
mod site;
mod suite;
mod support;
mod table;

pub use crate::application::{Application, Socket, build_examples};
pub use crate::client::{Connection, Request, Response};
pub use crate::examples::{Example, examples};
pub use crate::layout::{Behaviour, Difference, Layout, Setup};
pub use crate::process::Process;
pub use crate::server::layouts;
pub use crate::site::{Shared, Site};
pub use crate::suite::{behaviours, concurrent_requests};
pub use crate::table::table;
