//! The committed listings are those of the sources.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write},
};

use fastcgi_public_api::{CRATES, committed, compiler, document, head, listing};

#[test]
fn public_interface_is_the_one_that_is_listed() {
    let compiler = compiler().expect("a compiler");
    let mut to_compare = Vec::new();
    for name in CRATES {
        let text = fs::read_to_string(committed(name)).expect("a listing of each crate");
        match text.lines().next() {
            Some(first) if first == head(&compiler) => to_compare.push((name, text)),
            other => tell(&format!(
                "{name}: its interface is not compared: the listing says `{}`, and this is {compiler}",
                other.unwrap_or_default()
            )),
        }
    }
    if to_compare.is_empty() {
        return;
    }
    let documented = document().expect("rustdoc's JSON");
    let mut changes = Vec::new();
    for (name, before) in to_compare {
        let now = listing(&documented, name).expect("a listing");
        changes.extend(difference(&before, &now).map(|line| format!("{name} {line}")));
    }
    let changes = changes.join("\n");
    assert!(
        changes.is_empty(),
        "the public interface is another than the one that is listed; if that is meant, `cargo run -p \
         fastcgi-public-api` writes it down:\n{changes}"
    );
}

#[test]
fn an_item_more_and_an_item_less_are_seen() {
    let before = "# rustc\npub fn a::b()\npub fn a::c()\n";
    let now = "# rustc\npub fn a::c()\npub fn a::d()\n";
    let lines: Vec<_> = difference(before, now).collect();
    assert_eq!(lines, ["- pub fn a::b()", "+ pub fn a::d()"]);
    assert_eq!(difference(before, before).count(), 0);
}

/// A listing is sorted, so what matters is which lines there are.
fn difference(before: &str, now: &str) -> impl Iterator<Item = String> {
    let (before, now): (BTreeSet<_>, BTreeSet<_>) =
        (before.lines().collect(), now.lines().collect());
    let gone = before.difference(&now).map(|line| format!("- {line}"));
    let new = now.difference(&before).map(|line| format!("+ {line}"));
    gone.chain(new).collect::<Vec<_>>().into_iter()
}

/// Past the harness, which shows nothing of a test that passes.
fn tell(line: &str) {
    writeln!(io::stderr(), "{line}").expect("standard error");
}
