//! Programs that tests start.

use std::{
    collections::BTreeMap,
    env,
    path::PathBuf,
    process::Command,
    sync::{Mutex, PoisonError},
};

/// The program of a package of this workspace that has the program's name. It is built when a test first asks for it, with the
/// profile of the tests and beside them, so that it is there, and new, whichever tests are run.
///
/// # Panics
///
/// When it cannot be built.
#[must_use]
pub fn program(package: &str) -> PathBuf {
    static BUILT: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    // One that cannot be built fails each test that needs it.
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(program) = built.get(package) {
        return program.clone();
    }
    let program = build(package);
    built.insert(package.to_owned(), program.clone());
    program
}

fn build(package: &str) -> PathBuf {
    // target/debug/deps/it-0123456789abcdef
    let test = env::current_exe().expect("a test is a program");
    let profile = test.ancestors().nth(2).expect("a folder for the profile");
    let target = profile.parent().expect("a target folder");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", package]);
    cargo.arg("--manifest-path");
    cargo.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"));
    cargo.arg("--target-dir").arg(target);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    let status = cargo.status().expect("cargo can be started");
    assert!(status.success(), "{package} cannot be built");
    profile.join(package)
}
