//! `docs/performance.md` of fixed figures, and of a run that is far too short to say anything.

use std::{fs, process::Command};

use fastcgi_bench::{
    page::{Figures, chart, markdown, put_table},
    table::Table,
};

fn figures() -> Figures {
    Figures::parse(include_str!("figures.toml")).expect("figures")
}

fn counts() -> Table {
    let text = r#"
[made-with]
rustc = "1.90.0"
libc = "glibc 2.36"
valgrind = "3.19.0"

[axum.hello]
fastcgi = { instructions = 12345, allocations = 19.0, calls = { recvfrom = 1.0, sendto = 1.0 } }
http = { instructions = 10000, allocations = 20.5, calls = { recvfrom = 1.0, writev = 1.0 } }

[axum."idle connection"]
fastcgi = { held = 1000 }
http = { held = 4000 }

[tower."plain CGI"]
fastcgi = { instructions = 600000 }
http = { instructions = 500000 }
"#;
    Table::parse(text).expect("a table")
}

#[test]
fn page_has_every_figure() {
    let (text, unexplained) = markdown(&figures(), &counts());
    assert_eq!(text, include_str!("page.md"));
    assert_eq!(unexplained, [""; 0]);
}

#[test]
fn row_over_1_05_without_a_reason_is_named() {
    let text = include_str!("figures.toml").replace(r#"scenario = "hello""#, r#"scenario = "new""#);
    let figures = Figures::parse(&text).expect("figures");
    let (_, unexplained) = markdown(&figures, &counts());
    // bare tower is at 1.048.
    assert_eq!(unexplained, ["axum, new"]);
}

#[test]
fn busy_machine_is_named() {
    let text = include_str!("figures.toml").replace("load = 0.04", "load = 2.5");
    let figures = Figures::parse(&text).expect("figures");
    let (text, _) = markdown(&figures, &counts());
    assert!(text.contains("**The machine had other work**"), "{text}");
}

#[test]
fn table_of_the_readme_is_put_between_its_markers() {
    let readme =
        "before\n<!-- Written by `fastcgi-bench page`: -->\nold\n<!-- The end of it. -->\nafter\n";
    let expected = "before
<!-- Written by `fastcgi-bench page`: -->
5 rounds, A Processor, 2026-01-31:

| | tower | axum | actix-web |
|---|---|---|---|
| hello | 1.05 | 1.23 | – |
| 100 fields | – | – | – |
<!-- The end of it. -->
after
";
    let with_table = put_table(readme, &figures()).expect("markers");
    assert_eq!(with_table, expected);
    assert!(put_table("no markers", &figures()).is_err());
}

#[test]
fn readme_has_the_markers() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    let readme = fs::read_to_string(readme).expect("README.md");
    put_table(&readme, &figures()).expect("markers");
}

#[test]
fn chart_has_a_bar_and_a_figure_for_each_ratio_and_is_readable_in_the_dark() {
    let svg = chart(&figures()).expect("a chart");
    for text in [
        "hello",
        "100 fields",
        "1.05",
        "1.23",
        "prefers-color-scheme: dark",
    ] {
        assert!(svg.contains(text), "{text} is missing: {svg}");
    }
    // Two figures, and a place in the legend.
    assert_eq!(svg.matches("fill=\"#3B8F6B\"").count(), 2);
    assert_eq!(svg.matches("fill=\"#5B7FC7\"").count(), 2);
    assert_eq!(svg.matches("fill=\"#D99A3A\"").count(), 1);
}

#[test]
fn a_short_run_writes_page_and_chart() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(env!("CARGO_BIN_EXE_fastcgi-bench"))
        .args(["page", "smoke"])
        .arg(folder.path())
        .output()
        .expect("a program");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let page = fs::read_to_string(folder.path().join("performance.md")).expect("a page");
    for row in [
        "| 64 in flight | ",
        "| download 1 MiB TCP | ",
        "| axum-fastcgi | ",
        "| nginx | ",
        "| HAProxy, `no option keep-conn` | ",
        "| HAProxy, `option keep-conn` | ",
        "| HAProxy, `option mpxs-conns` | ",
        "\n| 1,000,000 | ",
        "\n| idle connections | ",
        "\n| worker threads | ",
    ] {
        assert!(page.contains(row), "{row} is missing: {page}");
    }
    assert!(folder.path().join("performance.svg").exists());
}

#[test]
fn connections_for_which_too_few_files_may_be_open_are_missing() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new("sh")
        .args(["-c", "ulimit -n 500 && exec \"$0\" page smoke \"$1\""])
        .arg(env!("CARGO_BIN_EXE_fastcgi-bench"))
        .arg(folder.path())
        .output()
        .expect("a shell");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let page = fs::read_to_string(folder.path().join("performance.md")).expect("a page");
    let missing = "- 1,000 connections: no more than 500 files may be open (`ulimit -Hn`)\n";
    assert!(page.contains(missing), "{page}");
    let (_, connections) = page.split_once("\n| connections | ").expect("a table");
    let (connections, _) = connections.split_once("\n\n").expect("an end");
    assert!(connections.contains("\n| 100 | "), "{connections}");
    assert!(!connections.contains("\n| 1,000 | "), "{connections}");
}
