//! The servers of the benchmark, with an allocator that counts.

use std::env;

use fastcgi_bench::{Heap, Result, serve, serve_functions};

#[global_allocator]
static ALLOCATOR: dhat::Alloc = dhat::Alloc;

fn main() -> Result<()> {
    // Only this kind of profiler gives its figures to the program.
    let _profiler = dhat::Profiler::builder().testing().build();
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.split_first() {
        Some((&"serve", rest)) => serve(rest, Some(figures)),
        Some((&"serve-functions", rest)) => serve_functions(rest, Some(figures)),
        _ => Err("this is the server of fastcgi-bench, which starts it".into()),
    }
}

fn figures() -> Heap {
    let stats = dhat::HeapStats::get();
    Heap {
        allocations: stats.total_blocks,
        bytes: stats.total_bytes,
        held: stats.curr_bytes as u64,
    }
}
