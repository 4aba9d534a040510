//! What is seen of the imports of a crate.

use std::fs;

use fastcgi_test_kit::{imports, root_modules};

#[test]
fn imports_are_followed_to_the_root() {
    let folder = tempfile::tempdir().expect("a folder");
    let files = [
        (
            "lib.rs",
            "mod a; mod b; pub use crate::a::Thing; use std::io;",
        ),
        (
            "a/mod.rs",
            "mod inner; use crate::b::{One, deep::{Two, Three as Four}}; use self::inner::Inner;",
        ),
        (
            "a/inner.rs",
            "use super::super::b; use super::Sibling; use crate::Front; pub(in crate::a) fn f(x: crate::c::X) {}",
        ),
        ("b.rs", "fn g() { crate::d::call(super::e::VALUE) }"),
    ];
    fs::create_dir(folder.path().join("a")).expect("a writable folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("a writable folder");
    }
    let found: Vec<_> = imports(folder.path())
        .into_iter()
        .map(|it| {
            let from = it.from.unwrap_or_default();
            format!("{} {from} {}", it.file.display(), it.to)
        })
        .collect();
    assert_eq!(
        found,
        [
            "a/inner.rs a Front",
            "a/inner.rs a b",
            "a/inner.rs a c",
            "a/mod.rs a b",
            "b.rs b d",
            "b.rs b e",
            "lib.rs  a",
        ]
    );
    assert!(root_modules(folder.path()).iter().eq(["a", "b"]));
}
