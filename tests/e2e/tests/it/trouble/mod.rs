//! `docs/troubleshooting.md`: each row is provoked where it can be, and mended with its own text.
//!
//! A test gets its row. It starts a working configuration of a guide with one mistake in it, sees the symptom and the
//! line of the log, and then starts it without the mistake. What makes the difference is in the row's last column but one.

mod apache;
mod application;
mod cgi;
mod gateway;
mod page;
mod row;

use fastcgi_e2e::trouble::pieces;
use fastcgi_e2e::{Connection, Request, Site};
use fastcgi_test_kit::{Table, Tests};
use libtest_mimic::{Failed, Trial};

use self::row::{HEAD, Row, page};

/// A row, provoked and mended.
type Provoke = fn(&Row) -> Result<(), Failed>;

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let provoked = provoked().map(|(name, provoke)| {
        Trial::test(format!("trouble::{name}"), move || provoke(&Row::of(name)?))
    });
    provoked.chain([Trial::test(
        "trouble::each_row_is_provoked",
        each_row_is_provoked,
    )])
}

fn provoked() -> impl Iterator<Item = (&'static str, Provoke)> {
    [
        apache::ROWS,
        application::ROWS,
        cgi::ROWS,
        gateway::ROWS,
        page::ROWS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// A response that does not end.
fn keep_busy(site: &Site) -> Result<Connection, Failed> {
    let mut connection = site.connect()?;
    let request = Request::get("/drip/busy");
    connection.start(&request)?;
    connection.head(&request)?;
    Ok(connection)
}

/// Pieces arrive as they are made. On a busy machine all may come together, so there are three tries.
fn streams(site: &Site) -> Result<(), Failed> {
    for _ in 0..3 {
        if pieces(site, "/pieces")? > 1 {
            return Ok(());
        }
    }
    Err("all pieces arrive at once".into())
}

/// Or says why not, and each test has a row.
fn each_row_is_provoked() -> Result<(), Failed> {
    let names: Vec<_> = provoked().map(|(name, _)| name).collect();
    let tests = Tests::new().names("trouble", names.iter().copied());
    let table = Table::find(page(), HEAD).home("trouble");
    // The cause is what makes a row: one symptom has several.
    let causes = table.map(|cells| {
        let [_, _, cause, .., test] = cells else {
            return cells.to_vec();
        };
        vec![cause.clone(), test.clone()]
    });
    let causes = causes.without_test("the program was built on a newer system than the host's");
    assert_eq!(causes.faults(&tests, |_| true), [""; 0]);
    Ok(())
}
