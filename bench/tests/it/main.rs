//! The table of counts, and the gate's judgement.

mod page;

use fastcgi_bench::{
    Framework,
    counts::{Counts, Row},
    scenario_names,
    table::{Table, Versions},
};

const CALLS: [(&str, f64); 3] = [("epoll_wait", 2.0), ("recvfrom", 1.0), ("sendto", 1.0)];

fn hello() -> Counts {
    Counts::small(20_000, 20.0, 5000, &CALLS)
}

#[test]
fn what_is_the_same_is_neither_worse_nor_better() {
    let comparison = Row::fastcgi(hello()).compare("axum, hello", &hello());
    assert_eq!(comparison.figures, 4);
    assert_eq!(comparison.worse, [""; 0]);
    assert_eq!(comparison.better, [""; 0]);
}

#[test]
fn a_figure_that_is_worse_by_over_two_per_cent_is_named_with_its_row() {
    let more_calls = [("epoll_wait", 2.0), ("recvfrom", 2.0), ("sendto", 1.0)];
    let table = [
        (
            Counts::small(20_402, 20.0, 5000, &CALLS),
            "instructions 20000 -> 20402 (+2.01 %)",
        ),
        (
            Counts::small(20_000, 21.0, 5000, &CALLS),
            "allocations 20 -> 21 (+5.00 %)",
        ),
        (
            Counts::small(20_000, 20.0, 5101, &CALLS),
            "bytes allocated 5000 -> 5101 (+2.02 %)",
        ),
        (
            Counts::small(20_000, 20.0, 5000, &more_calls),
            "system calls 4 -> 5 (+25.00 %)",
        ),
    ];
    for (now, worse) in table {
        let comparison = Row::fastcgi(hello()).compare("axum, hello", &now);
        assert_eq!(comparison.worse, [format!("axum, hello: {worse}")]);
        assert_eq!(comparison.better, [""; 0]);
    }
}

#[test]
fn two_per_cent_are_not_worse() {
    let now = Counts::small(20_400, 20.0, 5100, &CALLS);
    let comparison = Row::fastcgi(hello()).compare("axum, hello", &now);
    assert_eq!(comparison.worse, [""; 0]);
}

#[test]
fn a_figure_that_is_better_is_named() {
    let now = Counts::small(19_799, 20.0, 4960, &CALLS);
    let comparison = Row::fastcgi(hello()).compare("axum, hello", &now);
    assert_eq!(comparison.worse, [""; 0]);
    assert_eq!(
        comparison.better,
        ["axum, hello: instructions 20000 -> 19799 (-1.00 %)"]
    );
}

#[test]
fn a_figure_that_is_missing_is_worse() {
    let now = Counts::small(20_000, 20.0, 5000, &[]);
    let comparison = Row::fastcgi(hello()).compare("axum, hello", &now);
    assert_eq!(
        comparison.worse,
        ["axum, hello: system calls are not in both the table and this count"]
    );
}

/// A row whose counts differ.
fn with_spread() -> Row {
    let text = "[made-with]\nrustc = ''\nlibc = ''\nvalgrind = ''\n[blocking.hello]\nfastcgi = { instructions = 20000, \
                allocations = 20.0, bytes = 5000, spread = { instructions = 3.0, allocations = 0.0, bytes = 1.0 }, \
                calls = { epoll_wait = 2.0, recvfrom = 1.0, sendto = 1.0 } }\n";
    let table = Table::parse(text).expect("a table");
    let row = table.row(Framework::Blocking, "hello");
    row.expect("a row").clone()
}

#[test]
fn a_figure_may_be_worse_by_its_spread_and_two_per_cent() {
    let within = [
        ("epoll_wait", 4.0),
        ("futex", 9.0),
        ("recvfrom", 1.0),
        ("sendto", 1.0),
    ];
    let now = Counts::small(21_000, 20.4, 5150, &within);
    let comparison = with_spread().compare("blocking, hello", &now);
    assert_eq!(comparison.worse, [""; 0]);

    let beyond = [("epoll_wait", 2.0), ("recvfrom", 2.0), ("sendto", 1.0)];
    let now = Counts::small(21_001, 21.0, 5151, &beyond);
    let comparison = with_spread().compare("blocking, hello", &now);
    assert_eq!(
        comparison.worse,
        [
            "blocking, hello: instructions 20000 -> 21001 (+5.00 %)",
            "blocking, hello: allocations 20 -> 21 (+5.00 %)",
            "blocking, hello: bytes allocated 5000 -> 5151 (+3.02 %)",
            "blocking, hello: system calls 2 -> 3 (+50.00 %)",
        ]
    );
}

/// Fewer requests wait where the machine has other work.
#[test]
fn a_figure_with_a_spread_that_is_better_is_no_news() {
    let now = Counts::small(10_000, 10.0, 2500, &[("recvfrom", 1.0)]);
    let comparison = with_spread().compare("blocking, hello", &now);
    assert_eq!(comparison.worse, [""; 0]);
    assert_eq!(comparison.better, [""; 0]);
}

#[test]
fn the_least_of_two_counts_is_the_least_of_each_figure() {
    let fewer_calls = [("epoll_wait", 1.0)];
    let one = Counts::small(1, 20.0, 3, &CALLS);
    let other = Counts::small(2, 10.0, 4, &fewer_calls);
    let least = Counts::small(1, 10.0, 3, &fewer_calls);
    assert_eq!(one.clone().least(other.clone()), least);
    assert_eq!(other.least(one), least);
    // What one of them lacks is still missing.
    let without = Counts::small(1, 20.0, 3, &[]);
    let comparison = Row::fastcgi(hello()).compare("axum, hello", &without.clone().least(without));
    assert_eq!(comparison.worse.len(), 1);
}

#[test]
fn a_table_is_read_as_it_was_written() {
    let mut table = Table::new(Versions::default());
    table.put(Framework::Axum, "hello", Row::fastcgi(hello()));
    table.put(Framework::Tower, "64 in flight", Row::fastcgi(hello()));
    let text = table.to_text().expect("TOML");
    assert_eq!(Table::parse(&text).expect("a table"), table);
    let line = "[axum.\"hello\"]\nfastcgi = { instructions = 20000, allocations = 20.0, bytes = 5000, \
                calls = { epoll_wait = 2.0, recvfrom = 1.0, sendto = 1.0 } }\n";
    assert!(text.contains(line), "{text}");
}

#[test]
fn committed_table_has_all_rows_and_no_others() {
    let table = Table::committed().expect("the table in the repository");
    for framework in [Framework::Tower, Framework::Axum, Framework::Actix] {
        for scenario in scenario_names() {
            let row = table.row(framework, scenario);
            assert!(
                row.is_some(),
                "{framework}, {scenario}: `bench/count --write` adds it"
            );
        }
    }
    for framework in [Framework::Blocking, Framework::CgiFn] {
        for scenario in ["hello", "100 fields", "upload 1 MiB"] {
            let row = table.row(framework, scenario);
            assert!(
                row.is_some(),
                "{framework}, {scenario}: `bench/count --write` adds it"
            );
        }
    }
    for (framework, scenario) in table.names() {
        let is_known =
            framework.parse::<Framework>().is_ok() && scenario_names().contains(&scenario);
        assert!(is_known, "{framework}, {scenario}: there is no such row");
    }
}
