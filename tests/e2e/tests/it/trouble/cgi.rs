//! A shared host with plain CGI.

use std::fs;

use fastcgi_e2e::trouble::{CGI, CGI_HOST, STARTED, plain_cgi};
use fastcgi_e2e::{Layout, Site, Socket};
use libtest_mimic::Failed;

use super::Provoke;
use super::row::Row;

pub(super) const ROWS: &[(&str, Provoke)] = &[
    ("something_is_printed_before_run", printed_before_run),
    ("cgi_script_has_crlf", script_has_crlf),
];

fn hosted(program: &str) -> Result<Site, Failed> {
    let layout = Layout {
        socket: Socket::Cgi,
        ..STARTED
    };
    let site = Site::start_configured(&layout, program, &[], &|setup| {
        plain_cgi(setup, CGI, CGI_HOST)
    })?;
    Ok(site)
}

/// The program does it if the query says so.
fn printed_before_run(row: &Row) -> Result<(), Failed> {
    row.says("with_writer(std::io::stderr)")?;
    let site = hosted("axum-starts")?;
    row.shows(&site, &site.get("/?print-first")?)?;
    assert_eq!(site.get("/?stderr-first")?.text(), "axum\n");
    Ok(())
}

fn script_has_crlf(row: &Row) -> Result<(), Failed> {
    let site = hosted("tour")?;
    let program = site.dir().join("public/index.cgi");
    assert_eq!(site.get("/")?.status, 200);
    let script = format!("#!/bin/sh\nexec {}\n", site.dir().join("tour").display());
    let upload = |text: &str| -> Result<(), Failed> {
        let uploaded = site.dir().join("uploaded");
        fs::write(&uploaded, text)?;
        fs::remove_file(&program)?;
        Ok(fastcgi_e2e::copy(&uploaded, &program)?)
    };
    upload(&script.replace('\n', "\r\n"))?;
    row.shows(&site, &site.get("/")?)?;
    upload(&script)?;
    assert_eq!(site.get("/")?.status, 200);
    Ok(())
}
