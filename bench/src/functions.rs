//! The servers of the benchmark that are functions that block.

use std::env;

use fastcgi_bench::{Result, serve_functions};

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.split_first() {
        Some((&"serve-functions", rest)) => serve_functions(rest, None),
        _ => Err("this is a server of fastcgi-bench, which starts it".into()),
    }
}
