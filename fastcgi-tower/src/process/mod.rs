//! This process: how it was started, what it was handed, and how it ends.

mod cgi;
mod connected;
mod environment;
mod lifecycle;
mod run_error;
mod signal;
mod single;
mod stdio;
mod threads;

pub use self::{
    cgi::cgi,
    environment::{Bind, Environment},
    lifecycle::{Lifecycle, Mount, Signal},
    run_error::RunError,
    signal::shutdown_signal,
    single::Single,
};

pub(crate) use self::{environment::bind_list, stdio::listening_stdin};
