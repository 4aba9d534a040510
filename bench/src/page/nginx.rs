//! nginx in front: `fastcgi_pass` beside `proxy_pass`, each with connections that are kept.

use std::{env, fs, path::Path, process::Command};

use super::{
    figures::{Behind, Ratio},
    program::Program,
    progress,
};
use crate::{
    Result, cpu,
    load::Load,
    measure::median,
    process::{ServerProcess, Tool},
    request::Kind,
    scenario::{Mode, Times},
    server::{Framework, Protocol, Server},
    socket::{Address, Transport},
};

/// As many as nginx keeps.
const CONNECTIONS: usize = 32;

/// Microseconds a request.
#[derive(Clone, Copy, Debug)]
struct Cost {
    application: f64,
    nginx: f64,
}

impl Cost {
    fn sum(self) -> f64 {
        self.application + self.nginx
    }
}

fn nginx() -> Command {
    let mut command = Command::new("nginx");
    // Where Debian has it, and users do not look.
    let path = env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin"));
    command
}

/// Empty, if there is none.
pub(super) fn version() -> String {
    let output = nginx().arg("-v").output();
    let text = output.map(|it| String::from_utf8_lossy(&it.stderr).into_owned());
    let text = text.unwrap_or_default();
    let version = text.trim().rsplit_once("nginx/");
    version.map_or_else(String::new, |(_, version)| version.to_owned())
}

pub(super) fn measure(rounds: usize, divide: usize) -> Result<Vec<Behind>> {
    let mut rows = Vec::new();
    for framework in [Framework::Axum, Framework::Actix] {
        let site = Site::start(framework)?;
        for (scenario, kind) in [("hello", Kind::Hello), ("browser", Kind::Browser)] {
            let times = Times {
                connections: CONNECTIONS,
                requests: 32_000_usize.div_ceil(divide),
            };
            let load = Load::new(Protocol::Http, kind, Mode::Kept, times);
            let once = |_| -> Result<_> { Ok((site.over_fastcgi(&load)?, site.over_http(&load)?)) };
            let costs = (0..rounds).map(once).collect::<Result<Vec<_>>>()?;
            let ratios: Vec<f64> = costs.iter().map(|(a, b)| a.sum() / b.sum()).collect();
            rows.push(Behind {
                framework: framework.to_string(),
                scenario: scenario.to_owned(),
                fastcgi_application_us: median(costs.iter().map(|(it, _)| it.application)),
                fastcgi_nginx_us: median(costs.iter().map(|(it, _)| it.nginx)),
                http_application_us: median(costs.iter().map(|(_, it)| it.application)),
                http_nginx_us: median(costs.iter().map(|(_, it)| it.nginx)),
                ratio: Ratio::of(&ratios).ok_or("no rounds")?,
            });
        }
    }
    progress("behind nginx: done");
    Ok(rows)
}

/// nginx, and the application twice.
#[derive(Debug)]
struct Site {
    nginx: Program,
    fastcgi: (ServerProcess, Address),
    http: (ServerProcess, Address),
    _folder: tempfile::TempDir,
}

impl Site {
    fn start(framework: Framework) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let start = |protocol| -> Result<_> {
            let server = Server {
                framework,
                protocol,
            };
            let process =
                ServerProcess::start(server, Transport::Unix, &Tool::Bare, folder.path())?;
            Ok((process, folder.path().join(server.to_string())))
        };
        let (fastcgi, fastcgi_path) = start(Protocol::FastCgi)?;
        let (http, http_path) = start(Protocol::Http)?;
        let text = include_str!("nginx.conf")
            .replace("@DIR@", path_as_text(folder.path())?)
            .replace("@FASTCGI@", path_as_text(&fastcgi_path)?)
            .replace("@HTTP@", path_as_text(&http_path)?);
        let file = folder.path().join("nginx.conf");
        fs::write(&file, text)?;
        let address = |name| Address::Unix(folder.path().join(name));
        let mut command = nginx();
        command.arg("-p").arg(folder.path()).arg("-c").arg(&file);
        command.arg("-e").arg(folder.path().join("error.log"));
        let nginx = Program::start(&mut command, &address("http.sock"))?;
        Ok(Self {
            nginx,
            fastcgi: (fastcgi, address("fastcgi.sock")),
            http: (http, address("http.sock")),
            _folder: folder,
        })
    }

    fn over_fastcgi(&self, load: &Load) -> Result<Cost> {
        self.measure(&self.fastcgi, load)
    }

    fn over_http(&self, load: &Load) -> Result<Cost> {
        self.measure(&self.http, load)
    }

    fn measure(&self, (server, address): &(ServerProcess, Address), load: &Load) -> Result<Cost> {
        let application = cpu::time_ns(server.id())?;
        let nginx = self.nginx.cpu_ns()?;
        load.run(address)?;
        // What follows the last response belongs to these requests.
        server.sleeps()?;
        let application = cpu::since(cpu::time_ns(server.id())?, application)?;
        let nginx = cpu::since(self.nginx.cpu_ns()?, nginx)?;
        let micros = |ns: u64| ns as f64 / 1000.0 / load.requests() as f64;
        Ok(Cost {
            application: micros(application),
            nginx: micros(nginx),
        })
    }
}

fn path_as_text(path: &Path) -> Result<&str> {
    Ok(path.to_str().ok_or("a folder's name is not UTF-8")?)
}
