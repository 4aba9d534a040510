//! This process: how it was started, what it was handed, and how it ends.

mod cgi;
mod connected;
mod environment;
mod memory;
mod mount;
mod replaced;
mod run;
mod run_error;
mod signal;
mod single;
mod stdio;
mod threads;

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

pub use self::{
    cgi::cgi,
    environment::Environment,
    memory::larger_than,
    mount::Mount,
    replaced::replaced,
    run::{
        Application, Configure, Exchanges, INHERITED_GRACE_PERIOD, Run, RunApplication, mounted,
        no_http, run, run_exchanges, serve_in,
    },
    run_error::RunError,
    signal::{Signal, shutdown_signal},
    single::Single,
};

pub(crate) use self::{environment::bind_list, stdio::listening_stdin};

/// Is ready when `is_so`, which is asked once a second.
async fn once_a_second(is_so: impl Fn() -> bool) {
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if is_so() {
            return;
        }
    }
}
