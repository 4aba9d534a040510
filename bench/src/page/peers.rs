//! Other FastCGI libraries, and this one, asked for the same page by the same load.
//!
//! They are the programs of `fastcgi-conformance/peers`, as its `install` builds them.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use super::{
    figures::{Peer, Ratio},
    machine::{locked, said},
    program::Program,
    progress, root,
};
use crate::{
    Result, cpu,
    load::Load,
    measure::median,
    process::{ServerProcess, Tool},
    request::Kind,
    scenario::Times,
    server::{Framework, Protocol, Server},
    socket::{Address, Transport},
};

/// Of libfcgi and php-fpm, each connection occupies a thread or a process, of which they have eight.
const TIMES: Times = Times {
    connections: 8,
    requests: 16_000,
};

/// One that is running.
#[derive(Debug)]
struct Running {
    name: &'static str,
    what: &'static str,
    version: String,
    process: Process,
    address: Address,
    load: Load,
}

/// It ends with this value.
#[derive(Debug)]
enum Process {
    Own(ServerProcess),
    Other(Program),
}

/// Those that are there; `missing` gets the others.
pub(super) fn measure(
    rounds: usize,
    divide: usize,
    missing: &mut Vec<String>,
) -> Result<Vec<Peer>> {
    let folder = tempfile::tempdir()?;
    let starting = Starting { folder, divide };
    let mut running = vec![
        starting.own(Framework::Axum)?,
        starting.own(Framework::Actix)?,
    ];
    for peer in [
        starting.on_stdin(
            "tokio-fastcgi",
            "Rust",
            "1.3.0".to_owned(),
            "rust/release/tokio-fastcgi",
        ),
        starting.on_stdin("libfcgi", "C, 8 threads", libfcgi(), "libfcgi"),
        starting.on_stdin("Go", "net/http/fcgi", go(), "go"),
        starting.php(),
    ] {
        match peer {
            Ok(peer) => running.push(peer),
            Err(error) => missing.push(error.to_string()),
        }
    }
    let mut costs = vec![Vec::new(); running.len()];
    for _ in 0..rounds {
        for (costs, peer) in costs.iter_mut().zip(&running) {
            costs.push(
                peer.cost()
                    .map_err(|error| format!("{}: {error}", peer.name))?,
            );
        }
    }
    let own = costs.first().cloned().unwrap_or_default();
    let peers = running.iter().zip(&costs).map(|(peer, costs)| {
        let ratios: Vec<f64> = costs
            .iter()
            .zip(&own)
            .map(|(cost, own)| cost / own)
            .collect();
        Ok(Peer {
            name: peer.name.to_owned(),
            what: peer.what.to_owned(),
            version: peer.version.clone(),
            us: median(costs.iter().copied()),
            ratio: Ratio::of(&ratios).ok_or("no rounds")?,
        })
    });
    progress("peers: done");
    peers.collect()
}

impl Running {
    fn cost(&self) -> Result<f64> {
        let before = self.process.cpu_ns()?;
        self.load.run(&self.address)?;
        let ns = cpu::since(self.process.cpu_ns()?, before)?;
        Ok(ns as f64 / 1000.0 / self.load.requests() as f64)
    }
}

impl Process {
    fn cpu_ns(&self) -> Result<u64> {
        match self {
            Self::Own(server) => cpu::time_ns(server.id()),
            Self::Other(program) => program.cpu_ns(),
        }
    }
}

#[derive(Debug)]
struct Starting {
    folder: TempDir,
    divide: usize,
}

impl Starting {
    fn own(&self, framework: Framework) -> Result<Running> {
        let name = match framework {
            Framework::Actix => "fastcgi-actix",
            _ => "axum-fastcgi",
        };
        let what = "this project, one thread";
        let server = Server::new(framework, Protocol::FastCgi);
        let folder = self.folder.path();
        let server = ServerProcess::start(server, Transport::Unix, &Tool::Bare, folder)?;
        let address = server.address().clone();
        let version = version_of(name)?;
        Ok(self.running(name, what, version, Process::Own(server), address, ""))
    }

    fn on_stdin(
        &self,
        name: &'static str,
        what: &'static str,
        version: String,
        file: &str,
    ) -> Result<Running> {
        let program = target().join("conformance-peers").join(file);
        if !program.exists() {
            return Err(format!("{name}: `fastcgi-conformance/peers/install` builds it").into());
        }
        let path = self.folder.path().join(name);
        let (socket, address) = Address::listen(Transport::Unix, &path)?;
        let mut command = Command::new(program);
        let program = Program::start(command.stdin(Stdio::from(socket)), &address)?;
        Ok(self.running(name, what, version, Process::Other(program), address, ""))
    }

    /// It listens by itself.
    fn php(&self) -> Result<Running> {
        let name = |path: &PathBuf| path.file_name().map(|it| it.to_string_lossy().into_owned());
        let files = fs::read_dir("/usr/sbin")?.flatten().map(|it| it.path());
        let mut files = files.filter(|it| name(it).is_some_and(|it| it.starts_with("php-fpm")));
        let php = files
            .next()
            .ok_or("php-fpm: `fastcgi-conformance/peers/install` installs it")?;
        let sources = fs::canonicalize(root().join("fastcgi-conformance/peers/php"))?;
        let text = fs::read_to_string(sources.join("php-fpm.conf"))?
            .replace("@DIR@", &self.folder.path().to_string_lossy())
            .replace("@USER@", &said("id", &["-un"]));
        let file = self.folder.path().join("php-fpm.conf");
        fs::write(&file, text)?;
        let address = Address::Unix(self.folder.path().join("php-fpm.sock"));
        let mut command = Command::new(&php);
        command.args(["-F", "-R", "-y"]).arg(&file);
        let program = Program::start(&mut command, &address)?;
        let version = said(php, &["-v"]);
        let version = version.trim_start_matches("PHP ").split(' ').next();
        let version = version.unwrap_or_default().to_owned();
        let script = sources.join("app.php");
        let script = script.to_string_lossy();
        Ok(self.running(
            "php-fpm",
            "PHP, 8 processes",
            version,
            Process::Other(program),
            address,
            &script,
        ))
    }

    fn running(
        &self,
        name: &'static str,
        what: &'static str,
        version: String,
        process: Process,
        address: Address,
        script: &str,
    ) -> Running {
        let times = Times {
            requests: TIMES.requests.div_ceil(self.divide),
            ..TIMES
        };
        Running {
            name,
            what,
            version,
            process,
            address,
            load: Load::of_contract(Kind::hello_of_contract(script), times),
        }
    }
}

fn target() -> PathBuf {
    let folder = env::var_os("CARGO_TARGET_DIR");
    folder.map_or_else(|| root().join("target"), |it| Path::new(&it).to_owned())
}

/// Of a package of this workspace.
fn version_of(name: &str) -> Result<String> {
    let lock = fs::read_to_string(root().join("Cargo.lock"))?;
    Ok(locked(&lock, name).ok_or("not in Cargo.lock")?.to_owned())
}

fn libfcgi() -> String {
    said("dpkg-query", &["-W", "-f", "${Version}", "libfcgi-dev"])
}

fn go() -> String {
    let version = said("go", &["version"]);
    version.trim_start_matches("go version go").to_owned()
}
