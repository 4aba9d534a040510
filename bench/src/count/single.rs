//! One request in a process's life, from its start to its end: plain CGI, and over HTTP a server that ends at once.

use std::{path::Path, process::Stdio};

use super::{heap, instructions, system_calls};
use crate::{
    Result,
    counts::Counts,
    process::Tool,
    scenario::Scenario,
    server::{Heap, Protocol, Server},
};

pub(super) fn count(server: Server, scenario: &Scenario, folder: &Path) -> Result<Counts> {
    let (instructions, heap, calls) = match server.protocol {
        Protocol::FastCgi => {
            let callgrind = folder.join("callgrind.out");
            run(server, scenario, &Tool::Callgrind(callgrind.clone()))?;
            let strace = folder.join("strace.out");
            run(server, scenario, &Tool::Strace(strace.clone()))?;
            let figures = run(server, scenario, &Tool::Heap)?;
            let figures = figures.try_into().map_err(|_| "no figures of the heap")?;
            (
                instructions::total(&callgrind)?,
                Heap::from_bytes(figures),
                system_calls::calls(&strace)?,
            )
        }
        Protocol::Http => (
            instructions::of_process(server, scenario, folder, 1)?,
            heap::of_process(server, scenario, folder)?,
            system_calls::of_process(server, scenario, folder, 1)?,
        ),
    };
    Ok(Counts {
        instructions: Some(instructions),
        allocations: Some(heap.allocations as f64),
        bytes: Some(heap.bytes),
        calls,
        ..Counts::default()
    })
}

/// Runs the CGI program, and gives what it wrote to its standard error.
fn run(server: Server, scenario: &Scenario, tool: &Tool) -> Result<Vec<u8>> {
    let mut command = tool.command(server.framework)?;
    command
        .args(["serve", "cgi", server.framework.as_str()])
        .stdin(Stdio::null())
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .envs(scenario.kind.environment());
    let output = command.output()?;
    let is_answered = output.stdout.starts_with(b"Status: 200")
        && output.stdout.ends_with(&scenario.kind.answer());
    if is_answered && output.status.success() {
        Ok(output.stderr)
    } else {
        Err(format!(
            "the CGI program answered {:?} and ended with {}: {}",
            String::from_utf8_lossy(&output.stdout),
            output.status,
            String::from_utf8_lossy(&output.stderr)
        )
        .into())
    }
}
