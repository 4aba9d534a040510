//! What a request costs: over FastCGI and over HTTP, side by side, with bare tower, axum and actix-web.
//!
//! ```text
//! cargo run --release -p fastcgi-bench                   # CPU time: all frameworks, all scenarios
//! cargo run --release -p fastcgi-bench hello 9           # one scenario, nine rounds
//! cargo run --release -p fastcgi-bench actix hello 9     # one framework
//!
//! cargo run --release -p fastcgi-bench page              # writes docs/performance.md: all of this, and more
//!
//! bench/count                                            # exact counts: instructions, allocations, system calls
//! bench/count axum hello                                 # of one framework, of one scenario
//! bench/count --write                                    # and writes them to bench/counts.toml
//! bench/count --gate                                     # what CI does: small requests again, beside the table
//! ```
//!
//! Each server is a process of its own with one thread. For the times, a round sends the same requests to both, one
//! after the other; what is compared is the server's own CPU time as the kernel's scheduler counts it, system calls
//! included, because on a shared machine that moves by a few per cent where requests per second move by tens. Printed
//! are medians, and the median of the ratios within a round. Beside them are the counts of the committed table.

use std::env;

use fastcgi_bench::{Result, count, page, serve, times};

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.split_first() {
        Some((&"serve", rest)) => serve(rest, None),
        Some((&"count", rest)) => count::count(rest),
        Some((&"page", rest)) => page::page(rest),
        _ => times(&args),
    }
}
