//! The public interface of each crate, one item a line, as `public-api.txt` in the crate's folder has it.
//!
//! `cargo run -p fastcgi-public-api` writes these files; a test compares them, so that a change of the interface is seen
//! in the change of a file. How items are printed depends on the compiler: a listing of another one is not compared.

pub mod facades;
pub mod items;
pub mod upstream;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use public_api::PublicApi;

/// The crates that are published.
pub const CRATES: [&str; 4] = [
    "fastcgi-core",
    "fastcgi-tower",
    "axum-fastcgi",
    "fastcgi-actix",
];

/// Traits that hold of nearly every type, and that nobody asks for.
const LEFT_OUT: [&str; 4] = [
    "core::marker::Freeze",
    "core::marker::UnsafeUnpin",
    "core::panic::unwind_safe::RefUnwindSafe",
    "core::panic::unwind_safe::UnwindSafe",
];

/// The compiler, as `rustc --version` says.
///
/// # Errors
///
/// When it cannot be run.
pub fn compiler() -> Result<String, String> {
    let output = Command::new("rustc").arg("--version").output();
    let output = output.map_err(|error| format!("rustc: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Lets rustdoc write what it knows of all [`CRATES`], with all their features, and gives the folder.
///
/// # Errors
///
/// When it cannot.
pub fn document() -> Result<PathBuf, String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["doc", "--quiet", "--no-deps", "--lib", "--all-features"])
        .args(CRATES.iter().flat_map(|name| ["-p", name]))
        .current_dir(here.join("../.."))
        .env("RUSTDOC", here.join("rustdoc"))
        .env("RUSTDOCFLAGS", "-Zunstable-options --output-format json")
        .stdin(Stdio::null());
    let output = command.output().map_err(|error| error.to_string())?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("rustdoc writes no JSON: {said}"));
    }
    target_folder().map(|folder| folder.join("doc"))
}

/// Where cargo puts what it makes.
fn target_folder() -> Result<PathBuf, String> {
    // .../target/debug/deps/it-0123456789abcdef, or .../target/debug/fastcgi-public-api
    let this = env::current_exe().map_err(|error| error.to_string())?;
    let folder = this.parent().filter(|it| !it.ends_with("deps"));
    let profile = folder.or_else(|| this.parent()?.parent());
    profile
        .and_then(Path::parent)
        .map(Path::to_owned)
        .ok_or_else(|| format!("{} is in no target folder", this.display()))
}

/// The listing of a crate, made from the folder that [`document`] gives; the compiler is in its first line.
///
/// # Errors
///
/// When rustdoc's JSON is not what the library can read.
pub fn listing(documented: &Path, name: &str) -> Result<String, String> {
    let path = documented.join(format!("{}.json", name.replace('-', "_")));
    let api = public_api::Builder::from_rustdoc_json(&path)
        .omit_blanket_impls(true)
        .build()
        .map_err(|error| unreadable(&path, &error.to_string()))?;
    Ok(format!("{}\n{}", head(&compiler()?), items(&api)))
}

fn items(api: &PublicApi) -> String {
    let mut text = String::new();
    for item in api.items() {
        let line = item.to_string();
        let is_left_out = LEFT_OUT
            .iter()
            .any(|it| line.contains(&format!("{it} for ")));
        if !is_left_out {
            text += &line;
            text.push('\n');
        }
    }
    text
}

/// The first line of a listing.
#[must_use]
pub fn head(compiler: &str) -> String {
    format!("# {compiler}; `cargo run -p fastcgi-public-api` writes this file")
}

fn unreadable(path: &Path, error: &str) -> String {
    let json: Option<serde_json::Value> = fs::read(path)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok());
    let version = json.as_ref().and_then(|json| json.get("format_version"));
    let version = version.map_or_else(|| "unknown".to_owned(), ToString::to_string);
    format!(
        "{}: {error}. Its format is {version}; perhaps the version of the crate public-api does not fit this compiler",
        path.display()
    )
}

/// Where the committed listing of a crate is.
#[must_use]
pub fn committed(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(name)
        .join("public-api.txt")
}
