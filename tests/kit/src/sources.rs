//! Tests and functions, as they are in the sources.

use std::{
    fs,
    path::{Path, PathBuf},
};

use syn::{Attribute, Expr, ExprLit, Item, ItemMod, Lit, Meta};

/// The tests of the file `path` and of its modules, with the names of the modules: what `--list` would print.
///
/// # Panics
///
/// When a file is missing, or is no Rust.
pub(crate) fn tests(path: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let folder = path.parent().unwrap_or_else(|| Path::new(""));
    walk(&parse(path), folder, folder, "", &mut names);
    names
}

/// `folder` is where the modules of these items are, and `beside` where `#[path]` begins.
fn walk(items: &[Item], folder: &Path, beside: &Path, module: &str, names: &mut Vec<String>) {
    for item in items {
        match item {
            Item::Fn(function) if function.attrs.iter().any(is_test) => {
                names.push(format!("{module}{}", function.sig.ident));
            }
            Item::Mod(inner) => {
                let name = inner.ident.to_string();
                let module = format!("{module}{name}::");
                if let Some((_, items)) = &inner.content {
                    let folder = folder.join(&name);
                    walk(items, &folder, &folder, &module, names);
                    continue;
                }
                let path = file(inner, folder, beside);
                let beside = path.parent().unwrap_or_else(|| Path::new(""));
                walk(&parse(&path), &inside(&path), beside, &module, names);
            }
            _ => {}
        }
    }
}

/// `#[test]`, `#[tokio::test(...)]`, `#[actix_web::test]`.
fn is_test(attribute: &Attribute) -> bool {
    let last = attribute.path().segments.last();
    last.is_some_and(|segment| segment.ident == "test")
}

/// Where a module is that is not in place.
fn file(module: &ItemMod, folder: &Path, beside: &Path) -> PathBuf {
    for attribute in &module.attrs {
        if let Meta::NameValue(pair) = &attribute.meta
            && pair.path.is_ident("path")
            && let Expr::Lit(ExprLit {
                lit: Lit::Str(path),
                ..
            }) = &pair.value
        {
            return beside.join(path.value());
        }
    }
    let name = module.ident.to_string();
    let flat = folder.join(format!("{name}.rs"));
    if flat.exists() {
        flat
    } else {
        folder.join(name).join("mod.rs")
    }
}

/// The folder of a module's own modules.
fn inside(path: &Path) -> PathBuf {
    let is_folders_own = |name| name == "mod.rs" || name == "lib.rs";
    if path.file_name().is_some_and(is_folders_own) {
        path.parent().unwrap_or_else(|| Path::new("")).to_owned()
    } else {
        path.with_extension("")
    }
}

/// All functions in the files of a folder and of those below it, without the names of the modules.
///
/// # Panics
///
/// When a file cannot be read, or is no Rust.
pub(crate) fn functions(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut names = Vec::new();
    for entry in entries {
        let path = entry.expect("an entry of a folder").path();
        if path.is_dir() {
            names.extend(functions(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            names.extend(parse(&path).iter().filter_map(|item| match item {
                Item::Fn(function) => Some(function.sig.ident.to_string()),
                _ => None,
            }));
        }
    }
    names
}

fn parse(path: &Path) -> Vec<Item> {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    match syn::parse_file(&text) {
        Ok(file) => file.items,
        Err(error) => panic!("{path:?}: {error}"),
    }
}
