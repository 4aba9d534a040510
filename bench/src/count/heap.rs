//! Allocations, as the server's own allocator counts them.

use std::{path::Path, thread, time::Duration};

use super::{hundredths, paced::Load};
use crate::{
    Result,
    process::{ServerProcess, Tool},
    scenario::Scenario,
    server::{Heap, Server},
};

/// Allocations of one request, and the sum of their bytes.
pub(super) fn count(server: Server, scenario: &Scenario, folder: &Path) -> Result<(f64, u64)> {
    let process = ServerProcess::start(server, scenario.transport, &Tool::Heap, folder)?;
    let requests = scenario.requests;
    let mut load = Load::new(&process, scenario)?;
    load.run(requests)?;
    let once = process.heap()?;
    load.run(requests)?;
    let twice = process.heap()?;
    load.close()?;
    process.end()?;
    let allocations = (twice.allocations - once.allocations) as f64 / requests as f64;
    let bytes = (twice.bytes - once.bytes) as f64 / requests as f64;
    Ok((hundredths(allocations), bytes.round() as u64))
}

/// Bytes on the heap for one connection that has waited for its next request for `time`.
pub(super) fn held(
    server: Server,
    scenario: &Scenario,
    time: Duration,
    folder: &Path,
) -> Result<u64> {
    let process = ServerProcess::start(server, scenario.transport, &Tool::Heap, folder)?;
    // As many connections again: what grows by doubling has grown before.
    let mut first = Load::new(&process, scenario)?;
    first.run(scenario.requests)?;
    thread::sleep(time);
    let once = process.heap()?;
    let mut second = Load::new(&process, scenario)?;
    second.run(scenario.requests)?;
    thread::sleep(time);
    let twice = process.heap()?;
    first.close()?;
    second.close()?;
    process.end()?;
    Ok((twice.held - once.held) / scenario.requests as u64)
}

/// Those of a process that starts, answers one request, and ends.
pub(super) fn of_process(server: Server, scenario: &Scenario, folder: &Path) -> Result<Heap> {
    let process = ServerProcess::start(server, scenario.transport, &Tool::Heap, folder)?;
    Load::new(&process, scenario)?.run(1)?;
    let heap = process.heap()?;
    process.end()?;
    Ok(heap)
}
