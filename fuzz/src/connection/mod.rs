//! A connection: the same bytes in different pieces, and any order of commands and times.

mod ledger;
mod output;
mod owner;
mod pieces;
mod script;

use std::time::Duration;

use fastcgi_core::{Config, Limits, Timeouts};

/// The first byte says how the connection is configured, the second where to cut, the third how many steps of two bytes
/// follow; the rest is the input.
pub fn check(data: &[u8]) {
    let Some(([options, seed, steps], rest)) = data.split_first_chunk::<3>() else {
        return;
    };
    let length = (usize::from(*steps) * 2).min(rest.len());
    let (script, input) = rest.split_at(length);
    pieces::check(*options, *seed, input);
    script::check(*options, script, input);
}

fn config(options: u8) -> Config {
    let is_set = |bit: u8| options & bit != 0;
    let limits = Limits::default()
        .max_reqs(max_reqs(options))
        .max_params_size(if is_set(4) { 20 } else { 128 * 1024 })
        .max_ignored(if is_set(16) { 10 } else { 1000 })
        .body_window(1000)
        .max_spill(10_000);
    let mut timeouts = Timeouts::default();
    if is_set(64) {
        timeouts = timeouts
            .idle(Some(Duration::from_secs(5)))
            .read(Some(Duration::from_secs(3)));
    }
    Config::default()
        .limits(limits)
        .timeouts(timeouts)
        .authorizer(is_set(32))
        .filter(is_set(32))
}

fn max_reqs(options: u8) -> usize {
    match options & 3 {
        0 => 64,
        2 => 2,
        _ => 1,
    }
}
