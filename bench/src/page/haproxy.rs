//! HAProxy in front: `use-fcgi-app` beside servers over HTTP.

use std::{fs, path::Path, process::Command};

use super::site::{Sockets, as_text, command, lines};
use crate::Result;

/// How it uses connections to the applications over FastCGI. Over HTTP it always keeps them for the next client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Connections {
    /// One for each request, as docs/deploy has it: a client that leaves does no harm to the next.
    Own,
    /// They are kept, with one request at a time.
    Kept,
    /// They are kept, with several requests at a time.
    Multiplexed,
}

impl Connections {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Own => "HAProxy, `no option keep-conn`",
            Self::Kept => "HAProxy, `option keep-conn`",
            Self::Multiplexed => "HAProxy, `option mpxs-conns`",
        }
    }

    fn options(self) -> &'static str {
        match self {
            Self::Own => "no option keep-conn",
            Self::Kept => "option keep-conn",
            Self::Multiplexed => "option keep-conn\n    option get-values\n    option mpxs-conns",
        }
    }
}

/// Empty, if there is none.
pub(super) fn version() -> String {
    let output = command("haproxy").arg("-v").output();
    let text = output.map(|it| String::from_utf8_lossy(&it.stdout).into_owned());
    let text = text.unwrap_or_default();
    let rest = text.strip_prefix("HAProxy version ").unwrap_or_default();
    rest.split(['-', ' ']).next().unwrap_or_default().to_owned()
}

/// One thread, with as many servers as there are sockets, which take turns.
pub(super) fn configure(
    folder: &Path,
    sockets: &Sockets,
    connections: Connections,
) -> Result<Command> {
    let servers = |paths, protocol| {
        lines(paths, |number, path| {
            format!("    server app{number} unix@{path}{protocol}")
        })
    };
    let text = include_str!("haproxy.cfg")
        .replace("@DIR@", as_text(folder)?)
        .replace("@FASTCGI@", &servers(&sockets.fastcgi, " proto fcgi")?)
        .replace("@HTTP@", &servers(&sockets.http, "")?)
        .replace("@OPTIONS@", connections.options());
    let file = folder.join("haproxy.cfg");
    fs::write(&file, text)?;
    let mut command = command("haproxy");
    command.arg("-db").arg("-f").arg(&file);
    Ok(command)
}
