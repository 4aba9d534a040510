//! A client that leaves takes its handler with it.

use libtest_mimic::Failed;

use crate::support::{eventually, expect_status, get_is, life_becomes, pattern, unique};
use crate::{Behaviour, Request, Site};

pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour {
        name: "client_that_leaves_while_waiting_drops_the_handler",
        check: leaves_while_waiting,
    },
    Behaviour {
        name: "client_that_leaves_a_stream_drops_the_handler",
        check: leaves_a_stream,
    },
    Behaviour {
        name: "client_that_leaves_an_upload_leaves_nothing_behind",
        check: leaves_an_upload,
    },
];

fn leaves_while_waiting(site: &Site) -> Result<(), Failed> {
    leaves_a_waiting_handler(site, "Dropped")
}

/// For web servers that do not look whether the client is still there.
pub(crate) fn finishes_although_the_client_left(site: &Site) -> Result<(), Failed> {
    leaves_a_waiting_handler(site, "Finished")
}

fn leaves_a_waiting_handler(site: &Site, end: &str) -> Result<(), Failed> {
    unless_its_process_ends(site, || {
        let name = unique("wait");
        let mut connection = site.connect()?;
        connection.start(&Request::get(site.at(&format!("/wait/{name}"))))?;
        life_becomes(site, &name, "Running")?;
        drop(connection);
        life_becomes(site, &name, end)
    })
}

/// For CGI: nobody tells a process that the client has left before it writes.
pub(crate) fn finishes_although_nobody_waits(site: &Site) -> Result<(), Failed> {
    let name = unique("wait");
    let mut connection = site.connect()?;
    connection.start(&Request::get(site.at(&format!("/wait/{name}"))))?;
    processes_become(site, &name, "running")?;
    drop(connection);
    processes_become(site, &name, "gone")
}

/// Waits until there is a process that answers a request for `name`, or until there is none.
pub(crate) fn processes_become(site: &Site, name: &str, wanted: &str) -> Result<(), Failed> {
    eventually(wanted, || {
        let is_gone = site.processes_for(name)?.is_empty();
        Ok(if is_gone { "gone" } else { "running" }.to_owned())
    })
}

fn leaves_a_stream(site: &Site) -> Result<(), Failed> {
    unless_its_process_ends(site, || {
        let name = unique("drip");
        let mut connection = site.connect()?;
        let request = Request::get(site.at(&format!("/drip/{name}")));
        connection.start(&request)?;
        expect_status(&connection.head(&request)?, 200)?;
        connection.piece()?;
        if site.is_cgi() {
            processes_become(site, &name, "running")?;
        }
        drop(connection);
        if site.is_cgi() {
            processes_become(site, &name, "gone")
        } else {
            life_becomes(site, &name, "Dropped")
        }
    })
}

/// mod_fcgid ends a process after a response that breaks off, as other tests have them, and with the process goes what it
/// knew. So behind it there are three tries.
fn unless_its_process_ends(
    site: &Site,
    check: impl Fn() -> Result<(), Failed>,
) -> Result<(), Failed> {
    let tries = if site.application().is_some() || site.is_cgi() {
        1
    } else {
        3
    };
    (1..tries).find_map(|_| check().ok()).map_or_else(check, Ok)
}

fn leaves_an_upload(site: &Site) -> Result<(), Failed> {
    let name = unique("swallow");
    let mut connection = site.connect()?;
    let upload = Request::post(site.at(&format!("/swallow/{name}")), pattern(100_000));
    connection.start_part(&upload, 50_000)?;
    drop(connection);
    if site.is_cgi() {
        processes_become(site, &name, "gone")?;
    }
    // Many web servers have the whole body before they ask the application at all.
    eventually("gone", || {
        let life = site.get(&format!("/life/{name}"))?.text();
        Ok(if life == "Running" {
            life
        } else {
            "gone".to_owned()
        })
    })?;
    get_is(site, "/json", 200)
}
