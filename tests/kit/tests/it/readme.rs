//! The programs of README.md are those that are compiled: as examples in the documentation of the facades.

use std::{fs, path::Path};

fn read(path: &str) -> String {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A diff as what it makes.
fn made(diff: &str) -> String {
    let lines = diff.lines().filter(|line| !line.starts_with('-'));
    lines
        .map(|line| format!("{}\n", line.get(1..).unwrap_or_default()))
        .collect()
}

/// The documentation of a crate, without its slashes.
fn documentation(path: &str) -> String {
    let source = read(path);
    let lines = source.lines().filter_map(|line| line.strip_prefix("//!"));
    lines
        .map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line)))
        .collect()
}

#[test]
fn the_programs_of_the_readme_are_compiled() {
    let readme = read("README.md");
    let diffs: Vec<_> = readme.split("```diff\n").skip(1).collect();
    let homes = ["axum-fastcgi/src/lib.rs", "fastcgi-actix/src/lib.rs"];
    assert_eq!(diffs.len(), homes.len());
    for (diff, home) in diffs.into_iter().zip(homes) {
        let (diff, _) = diff.split_once("```").expect("a block has an end");
        let program = made(diff);
        assert!(program.contains("fn main()"), "{program}");
        let compiled = format!("```no_run\n{program}```\n");
        assert!(
            documentation(home).contains(&compiled),
            "{home} has not:\n{program}"
        );
    }
}
