//! Tables whose rows name tests.

use std::path::Path;

use fastcgi_test_kit::{Table, Tests};
use fastcgi_tower::{Limits, Timeouts};

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

/// The table of limits: settings of a connection, settings of a server, constants.
fn limits() -> (Tests, Table) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let rules = std::fs::read_to_string(root.join("docs/rules.md")).expect("the rules");
    let tests = Tests::new()
        .source("tower", root.join("fastcgi-tower/tests/it/main.rs"))
        .source("core", root.join("fastcgi-core/tests/it/main.rs"))
        .source("axum", root.join("axum-fastcgi/tests/it/main.rs"))
        .source("hostile", root.join("tests/hostile/tests/it/main.rs"))
        .source("held", root.join("tests/hostile/tests/held.rs"));
    let head = "| limit or time | default | unit | beyond it | set it where | test |";
    (tests, Table::find(&rules, head).home("core::connection"))
}

#[test]
fn every_limit_names_its_tests() {
    let (tests, table) = limits();
    assert_eq!(table.faults(&tests, |_| false), [""; 0]);
}

/// The settings of a connection are those of the types: no field is missing, and the numbers are those.
#[test]
fn every_limit_of_a_connection_has_a_row() {
    let (_, table) = limits();
    let rows: Vec<_> = table
        .rows()
        .map(|row| (row[0].trim_matches('`').to_owned(), row[1].clone()))
        .filter(|(name, _)| name.starts_with("Limits::") || name.starts_with("Timeouts::"))
        .collect();
    let limits = format!("{:?}", Limits::default());
    let timeouts = format!("{:?}", Timeouts::default());
    let fields: Vec<_> = [("Limits", limits), ("Timeouts", timeouts)]
        .iter()
        .flat_map(|(name, text)| fields(name, text))
        .collect();
    let names = |of: &[(String, String)]| of.iter().map(|it| it.0.clone()).collect::<Vec<_>>();
    let mut wanted = names(&fields);
    let mut found = names(&rows);
    wanted.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, wanted);
    for (name, default) in fields {
        let (_, cell) = rows.iter().find(|row| row.0 == name).expect("a row");
        assert!(
            cell.starts_with(&default),
            "{name} is {default}, not {cell}"
        );
    }
}

/// The fields of a type and their values, from its `Debug`: `Limits { max_reqs: 1, .. }`.
fn fields(name: &str, text: &str) -> Vec<(String, String)> {
    let (_, inner) = text.split_once('{').expect("fields");
    let fields = inner.trim_end_matches('}').split(',');
    let field = |field: &str| {
        let (field, value) = field.split_once(':').expect("a value");
        (format!("{name}::{}", field.trim()), spelled(value.trim()))
    };
    fields.map(field).collect()
}

/// A value as the table spells it.
fn spelled(value: &str) -> String {
    const KIB: u64 = 1024;
    const MIB: u64 = 1024 * KIB;
    match value.parse::<u64>() {
        Ok(bytes) if bytes >= MIB => format!("{} MiB", bytes / MIB),
        Ok(bytes) if bytes >= KIB => format!("{} KiB", bytes / KIB),
        Ok(count) => count.to_string(),
        Err(_) => match value {
            "None" => "none".to_owned(),
            // Of `Timeouts::idle`: its default depends on the socket.
            "Default" => "5 min on TCP".to_owned(),
            time => time.replace('s', " s"),
        },
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
