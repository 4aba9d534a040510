//! The committed listings are those of the sources.

use std::{
    collections::{BTreeMap, BTreeSet},
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

/// Public types that share a name, and why they may.
const SHARED_NAMES: [(&str, &str); 15] = [
    ("Address", "one type, in two modules"),
    ("AuthType", EXTRACTOR),
    ("ClientCertificate", EXTRACTOR),
    ("DocumentRoot", EXTRACTOR),
    ("InvalidAddress", "one type, in two modules"),
    ("Listener", "one trait, in two modules"),
    ("MissingParam", EXTRACTOR),
    ("Params", EXTRACTOR),
    ("RemoteUser", EXTRACTOR),
    (
        "RequestExt",
        "one for requests of `http`, one for those of actix: a program uses one",
    ),
    ("Run", "one type, in two modules"),
    ("RunError", "one type, in two modules"),
    ("ScriptFilename", EXTRACTOR),
    ("ServerName", EXTRACTOR),
    ("ServerPort", EXTRACTOR),
];

/// A trait of actix can be implemented for its own types only.
const EXTRACTOR: &str =
    "that of fastcgi-actix is its extractor, or what that refuses with, and derefs to the other";

/// Of two types with one name, a reader of code and of errors cannot see which is meant.
#[test]
fn no_two_public_types_have_one_name() {
    let mut paths = BTreeMap::<String, Vec<String>>::new();
    for name in CRATES {
        let listing = fs::read_to_string(committed(name)).expect("a listing of each crate");
        for path in listing.lines().filter_map(defined_type) {
            let bare = path.rsplit("::").next().unwrap_or(path);
            paths
                .entry(bare.to_owned())
                .or_default()
                .push(path.to_owned());
        }
    }
    assert!(paths.len() > 90, "{} types were looked at", paths.len());
    paths.retain(|_, paths| paths.len() > 1);
    let shared: Vec<_> = paths.keys().map(String::as_str).collect();
    assert_eq!(shared, SHARED_NAMES.map(|(name, _)| name), "{paths:#?}");
}

#[test]
fn types_are_found_in_a_listing() {
    let line = "#[non_exhaustive] pub enum a::b::Kind<T: core::fmt::Debug>";
    assert_eq!(defined_type(line), Some("a::b::Kind"));
    assert_eq!(defined_type("pub struct a::Id(_)"), Some("a::Id"));
    assert_eq!(defined_type("pub trait a::Ask: a::Id"), Some("a::Ask"));
    assert_eq!(defined_type("pub fn a::Id::new() -> a::Id"), None);
    assert_eq!(defined_type("pub use a::Other"), None);
}

/// The path of the struct, enum, union or trait that a line defines.
fn defined_type(line: &str) -> Option<&str> {
    let line = line.trim_start_matches("#[non_exhaustive] ");
    let path = ["struct ", "enum ", "union ", "trait "]
        .iter()
        .find_map(|kind| line.strip_prefix("pub ")?.strip_prefix(kind))?;
    let end = path.find(['<', '(', ' ']).unwrap_or(path.len());
    path.get(..end).map(|path| path.trim_end_matches(':'))
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
