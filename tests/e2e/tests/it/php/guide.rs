//! docs/moving-off-php.md shows what the tests run, and its tables are true.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use fastcgi_e2e::Request;
use fastcgi_e2e::moving::MOVING;
use fastcgi_test_kit::{Table, Tests};
use libtest_mimic::{Failed, Trial};

use super::sites::Sites;

pub(super) fn trials(tests: Vec<String>) -> impl Iterator<Item = Trial> {
    let needs = Trial::test("php::guide::packages_are_those_of_the_example", packages);
    let code = Trial::test("php::guide::code_is_that_of_the_example", code);
    let tables = Trial::test("php::guide::tables_name_the_tests", move || tables(&tests));
    [needs, code, tables].into_iter()
}

/// Each line of `cargo add` has the features of the example, and no dependency is missing.
fn packages() -> Result<(), Failed> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/php-site/Cargo.toml");
    let manifest = fs::read_to_string(manifest)?;
    let (_, rest) = manifest
        .split_once("[dependencies]\n")
        .ok_or("no dependencies")?;
    let lines = rest.lines().take_while(|line| !line.starts_with('['));
    let lines = lines.filter(|line| !line.starts_with('#') && !line.is_empty());
    let mut wanted: Vec<_> = lines.map(|line| (name(line), features(line))).collect();
    let mut added = Vec::new();
    for line in MOVING
        .lines()
        .filter_map(|line| line.strip_prefix("cargo add "))
    {
        let (names, rest) = line.split_once(" --").unwrap_or((line, ""));
        let features = rest
            .rsplit_once("features ")
            .map_or("", |(_, features)| features);
        added.extend(
            names
                .split(' ')
                .map(|it| (name(it), features.replace(',', ", "))),
        );
    }
    wanted.sort();
    added.sort();
    assert_eq!(wanted, added);
    Ok(())
}

fn name(line: &str) -> String {
    let end = |byte: char| !byte.is_alphanumeric() && byte != '-';
    line.split(end).next().unwrap_or_default().to_owned()
}

fn features(line: &str) -> String {
    let list = line
        .split_once("features = [")
        .and_then(|(_, rest)| rest.split_once(']'));
    list.map_or("", |(list, _)| list).replace('"', "")
}

/// Each block of code is in a file of the example, apart from indentation.
fn code() -> Result<(), Failed> {
    let example = Path::new(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../examples/php-site"
    ));
    let read = |name| fs::read_to_string(example.join(name)).map(|text| without_indentation(&text));
    let files = [
        "src/app.rs",
        "src/main.rs",
        "src/bin/http.rs",
        "site/session.php",
    ]
    .map(read);
    let files = files.into_iter().collect::<Result<Vec<_>, _>>()?;
    let fences = ["```rust,ignore\n", "```php\n"];
    let blocks = fences.iter().flat_map(|fence| MOVING.split(fence).skip(1));
    let blocks: Vec<_> = blocks.filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(blocks.len(), 6);
    for block in blocks {
        let wanted = without_indentation(block);
        assert!(
            files.iter().any(|file| file.contains(&wanted)),
            "in no file:\n{block}"
        );
    }
    Ok(())
}

fn without_indentation(text: &str) -> String {
    text.lines()
        .map(|line| format!("{}\n", line.trim()))
        .collect()
}

/// Each trap and each failure is in a table, and each row names tests.
fn tables(names: &[String]) -> Result<(), Failed> {
    for (head, group) in [
        ("| asked for | what comes | test |", "trap"),
        ("| PHP | the client gets | test |", "failure"),
    ] {
        let prefix = format!("php::{group}::");
        let own = names.iter().filter_map(|name| name.strip_prefix(&prefix));
        let tests = Tests::new().names(group, own);
        let table = Table::find(MOVING, head).home(group);
        assert_eq!(table.faults(&tests, |_| true), [""; 0]);
    }
    Ok(())
}

/// What the guide says of nginx and of the example, where they differ.
pub(super) fn differences(sites: &Sites) -> Result<(), Failed> {
    let (today, rust) = (sites.today(), sites.rust());
    let field = |site: super::sites::Browser, path: &str, name: &str| -> Result<_, Failed> {
        Ok(site.get(path)?.header(name).unwrap_or_default())
    };
    assert!(!field(today, "/docs/notes.txt", "etag")?.is_empty());
    assert_eq!(field(rust, "/docs/notes.txt", "etag")?, "");
    // Newer versions have the same type as the example.
    let of_today = field(today, "/test/script.js", "content-type")?;
    assert!(
        ["application/javascript", "text/javascript"].contains(&&*of_today),
        "{of_today}"
    );
    assert_eq!(
        field(rust, "/test/script.js", "content-type")?,
        "text/javascript"
    );

    let ranges = || Request::get("/docs/notes.txt").header("Range", "bytes=0-1,4-5");
    assert_eq!(
        (today.send(ranges())?.status, rust.send(ranges())?.status),
        (206, 416)
    );

    let lines = || {
        let request = Request::get("/test/server.php");
        request.header("X-Line", "one").header("X-Line", "two")
    };
    let (of_today, of_rust) = (today.send(lines())?.json()?, rust.send(lines())?.json()?);
    assert_eq!(of_rust["HTTP_X_LINE"], "one, two");
    // nginx 1.23 and later joins them.
    let line = &of_today["HTTP_X_LINE"];
    assert!(line == "two" || line == "one, two", "{line}");
    assert_eq!(
        (&of_today["CONTENT_LENGTH"], of_rust.get("CONTENT_LENGTH")),
        (&"".into(), None)
    );

    fs::write(sites.dir().join("outside.txt"), "outside\n")?;
    symlink(
        sites.dir().join("outside.txt"),
        sites.root().join("outside.txt"),
    )?;
    assert_eq!(
        (
            today.get("/outside.txt")?.status,
            rust.get("/outside.txt")?.status
        ),
        (200, 404)
    );

    assert_eq!(today.get("/test/accel.php")?.text(), "Plain text.\n");
    let answer = rust.get("/test/accel.php")?;
    assert_eq!(answer.text(), "no accel\n");
    assert_eq!(
        answer.header("x-accel-redirect").as_deref(),
        Some("/docs/notes.txt")
    );
    Ok(())
}

/// nginx in front does what PHP asks it for.
pub(super) fn accel_redirect(sites: &Sites) -> Result<(), Failed> {
    let answer = sites.rust().get("/test/accel.php")?;
    assert_eq!(answer.text(), "Plain text.\n");
    assert_eq!(answer.header("x-accel-redirect"), None);
    Ok(())
}
