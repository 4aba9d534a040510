//! Where and when it was measured, and with which versions.

use std::{fs, path::Path, process::Command, thread};

use super::{figures::Machine, root};
use crate::Result;

/// What the libraries are called in `Cargo.lock`.
const LIBRARIES: [&str; 4] = ["axum", "hyper", "actix-web", "tokio"];

impl Machine {
    pub(super) fn here() -> Result<Self> {
        let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let processor = processors
            .lines()
            .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
            .map_or("an unknown processor", |(_, name)| name.trim());
        let load = fs::read_to_string("/proc/loadavg")?;
        let load = load.split(' ').next().unwrap_or_default().parse()?;
        Ok(Self {
            date: said("date", &["-u", "+%F"]),
            processor: processor.to_owned(),
            cores: thread::available_parallelism()?.get(),
            kernel: said("uname", &["-sr"]),
            rustc: said("rustc", &["--version"]),
            libraries: libraries(&fs::read_to_string(root().join("Cargo.lock"))?),
            load,
        })
    }
}

fn libraries(lock: &str) -> String {
    let version = |name: &&str| Some(format!("{name} {}", locked(lock, name)?));
    let found: Vec<String> = LIBRARIES.iter().filter_map(version).collect();
    found.join(", ")
}

/// The version of a package in `Cargo.lock`.
pub(super) fn locked<'a>(lock: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = lock.split_once(&format!("name = \"{name}\"\nversion = \""))?;
    Some(rest.split_once('"')?.0)
}

/// What a command prints, in one line; nothing, if there is no such command.
pub(super) fn said(program: impl AsRef<Path>, args: &[&str]) -> String {
    let output = Command::new(program.as_ref()).args(args).output();
    let text = output.map(|it| String::from_utf8_lossy(&it.stdout).into_owned());
    let text = text.unwrap_or_default();
    text.lines().next().unwrap_or_default().trim().to_owned()
}
