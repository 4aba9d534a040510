//! An example, running as a FastCGI application.

use std::fs::{self, File, Permissions};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::process::Process;
use crate::program::copy;
use crate::site::path_with_sbin;

/// How the application listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Socket {
    /// A TCP socket that it inherits as descriptor 0, as from spawn-fcgi.
    Tcp,
    /// A Unix socket that it binds itself, as `FCGI_LISTEN` says.
    Unix,
    /// None for FastCGI: it is started by hand, and is an HTTP server on a port of its own.
    Http,
    /// The web server starts it.
    Spawned,
    /// The web server starts it for each request: plain CGI.
    Cgi,
    /// The web server asks fcgiwrap, on a Unix socket, which starts it for each request.
    Fcgiwrap,
}

impl Socket {
    /// Whether each request has a process of its own.
    #[must_use]
    pub fn is_cgi(self) -> bool {
        matches!(self, Self::Cgi | Self::Fcgiwrap)
    }
}

/// A running example.
#[derive(Debug)]
pub struct Application {
    process: Process,
}

impl Application {
    /// Starts `binary` in `dir`, listening as `socket` says, with the variables of `environment` besides ours; a TCP
    /// address is the answer's second half.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start(
        binary: &Path,
        dir: &Path,
        socket: Socket,
        environment: &[(&str, &str)],
    ) -> io::Result<(Self, SocketAddr)> {
        let log = dir.join("application.log");
        let mut command = Command::new(binary);
        if socket == Socket::Fcgiwrap {
            return Self::start_fcgiwrap(dir, &log);
        }
        command
            .stdout(File::create(&log)?)
            .stderr(File::options().append(true).open(&log)?)
            .envs(environment.iter().copied());
        if socket == Socket::Http {
            return Self::start_http(command, &log);
        }
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let addr = listener.local_addr()?;
        if socket == Socket::Tcp {
            command.stdin(Stdio::from(OwnedFd::from(listener)));
            let process = Process::start(&mut command)?;
            return Ok((Self { process }, addr));
        }

        let path = socket_path(dir);
        command.env("FCGI_LISTEN", &path).stdin(Stdio::null());
        let mut process = Process::start(&mut command)?;
        process.wait_until(Duration::from_secs(10), &log, || {
            UnixStream::connect(&path).is_ok()
        })?;
        // The web server may run as another user.
        fs::set_permissions(&path, Permissions::from_mode(0o666))?;
        Ok((Self { process }, addr))
    }

    /// Its address is in what it says when it listens.
    fn start_http(mut command: Command, log: &Path) -> io::Result<(Self, SocketAddr)> {
        command.env("PORT", "0").stdin(Stdio::null());
        let mut process = Process::start(&mut command)?;
        let mut addr = None;
        process.wait_until(Duration::from_secs(10), log, || {
            let said = fs::read_to_string(log).unwrap_or_default();
            let rest = said.split_once("http://").map(|(_, rest)| rest);
            let own = rest.and_then(|rest| rest.split_once('/'));
            addr = own.and_then(|(addr, _)| addr.parse().ok());
            addr.is_some()
        })?;
        let addr = addr.ok_or_else(|| io::Error::other("no address"))?;
        Ok((Self { process }, addr))
    }

    /// fcgiwrap answers one request at a time, and does not end its own children: so multiwatch starts several.
    fn start_fcgiwrap(dir: &Path, log: &Path) -> io::Result<(Self, SocketAddr)> {
        let path = socket_path(dir);
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, Permissions::from_mode(0o666))?;
        let mut command = Command::new("/bin/sh");
        command
            // multiwatch does not look into PATH.
            .args([
                "-c",
                "exec multiwatch -f 8 -- \"$(command -v fcgiwrap)\" -f",
            ])
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .stdout(File::create(log)?)
            .stderr(File::options().append(true).open(log)?)
            .env("PATH", path_with_sbin());
        let process = Process::start(&mut command)?;
        Ok((Self { process }, (Ipv4Addr::LOCALHOST, 0).into()))
    }

    /// Asks it to end (SIGTERM), and waits.
    ///
    /// # Errors
    ///
    /// When it does not end in time, or not with success.
    pub fn stop(&mut self) -> io::Result<()> {
        let status = self.process.terminate()?;
        if status.success() {
            Ok(())
        } else {
            Err(io::Error::other(format!(
                "the application ended with {status}"
            )))
        }
    }

    /// What of its memory is resident, in KiB.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn memory_kib(&self) -> io::Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .and_then(|line| line.split_whitespace().next()?.parse().ok())
            .ok_or_else(|| io::Error::other("no VmRSS"))
    }

    /// The number of sockets that it has open.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn open_sockets(&self) -> io::Result<usize> {
        let descriptors = fs::read_dir(format!("/proc/{}/fd", self.process.id()))?;
        let targets = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        Ok(targets
            .filter(|target| target.to_string_lossy().starts_with("socket:"))
            .count())
    }
}

/// Where an application with [`Socket::Unix`] listens.
pub(crate) fn socket_path(dir: &Path) -> PathBuf {
    dir.join("tour.sock")
}

/// Builds the examples, the tour and the twin, with the profile of the tests and where the tests themselves were built.
///
/// # Errors
///
/// When cargo cannot.
pub fn build_examples() -> io::Result<()> {
    let programs = PROGRAMS.iter().flat_map(|name| ["--package", name]);
    build(&programs.collect::<Vec<_>>())?;
    build(&["--package", "fastcgi-core", "--example", "blocking"])
}

fn build(what: &[&str]) -> io::Result<()> {
    let profile = profile_directory()?;
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--manifest-path"]);
    cargo.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml"));
    cargo
        .arg("--target-dir")
        .arg(profile.parent().unwrap_or(&profile))
        .args(what);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    if cargo.status()?.success() {
        Ok(())
    } else {
        Err(io::Error::other("cargo cannot build the examples"))
    }
}

/// Puts the binary of the example `name` into `dir`, where every web server can reach it.
///
/// # Errors
///
/// When it cannot.
pub fn install(name: &str, dir: &Path) -> io::Result<PathBuf> {
    let profile = profile_directory()?;
    // An example of a package is in a folder of its own.
    let built = match profile.join("examples").join(name) {
        example if example.exists() => example,
        _ => profile.join(name),
    };
    let binary = dir.join(name);
    // A link costs nothing; the target directory may be on another file system.
    if fs::hard_link(&built, &binary).is_err() {
        copy(&built, &binary)?;
    }
    fs::set_permissions(&binary, Permissions::from_mode(0o755))?;
    Ok(binary)
}

/// A web server that `tests/install-web-servers` has put beside the programs, as the distribution's is older.
pub(crate) fn newer(web_server: &str) -> io::Result<PathBuf> {
    let profile = profile_directory()?;
    let target = profile.parent().unwrap_or(&profile);
    Ok(target.join("web-servers/bin").join(web_server))
}

/// `target/debug`, from `target/debug/deps/it-0123456789abcdef`.
fn profile_directory() -> io::Result<PathBuf> {
    let tests = std::env::current_exe()?;
    let profile = tests.ancestors().nth(2);
    profile
        .map(Path::to_owned)
        .ok_or_else(|| io::Error::other("no target directory"))
}

const PROGRAMS: [&str; 21] = [
    "actix-hello",
    "actix-shared-hosting",
    "actix-streaming",
    "actix-tour",
    "actix-upload",
    "authorizer",
    "blocking-handler",
    "cgi-function",
    "doctor",
    "environment",
    "exchanges",
    "fastcgi-front",
    "hello",
    "monitored",
    "php-site",
    "shared-hosting",
    "starts",
    "streaming",
    "tour",
    "twin",
    "upload",
];
