//! ARCHITECTURE.md says what is so.

use std::{collections::BTreeSet, fs, path::Path};

const PAGE: &str = include_str!("../../../../ARCHITECTURE.md");

#[test]
fn every_path_that_the_page_names_exists() {
    let roots = [
        "axum-fastcgi/",
        "bench/",
        "docs/",
        "fastcgi-",
        "fuzz/",
        "tests/",
    ];
    let words = PAGE.split(|c: char| c.is_whitespace() || "`(),;:[]".contains(c));
    let paths: BTreeSet<_> = words
        .filter(|word| word.contains('/') && roots.iter().any(|root| word.starts_with(root)))
        .collect();
    assert!(paths.len() > 40, "{paths:?}");
    let missing: Vec<_> = paths
        .iter()
        .filter(|path| !root().join(path).exists())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_path_passes_each_file_once() {
    let blocks = block_under("## Four paths");
    let paths: Vec<_> = blocks.split("\n\n").collect();
    assert_eq!(paths.len(), 4);
    for path in paths {
        let (title, files) = path.split_once('\n').expect("a title, and files");
        let files: Vec<_> = files.lines().map(first_word).collect();
        let distinct: BTreeSet<_> = files.iter().collect();
        assert_eq!(distinct.len(), files.len(), "{title}");
        for file in files {
            assert!(root().join(file).is_file(), "{title}: {file}");
        }
    }
}

#[test]
fn the_machines_are_drawn_as_in_their_modules() {
    for (machine, module) in [
        ("**Input**", "input.rs"),
        ("**Output**", "output.rs"),
        ("**Life**", "closing.rs"),
    ] {
        let path = root().join("fastcgi-core/src/connection").join(module);
        let source = fs::read_to_string(path).expect("a source");
        let docs: String = source
            .lines()
            .map_while(|line| line.strip_prefix("//!"))
            .map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line)))
            .collect();
        let drawing = block_under(machine);
        assert!(drawing.contains('▶'), "{machine}: {drawing}");
        assert!(docs.contains(drawing), "{module} has another drawing");
    }
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// What is in the first block of text behind `head`.
fn block_under(head: &str) -> &'static str {
    let (_, rest) = PAGE.split_once(head).expect(head);
    let (_, rest) = rest.split_once("```text\n").expect("a block");
    let (block, _) = rest.split_once("\n```").expect("its end");
    block
}

fn first_word(line: &str) -> &str {
    line.split_whitespace().next().unwrap_or_default()
}
