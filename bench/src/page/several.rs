//! Three processes of one application behind a web server, which take turns.

use super::{
    figures::Several,
    haproxy::{self, Connections},
    nginx, progress,
    site::{Configure, Site},
};
use crate::{Result, request::Kind, server::Framework};

const PROCESSES: usize = 3;

pub(super) fn behind_nginx(rounds: usize, divide: usize) -> Result<Vec<Several>> {
    let row = measure("nginx", &nginx::configure, rounds, divide)?;
    progress("three processes behind nginx: done");
    Ok(vec![row])
}

pub(super) fn behind_haproxy(rounds: usize, divide: usize) -> Result<Vec<Several>> {
    let mut rows = Vec::new();
    for connections in [
        Connections::Own,
        Connections::Kept,
        Connections::Multiplexed,
    ] {
        let name = connections.as_str();
        let configure = |folder: &_, sockets: &_| haproxy::configure(folder, sockets, connections);
        rows.push(measure(name, &configure, rounds, divide)?);
    }
    progress("three processes behind HAProxy: done");
    Ok(rows)
}

fn measure(
    web_server: &str,
    configure: Configure<'_>,
    rounds: usize,
    divide: usize,
) -> Result<Several> {
    let site = Site::start(Framework::Axum, PROCESSES, configure)?;
    let sums = site.rounds(Kind::Hello, rounds, divide);
    Ok(Several {
        web_server: web_server.to_owned(),
        sums: sums.map_err(|error| format!("three processes behind {web_server}: {error}"))?,
    })
}
