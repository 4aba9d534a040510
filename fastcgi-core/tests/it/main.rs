//! The public interface, in one binary.

mod captures;
mod cgi_response;
mod client_connection;
mod client_heads;
mod connection;
mod events;
mod fixtures;
mod fuzz_corpora;
mod models;
mod outgoing;
mod params;
mod records;
mod redirects;
mod request_fields;
mod request_headers;
mod request_target;
mod support;
