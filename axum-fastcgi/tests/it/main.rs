//! The public interface, in one binary: what an axum application sees behind a web server.

mod accepted;
mod answers_to_head;
mod as_axum_serve;
mod blocking;
mod body;
mod connect_info;
mod mounted;
mod routing;
mod run;
mod server;
mod support;
mod targets;
mod typed;

#[test]
fn no_test_hangs() {
    fastcgi_test_kit::no_test_hangs();
}
