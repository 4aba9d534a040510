//! Which tests exist.

use std::{fs, path::Path};

use fastcgi_test_kit::Tests;

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
    fs::write(path, text).expect("a writable folder");
}

#[test]
fn tests_have_the_names_that_list_prints() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = [
        (
            "main.rs",
            "mod flat; mod folder; #[path = \"../other.rs\"] mod elsewhere; #[test] fn here() {}",
        ),
        (
            "flat.rs",
            "mod inner { #[tokio::test(start_paused = true)] async fn nested() {} } mod below; #[path = \"../fuzz/src/lib.rs\"] mod fuzz; fn helper() {}",
        ),
        ("flat/below.rs", "#[actix_web::test] async fn below_it() {}"),
        (
            "folder/mod.rs",
            "mod file; #[cfg(unix)] #[test] #[ignore] fn ignored() {}",
        ),
        ("folder/file.rs", "#[test] fn in_a_file() {}"),
        ("../fuzz/src/lib.rs", "mod beside;"),
        ("../fuzz/src/beside.rs", "#[test] fn fuzzed() {}"),
        (
            "../other.rs",
            "/* #[test] fn commented() {} */ #[test] fn other() {}",
        ),
    ];
    for (name, text) in files {
        write(&folder.path().join("it"), name, text);
    }
    let tests = Tests::new().source("suite", folder.path().join("it/main.rs"));
    let names: Vec<_> = tests.iter().collect();
    assert_eq!(
        names,
        [
            "suite::elsewhere::other",
            "suite::flat::below::below_it",
            "suite::flat::fuzz::beside::fuzzed",
            "suite::flat::inner::nested",
            "suite::folder::file::in_a_file",
            "suite::folder::ignored",
            "suite::here",
        ]
    );
}

#[test]
fn these_tests_are_found() {
    let main = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/main.rs");
    let tests = Tests::new().source("kit", main);
    assert!(
        tests
            .iter()
            .any(|name| name == "kit::sources::these_tests_are_found")
    );
}

#[test]
fn functions_are_found_below_a_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), "a.rs", "fn first() {}");
    write(
        folder.path(),
        "b/c.rs",
        "pub(crate) fn second(site: &Site) -> Result<(), Failed> { Ok(()) }",
    );
    write(folder.path(), "b/c.txt", "fn no_rust() {}");
    let tests = Tests::new().functions("e2e", folder.path());
    assert_eq!(
        tests.iter().collect::<Vec<_>>(),
        ["e2e::first", "e2e::second"]
    );
}

#[test]
#[should_panic(expected = "core has no tests")]
fn a_suite_without_tests_is_a_mistake() {
    drop(Tests::new().names("core", [""; 0]));
}
