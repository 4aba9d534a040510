//! Instructions in user space, with valgrind's callgrind around the server.

use std::{fs, path::Path};

use super::paced::Load;
use crate::{
    Result,
    process::{ServerProcess, Tool},
    scenario::{Exactness, Scenario},
    server::Server,
};

/// How many processes are counted where the gate looks: actix's maps of fields hash with a key that is another one in each
/// process. The one in the middle counts.
const PROCESSES: usize = 3;

/// Those of one request.
pub(super) fn count(server: Server, scenario: &Scenario, folder: &Path) -> Result<u64> {
    let (processes, requests) = match scenario.exactness(server.framework) {
        Exactness::Gate => (PROCESSES, scenario.requests.min(100)),
        Exactness::Spread | Exactness::Threads => (1, scenario.requests),
    };
    let once = |_| after_as_many(server, scenario, folder, requests);
    let mut totals = (0..processes).map(once).collect::<Result<Vec<_>>>()?;
    totals.sort_unstable();
    let middle = totals.get(processes / 2).copied().unwrap_or_default();
    Ok(middle / requests as u64)
}

/// Those of so many requests in a process that has answered as many before.
fn after_as_many(
    server: Server,
    scenario: &Scenario,
    folder: &Path,
    requests: usize,
) -> Result<u64> {
    let file = folder.join("callgrind.out");
    let tool = Tool::Callgrind(file.clone());
    let process = ServerProcess::start(server, scenario.transport, &tool, folder)?;
    let mut load = Load::new(&process, scenario)?;
    for _ in 0..2 {
        load.run(requests)?;
        // Here callgrind writes what it has, and begins anew.
        process.heap()?;
    }
    load.close()?;
    process.end()?;
    total(&file.with_extension("out.2"))
}

/// Those of a process that starts, answers so many requests, and ends.
pub(super) fn of_process(
    server: Server,
    scenario: &Scenario,
    folder: &Path,
    requests: usize,
) -> Result<u64> {
    let file = folder.join("callgrind.out");
    let tool = Tool::Callgrind(file.clone());
    let process = ServerProcess::start(server, scenario.transport, &tool, folder)?;
    let mut load = Load::new(&process, scenario)?;
    load.run(requests)?;
    load.close()?;
    process.end()?;
    total(&file)
}

/// The sum in callgrind's file.
pub(super) fn total(file: &Path) -> Result<u64> {
    let text = fs::read_to_string(file)?;
    let total = text.lines().find_map(|line| line.strip_prefix("totals: "));
    Ok(total.ok_or("callgrind wrote no total")?.trim().parse()?)
}
