//! This process: how it was started, what it was handed, and how it ends.

mod cgi;
mod connected;
mod environment;
mod mount;
mod run;
mod run_error;
mod single;
mod threads;

pub use self::{
    cgi::cgi,
    environment::Environment,
    mount::Mount,
    run::{
        Application, Configure, Exchanges, INHERITED_GRACE_PERIOD, Run, RunApplication, mounted,
        no_http, run, run_exchanges, serve_in,
    },
    run_error::RunError,
    single::Single,
};
pub use crate::ending::{Signal, larger_than, replaced, shutdown_signal};
