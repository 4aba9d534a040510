//! What the two programs have in common: all of it is printed to standard output, as by many published applications.

#![expect(clippy::print_stdout, reason = "it is what these programs are for")]

use std::env;
use std::io;
use std::process::Command;

/// Begins to log, and prints something before `run` if the request asks for it.
///
/// A CGI program has its request in the environment from the beginning.
pub fn begin() {
    tracing_subscriber::fmt().init();
    match env::var("QUERY_STRING").as_deref() {
        Ok("print-first") => println!("printed before run"),
        Ok("stderr-first") => eprintln!("printed to standard error before run"),
        _ => {}
    }
}

/// The addresses that the program itself is to listen on: `BIND`, separated by commas.
#[must_use]
pub fn addresses() -> Vec<String> {
    let list = env::var("BIND").unwrap_or_default();
    let addresses = list.split(',').filter(|address| !address.is_empty());
    addresses.map(str::to_owned).collect()
}

/// Prints the message, logs it, and has a child print it.
///
/// # Errors
///
/// When there is no child.
pub fn print(message: &str) -> io::Result<()> {
    println!("{message} is printed");
    tracing::info!("{message} is logged");
    Command::new("echo")
        .arg(format!("{message} is a child's"))
        .status()?;
    Ok(())
}
