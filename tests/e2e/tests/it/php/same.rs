//! The example answers as nginx and PHP-FPM do: status, header fields, bodies.

use std::collections::BTreeMap;
use std::fmt::Write;

use fastcgi_e2e::Response;
use libtest_mimic::Failed;

use super::sites::Sites;
use super::visits::{By, Visit};

/// Where the answers of a visit differ.
pub(super) fn compare(sites: &Sites, visit: &Visit) -> Result<(), Failed> {
    let today = (visit.answers)(sites.today())?;
    let rust = (visit.answers)(sites.rust())?;
    assert_eq!(today.len(), rust.len());
    let mut differences = String::new();
    for (number, (today, rust)) in today.iter().zip(&rust).enumerate() {
        if today.status != rust.status {
            writeln!(
                differences,
                "{number}: {} and {}",
                today.status, rust.status
            )?;
        }
        let (today_fields, rust_fields) = (fields(today, visit.by), fields(rust, visit.by));
        let names = today_fields.keys().chain(rust_fields.keys());
        for name in names {
            let (today, rust) = (today_fields.get(name), rust_fields.get(name));
            // A length and chunks are two ways to say where a body ends.
            let is_framing = name == "content-length" && (today.is_none() || rust.is_none());
            if today != rust && !is_framing {
                writeln!(differences, "{number}: {name}: {today:?} and {rust:?}")?;
            }
        }
        if visit.by != By::Server && today.body != rust.body {
            let (today, rust) = (today.text(), rust.text());
            writeln!(differences, "{number}: {today:.300} and {rust:.300}")?;
        }
    }
    if differences.is_empty() {
        return Ok(());
    }
    Err(differences.into())
}

/// The fields of an answer, apart from those of the connection, and from what is each server's own.
fn fields(response: &Response, by: By) -> BTreeMap<String, Vec<String>> {
    let mut left_out = vec![
        "connection",
        "date",
        "keep-alive",
        "server",
        "transfer-encoding",
    ];
    match by {
        By::Php => {}
        By::File => {
            left_out.extend(["etag", "accept-ranges"]);
            if response.status == 304 {
                left_out.push("last-modified");
            }
        }
        By::Server => left_out.extend([
            "accept-ranges",
            "allow",
            "content-length",
            "content-type",
            "etag",
            "last-modified",
        ]),
    }
    let mut fields = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in response.fields() {
        let name = name.to_ascii_lowercase();
        if !left_out.contains(&&*name) {
            fields
                .entry(name)
                .or_default()
                .push(without_session(&value));
        }
    }
    fields
}

/// The names of sessions are random.
fn without_session(value: &str) -> String {
    match value
        .strip_prefix("PHPSESSID=")
        .and_then(|rest| rest.split_once(';'))
    {
        Some((id, rest)) if id != "deleted" => format!("PHPSESSID=?;{rest}"),
        _ => value.to_owned(),
    }
}
