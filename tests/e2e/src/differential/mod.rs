//! The same application behind the same web server twice: over FastCGI, and over HTTP.
//!
//! Each [`Configuration`] is written once. What differs between the two sides is in placeholders: the lines that say
//! where the application is, and in which protocol it is asked. Each request goes to both sides, and status, headers and
//! body of the answers are compared. What differs for a good reason is in one list, `rows`; no row can be about which
//! resource was reached, or about the status on a protected path. The texts are in `tests/e2e/sites`.

mod answer;
mod apache_fcgid;
mod apache_proxy;
mod asked;
mod caddy;
mod compare;
mod configuration;
mod documented;
mod findings;
mod h2o;
mod haproxy;
mod left_out;
mod lighttpd;
mod nginx;
mod path;
mod rows;
mod run;
mod scope;
mod twins;

pub use self::answer::Answer;
pub use self::asked::Asked;
pub use self::configuration::Configuration;
pub use self::documented::{DOCUMENTED, Documented};
pub use self::findings::Findings;
pub use self::left_out::LEFT_OUT;
pub(crate) use self::nginx::PASSWORDS;
pub use self::rows::{ROWS, Requests, Row, What};
pub use self::run::Comparison;

/// Every configuration of every web server.
pub fn configurations() -> impl Iterator<Item = &'static Configuration> {
    [
        nginx::CONFIGURATIONS,
        apache_proxy::CONFIGURATIONS,
        apache_fcgid::CONFIGURATIONS,
        caddy::CONFIGURATIONS,
        lighttpd::CONFIGURATIONS,
        h2o::CONFIGURATIONS,
        haproxy::CONFIGURATIONS,
    ]
    .into_iter()
    .flatten()
}
