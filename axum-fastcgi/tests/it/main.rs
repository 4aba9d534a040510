//! The public interface, in one binary: what an axum application sees behind a web server.

mod accepted;
mod body;
mod connect_info;
mod routing;
mod run;
mod server;
mod support;
mod targets;

#[test]
fn no_test_hangs() {
    fastcgi_test_kit::no_test_hangs();
}
