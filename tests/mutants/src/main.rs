//! Puts bugs into a copy of the repository, one at a time, and expects a test to fail for each: what fails has a name, and
//! a bug that came back would not get through.
//!
//! `cargo run -p fastcgi-mutants` runs all of `tests/mutants/list.txt`, `cargo run -p fastcgi-mutants -- WORD` those with
//! that word in their names. One line for each, and one at the end. It fails if a bug is not noticed.

#![expect(clippy::print_stdout, reason = "it is a program")]

mod copy;

use std::{collections::BTreeMap, env, path::Path, process::ExitCode, time::Instant};

use fastcgi_mutants::Mutant;

use crate::copy::{Copy, Outcome};

fn main() -> ExitCode {
    match run(env::args().nth(1).as_deref()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every mutant was noticed.
fn run(word: Option<&str>) -> Result<bool, String> {
    let start = Instant::now();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut mutants = Mutant::all()?;
    mutants.retain(|mutant| word.is_none_or(|word| mutant.name.contains(word)));
    let copy = Copy::new(&root).map_err(|error| format!("the copy: {error}"))?;
    check_tests(&copy, &mutants)?;
    println!(
        "the tests pass without a bug ({}s)",
        start.elapsed().as_secs()
    );

    let mut noticed = 0;
    for mutant in &mutants {
        let start = Instant::now();
        let word = match copy.outcome(mutant) {
            Ok(Outcome::Failed) => {
                noticed += 1;
                "noticed by"
            }
            Ok(Outcome::Passed) => "NOT NOTICED by",
            Ok(Outcome::Hung) => "HANGS in",
            Ok(Outcome::NotBuilt) => "CANNOT BE BUILT for",
            Ok(Outcome::Missing) => "HAS NO TEST",
            Err(error) => {
                println!("{}: CANNOT BE APPLIED: {error}", mutant.name);
                continue;
            }
        };
        let Mutant {
            name,
            package,
            test,
            ..
        } = mutant;
        println!(
            "{name}: {word} {package} {test} ({}s)",
            start.elapsed().as_secs()
        );
    }
    println!(
        "mutants: {noticed} of {} noticed in {}s",
        mutants.len(),
        start.elapsed().as_secs()
    );
    Ok(noticed == mutants.len() && noticed > 0)
}

/// A test that fails without a bug, or is not there, notices nothing.
fn check_tests(copy: &Copy, mutants: &[Mutant]) -> Result<(), String> {
    let mut tests = BTreeMap::<_, Vec<_>>::new();
    for mutant in mutants {
        let tests = tests.entry(&*mutant.package).or_default();
        if !tests.contains(&&*mutant.test) {
            tests.push(&*mutant.test);
        }
    }
    for (package, tests) in tests {
        match copy.passes(package, &tests) {
            Ok(Outcome::Passed) => {}
            Ok(outcome) => return Err(format!("{package}, without a bug: {outcome:?}")),
            Err(error) => return Err(format!("cargo: {error}")),
        }
    }
    Ok(())
}
