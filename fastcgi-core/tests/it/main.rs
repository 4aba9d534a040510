//! The public interface, in one binary.

mod captures;
mod cgi_response;
mod connection;
mod events;
mod fixtures;
mod fuzz_corpora;
mod gateway;
mod outgoing;
mod params;
mod records;
mod request_fields;
mod request_headers;
mod request_target;
mod support;
mod web_server;
