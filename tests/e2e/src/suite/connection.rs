//! Many requests: one after another, and at once.

use std::thread;

use libtest_mimic::Failed;

use crate::support::expect_status;
use crate::{Behaviour, Request, Site};

pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour {
        name: "many_requests_on_one_client_connection",
        check: many_requests_on_one_client_connection,
    },
    Behaviour {
        name: "concurrent_requests_are_never_mixed_up",
        check: concurrent_requests_are_never_mixed_up,
    },
];

fn many_requests_on_one_client_connection(site: &Site) -> Result<(), Failed> {
    many_requests(site, |n, path| match n % 2 {
        0 => Request::get(path),
        _ => Request::post(path, "a body that is not read"),
    })
}

/// Sends fifty requests over one connection, and expects to be answered each.
pub(crate) fn many_requests(
    site: &Site,
    request: impl Fn(usize, String) -> Request,
) -> Result<(), Failed> {
    let mut connection = site.connect()?;
    for n in 0..50 {
        let path = site.at(&format!("/request/{n}"));
        let response = connection.send(&request(n, path))?;
        expect_status(&response, 200)?;
        assert_eq!(response.json()?["path"], n.to_string());
    }
    Ok(())
}

fn concurrent_requests_are_never_mixed_up(site: &Site) -> Result<(), Failed> {
    concurrent_requests(site, 8, 200)
}

/// Sends `total` requests over `clients` connections at once; every answer has to be that of its own request.
///
/// # Errors
///
/// With the first that is not, or that is missing.
pub fn concurrent_requests(site: &Site, clients: usize, total: usize) -> Result<(), Failed> {
    at_once(clients, |client| one_of_many(site, client, total / clients))
}

fn at_once(
    clients: usize,
    client: impl Fn(usize) -> Result<(), Failed> + Sync,
) -> Result<(), Failed> {
    let client = &client;
    thread::scope(|scope| {
        let clients: Vec<_> = (0..clients)
            .map(|number| scope.spawn(move || client(number)))
            .collect();
        clients.into_iter().try_for_each(|client| {
            client
                .join()
                .unwrap_or_else(|_| Err("a client panicked".into()))
        })
    })
}

fn one_of_many(site: &Site, client: usize, requests: usize) -> Result<(), Failed> {
    let mut connection = site.connect()?;
    for n in 0..requests {
        let name = format!("{client}-{n}");
        let body = name.repeat(1 + n % 50);
        let response = connection.send(&Request::post(
            site.at(&format!("/echo?{name}")),
            body.clone(),
        ))?;
        expect_status(&response, 200)?;
        if response.text() != body {
            return Err(format!("{name} got the answer {}", response.text()).into());
        }
    }
    Ok(())
}

/// For web servers that close each connection after an answer.
pub(crate) fn many_requests_apart(site: &Site) -> Result<(), Failed> {
    requests_apart(site, 0, 10)
}

/// For web servers that close each connection after an answer.
pub(crate) fn concurrent_requests_apart(site: &Site) -> Result<(), Failed> {
    at_once(8, |client| requests_apart(site, client, 12))
}

fn requests_apart(site: &Site, client: usize, requests: usize) -> Result<(), Failed> {
    for n in 0..requests {
        let name = format!("{client}-{n}");
        let response = site.get(&format!("/request/{name}"))?;
        expect_status(&response, 200)?;
        assert_eq!(response.json()?["path"], name);
    }
    Ok(())
}
