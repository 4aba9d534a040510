//! A black-box conformance suite for FastCGI applications.
//!
//! The suite speaks to an application as a web server would, in bytes of its own, and judges what comes back by the FastCGI
//! specification of 1996, RFC 3875 (CGI) and what several web servers need. Its program is described in the README.
//!
//! ```no_run
//! use fastcgi_conformance::{Options, Target, run};
//!
//! let target = Target::at("127.0.0.1:9000".parse()?);
//! let report = run(&target, &Options::default(), |finding| {
//!     eprintln!("{}: {}", finding.case.id, finding.verdict.name());
//! })?;
//! assert!(report.is_success());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#[cfg(not(unix))]
compile_error!("fastcgi-conformance runs on Unix systems");

mod answer;
mod bench;
mod case;
mod cases;
mod conn;
mod folder;
mod head;
mod log;
mod orphans;
mod pairs;
mod process;
mod record;
pub mod report;
mod request;
mod run;
mod said;
mod socket;
mod target;

pub use crate::{
    case::{Case, Finding, Grade, Needs, Verdict},
    cases::{all, find},
    orphans::adopt_orphans,
    process::{end_with_signals, exit_with_all},
    run::{Options, Report, run},
    target::{Address, Program, SpawnOn, Target},
};
