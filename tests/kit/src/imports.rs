//! What the modules of a crate take from each other.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use syn::{UseTree, visit::Visit};

/// A path in a source that begins in its own crate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Import {
    /// The file, from the folder of the sources on.
    pub file: PathBuf,
    /// The module at the root of the crate that the file belongs to; `None` for the root itself.
    pub from: Option<String>,
    /// The first name behind `crate`: a module at the root, or an item of the root.
    pub to: String,
}

/// The imports between the modules of a crate, in `use` and in other paths. `sources` is its `src` folder.
///
/// Macros and documentation are not looked at.
///
/// # Panics
///
/// When a file cannot be read, or is not Rust.
pub fn imports(sources: &Path) -> BTreeSet<Import> {
    let mut found = BTreeSet::new();
    for path in files(sources) {
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{path:?}: {error}"));
        let file = path.strip_prefix(sources).expect("a file below the folder");
        let module = module(file);
        let mut paths = Paths {
            module: &module,
            found: Vec::new(),
        };
        paths.visit_file(&parsed);
        found.extend(paths.found.into_iter().map(|to| Import {
            file: file.to_owned(),
            from: module.first().cloned(),
            to,
        }));
    }
    found
}

/// The modules at the root of a crate.
///
/// # Panics
///
/// When the folder cannot be read.
pub fn root_modules(sources: &Path) -> BTreeSet<String> {
    let modules = files(sources)
        .into_iter()
        .filter_map(|path| module(path.strip_prefix(sources).ok()?).into_iter().next());
    modules.collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.expect("an entry of a folder").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
    found
}

/// `conn/mod.rs` is `conn`, `conn/call.rs` is `conn::call`, and `lib.rs` the root.
fn module(file: &Path) -> Vec<String> {
    let mut names: Vec<_> = file
        .with_extension("")
        .iter()
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    let is_root = |name: &str| names.len() == 1 && ["lib", "main"].contains(&name);
    if names
        .last()
        .is_some_and(|name| name == "mod" || is_root(name))
    {
        names.pop();
    }
    names
}

/// Gathers the paths of a file that come from the root of its crate.
struct Paths<'a> {
    module: &'a [String],
    found: Vec<String>,
}

impl Paths<'_> {
    /// Follows `crate`, `self` and `super` to the first name below the root, if there is one.
    fn add(&mut self, path: &[String]) {
        let mut at = self.module.to_vec();
        let mut names = path.iter();
        let first = match names.next().map(String::as_str) {
            Some("crate") => {
                at.clear();
                names.next()
            }
            Some("super") => {
                at.pop();
                let mut next = names.next();
                while next.is_some_and(|name| name == "super") {
                    at.pop();
                    next = names.next();
                }
                next
            }
            _ => return,
        };
        if at.is_empty() {
            self.found.extend(first.cloned());
        }
    }

    fn add_tree(&mut self, tree: &UseTree, before: &[String]) {
        let with = |name: String| [before, &[name]].concat();
        match tree {
            UseTree::Path(path) => self.add_tree(&path.tree, &with(path.ident.to_string())),
            UseTree::Name(name) => self.add(&with(name.ident.to_string())),
            UseTree::Rename(name) => self.add(&with(name.ident.to_string())),
            UseTree::Glob(_) => self.add(&with("*".to_owned())),
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.add_tree(tree, before);
                }
            }
        }
    }
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_tree(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<_> = path
            .segments
            .iter()
            .map(|it| it.ident.to_string())
            .collect();
        self.add(&names);
        syn::visit::visit_path(self, path);
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {
        // `pub(in crate::cgi)` imports nothing.
    }
}
