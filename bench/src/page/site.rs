//! A web server with applications behind it: over FastCGI, and over HTTP.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use super::{
    figures::{Ratio, Sums},
    program::Program,
    root,
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

/// Clients at a time.
const CONNECTIONS: usize = 32;

/// Makes the command of a web server that listens in a folder: at `fastcgi.sock` and at `http.sock`.
pub(super) type Configure<'a> = &'a dyn Fn(&Path, &Sockets) -> Result<Command>;

/// Where the applications listen.
#[derive(Debug)]
pub(super) struct Sockets {
    pub(super) fastcgi: Vec<PathBuf>,
    pub(super) http: Vec<PathBuf>,
}

/// The web server, and each application twice. All of them end with this value.
#[derive(Debug)]
pub(super) struct Site {
    web_server: Program,
    fastcgi: Side,
    http: Side,
    _folder: TempDir,
}

/// What is asked over one protocol.
#[derive(Debug)]
struct Side {
    applications: Vec<ServerProcess>,
    entrance: Address,
}

/// Microseconds a request.
#[derive(Clone, Copy, Debug)]
struct Cost {
    /// All of them together.
    applications: f64,
    web_server: f64,
}

impl Cost {
    fn sum(self) -> f64 {
        self.applications + self.web_server
    }
}

impl Site {
    /// So many processes of one application, and what `configure` starts in front of them.
    pub(super) fn start(
        framework: Framework,
        processes: usize,
        configure: Configure<'_>,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let start = |protocol| start(Server::new(framework, protocol), processes, folder.path());
        let (fastcgi, fastcgi_sockets) = start(Protocol::FastCgi)?;
        let (http, http_sockets) = start(Protocol::Http)?;
        let sockets = Sockets {
            fastcgi: fastcgi_sockets,
            http: http_sockets,
        };
        let mut command = configure(folder.path(), &sockets)?;
        let entrance = |name| Address::Unix(folder.path().join(name));
        let web_server = Program::start(&mut command, &entrance("http.sock"))?;
        Ok(Self {
            web_server,
            fastcgi: Side {
                applications: fastcgi,
                entrance: entrance("fastcgi.sock"),
            },
            http: Side {
                applications: http,
                entrance: entrance("http.sock"),
            },
            _folder: folder,
        })
    }

    /// The same requests over both in each round.
    pub(super) fn rounds(&self, kind: Kind, rounds: usize, divide: usize) -> Result<Sums> {
        let times = Times {
            connections: CONNECTIONS,
            requests: 32_000_usize.div_ceil(divide),
        };
        let load = Load::new(Protocol::Http, kind, Mode::Kept, times);
        let once = |_| -> Result<_> {
            let fastcgi = self.measure(&self.fastcgi, &load)?;
            Ok((fastcgi, self.measure(&self.http, &load)?))
        };
        let costs = (0..rounds).map(once).collect::<Result<Vec<_>>>()?;
        let ratios: Vec<f64> = costs.iter().map(|(a, b)| a.sum() / b.sum()).collect();
        Ok(Sums {
            fastcgi_application_us: median(costs.iter().map(|(it, _)| it.applications)),
            fastcgi_web_server_us: median(costs.iter().map(|(it, _)| it.web_server)),
            http_application_us: median(costs.iter().map(|(_, it)| it.applications)),
            http_web_server_us: median(costs.iter().map(|(_, it)| it.web_server)),
            ratio: Ratio::of(&ratios).ok_or("no rounds")?,
        })
    }

    fn measure(&self, side: &Side, load: &Load) -> Result<Cost> {
        let times = || side.applications.iter().map(|it| cpu::time_ns(it.id()));
        let before = times().collect::<Result<Vec<_>>>()?;
        let web_server = self.web_server.cpu_ns()?;
        load.run(&side.entrance)?;
        // What follows the last response belongs to these requests.
        for application in &side.applications {
            application.sleeps()?;
        }
        let mut applications = 0;
        for (now, before) in times().zip(before) {
            let time = cpu::since(now?, before)?;
            if time == 0 {
                return Err("an application behind the web server had no requests".into());
            }
            applications += time;
        }
        let web_server = cpu::since(self.web_server.cpu_ns()?, web_server)?;
        let micros = |ns: u64| ns as f64 / 1000.0 / load.requests() as f64;
        Ok(Cost {
            applications: micros(applications),
            web_server: micros(web_server),
        })
    }
}

fn start(
    server: Server,
    processes: usize,
    folder: &Path,
) -> Result<(Vec<ServerProcess>, Vec<PathBuf>)> {
    let once = |number: usize| -> Result<_> {
        let folder = folder.join(format!("{server}-{number}"));
        fs::create_dir(&folder)?;
        let process = ServerProcess::start(server, Transport::Unix, &Tool::Bare, &folder)?;
        Ok((process, folder.join(server.to_string())))
    };
    let started = (1..=processes).map(once).collect::<Result<Vec<_>>>()?;
    Ok(started.into_iter().unzip())
}

/// The command of a web server, also where users do not look: where Debian has it, and where
/// `tests/install-web-servers` puts newer ones.
pub(super) fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    let path = env::var("PATH").unwrap_or_default();
    let newer = root().join("target/web-servers/bin");
    command.env("PATH", format!("{path}:/usr/sbin:{}", newer.display()));
    command
}

/// A line for each socket.
pub(super) fn lines(sockets: &[PathBuf], line: impl Fn(usize, &str) -> String) -> Result<String> {
    let mut text = String::new();
    for (socket, number) in sockets.iter().zip(1..) {
        text += &line(number, as_text(socket)?);
        text.push('\n');
    }
    Ok(text)
}

pub(super) fn as_text(path: &Path) -> Result<&str> {
    Ok(path.to_str().ok_or("a folder's name is not UTF-8")?)
}
