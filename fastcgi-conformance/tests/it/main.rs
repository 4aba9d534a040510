//! The suite's own tests: against a small correct server, mutants of it, and peers that are no servers at all.

mod coverage;
mod ends;
mod hostile;
mod mutants;
mod program;
mod support;
