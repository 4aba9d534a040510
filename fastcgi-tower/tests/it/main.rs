//! The public interface, in one binary.

mod abort;
mod advice;
mod answer;
mod any_listener;
mod back_pressure;
mod blocking;
mod budget;
mod cgi_descriptors;
mod cgi_fn;
mod cgi_process;
#[cfg(feature = "client")]
mod client;
#[cfg(feature = "client")]
mod client_errors;
#[cfg(feature = "client")]
mod client_exchange;
#[cfg(feature = "client")]
mod client_kept;
#[cfg(feature = "client")]
mod client_times;
#[cfg(feature = "client")]
mod client_trace;
mod conversations;
mod counterparts;
mod counters;
mod crowd;
mod departure;
mod dependencies;
mod dispatch;
mod errors;
mod events;
mod exchanges;
mod faults;
mod features;
mod few_descriptors;
mod handed_over;
mod handle;
mod house;
mod keep_conn;
mod leaving;
mod leftovers;
mod lifecycle;
mod limits;
mod listeners;
mod multiplexing;
mod panics;
mod param_to_header;
mod peers;
mod program;
mod request_body;
mod response;
mod roles;
mod run;
mod serve;
mod shown;
mod shutdown;
mod support;
mod tables;
mod timeouts;
mod transports;
mod variables;

#[test]
fn no_test_hangs() {
    fastcgi_test_kit::no_test_hangs();
}
