//! The application and the web server of a configuration, running.

use std::fs::{self, File, Permissions};
use std::io::{self, Error, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use libtest_mimic::Failed;
use tempfile::TempDir;

use super::configuration::{Configuration, Variant};
use crate::application;
use crate::layout::Setup;
use crate::process::Process;
use crate::site::ReservedPort;
use crate::site::path_with_sbin;

/// A configuration, running with a pair of sides for each of its variants.
#[derive(Debug)]
pub(super) struct Twins {
    // The order in which they end.
    _web_server: Process,
    _application: Process,
    pub(super) pairs: Vec<Pair>,
    _reserved: Vec<ReservedPort>,
    _dir: TempDir,
}

/// Where the two sides of a variant are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) fastcgi: u16,
    pub(super) http: u16,
}

/// The ports of the application.
#[derive(Clone, Copy, Debug)]
struct Ports {
    fastcgi: u16,
    mounted: u16,
    http: u16,
}

/// One side of a variant.
struct Side<'a> {
    configuration: &'a Configuration,
    variant: &'a Variant,
    is_http: bool,
    port: u16,
    application: Ports,
    dir: &'a Path,
}

impl Twins {
    pub(super) fn start(configuration: &Configuration) -> io::Result<Self> {
        // Another process may take a free port before the web server does.
        let mut attempt = Self::start_once(configuration);
        for _ in 0..2 {
            match &attempt {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    attempt = Self::start_once(configuration);
                }
                _ => break,
            }
        }
        attempt
    }

    fn start_once(configuration: &Configuration) -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("fastcgi-e2e-").tempdir()?;
        // The web server may run as another user.
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755))?;
        let binary = application::install("twin", dir.path())?;
        let mut mounts = configuration
            .variants
            .iter()
            .filter_map(|it| it.script_name);
        let script_name = mounts.next_back().unwrap_or_default();
        let (process, ports) = start_application(&binary, dir.path(), script_name)?;

        let mut site = configuration.web_server.head.to_owned();
        let mut pairs = Vec::new();
        let mut reserved = Vec::new();
        for variant in configuration.variants {
            let mut side = |is_http| {
                let port = ReservedPort::new()?;
                let side = Side {
                    configuration,
                    variant,
                    is_http,
                    port: port.addr.port(),
                    application: ports,
                    dir: dir.path(),
                };
                reserved.push(port);
                site.push_str(&side.write()?);
                Ok::<u16, Error>(side.port)
            };
            pairs.push(Pair {
                fastcgi: side(false)?,
                http: side(true)?,
            });
        }
        let setup = Setup {
            authorizer: None,
            dir: dir.path(),
            binary: &binary,
            ports: &[],
        };
        let command = (configuration.web_server.configure)(&setup, &site)?;
        Ok(Self {
            _web_server: start_web_server(command, dir.path(), &pairs)?,
            _application: process,
            pairs,
            _reserved: reserved,
            _dir: dir,
        })
    }
}

impl Side<'_> {
    /// Writes the files, and gives the text for the web server.
    fn write(&self) -> io::Result<String> {
        let dir = self.dir.join(self.name());
        fs::create_dir(&dir)?;
        for (name, text) in self.configuration.files {
            let path = dir.join(name);
            if let Some(parent) = path.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::write(&path, self.fill(text))?;
            // Some are programs.
            fs::set_permissions(&path, Permissions::from_mode(0o755))?;
        }
        Ok(self.fill(self.configuration.site))
    }

    fn fill(&self, text: &str) -> String {
        let name = self.name();
        let fastcgi = match self.variant.script_name {
            None => self.application.fastcgi,
            Some(_) => self.application.mounted,
        };
        let text = self.variant.fill(text, self.configuration, self.is_http);
        text.replace("@PORT@", &self.port.to_string())
            .replace("@FASTCGI@", &fastcgi.to_string())
            .replace("@HTTP@", &self.application.http.to_string())
            .replace("@DIR@", &self.dir.join(&name).display().to_string())
            .replace("@TWIN@", &self.dir.join("twin").display().to_string())
            .replace("@SIDE@", &name)
    }

    fn name(&self) -> String {
        let name = if self.is_http { "http" } else { "fastcgi" };
        match self.variant.script_name {
            None => name.to_owned(),
            Some(_) => format!("{name}-script-name"),
        }
    }
}

fn start_application(binary: &Path, dir: &Path, script_name: &str) -> io::Result<(Process, Ports)> {
    let log = dir.join("application.log");
    let addresses = dir.join("addresses");
    let mut command = Command::new(binary);
    command
        .env("TWIN_ADDRESSES", &addresses)
        .env("FCGI_SCRIPT_NAME", script_name)
        .stdin(Stdio::null())
        .stdout(File::create(&log)?)
        .stderr(File::options().append(true).open(&log)?);
    let mut process = Process::start(&mut command)?;
    process.wait_until(Duration::from_secs(10), &log, || addresses.exists())?;

    let text = fs::read_to_string(&addresses)?;
    let mut ports = text.lines().map(|line| line.parse().map_err(Error::other));
    let mut port = || {
        let port = ports.next();
        port.unwrap_or_else(|| Err(Error::other("the application has too few ports")))
    };
    let ports = Ports {
        fastcgi: port()?,
        mounted: port()?,
        http: port()?,
    };
    Ok((process, ports))
}

fn start_web_server(mut command: Command, dir: &Path, pairs: &[Pair]) -> io::Result<Process> {
    let log = dir.join("server.log");
    let output = File::options().create(true).append(true).open(&log)?;
    command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .current_dir(dir)
        .env("PATH", path_with_sbin());
    let mut web_server = Process::start(&mut command)?;
    let listens = |port| TcpStream::connect(loopback(port)).is_ok();
    web_server.wait_until(Duration::from_secs(20), &log, || {
        let mut pairs = pairs.iter();
        pairs.all(|pair| listens(pair.fastcgi) && listens(pair.http))
    })?;
    Ok(web_server)
}

pub(super) fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// A configuration that is started by the first test that needs it.
#[derive(Debug)]
pub(super) struct Shared {
    twins: OnceLock<Result<Twins, String>>,
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            twins: OnceLock::new(),
        }
    }

    /// The running configuration. After a failure there is no second try.
    pub(super) fn twins(&self, configuration: &Configuration) -> Result<&Twins, Failed> {
        let started = self
            .twins
            .get_or_init(|| Twins::start(configuration).map_err(|error| error.to_string()));
        started.as_ref().map_err(|error| error.into())
    }
}
