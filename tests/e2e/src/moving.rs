//! The configurations of docs/moving-off-php.md, as they are written there: a PHP site behind nginx, and the program that takes
//! its place.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::application::Socket;
use crate::layout::{Layout, Setup};
use crate::process::Process;
use crate::readme::block;
use crate::server::{apache, nginx};
use crate::site::path_with_sbin;

/// The guide.
pub const MOVING: &str = include_str!("../../../docs/moving-off-php.md");

/// nginx and PHP-FPM, before anything has moved.
pub const NGINX_AND_PHP: Layout = Layout {
    name: "moving-nginx-and-php",
    socket: Socket::Spawned,
    configure: |setup| configure_nginx(setup, before()),
    ..nginx::PLAIN
};

/// The same, with all that is not there left to a front controller.
pub const NGINX_AND_FRONT_CONTROLLER: Layout = Layout {
    name: "moving-nginx-and-front-controller",
    configure: |setup| {
        let asked = "/index.php$is_args$args;";
        let site = before().replace("$uri/ =404;", &format!("$uri/ {asked}"));
        assert!(site.contains(asked), "the guide has another try_files");
        configure_nginx(setup, &site)
    },
    ..NGINX_AND_PHP
};

/// nginx in front of the program.
pub const NGINX_IN_FRONT: Layout = Layout {
    name: "moving-nginx-in-front",
    configure: |setup| configure_nginx(setup, block(MOVING, "nginx", IN_FRONT)),
    ..NGINX_AND_PHP
};

/// The same, where nginx has no name for the server.
pub const NGINX_WITHOUT_NAME_IN_FRONT: Layout = Layout {
    name: "moving-nginx-without-name-in-front",
    configure: |setup| {
        let name = "server_name www.example.org;";
        let site = block(MOVING, "nginx", IN_FRONT).replace(name, "");
        configure_nginx(setup, &site)
    },
    ..NGINX_AND_PHP
};

/// The same, as nginx speaks of a connection with TLS.
pub const NGINX_WITH_TLS_IN_FRONT: Layout = Layout {
    name: "moving-nginx-with-tls-in-front",
    configure: |setup| {
        let tls = "fastcgi_param HTTPS on; fastcgi_param REQUEST_SCHEME https; fastcgi_param SERVER_PORT 443;";
        let include = "include fastcgi_params;";
        let site = block(MOVING, "nginx", IN_FRONT).replace(include, &format!("{include} {tls}"));
        configure_nginx(setup, &site)
    },
    ..NGINX_AND_PHP
};

/// Apache in front of the program.
pub const APACHE_IN_FRONT: Layout = Layout {
    name: "moving-apache-in-front",
    configure: |setup| {
        let site = block(MOVING, "apache", "<VirtualHost");
        apache::configure(
            setup,
            &format!("Listen 127.0.0.1:8080\n{}", localized(site, setup.dir)),
        )
    },
    ..NGINX_AND_PHP
};

const IN_FRONT: &str =
    "server {\n    listen 80;\n    server_name www.example.org;\n    client_max_body_size";

fn before() -> &'static str {
    block(
        MOVING,
        "nginx",
        "server {\n    listen 80;\n    server_name www.example.org;\n    root",
    )
}

fn configure_nginx(setup: &Setup<'_>, site: &str) -> io::Result<Command> {
    // Debian's snippet includes it from beside the main file.
    setup.write(
        "fastcgi.conf",
        &fs::read_to_string("/etc/nginx/fastcgi.conf")?,
    )?;
    let types = "include /etc/nginx/mime.types;\n";
    nginx::configure(setup, &format!("{types}{}", localized(site, setup.dir)))
}

/// Puts the paths of a test in the place of those of the guide.
fn localized(text: &str, dir: &Path) -> String {
    let dir = dir.display().to_string();
    text.replace("listen 80;", "listen 127.0.0.1:8080;")
        .replace("<VirtualHost *:80>", "<VirtualHost 127.0.0.1:8080>")
        .replace("include snippets/", "include /etc/nginx/snippets/")
        .replace(
            "include fastcgi_params;",
            "include /etc/nginx/fastcgi_params;",
        )
        .replace("/srv/www", &format!("{dir}/www"))
        .replace("/run/php", &dir)
        .replace("/run/site", &dir)
}

/// PHP-FPM with the pool of the guide.
#[derive(Debug)]
pub struct PhpFpm {
    _process: Process,
    socket: PathBuf,
}

impl PhpFpm {
    /// Starts PHP-FPM in `dir`, with the pool of the guide after `change`.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn start(dir: &Path, change: fn(&str) -> String) -> io::Result<Self> {
        let sessions = dir.join("sessions");
        fs::create_dir_all(&sessions)?;
        // The pool has a user of its own.
        fs::set_permissions(&sessions, Permissions::from_mode(0o777))?;
        let log = dir.join("php-fpm.log");
        let dir_name = dir.display();
        let global = format!(
            "[global]\npid = {dir_name}/php-fpm.pid\nerror_log = {}\ndaemonize = no\n",
            log.display()
        );
        let pool = localized(&change(block(MOVING, "ini", "[www]")), dir);
        let ours = format!(
            "listen.mode = 0666\nphp_admin_value[session.save_path] = {}\n",
            sessions.display()
        );
        let configuration = dir.join("php-fpm.conf");
        fs::write(&configuration, format!("{global}{pool}{ours}"))?;
        let mut command = Command::new(php_fpm()?);
        command
            .arg("--nodaemonize")
            .arg("--fpm-config")
            .arg(&configuration)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut process = Process::start(&mut command)?;
        let socket = dir.join("php-fpm.sock");
        process.wait_until(Duration::from_secs(20), &log, || {
            UnixStream::connect(&socket).is_ok()
        })?;
        Ok(Self {
            _process: process,
            socket,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

/// Debian's has its version in its name.
fn php_fpm() -> io::Result<PathBuf> {
    let path = path_with_sbin();
    let folders = std::env::split_paths(&path);
    let mut files = folders
        .filter_map(|it| fs::read_dir(it).ok())
        .flatten()
        .flatten();
    let found = files.find(|file| file.file_name().to_string_lossy().starts_with("php-fpm"));
    let found = found.map(|file| file.path());
    found.ok_or_else(|| {
        io::Error::other("php-fpm is missing; tests/install-web-servers installs it")
    })
}

/// Puts the site of the example below `dir`, where PHP may write uploads.
///
/// # Errors
///
/// When it cannot be copied.
pub fn php_files(dir: &Path) -> io::Result<PathBuf> {
    let root = dir.join("www");
    copy_folder(
        Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../examples/php-site/site"
        )),
        &root,
    )?;
    fs::set_permissions(root.join("uploads"), Permissions::from_mode(0o777))?;
    Ok(root)
}

fn copy_folder(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::write(target, fs::read(entry.path())?)?;
        }
    }
    Ok(())
}
