//! A web server with the application behind it.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{self as unix, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use libtest_mimic::Failed;
use rustix::process::Pid;
use tempfile::TempDir;

use crate::application::{self, Application, Socket};
use crate::client::{Connection, Request, Response};
use crate::layout::{Layout, Setup};
use crate::process::Process;

/// Who is asked whether a request may pass, before the application is.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "tests write it down as a literal"
)]
pub struct Authorizer {
    /// The name of the example.
    pub program: &'static str,
    /// What it is told.
    pub environment: &'static [(&'static str, &'static str)],
}

/// Writes a configuration, and returns the command that runs the web server in the foreground.
pub type Configure<'a> = dyn Fn(&Setup<'_>) -> io::Result<Command> + 'a;

/// A running web server with the application behind it; both end when it is dropped.
#[derive(Debug)]
pub struct Site {
    // The order in which they end.
    _web_server: Process,
    application: Option<Application>,
    authorizer: Option<Application>,
    addr: SocketAddr,
    mount: &'static str,
    socket: Socket,
    dir: TempDir,
    _reserved: ReservedPort,
}

impl Site {
    /// Starts the example `program`, and the web server of `layout` before it.
    ///
    /// # Errors
    ///
    /// When one of them does not start.
    pub fn start(layout: &Layout, program: &str) -> io::Result<Self> {
        Self::start_with(layout, program, &[])
    }

    /// As [`start`](Self::start), with more variables for the application, where the test starts it.
    ///
    /// # Errors
    ///
    /// When one of them does not start.
    pub fn start_with(
        layout: &Layout,
        program: &str,
        environment: &[(&str, &str)],
    ) -> io::Result<Self> {
        Self::start_thrice(layout, program, environment, None, &layout.configure)
    }

    /// As [`start_with`](Self::start_with), with another configuration than that of `layout`.
    ///
    /// # Errors
    ///
    /// When one of them does not start.
    pub fn start_configured(
        layout: &Layout,
        program: &str,
        environment: &[(&str, &str)],
        configure: &Configure<'_>,
    ) -> io::Result<Self> {
        Self::start_thrice(layout, program, environment, None, configure)
    }

    /// Starts the example `program`, an [`Authorizer`] that listens on TCP where the configuration has port 9000, and
    /// the web server of `layout` before both.
    ///
    /// # Errors
    ///
    /// When one of them does not start.
    pub fn start_authorized(
        layout: &Layout,
        program: &str,
        authorizer: Option<&Authorizer>,
    ) -> io::Result<Self> {
        Self::start_thrice(layout, program, &[], authorizer, &layout.configure)
    }

    /// Another process may take the free port before the web server does.
    fn start_thrice(
        layout: &Layout,
        program: &str,
        environment: &[(&str, &str)],
        authorizer: Option<&Authorizer>,
        configure: &Configure<'_>,
    ) -> io::Result<Self> {
        let once = || Self::start_once(layout, program, environment, authorizer, configure);
        let mut attempt = once();
        for _ in 0..2 {
            match &attempt {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    attempt = once();
                }
                _ => break,
            }
        }
        attempt
    }

    fn start_once(
        layout: &Layout,
        program: &str,
        environment: &[(&str, &str)],
        authorizer: Option<&Authorizer>,
        configure: &Configure<'_>,
    ) -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("fastcgi-e2e-").tempdir()?;
        // The web server may run as another user.
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755))?;
        let binary = application::install(program, dir.path())?;

        let mount = layout.script_name.map(|mount| ("FCGI_SCRIPT_NAME", mount));
        let settings = layout.environment.iter().chain(environment).copied();
        let environment: Vec<_> = settings.chain(mount).collect();
        let (application, mut listening) = match layout.socket {
            // Nobody connects to that.
            Socket::Spawned | Socket::Cgi => (None, (Ipv4Addr::LOCALHOST, 9).into()),
            socket => {
                let (running, addr) =
                    Application::start(&binary, dir.path(), socket, &environment)?;
                (Some(running), addr)
            }
        };
        let mut authorizer_binary = None;
        let authorizer = match authorizer {
            None => None,
            Some(Authorizer {
                program,
                environment,
            }) => {
                let folder = dir.path().join("authorizer");
                fs::create_dir(&folder)?;
                let binary = application::install(program, &folder)?;
                let (running, addr) =
                    Application::start(&binary, &folder, Socket::Tcp, environment)?;
                listening = addr;
                authorizer_binary = Some(binary);
                Some(running)
            }
        };

        let reserved = ReservedPort::new()?;
        let addr = reserved.addr;
        let mut command = configure(&Setup {
            dir: dir.path(),
            binary: &binary,
            authorizer: authorizer_binary.as_deref(),
            ports: &[("8080", addr.port()), ("9000", listening.port())],
        })?;
        let log = dir.path().join("server.log");
        let output = File::options().create(true).append(true).open(&log)?;
        command
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .current_dir(dir.path())
            .env("PATH", path_with_sbin());
        let mut web_server = Process::start(&mut command)?;
        web_server.wait_until(Duration::from_secs(20), &log, || {
            TcpStream::connect(addr).is_ok()
        })?;
        Ok(Self {
            _web_server: web_server,
            application,
            authorizer,
            addr,
            mount: layout.mount,
            socket: layout.socket,
            dir,
            _reserved: reserved,
        })
    }

    /// The external path of the application's own `path`.
    #[must_use]
    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.mount)
    }

    /// Opens a connection to the web server.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub fn connect(&self) -> io::Result<Connection> {
        Connection::open(self.addr)
    }

    /// Sends `request` on a connection of its own.
    ///
    /// # Errors
    ///
    /// When there is no whole response.
    pub fn send(&self, request: &Request) -> io::Result<Response> {
        self.connect()?.send(request)
    }

    /// GETs the application's own `path`.
    ///
    /// # Errors
    ///
    /// When there is no whole response.
    pub fn get(&self, path: &str) -> io::Result<Response> {
        self.send(&Request::get(self.at(path)))
    }

    /// Where the application is mounted.
    #[must_use]
    pub fn mount(&self) -> &'static str {
        self.mount
    }

    /// Where the web server listens.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Where the files of the site are.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What the web server has written to its error log so far.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn log(&self) -> io::Result<String> {
        let log = fs::read(self.dir.path().join("server.log"))?;
        Ok(String::from_utf8_lossy(&log).into_owned())
    }

    /// Where the application listens if its socket is a Unix socket.
    #[must_use]
    pub fn application_socket(&self) -> PathBuf {
        application::socket_path(self.dir.path())
    }

    /// Whether each request has a process of its own.
    #[must_use]
    pub fn is_cgi(&self) -> bool {
        self.socket.is_cgi()
    }

    /// The processes of the application whose environment has `name`: under CGI, those that answer a request for it.
    ///
    /// # Errors
    ///
    /// When the system does not say.
    pub fn processes_for(&self, name: &str) -> io::Result<Vec<Pid>> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let path = entry?.path();
            let is_ours =
                fs::read_link(path.join("exe")).is_ok_and(|exe| exe.starts_with(self.dir.path()));
            let environment = if is_ours {
                fs::read(path.join("environ")).unwrap_or_default()
            } else {
                continue;
            };
            if String::from_utf8_lossy(&environment).contains(name) {
                let id = path.file_name().and_then(|id| id.to_str()?.parse().ok());
                found.extend(id.and_then(Pid::from_raw));
            }
        }
        Ok(found)
    }

    /// The application, unless the web server starts it.
    #[must_use]
    pub fn application(&self) -> Option<&Application> {
        self.application.as_ref().filter(|_| !self.is_cgi())
    }

    /// Asks the application to end, and waits for it; the web server stays.
    ///
    /// # Errors
    ///
    /// When it does not end, or not with success.
    pub fn stop_application(&mut self) -> io::Result<()> {
        self.application.as_mut().map_or(Ok(()), Application::stop)
    }

    /// Asks the authorizer to end, and waits for it.
    ///
    /// # Errors
    ///
    /// When it does not end, or not with success.
    pub fn stop_authorizer(&mut self) -> io::Result<()> {
        self.authorizer.as_mut().map_or(Ok(()), Application::stop)
    }
}

/// A site that is started by the first test that needs it.
#[derive(Debug)]
pub struct Shared {
    layout: Layout,
    program: &'static str,
    site: OnceLock<Result<Site, String>>,
}

impl Shared {
    /// A site with the example `program`; nothing is started yet.
    #[must_use]
    pub fn new(layout: Layout, program: &'static str) -> Self {
        Self {
            layout,
            program,
            site: OnceLock::new(),
        }
    }

    /// The running site.
    ///
    /// # Errors
    ///
    /// When it does not start: then no second try is made.
    pub fn site(&self) -> Result<&Site, Failed> {
        let started = self.site.get_or_init(|| {
            Site::start(&self.layout, self.program).map_err(|error| error.to_string())
        });
        started.as_ref().map_err(|error| error.into())
    }
}

/// Debian's web servers are in /usr/sbin, which is in the path of root alone.
#[must_use]
pub fn path_with_sbin() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/local/sbin:/usr/sbin");
    path
}

/// A port for a web server, which no other test is given as long as this lives.
///
/// HAProxy and Caddy set `SO_REUSEPORT`: two of them on one port would share the requests, and none would complain.
#[derive(Debug)]
pub(crate) struct ReservedPort {
    pub(crate) addr: SocketAddr,
    /// A name that one process on this machine can have, and that ends with the process.
    _name: UnixListener,
}

impl ReservedPort {
    pub(crate) fn new() -> io::Result<Self> {
        loop {
            let addr = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
            let name = format!("fastcgi-e2e-port-{}", addr.port());
            match UnixListener::bind_addr(&unix::SocketAddr::from_abstract_name(name)?) {
                Ok(name) => return Ok(Self { addr, _name: name }),
                Err(error) if error.kind() == ErrorKind::AddrInUse => {}
                Err(error) => return Err(error),
            }
        }
    }
}
