//! The public interface, in one binary.

mod blocking;
mod body_length;
mod captured_connections;
mod captures;
mod cgi_response;
mod client_connection;
mod client_heads;
mod connection;
mod conversations;
mod fair;
mod field_names;
mod fixtures;
mod fuzz_corpora;
mod left_out;
mod model;
mod outgoing;
mod owner;
mod params;
mod records;
mod redirects;
mod request_fields;
mod request_headers;
mod request_target;
mod support;
mod web_servers;
