//! The text of `docs/performance.md`.

use std::fmt::Write as _;

use super::{
    costs::{self, micros},
    figures::{Figures, Machine},
    fronts,
    rows::ROUNDS_OF_BODIES,
    sizes,
};
use crate::table::Table;

/// The page, and the names of rows over 1.05 for which nobody has written why.
#[must_use]
pub fn markdown(figures: &Figures, counts: &Table) -> (String, Vec<String>) {
    let (worse, unexplained) = costs::worse(figures, counts);
    let mut text = head(figures);
    text += &costs::times(figures, counts);
    text += COUNTED_ONLY;
    text += &costs::counted_only(figures, counts);
    text += WORSE;
    text += &worse;
    text += &time_goes(figures);
    text += &fronts::tables(figures);
    text += &sizes::tables(figures);
    text += &peers(figures);
    text += &missing(figures);
    text += &repeat(figures);
    _ = write!(text, "\nThe counts are of {}.\n", counts.made_with);
    (text, unexplained)
}

fn head(figures: &Figures) -> String {
    let Machine {
        date,
        processor,
        cores,
        kernel,
        rustc,
        libraries,
        load,
    } = &figures.machine;
    let busy = if figures.machine.is_busy() {
        " **The machine had other work**: the times of this run are not to be relied on."
    } else {
        ""
    };
    format!(
        "# What a request costs

`cargo run --release -p fastcgi-bench page` writes this page, its chart and the table in the README, all of one run. This one:
{date}, {processor} with {cores} cores, {kernel}, {rustc}, {libraries}; a load average of {load:.2} when it began.{busy}

![CPU time over FastCGI, divided by that over HTTP](performance.svg)

## Times and counts

Each application runs twice, over FastCGI and over HTTP, in processes with one thread. A load generator is the web server: it
sends both the same requests, over FastCGI with the params of nginx. It has made them beforehand, and only counts what comes
back. What is compared is the CPU time of the server process by the kernel's scheduler, system calls included.

- **Times** are medians of {rounds} rounds in microseconds of CPU a request, those of bodies of {bodies} rounds, with three
  pairs of processes. A round asks one server and then the other. The **ratio** is FastCGI divided by HTTP, the median of the
  ratios of the rounds; beside it are the least and the most.
- **Counts** are those of `bench/counts.toml`, FastCGI : HTTP = ratio: instructions in user space, allocations, system calls.
- **Bold** is over 1.05: [below](#where-it-costs-more-than-http) is why. Tables behind that one are reports, without reasons
  for each row.
- *hello*: a small page, 9 fields, 26 params, 32 connections. *browser*: 18 fields and a cookie of 1 KB, 38 params. *100 fields*: as
  many, on 8 connections. *own connection*: each request has one. *64 in flight*: over FastCGI on one connection, over HTTP on 64.
  Bodies of 1 MiB: 4 connections; of 100 MiB: one. All are over Unix sockets, if the name does not say TCP.
- *refused*: actix's HTTP server answers 431 to more than 96 fields.
",
        rounds = figures.rounds,
        bodies = ROUNDS_OF_BODIES * figures.rounds,
    )
}

const COUNTED_ONLY: &str = "
## Only counted

FastCGI : HTTP = ratio. *unlearnable*: other names, in another order, with each request. *kept connection*: what a connection
holds after its response; *idle connection*: the same after a quiet second. *plain CGI*: a process for one request, from its start
to its end, beside a server that starts, answers once and ends.

";

const WORSE: &str = "
## Where it costs more than HTTP

All rows whose ratio of times or of instructions (or of bytes held) is over 1.05.

";

/// Which scenarios show where the time goes.
const DIVIDED: [&str; 4] = ["hello", "100 fields", "download 1 MiB", "upload 1 MiB"];

fn time_goes(figures: &Figures) -> String {
    let mut text = String::from(
        "
## Where the time goes

In user space and in the kernel, in microseconds, by the kernel's ticks. Over both protocols the kernel's part is system calls on the
socket: reading the request, writing the response, waiting for the next; of large bodies it is copying. So ratios of times are
nearer to 1 than ratios of instructions, which are counted in user space.

| | FastCGI: user | kernel | HTTP: user | kernel |
|---|---|---|---|---|
",
    );
    for scenario in DIVIDED {
        for framework in costs::FRAMEWORKS {
            let Some(row) = figures.row(framework.as_str(), scenario) else {
                continue;
            };
            let fastcgi = divided(Some(row.fastcgi_us), row.fastcgi_kernel);
            let http = divided(row.http_us, row.http_kernel);
            _ = writeln!(text, "| {framework}, {scenario} | {fastcgi} | {http} |");
        }
    }
    text
}

fn divided(time: Option<f64>, kernel: Option<f64>) -> String {
    match (time, kernel) {
        (Some(time), Some(kernel)) => {
            let (user, kernel) = (time * (1.0 - kernel), time * kernel);
            format!("{} | {}", micros(user), micros(kernel))
        }
        _ => "– | –".to_owned(),
    }
}

fn peers(figures: &Figures) -> String {
    let mut text = String::from(
        "
## Other FastCGI libraries

The small page with nginx's params on 8 kept connections: CPU time of the server with all its threads and processes, and the ratio
to axum-fastcgi. The programs are those of [fastcgi-conformance/peers](../fastcgi-conformance/peers), which answer the same contract.

| | what | version | µs | ratio | least – most |
|---|---|---|---|---|---|
",
    );
    for peer in &figures.peers {
        let ratio = peer.ratio;
        _ = writeln!(
            text,
            "| {} | {} | {} | {} | {:.2} | {:.2} – {:.2} |",
            peer.name,
            peer.what,
            peer.version,
            micros(peer.us),
            ratio.median,
            ratio.least,
            ratio.most,
        );
    }
    text
}

fn missing(figures: &Figures) -> String {
    if figures.missing.is_empty() {
        return String::new();
    }
    let mut text = String::from("\nMissing in this run:\n\n");
    for what in &figures.missing {
        _ = writeln!(text, "- {what}");
    }
    text
}

fn repeat(figures: &Figures) -> String {
    format!(
        "
## How to repeat it

```sh
tests/install-web-servers                            # nginx, HAProxy
fastcgi-conformance/peers/install                    # other libraries
bench/count --write                                  # the counts, in ten minutes
cargo run --release -p fastcgi-bench page            # the times, and this page; this took {minutes} minutes
cargo run --release -p fastcgi-bench page 9          # with nine rounds
cargo run --release -p fastcgi-bench page again      # this page of the same times, with other counts or words
```

On a machine that does nothing else: the load average should be near 0.

## What this cannot show

- **Latency and waiting**: it is CPU time. A request that waits costs none.
- **Your application**: these pages do nothing. What a real one does is added to both sides, and the ratio comes nearer to 1.
- **More cores**: each server has one thread, but for the table of worker threads, and the load generator takes another core.
- **Noise**: on a shared machine a time moves by 4 to 13 % between two runs, and that of large bodies, which is the speed of memory,
  by more. A ratio whose least and most are on both sides of 1 says that the two cost the same. Counts do not move.
- **Another kernel or processor**: what system calls cost is most of a small request.
- **A distant web server**: all sockets are of one machine.
",
        minutes = figures.minutes
    )
}
