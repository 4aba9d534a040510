//! The tables of sizes: connections, requests, idle connections, worker threads.

use std::fmt::Write as _;

use super::{
    costs::{micros, ratio_cells, thousands},
    figures::{Figures, Scaled},
    scale::{LONG_ROUNDS, LONG_STAGE},
};

/// What was not measured has no table.
pub(super) fn tables(figures: &Figures) -> String {
    let mut text = more(figures);
    for (about, what, rows) in [
        (IDLE, "idle connections", &figures.idle),
        (WORKERS, "worker threads", &figures.workers),
    ] {
        if !rows.is_empty() {
            text += about;
            text += &table(what, rows);
        }
    }
    text
}

fn more(figures: &Figures) -> String {
    let mut text = String::from(
        "
## More connections, more requests

axum, *hello*, over Unix sockets. First by connections, with as many requests at a time, and at least 20 requests on each. Then by the
requests that a new server has had, on one connection: those of each row came after those of the row before. The first one also fills
the tables of names, and runs code for the first time.",
    );
    if figures.requests.iter().any(|row| row.count > LONG_STAGE) && figures.rounds > LONG_ROUNDS {
        _ = write!(text, " The last row is of {LONG_ROUNDS} rounds.");
    }
    text += " Memory is the most that was ever resident.

*sleeps*: how often the server went to sleep, by request. With one connection it does so until the next request is there, and a second
time until the client has read the response, which makes a Unix socket writable again; not, if the client was faster than what the
server does after writing. Over FastCGI these sleeps have an end, as connections have time-outs: the kernel sets a timer each time. To
sleep and be woken costs as much as half a request, so one connection shows more of the kernel than of the protocol.
";
    text += &table("connections", &figures.connections);
    text += &table("up to request", &figures.requests);
    text
}

const IDLE: &str = "
## Idle connections beside busy ones

axum, *hello* on 32 connections, over Unix sockets, while others are idle: each of those had one request, and then nothing for more than a
second. It shows whether they make the requests of the others dearer, and how much memory they hold: the servers are new in each row.
";

const WORKERS: &str = "
## Worker threads

axum on tokio's multi-thread runtime, *hello* on 32 connections, over Unix sockets: CPU time of all threads together. It shows what it
costs that threads wake each other and take each other's work; the tables above are of the runtime with one thread.
";

fn table(what: &str, rows: &[Scaled]) -> String {
    let mut text = format!(
        "\n| {what} | FastCGI µs | HTTP µs | ratio | least – most | sleeps | MiB |\n|---|---|---|---|---|---|---|\n"
    );
    for row in rows {
        let mib = |kib: u64| format!("{:.1}", kib as f64 / 1024.0);
        _ = writeln!(
            text,
            "| {} | {} | {} | {} | {:.2} : {:.2} | {} : {} |",
            thousands(row.count as f64),
            micros(row.fastcgi_us),
            micros(row.http_us),
            ratio_cells(row.ratio),
            row.fastcgi_sleeps,
            row.http_sleeps,
            mib(row.fastcgi_kib),
            mib(row.http_kib),
        );
    }
    text
}
