//! What the program says, on descriptors that may be pipes that nobody reads.

use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

/// Prints on standard output.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Prints what the user has asked for, and nothing else.
pub(crate) fn show(text: &str) -> ExitCode {
    print(text).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}

/// Prints a line on standard error. Not `eprintln!`, which panics where nobody reads.
pub(crate) fn complain(about: impl Display) {
    let line = format!("fastcgi-front: {about}\n");
    _ = io::stderr().write_all(line.as_bytes());
}
