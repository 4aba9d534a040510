//! The configurations of `docs/deploy`, and of the example for shared hosts, as they stand there.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::application::Socket;
use crate::differential::PASSWORDS;
use crate::layout::{Layout, Setup};
use crate::server::cgi::apache as apache_cgi;
use crate::server::{apache, apache_fcgid, caddy, h2o, haproxy, lighttpd, nginx};

/// The web server starts the application, or the test does: not the site.
const PLAIN: Layout = Layout {
    name: "",
    socket: Socket::Spawned,
    ..nginx::PLAIN
};

/// The unit with the socket.
pub const SOCKET_UNIT: &str = include_str!("../../../docs/deploy/app.socket");
/// The unit with the application.
pub const SERVICE_UNIT: &str = include_str!("../../../docs/deploy/app.service");
/// Starts three processes.
pub const SPAWN_FCGI: &str = include_str!("../../../docs/deploy/spawn-fcgi.sh");

/// A shared host with mod_fcgid, with a script that starts the program.
pub const MOD_FCGID: Layout = Layout {
    configure: |setup| {
        apache_fcgid::htaccess(setup, "public", apache_fcgid::APPENDED, apache_fcgid::HOST)
    },
    ..PLAIN
};

/// A shared host with plain CGI.
pub const CGI: Layout = Layout {
    configure: |setup| {
        let rules = include_str!("../../../docs/deploy/cgi.htaccess");
        apache_cgi::htaccess(setup, rules)
    },
    ..PLAIN
};

/// lighttpd, which starts the application.
pub const LIGHTTPD: Layout = Layout {
    configure: |setup| {
        lighttpd::configure(
            setup,
            &paths(setup, include_str!("../../../docs/deploy/lighttpd.conf")),
        )
    },
    ..PLAIN
};

/// nginx before one socket.
pub const NGINX: Layout = Layout {
    configure: |setup| {
        nginx::configure(
            setup,
            &paths(setup, include_str!("../../../docs/deploy/nginx.conf")),
        )
    },
    ..PLAIN
};

/// nginx before one socket, with pages that not everybody may see.
pub const NGINX_PROTECTED: Layout = Layout {
    configure: |setup| {
        let site = include_str!("../../../docs/deploy/nginx-protected.conf");
        with_passwords(setup)?;
        nginx::configure(setup, &paths(setup, site))
    },
    ..PLAIN
};

/// The same, with what the application is sent for the question in the header `X-Asked`.
pub const NGINX_PROTECTED_SHOWING: Layout = Layout {
    configure: |setup| {
        let site = include_str!("../../../docs/deploy/nginx-protected.conf");
        let site = site.replace(
            "auth_request /auth;",
            "auth_request /auth; auth_request_set $asked $upstream_http_x_params;",
        );
        let site = site.replace(
            "fastcgi_keep_conn on;",
            "fastcgi_keep_conn on; add_header X-Asked $asked always;",
        );
        nginx::configure(setup, &paths(setup, &site))
    },
    ..PLAIN
};

/// Apache before one socket, with pages that not everybody may see.
pub const APACHE_PROTECTED: Layout = Layout {
    configure: |setup| {
        let site = include_str!("../../../docs/deploy/apache-protected.conf");
        with_passwords(setup)?;
        apache::configure(setup, &format!("{AUTH_MODULES}{}", paths(setup, site)))
    },
    ..PLAIN
};

const AUTH_MODULES: &str = "
LoadModule authn_core_module modules/mod_authn_core.so
LoadModule authn_file_module modules/mod_authn_file.so
LoadModule authz_user_module modules/mod_authz_user.so
LoadModule auth_basic_module modules/mod_auth_basic.so
LoadModule xsendfile_module modules/mod_xsendfile.so
";

/// lighttpd before one socket, with pages that not everybody may see.
pub const LIGHTTPD_PROTECTED: Layout = Layout {
    configure: |setup| {
        let site = include_str!("../../../docs/deploy/lighttpd-protected.conf");
        with_passwords(setup)?;
        lighttpd::configure(setup, &paths(setup, site))
    },
    ..PLAIN
};

/// Caddy before one socket, with pages that not everybody may see.
pub const CADDY_PROTECTED: Layout = Layout {
    configure: |setup| {
        let site = include_str!("../../../docs/deploy/protected.Caddyfile");
        caddy::configure(setup, &paths(setup, site))
    },
    ..PLAIN
};

/// h2o before one socket, with pages that not everybody may see.
pub const H2O_PROTECTED: Layout = Layout {
    configure: |setup| {
        let site = include_str!("../../../docs/deploy/h2o-protected.conf");
        with_passwords(setup)?;
        h2o::configure(setup, &paths(setup, site))
    },
    ..PLAIN
};

/// HAProxy before one socket, with pages that not everybody may see.
pub const HAPROXY_PROTECTED: Layout = Layout {
    configure: |setup| {
        let site = include_str!("../../../docs/deploy/haproxy-protected.cfg");
        haproxy::configure(setup, &paths(setup, site))
    },
    ..PLAIN
};

/// `zoe` has the password `hello`.
fn with_passwords(setup: &Setup<'_>) -> io::Result<()> {
    let passwords = setup.write("passwords", PASSWORDS)?;
    fs::set_permissions(passwords, Permissions::from_mode(0o644))
}

/// Apache with a connection for each of 1536 threads, which it keeps.
pub const APACHE_REUSING: Layout = Layout {
    name: "apache-reusing",
    socket: Socket::Unix,
    configure: |setup| {
        let site = include_str!("../../../tests/tour/apache.conf");
        let threads = "StartServers 24\nServerLimit 24\nMaxRequestWorkers 1536\n";
        apache::configure(setup, &format!("{threads}{site}"))
    },
    ..nginx::PLAIN
};

/// Caddy before one socket.
pub const CADDY: Layout = Layout {
    configure: |setup| {
        caddy::configure(
            setup,
            &paths(setup, include_str!("../../../docs/deploy/Caddyfile")),
        )
    },
    ..PLAIN
};

/// nginx before three sockets.
pub const NGINX_UPSTREAM: Layout = Layout {
    configure: |setup| {
        let site = include_str!("../../../docs/deploy/nginx-upstream.conf");
        nginx::configure(setup, &paths(setup, site))
    },
    ..PLAIN
};

/// HAProxy before three machines, which are three sockets here.
pub const HAPROXY: Layout = Layout {
    configure: |setup| haproxy::configure(setup, &paths(setup, &machines())),
    ..PLAIN
};

/// The same with one machine: until HAProxy has seen that the others are down, it sends requests to them.
pub const HAPROXY_ALONE: Layout = Layout {
    configure: |setup| {
        let mut site = machines();
        for n in 2..=3 {
            site = site.replace(&format!("    server app{n} unix@/run/app/{n}.sock\n"), "");
        }
        haproxy::configure(setup, &paths(setup, &site))
    },
    ..PLAIN
};

/// Three machines, with the requests of different clients on one connection.
pub const HAPROXY_MULTIPLEXED: Layout = Layout {
    environment: haproxy::MULTIPLEXES,
    configure: |setup| {
        let multiplexed = "option keep-conn\n    option get-values\n    option mpxs-conns";
        let site = machines().replace("no option keep-conn", multiplexed);
        let site = site.replace(
            "balance leastconn",
            "balance leastconn\n    http-reuse always",
        );
        haproxy::configure(setup, &paths(setup, &site))
    },
    ..PLAIN
};

fn machines() -> String {
    let mut site = include_str!("../../../docs/deploy/haproxy.cfg").to_owned();
    for n in 1..=3 {
        let socket = format!(" unix@/run/app/{n}.sock\n");
        site = site.replace(&format!(" 10.0.0.1{n}:9000\n"), &socket);
    }
    site
}

fn paths(setup: &Setup<'_>, text: &str) -> String {
    localized(text, setup.dir, setup.binary)
}

/// Puts the paths of a test in the place of those of a guide.
#[must_use]
pub fn localized(text: &str, dir: &Path, binary: &Path) -> String {
    let dir = dir.display().to_string();
    text.replace("/srv/app/app", &binary.display().to_string())
        .replace("/srv/app", &dir)
        .replace("/run/app", &dir)
}

/// The value of a setting in a systemd unit.
///
/// # Errors
///
/// When the unit has no such setting.
pub fn setting<'a>(unit: &'a str, name: &str) -> io::Result<&'a str> {
    let values = unit.lines().filter_map(|line| line.split_once('='));
    let mut matching = values.filter(|(it, _)| *it == name);
    let value = matching.next().map(|(_, value)| value.trim());
    value.ok_or_else(|| io::Error::other(format!("the unit has no {name}")))
}

/// Writes a script of a guide, and gives the command that runs it.
///
/// # Errors
///
/// When it cannot be written.
pub fn script(text: &str, dir: &Path, binary: &Path) -> io::Result<Command> {
    let path = dir.join("script.sh");
    fs::write(&path, localized(text, dir, binary))?;
    fs::set_permissions(&path, Permissions::from_mode(0o755))?;
    // Not the file itself: another thread may just be starting a process that holds it open for writing.
    let mut command = Command::new("/bin/sh");
    command.arg(path);
    Ok(command)
}
