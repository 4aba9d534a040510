//! System calls by name, with strace around the server.

use std::{collections::BTreeMap, fs, path::Path};

use super::{hundredths, paced::Load};
use crate::{
    Result,
    process::{ServerProcess, Tool},
    scenario::Scenario,
    server::Server,
};

type Calls = BTreeMap<String, f64>;

/// Those of one request.
pub(super) fn count(server: Server, scenario: &Scenario, folder: &Path) -> Result<Calls> {
    let requests = scenario.requests;
    let once = of_process(server, scenario, folder, requests)?;
    let mut twice = of_process(server, scenario, folder, 2 * requests)?;
    for (name, count) in &mut twice {
        let before = once.get(name).copied().unwrap_or_default();
        *count = hundredths((*count - before) / requests as f64);
    }
    Ok(twice)
}

/// Those of a process that starts, answers so many requests, and ends.
pub(super) fn of_process(
    server: Server,
    scenario: &Scenario,
    folder: &Path,
    requests: usize,
) -> Result<Calls> {
    let file = folder.join("strace.out");
    let tool = Tool::Strace(file.clone());
    let process = ServerProcess::start(server, scenario.transport, &tool, folder)?;
    let mut load = Load::new(&process, scenario)?;
    load.run(requests)?;
    load.close()?;
    process.end()?;
    calls(&file)
}

/// The columns of strace's summary are: % time, seconds, usecs/call, calls, perhaps errors, and the name.
pub(super) fn calls(file: &Path) -> Result<Calls> {
    let text = fs::read_to_string(file)?;
    let mut calls = Calls::new();
    for line in text.lines() {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (Some(count), Some(name)) = (columns.get(3), columns.last()) else {
            continue;
        };
        let Ok(count) = count.parse() else {
            continue;
        };
        if *name != "total" {
            calls.insert((*name).to_owned(), count);
        }
    }
    if calls.is_empty() {
        Err("strace wrote no system calls".into())
    } else {
        Ok(calls)
    }
}
