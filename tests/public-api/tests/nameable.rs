//! Each type that a signature of a crate needs can be named through that crate.

use std::{collections::BTreeSet, fs};

use fastcgi_public_api::{committed, items::items};

/// Each crate, and those below it.
const CRATES: [(&str, &[&str]); 3] = [
    ("fastcgi-tower", &["fastcgi-core"]),
    ("axum-fastcgi", &["fastcgi-core", "fastcgi-tower"]),
    ("fastcgi-actix", &["fastcgi-core", "fastcgi-tower"]),
];

fn listing(name: &str) -> String {
    fs::read_to_string(committed(name)).expect("a listing")
}

/// The types that a listing defines or exports, and those of modules of other listings that it exports.
fn named(own: &str, below: &[String]) -> BTreeSet<String> {
    let mut named: BTreeSet<_> = items(own)
        .filter_map(|item| item.defined().map(str::to_owned))
        .collect();
    for module in items(own) {
        let Some(module) = module.exported_module() else {
            continue;
        };
        for listing in below {
            let inside = items(listing).filter(|item| item.is_in(module));
            named.extend(inside.filter_map(|item| item.defined().map(str::to_owned)));
        }
    }
    named
}

fn unnamed(own: &str, below: &[String]) -> Vec<String> {
    let named = named(own, below);
    let mut unnamed = Vec::new();
    for item in items(own) {
        for name in item.types() {
            if !named.contains(name) {
                unnamed.push(format!("{name}, in {item:?}"));
            }
        }
    }
    unnamed
}

#[test]
fn each_type_of_a_signature_can_be_named() {
    for (name, below) in CRATES {
        let below: Vec<_> = below.iter().map(|name| listing(name)).collect();
        let unnamed = unnamed(&listing(name), &below);
        assert!(unnamed.is_empty(), "{name}: {unnamed:#?}");
    }
}

/// And those that the types below need, in the crates below, which are exported with all that they have.
#[test]
fn each_crate_exports_the_crate_below() {
    for (name, below) in [
        ("fastcgi-tower", "fastcgi_core"),
        ("axum-fastcgi", "fastcgi_tower"),
        ("fastcgi-actix", "fastcgi_tower"),
    ] {
        let own = listing(name);
        let is_exported = items(&own).any(|item| item.exported_module() == Some(below));
        assert!(is_exported, "{name} does not export {below}");
    }
}

/// Crates whose types may be in signatures: a new version that changes them would be one of ours. Those of the framework are
/// meant to be in a facade.
const STABLE: [&str; 12] = [
    "alloc",
    "bytes",
    "core",
    "http",
    "http_body",
    "std",
    "tokio",
    // axum 0.8 and tower 0.5 have these two in theirs, and they have not changed since 2019 and 2020.
    "tower_layer",
    "tower_service",
    // The trait `Stream`, unchanged since 2019.
    "futures_core",
    // `serde` under its other name.
    "serde_core",
    "serde_json",
];

#[test]
fn foreign_types_in_signatures_are_those_of_stable_crates() {
    for (name, framework) in [
        ("fastcgi-core", &[][..]),
        ("fastcgi-tower", &[]),
        ("axum-fastcgi", &["axum", "axum_core"]),
        (
            "fastcgi-actix",
            &["actix_http", "actix_service", "actix_web"],
        ),
    ] {
        let own = listing(name);
        for item in items(&own) {
            let crates = item.crates().into_iter().filter(|it| {
                !STABLE.contains(it) && !framework.contains(it) && !it.contains("fastcgi")
            });
            assert_eq!(crates.collect::<Vec<_>>(), [""; 0], "{item:?}");
        }
    }
}

#[test]
fn a_type_that_cannot_be_named_is_found() {
    let below =
        "# rustc\npub mod fastcgi_tower::listener\npub struct fastcgi_tower::listener::Socket\n";
    let own = "# rustc
pub use axum_fastcgi::Limits
pub use axum_fastcgi::listener
pub struct axum_fastcgi::Serve<L>
impl<L> axum_fastcgi::Serve<L>
pub fn axum_fastcgi::Serve<L>::limits(self, fastcgi_core::connection::Limits) -> Self
pub fn axum_fastcgi::Serve<L>::socket(&self) -> &fastcgi_tower::listener::socket::Socket
pub fn axum_fastcgi::Serve<L>::name<P>(self, P) -> Self where P: Into<fastcgi_core::cgi::ScriptName>
impl<L> core::convert::From<fastcgi_tower::Budget> for axum_fastcgi::Serve<L>
pub fn axum_fastcgi::Serve<L>::from(fastcgi_tower::Budget) -> Self
pub fn axum_fastcgi::serve<L>(fastcgi_tower::Exchange) -> axum_fastcgi::Serve<L>
";
    let unnamed = unnamed(own, &[below.to_owned()]);
    let names: Vec<_> = unnamed.iter().map(|it| it.split(',').next()).collect();
    assert_eq!(names, [Some("ScriptName"), Some("Exchange")]);
}
