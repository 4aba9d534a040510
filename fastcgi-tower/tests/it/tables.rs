//! Tables whose rows name tests.

use std::path::Path;

use fastcgi_test_kit::{Table, Tests};

#[test]
fn every_bug_of_a_peer_names_its_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let tests = Tests::new()
        .source("tower", root.join("fastcgi-tower/tests/it/main.rs"))
        .source("core", root.join("fastcgi-core/tests/it/main.rs"))
        .functions("e2e", root.join("tests/e2e"));
    let bugs = Table::find(include_str!("peers.rs"), "| bug | whose | test |")
        .home("tower::peers")
        .without_test("an error of accept ends the server");
    let faults = bugs.faults(&tests, |test| test.starts_with("tower::peers::"));
    assert_eq!(faults, [""; 0]);
}

#[test]
fn every_setting_names_its_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let rules = std::fs::read_to_string(root.join("docs/rules.md")).expect("the rules");
    let (_, limits) = rules.split_once("## Limits").expect("a section");
    let (connection, server) = limits
        .split_once("**Settings of a server**")
        .expect("two tables");
    let tests = Tests::new()
        .source("tower", root.join("fastcgi-tower/tests/it/main.rs"))
        .source("core", root.join("fastcgi-core/tests/it/main.rs"));
    for text in [connection, server] {
        let head = "| setting | default | unit | beyond it | set it where | test |";
        let settings = Table::find(text, head).home("core::connection");
        assert_eq!(settings.faults(&tests, |_| false), [""; 0]);
    }
}

#[test]
fn every_feature_of_another_library_names_its_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = std::fs::read_to_string(root.join("docs/features.md")).expect("the page");
    let tests = Tests::new()
        .source("tower", root.join("fastcgi-tower/tests/it/main.rs"))
        .source("axum", root.join("axum-fastcgi/tests/it/main.rs"))
        .source("core", root.join("fastcgi-core/tests/it/main.rs"))
        .functions("e2e", root.join("tests/e2e"));
    let mut named = String::new();
    for library in ["fcgisgi", "simple-fastcgi", "fastcgi"] {
        let table = Table::find(&page, &format!("| {library} | here | test |"));
        let table = table.home("tower::features");
        assert_eq!(table.faults(&tests, |_| false), [""; 0], "{library}");
        named.extend(table.rows().flatten().map(String::as_str));
    }
    // And each test of the module is named by a row.
    let own = tests
        .iter()
        .filter_map(|it| it.strip_prefix("tower::features::"));
    let unnamed: Vec<_> = own
        .filter(|name| !named.contains(&format!("`{name}`")))
        .collect();
    assert_eq!(unnamed, [""; 0]);
}
