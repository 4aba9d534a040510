//! Reasons for a server to end: signals, a program that was replaced, too much memory.

mod memory;
mod replaced;
mod signal;

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

pub use self::{
    memory::larger_than,
    replaced::replaced,
    signal::{Signal, shutdown_signal},
};

/// Is ready when `is_so` is true; calls it once a second.
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
