//! Real web servers in front of the examples and of the tour.
//!
//! Every web server, in every layout of `server`, is started with the program `tests/tour` behind it, and every behaviour of
//! `suite` becomes one test there. Nothing is skipped: a web server that is not installed fails its tests, and where a
//! web server itself does something else, its file says what, and that is asserted instead.
//!
//! `differential` runs one application, the `twin`, behind each web server over FastCGI and over HTTP, and compares the
//! answers.

mod application;
mod authorizers;
mod browser;
mod client;
pub mod differential;
pub mod doctor;
mod examples;
mod fastcgi;
pub mod guide;
mod layout;
mod load;
pub mod moving;
mod process;
mod program;
pub mod readme;
mod server;
mod site;
mod suite;
mod support;
mod table;
pub mod trouble;

pub use crate::application::{Application, Socket, build_examples, install};
pub use crate::authorizers::{authorizing_layouts, spawning_layouts};
pub use crate::browser::{Browser, Browsers};
pub use crate::client::{Connection, Request, Response};
pub use crate::examples::{Example, examples};
pub use crate::fastcgi::FastCgi;
pub use crate::layout::{Behaviour, Change, Difference, Layout, Setup, Version, Versions};
pub use crate::load::{Answer, Load};
pub use crate::process::Process;
pub use crate::program::{Supervisor, copy, free_port, program, upload, version};
pub use crate::server::{
    APACHE_HTTP2, CADDY_BOTH_WAYS, CADDY_HTTP2, HAPROXY_UNASKED, cgi_layouts, layouts,
};
pub use crate::site::{Authorizer, Configure, Shared, Site, path_with_sbin};
pub use crate::suite::{CGI, behaviours, concurrent_requests};
pub use crate::table::table;
