//! What is wrong with a table.

use fastcgi_test_kit::{Table, Tests};

const HEAD: &str = "| bug | whose | test |";

fn tests() -> Tests {
    Tests::new()
        .names("tower", ["peers::one", "peers::two", "roles::three"])
        .names("core", ["params::four"])
}

fn faults(rows: &str) -> Vec<String> {
    table(rows).faults(&tests(), |_| false)
}

fn table(rows: &str) -> Table {
    let text = format!("text\n\n//! {HEAD}\n//! |---|---|---|\n{rows}\n\n| not | a | row |\n");
    Table::find(&text, HEAD).home("tower::peers")
}

#[test]
fn rows_that_name_tests_are_good() {
    let rows = "\
        //! | here | x | `one` |\n\
        //! | of another module | x | tower `roles::three` |\n\
        //! | of another suite | x | core `params::four` |\n\
        //! | a whole module | x | core `params` |\n\
        //! | two | x | `one`, core `params::four` |\n\
        //! | with a remark | x | `two`: there is none; the types of `http` |";
    assert_eq!(faults(rows), [""; 0]);
}

#[test]
fn a_row_without_a_test_is_a_fault() {
    for cell in ["", "the types of `http`", "elsewhere"] {
        let rows = format!("| a bug | x | {cell} |");
        assert_eq!(faults(&rows), ["a bug: names no test"]);
    }
}

#[test]
fn a_test_that_does_not_exist_is_a_fault() {
    let table = [
        ("`three`", "tower::peers::three"),
        ("tower `three`", "tower::three"),
        ("`one`, core `five`", "core::five"),
        ("core `par`", "core::par"),
    ];
    for (cell, missing) in table {
        let rows = format!("| a bug | x | {cell} |");
        assert_eq!(
            faults(&rows),
            [format!("a bug: there is no test {missing}")]
        );
    }
}

#[test]
fn a_row_that_is_there_twice_is_a_fault() {
    assert_eq!(
        faults("| a | x | `one` |\n| a | y | `two` |"),
        ["a: is there twice"]
    );
}

#[test]
fn a_row_without_a_test_can_be_meant() {
    let rows = "| a | x | the type has none |\n| b | x | `one` |";
    let table = table(rows);
    let faults = |table: &Table| table.faults(&tests(), |_| false);
    assert_eq!(faults(&table.clone().without_test("a")), [""; 0]);
    let both = table.clone().without_test("a").without_test("b");
    assert_eq!(faults(&both), ["b: has a test after all"]);
    let other = table.without_test("a").without_test("c");
    assert_eq!(faults(&other), ["c: is no row"]);
}

#[test]
fn a_test_of_the_kind_without_a_row_is_a_fault() {
    let is_meant = |test: &str| test.starts_with("tower::");
    let one = table("| a | x | `one`, tower `roles` |");
    assert_eq!(
        one.faults(&tests(), is_meant),
        ["tower::peers::two: has no row"]
    );
    let all = table("| a | x | `one`, tower `roles` |\n| b | x | tower `peers` |");
    assert_eq!(all.faults(&tests(), is_meant), [""; 0]);
}

#[test]
fn rows_can_name_tests_in_another_way() {
    let table = table("| number one | x | yes |\n| number six | x | yes |").map(|cells| {
        let name = cells[0].replace("number ", "");
        vec![cells[0].clone(), format!("`{name}`")]
    });
    let faults = table.faults(&tests(), |test| test.starts_with("tower::peers::"));
    assert_eq!(
        faults,
        [
            "number six: there is no test tower::peers::six",
            "tower::peers::two: has no row"
        ]
    );
}

#[test]
#[should_panic(expected = "no table begins with | bug | test |")]
fn a_table_that_is_missing_is_a_mistake() {
    drop(Table::find(
        "| bug | whose | test |\n|---|---|---|\n",
        "| bug | test |",
    ));
}
