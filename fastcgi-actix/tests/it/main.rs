//! The public interface, in one binary.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

mod answers_to_head;
mod back_pressure;
mod blocking;
mod if_it_compiles_it_works;
mod life;
mod mounted;
mod param_to_header;
mod process;
mod request;
mod response;
mod same_answers;
mod same_application;
mod server;
mod settings;
mod support;
mod targets;
mod typed;
mod wire;

#[test]
fn no_test_hangs() {
    fastcgi_test_kit::no_test_hangs();
}
