//! The table of attacks in docs/security.md names tests that exist, and has all of them.

use std::path::Path;

use fastcgi_test_kit::{Table, Tests};

#[test]
fn every_attack_of_the_documentation_has_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let tests = Tests::new()
        .source("hostile", root.join("tests/hostile/tests/it/main.rs"))
        .source("tower", root.join("fastcgi-tower/tests/it/main.rs"))
        .source("core", root.join("fastcgi-core/tests/it/main.rs"));
    let attacks = include_str!("../../../../docs/security.md");
    let attacks = Table::find(attacks, "| attack | what happens | test |").home("hostile::attacks");
    let faults = attacks.faults(&tests, |test| test.starts_with("hostile::attacks::"));
    assert_eq!(faults, [""; 0]);
}
