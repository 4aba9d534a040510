//! The public functions of a crate that is not ours, read from its sources.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::LazyLock,
};

use syn::{ImplItem, Item, TraitItem, Type, Visibility};

/// The folder of a crate in `Cargo.lock`, where its `Cargo.toml` is.
///
/// # Errors
///
/// When cargo does not know it, or knows several of that name.
pub fn folder(name: &str) -> Result<PathBuf, String> {
    static METADATA: LazyLock<Result<serde_json::Value, String>> = LazyLock::new(metadata);
    let metadata = METADATA.as_ref().map_err(Clone::clone)?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let manifests = packages
        .filter(|package| package["name"] == name)
        .filter_map(|package| package["manifest_path"].as_str());
    match manifests.collect::<Vec<_>>()[..] {
        [manifest] => Ok(Path::new(manifest).with_file_name("")),
        ref manifests => Err(format!("{name}: there are {}", manifests.len())),
    }
}

/// What cargo knows of all packages.
fn metadata() -> Result<serde_json::Value, String> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--locked"])
        // Of what is there for other systems nothing is needed, and it may not have been downloaded.
        .args(["--filter-platform", &host()?])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())
}

/// The system that is compiled for.
fn host() -> Result<String, String> {
    let output = Command::new("rustc").arg("-vV").output();
    let output = output.map_err(|error| format!("rustc: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| "rustc names no host".to_owned())
}

/// The public functions in all sources of a folder.
///
/// # Errors
///
/// When a source cannot be read.
pub fn functions_in(folder: &Path) -> Result<BTreeSet<String>, String> {
    let mut found = BTreeSet::new();
    let failed = |error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            found.append(&mut functions_in(&path)?);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let failed =
                |error: &dyn ToString| format!("{}: {}", path.display(), error.to_string());
            let source = fs::read_to_string(&path).map_err(|error| failed(&error))?;
            found.append(&mut functions(&source).map_err(|error| failed(&error))?);
        }
    }
    Ok(found)
}

/// The public functions of a source, whatever they are compiled for: `Type::name`, or `name` where they have no type.
///
/// # Errors
///
/// When it is not Rust.
pub fn functions(source: &str) -> syn::Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    add(&syn::parse_file(source)?.items, &mut found);
    Ok(found)
}

fn add(items: &[Item], found: &mut BTreeSet<String>) {
    for item in items {
        match item {
            Item::Fn(function) if is_public(&function.vis) => {
                found.insert(function.sig.ident.to_string());
            }
            Item::Trait(item) if is_public(&item.vis) => {
                found.extend(item.items.iter().filter_map(|function| match function {
                    TraitItem::Fn(function) => {
                        Some(format!("{}::{}", item.ident, function.sig.ident))
                    }
                    _ => None,
                }));
            }
            Item::Impl(item) if item.trait_.is_none() => {
                let Type::Path(of) = &*item.self_ty else {
                    continue;
                };
                let Some(of) = of.path.segments.last() else {
                    continue;
                };
                found.extend(item.items.iter().filter_map(|function| match function {
                    ImplItem::Fn(function) if is_public(&function.vis) => {
                        Some(format!("{}::{}", of.ident, function.sig.ident))
                    }
                    _ => None,
                }));
            }
            Item::Mod(module) if is_public(&module.vis) => {
                let items = module.content.as_ref().map(|(_, items)| &items[..]);
                add(items.unwrap_or_default(), found);
            }
            _ => {}
        }
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}
