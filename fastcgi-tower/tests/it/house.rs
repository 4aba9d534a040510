//! What the source itself has to look like.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The driver decides nothing about a request: what a role, a status, a header or a record means is core's.
#[test]
fn the_driver_names_nothing_of_the_protocol() {
    let files = driver();
    assert!(files.len() >= 3, "{} files were looked at", files.len());
    let found: Vec<_> = files
        .iter()
        .flat_map(|(path, text)| {
            names_of_the_protocol(text)
                .into_iter()
                .map(move |(line, name)| format!("{}:{line}: {name}", path.display()))
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// It is to be checked by reading.
#[test]
fn the_driver_has_fewer_than_800_lines() {
    let lines: usize = driver().iter().map(|(_, text)| text.lines().count()).sum();
    assert!(lines < 800, "{lines} lines");
}

#[test]
fn names_of_the_protocol_are_found_in_other_names() {
    for line in [
        "use proto::record::Decoder;",
        "RecordType::STDIN => {}",
        "fn next_record(&mut self)",
        "// Two records.",
        "if exchange.role == wanted",
        "match Role::FILTER {",
        "FILTER => false,",
        "let is_authorizer = true;",
        "struct Responders;",
        "StatusCode::OK",
        "let status = 500;",
        "const STATUSES: usize = 5;",
        "headers: HeaderMap,",
        "headermap()",
        "write_header(head)",
        "b\"CONTENT_LENGTH\"",
        "params.content_length()",
        "// The content-length.",
        "ContentLength",
        "contentlength",
        "use http::Request;",
    ] {
        assert_eq!(names_of_the_protocol(line).len(), 1, "{line}");
    }
    for line in [
        "places.iter().filter_map(Place::call)",
        "calls.filter(|call| call.is_woken)",
        "// The content of a body has this length.",
        "use http_body::Body;",
        "enrolled, recording, overhead",
        "handle.app_status()",
    ] {
        assert!(names_of_the_protocol(line).is_empty(), "{line}");
    }
}

/// The files of the driver, and what is in them.
fn driver() -> Vec<(PathBuf, String)> {
    let mut files = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/conn")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of the driver") {
            let path = entry.expect("a file").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).expect("a text");
                files.push((path, text));
            }
        }
    }
    files
}

/// Words that the driver has no use for, also as parts of `snake_case` and `CamelCase`, one or several of them.
const WORDS: [&str; 7] = [
    "role",
    "status",
    "header",
    "record",
    "responder",
    "authorizer",
    "contentlength",
];

/// What a handler sets is passed on, and is no status of HTTP.
const PASSED_ON: &str = "app_status";

/// The lines, counted from 1, and the first name on each that is of the protocol.
fn names_of_the_protocol(text: &str) -> Vec<(usize, &str)> {
    let lines = text.lines().enumerate();
    lines
        .filter_map(|(index, line)| {
            let mut names = line.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'));
            let name = names.find(|name| is_of_the_protocol(name))?;
            Some((index + 1, name))
        })
        .collect()
}

fn is_of_the_protocol(name: &str) -> bool {
    // A Filter is written like this; `filter` is what iterators do.
    if name == "http" || name == "FILTER" {
        return true;
    }
    if name == PASSED_ON {
        return false;
    }
    let parts = parts(name);
    let is_listed = |part: &str| {
        WORDS.iter().any(|word| {
            let rest = part.strip_prefix(word);
            matches!(rest, Some("" | "s" | "es" | "code" | "map" | "type"))
        })
    };
    let pairs = parts.windows(2).map(|pair| pair.concat());
    parts.iter().any(|part| is_listed(part)) || pairs.into_iter().any(|pair| is_listed(&pair))
}

/// `RecordType` and `record_type` to `record` and `type`.
fn parts(name: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut was_lowercase = false;
    for c in name.chars() {
        if c == '_' || c == '-' || (c.is_uppercase() && was_lowercase) {
            parts.push(String::new());
        }
        was_lowercase = c.is_lowercase();
        if let (true, Some(last)) = (c.is_alphanumeric(), parts.last_mut()) {
            last.extend(c.to_lowercase());
        }
    }
    parts
}
