//! nginx in front: `fastcgi_pass` beside `proxy_pass`, each with connections that are kept.

use std::{fs, path::Path, process::Command};

use super::{
    figures::Behind,
    progress,
    site::{Site, Sockets, as_text, command, lines},
};
use crate::{Result, request::Kind, server::Framework};

/// Empty, if there is none.
pub(super) fn version() -> String {
    let output = command("nginx").arg("-v").output();
    let text = output.map(|it| String::from_utf8_lossy(&it.stderr).into_owned());
    let text = text.unwrap_or_default();
    let version = text.trim().rsplit_once("nginx/");
    version.map_or_else(String::new, |(_, version)| version.to_owned())
}

/// One process of an application behind it.
pub(super) fn measure(rounds: usize, divide: usize) -> Result<Vec<Behind>> {
    let mut rows = Vec::new();
    for framework in [Framework::Axum, Framework::Actix] {
        let site = Site::start(framework, 1, &configure)?;
        for (scenario, kind) in [("hello", Kind::Hello), ("browser", Kind::Browser)] {
            rows.push(Behind {
                framework: framework.to_string(),
                scenario: scenario.to_owned(),
                sums: site.rounds(kind, rounds, divide)?,
            });
        }
    }
    progress("behind nginx: done");
    Ok(rows)
}

/// One worker, with as many servers as there are sockets, which take turns.
pub(super) fn configure(folder: &Path, sockets: &Sockets) -> Result<Command> {
    let servers = |paths| lines(paths, |_, path| format!("server unix:{path};"));
    let text = include_str!("nginx.conf")
        .replace("@DIR@", as_text(folder)?)
        .replace("@FASTCGI@", &servers(&sockets.fastcgi)?)
        .replace("@HTTP@", &servers(&sockets.http)?);
    let file = folder.join("nginx.conf");
    fs::write(&file, text)?;
    let mut command = command("nginx");
    command.arg("-p").arg(folder).arg("-c").arg(&file);
    command.arg("-e").arg(folder.join("error.log"));
    Ok(command)
}
