//! One PHP site twice: by nginx and PHP-FPM, as most are, and by the example `php-site`. The same PHP-FPM runs both.

use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use fastcgi_e2e::moving::{
    APACHE_IN_FRONT, NGINX_AND_FRONT_CONTROLLER, NGINX_AND_PHP, NGINX_IN_FRONT,
    NGINX_WITH_TLS_IN_FRONT, NGINX_WITHOUT_NAME_IN_FRONT, PhpFpm, php_files,
};
use fastcgi_e2e::{Connection, Layout, Process, Request, Response, Site, install, program};
use libtest_mimic::Failed;

/// The name of the guide's server.
pub(super) const HOST: &str = "www.example.org";

/// How the two are started.
#[derive(Clone, Copy)]
pub(super) struct Setting {
    /// nginx as it is today.
    pub(super) today: &'static Layout,
    /// What is in front of the example. Without it, the example speaks HTTP.
    pub(super) front: Option<&'static Layout>,
    /// Variables of the example.
    pub(super) environment: &'static [(&'static str, &'static str)],
    /// Changes the pool of PHP-FPM.
    pub(super) pool: fn(&str) -> String,
    /// Puts more files into the site.
    pub(super) files: fn(&Path) -> io::Result<()>,
}

/// The guide as it is.
pub(super) const GUIDE: Setting = Setting {
    today: &NGINX_AND_PHP,
    front: None,
    environment: &[],
    pool: str::to_owned,
    files: test_scripts,
};

/// The example behind nginx.
pub(super) const BEHIND_NGINX: Setting = Setting {
    front: Some(&NGINX_IN_FRONT),
    ..GUIDE
};

/// The same, where nginx has no name for the server.
pub(super) const BEHIND_NGINX_WITHOUT_NAME: Setting = Setting {
    front: Some(&NGINX_WITHOUT_NAME_IN_FRONT),
    ..GUIDE
};

/// The same, where nginx says that clients use HTTPS.
pub(super) const BEHIND_NGINX_WITH_TLS: Setting = Setting {
    front: Some(&NGINX_WITH_TLS_IN_FRONT),
    ..GUIDE
};

/// The example behind Apache.
pub(super) const BEHIND_APACHE: Setting = Setting {
    front: Some(&APACHE_IN_FRONT),
    ..GUIDE
};

/// Both with a front controller.
pub(super) const FRONT_CONTROLLER: Setting = Setting {
    today: &NGINX_AND_FRONT_CONTROLLER,
    environment: &[("FRONT_CONTROLLER", "index.php")],
    ..GUIDE
};

/// Both sites. All processes end with it.
pub(super) struct Sites {
    _front: Option<Site>,
    example: Example,
    root: PathBuf,
    _php: PhpFpm,
    today: Site,
}

impl Sites {
    pub(super) fn start(setting: &Setting) -> io::Result<Self> {
        let today = Site::start(setting.today, "php-site")?;
        let root = php_files(today.dir())?;
        (setting.files)(&root)?;
        let php = PhpFpm::start(today.dir(), setting.pool)?;
        let environment = setting.environment;
        let (front, example) = match setting.front {
            None => {
                let example = Example::http(today.dir(), &root, php.socket(), environment)?;
                (None, example)
            }
            Some(front) => {
                let front = Site::start(front, "php-site")?;
                let example = Example::behind(&front, &root, php.socket(), environment)?;
                (Some(front), example)
            }
        };
        Ok(Self {
            _front: front,
            example,
            root,
            _php: php,
            today,
        })
    }

    /// nginx and PHP-FPM.
    pub(super) fn today(&self) -> Browser {
        Browser(self.today.addr())
    }

    /// The example.
    pub(super) fn rust(&self) -> Browser {
        Browser(self.example.addr)
    }

    /// The folder of the site.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder around it.
    pub(super) fn dir(&self) -> &Path {
        self.today.dir()
    }

    /// What the example has logged so far.
    pub(super) fn log(&self) -> io::Result<String> {
        self.example.log()
    }
}

/// The example, running.
pub(super) struct Example {
    _process: Process,
    addr: SocketAddr,
    log: PathBuf,
}

impl Example {
    /// Without a web server in front.
    pub(super) fn http(
        dir: &Path,
        root: &Path,
        php_fpm: &Path,
        environment: &[(&str, &str)],
    ) -> io::Result<Self> {
        let binary = install("php-site-http", dir)?;
        let (mut process, log) = start(&binary, dir, root, php_fpm, environment)?;
        let addr = listening(&mut process, &log)?;
        Ok(Self {
            _process: process,
            addr,
            log,
        })
    }

    fn behind(
        front: &Site,
        root: &Path,
        php_fpm: &Path,
        environment: &[(&str, &str)],
    ) -> io::Result<Self> {
        let dir = front.dir();
        let (mut process, log) = start(&dir.join("php-site"), dir, root, php_fpm, environment)?;
        let socket = dir.join("site.sock");
        let is_ready = || UnixStream::connect(&socket).is_ok();
        process.wait_until(Duration::from_secs(10), &log, is_ready)?;
        // The web server has a user of its own.
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o666))?;
        Ok(Self {
            _process: process,
            addr: front.addr(),
            log,
        })
    }

    pub(super) fn browser(&self) -> Browser {
        Browser(self.addr)
    }

    pub(super) fn log(&self) -> io::Result<String> {
        fs::read_to_string(&self.log)
    }
}

fn start(
    binary: &Path,
    dir: &Path,
    root: &Path,
    php_fpm: &Path,
    environment: &[(&str, &str)],
) -> io::Result<(Process, PathBuf)> {
    let log = dir.join("example.log");
    let mut command = program(binary);
    command
        .env("SITE_ROOT", root)
        .env("PHP_FPM", format!("unix:{}", php_fpm.display()))
        .env("PORT", "0")
        .env("FCGI_LISTEN", dir.join("site.sock"))
        .envs(environment.iter().copied())
        .stderr(File::create(&log)?);
    Ok((Process::start(&mut command)?, log))
}

/// Waits until the example says its address.
fn listening(example: &mut Process, log: &Path) -> io::Result<SocketAddr> {
    let mut addr = None;
    example.wait_until(Duration::from_secs(10), log, || {
        let said = fs::read_to_string(log).unwrap_or_default();
        let rest = said.split_once("listening on http://");
        let own = rest.and_then(|(_, rest)| rest.split_once('/'));
        addr = own.and_then(|(addr, _)| addr.parse().ok());
        addr.is_some()
    })?;
    addr.ok_or_else(|| io::Error::other("the example says no address"))
}

/// Puts the scripts of the tests into the site.
pub(super) fn test_scripts(root: &Path) -> io::Result<()> {
    let folder = root.join("test");
    fs::create_dir(&folder)?;
    for entry in fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/sites/php"))? {
        let entry = entry?;
        fs::write(folder.join(entry.file_name()), fs::read(entry.path())?)?;
    }
    Ok(())
}

/// Both sites, started by the first test that needs them.
pub(super) struct Shared {
    setting: Setting,
    sites: OnceLock<Result<Sites, String>>,
}

impl Shared {
    pub(super) fn new(setting: Setting) -> Self {
        Self {
            setting,
            sites: OnceLock::new(),
        }
    }

    pub(super) fn sites(&self) -> Result<&Sites, Failed> {
        let start = || Sites::start(&self.setting).map_err(|error| error.to_string());
        Ok(self.sites.get_or_init(start).as_ref()?)
    }
}

/// Asks one site.
#[derive(Clone, Copy)]
pub(super) struct Browser(SocketAddr);

impl Browser {
    pub(super) fn port(self) -> u16 {
        self.0.port()
    }

    pub(super) fn connect(self) -> io::Result<Connection> {
        Connection::open(self.0)
    }

    pub(super) fn send(self, request: Request) -> io::Result<Response> {
        self.connect()?.send(&request.header("Host", HOST))
    }

    pub(super) fn get(self, path: &str) -> io::Result<Response> {
        self.send(Request::get(path))
    }
}
