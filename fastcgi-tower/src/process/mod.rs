//! This process: how it was started, what it was handed, and how it ends.

mod cgi;
mod connected;
mod environment;
mod mount;
mod run;
mod run_error;
mod signal;
mod single;
mod stdio;
mod threads;

pub use self::{
    cgi::cgi,
    environment::Environment,
    mount::Mount,
    run::{Application, Configure, INHERITED_GRACE_PERIOD, Run, RunApplication, serve_in},
    run_error::RunError,
    signal::{Signal, shutdown_signal},
    single::Single,
};

pub(crate) use self::{environment::bind_list, stdio::listening_stdin};
