//! What a plain server depends on: what brings more is behind a feature.

use std::{collections::BTreeSet, env, process::Command};

/// Every crate that fastcgi-tower is built of without features, on Linux. To add to it is to make every application larger.
const PLAIN: [&str; 39] = [
    "atomic-waker",
    "bitflags",
    "bytes",
    "errno",
    "fastcgi-core",
    "fastcgi-tower",
    "foldhash",
    "futures-core",
    "futures-macro",
    "futures-sink",
    "futures-task",
    "futures-util",
    "http",
    "http-body",
    "httparse",
    "itoa",
    "libc",
    "linux-raw-sys",
    "listenfd",
    "memchr",
    "mio",
    "once_cell",
    "percent-encoding",
    "pin-project-lite",
    "proc-macro2",
    "quote",
    "rustix",
    "signal-hook-registry",
    "slab",
    "socket2",
    "syn",
    "tokio",
    "tokio-macros",
    "tokio-util",
    "tower-layer",
    "tower-service",
    "tracing",
    "tracing-core",
    "unicode-ident",
];

/// The crates that fastcgi-tower is built of with these features.
fn tree(features: &str) -> BTreeSet<String> {
    let text = cargo_tree(&[
        "--edges=normal",
        "--package=fastcgi-tower",
        "--features",
        features,
    ]);
    let names = text.lines().filter_map(|line| line.split(' ').next());
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The features of fastcgi-tower with which a package is built.
fn features_of_tower(package: &str) -> BTreeSet<String> {
    let text = cargo_tree(&["--edges=normal,features", "--package", package]);
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("fastcgi-tower feature \""));
    let names = lines.filter_map(|rest| rest.split('"').next());
    names.map(str::to_owned).collect()
}

fn cargo_tree(args: &[&str]) -> String {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--offline", "--prefix=none"])
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).expect("a text")
}

#[test]
fn a_plain_server_depends_on_no_more_than_it_did() {
    let expected: BTreeSet<String> = PLAIN.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(tree(""), expected);
    // The web server's side needs nothing besides.
    assert_eq!(tree("client"), expected);
}

#[test]
fn features_bring_what_they_are_named_for() {
    let plain = tree("");
    let more =
        |features: &str| -> Vec<String> { tree(features).difference(&plain).cloned().collect() };
    assert!(more("http-server").contains(&"hyper".to_owned()));
    assert!(!more("http-server").contains(&"serde".to_owned()));
    assert!(more("json").contains(&"serde_json".to_owned()));
    assert!(!more("serde").contains(&"serde_json".to_owned()));
}

/// The web server's side is compiled for those that call it, and for the HTTP twin, which is a web server.
#[test]
fn a_plain_server_is_built_without_the_client() {
    let has_client = |package| features_of_tower(package).contains("client");
    for plain in ["axum-fastcgi", "fastcgi-actix", "hello", "actix-hello"] {
        let features = features_of_tower(plain);
        assert!(features.contains("default"), "{plain}: {features:?}");
        assert!(!has_client(plain), "{plain}: {features:?}");
    }
    assert!(features_of_tower("fastcgi-tower").is_empty());
    for caller in ["fastcgi-front", "cgi-function"] {
        assert!(has_client(caller), "{caller}");
    }
}
