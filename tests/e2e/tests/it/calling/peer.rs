//! Applications that were not written here, as processes.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use fastcgi_e2e::Process;
use fastcgi_tower::client::{Client, InvalidScript, Script};
use rustix::process::Signal;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    PhpFpm,
    Go,
    Libfcgi,
}

pub(super) const KINDS: [Kind; 3] = [Kind::PhpFpm, Kind::Go, Kind::Libfcgi];

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::PhpFpm => "php-fpm",
            Self::Go => "go",
            Self::Libfcgi => "libfcgi",
        }
    }
}

/// A running application.
pub(super) struct Peer {
    pub(super) kind: Kind,
    process: Process,
    pub(super) socket: PathBuf,
    /// Where `app.php` is, without dot segments, which php-fpm does not find.
    root: PathBuf,
    dir: tempfile::TempDir,
}

impl Drop for Peer {
    fn drop(&mut self) {
        // Its process ends itself where this fails.
        _ = self.end();
    }
}

/// `fastcgi-conformance/peers`
fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fastcgi-conformance/peers")
}

impl Peer {
    pub(super) fn start(kind: Kind) -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("fastcgi-e2e-").tempdir()?;
        let socket = dir.path().join("php-fpm.sock");
        Ok(Self {
            kind,
            process: launch(kind, dir.path(), &socket)?,
            socket,
            root: sources().join("php").canonicalize()?,
            dir,
        })
    }

    /// Ends the process, and starts another one on a new socket of the same path.
    pub(super) fn restart(&mut self) -> io::Result<()> {
        self.end()?;
        if self.socket.exists() {
            fs::remove_file(&self.socket)?;
        }
        self.process = launch(self.kind, self.dir.path(), &self.socket)?;
        Ok(())
    }

    /// libfcgi catches SIGTERM, and then may wait for another connection. php-fpm ends its children only if it is asked to.
    fn end(&mut self) -> io::Result<()> {
        if self.kind != Kind::PhpFpm {
            self.process.signal(Signal::KILL)?;
        }
        self.process.terminate().map(drop)
    }

    /// A client with connections of its own.
    pub(super) fn client(&self) -> Client {
        Client::new(self.socket.as_path())
    }

    pub(super) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Whether the process is there.
    pub(super) fn is_running(&self) -> bool {
        Path::new("/proc")
            .join(self.process.id().to_string())
            .exists()
    }

    /// A request for a path of the contract.
    pub(super) fn script(&self, path: &str) -> Result<Script, InvalidScript> {
        let script = Script::new(&self.root, "/app.php")?;
        Ok(script.path_info(path).request_uri(path))
    }
}

fn launch(kind: Kind, dir: &Path, socket: &Path) -> io::Result<Process> {
    let log = dir.join("log");
    let mut command = match kind {
        Kind::PhpFpm => php_fpm(dir)?,
        Kind::Go => go(dir)?,
        Kind::Libfcgi => libfcgi(dir)?,
    };
    command
        .stdout(Stdio::null())
        .stderr(fs::File::create(&log)?);
    if kind == Kind::PhpFpm {
        command.stdin(Stdio::null());
    } else {
        let listener = UnixListener::bind(socket)?;
        command.stdin(Stdio::from(OwnedFd::from(listener)));
    }
    let mut process = Process::start(&mut command)?;
    process.wait_until(Duration::from_secs(30), &log, || {
        UnixStream::connect(socket).is_ok()
    })?;
    Ok(process)
}

/// The program, which has its version in its name in Debian.
fn php_fpm_program() -> io::Result<PathBuf> {
    let programs = fs::read_dir("/usr/sbin")?.flatten().map(|it| it.path());
    let mut found = programs.filter(|it| {
        let name = it.file_name().map(|it| it.to_string_lossy().into_owned());
        name.is_some_and(|it| it.starts_with("php-fpm"))
    });
    let missing = "php-fpm is missing; tests/install-web-servers installs it";
    found.next().ok_or_else(|| io::Error::other(missing))
}

fn php_fpm(dir: &Path) -> io::Result<Command> {
    let user = Command::new("id").arg("-un").output()?.stdout;
    let text = fs::read_to_string(sources().join("php/php-fpm.conf"))?
        .replace("@DIR@", &dir.display().to_string())
        .replace("@USER@", String::from_utf8_lossy(&user).trim());
    let own = "pm.status_path = /status\nping.path = /ping\n";
    let file = dir.join("php-fpm.conf");
    fs::write(&file, text + own)?;
    let mut command = Command::new(php_fpm_program()?);
    // In the foreground, and also as root.
    command.args(["-F", "-R", "-y"]).arg(file);
    Ok(command)
}

/// Built anew where the cache of Go has none.
fn go(dir: &Path) -> io::Result<Command> {
    let program = dir.join("go-peer");
    let mut build = Command::new("go");
    build
        .args(["build", "-o"])
        .arg(&program)
        .arg(".")
        .current_dir(sources().join("go"))
        .env("GOCACHE", go_cache()?)
        .env("GOPATH", go_cache()?.join("path"));
    succeed(&mut build)?;
    Ok(Command::new(program))
}

/// Beside what cargo builds.
fn go_cache() -> io::Result<PathBuf> {
    let tests = std::env::current_exe()?;
    let target = tests.ancestors().nth(3).unwrap_or(&tests);
    Ok(target.join("go-cache"))
}

fn libfcgi(dir: &Path) -> io::Result<Command> {
    let program = dir.join("libfcgi-peer");
    let mut build = Command::new("gcc");
    build
        .args(["-O1", "-o"])
        .arg(&program)
        .arg(sources().join("libfcgi/app.c"))
        .args(["-lfcgi", "-lpthread"]);
    succeed(&mut build)?;
    Ok(Command::new(program))
}

fn succeed(command: &mut Command) -> io::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| {
        io::Error::other(format!(
            "{name} cannot be started ({error}); tests/install-web-servers installs it"
        ))
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!("{name}: {said}")))
}
