//! Configurations that are wrong in one place, for the tests of `docs/troubleshooting.md`.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use libtest_mimic::Failed;

use crate::Site;
use crate::application::Socket;
use crate::guide::localized;
use crate::layout::{Layout, Setup};
use crate::readme::block;
use crate::server::{apache, apache_fcgid, caddy, cgi, lighttpd, nginx};
use crate::suite::arrivals;

/// nginx before an application on a Unix socket; each test has a text of its own.
pub const BEHIND_NGINX: Layout = Layout {
    name: "trouble",
    socket: Socket::Unix,
    ..nginx::PLAIN
};

/// The web server starts the application.
pub const STARTED: Layout = Layout {
    socket: Socket::Spawned,
    ..BEHIND_NGINX
};

/// The guide for nginx and one socket.
pub const NGINX: &str = include_str!("../../../docs/deploy/nginx.conf");
/// The guide for Caddy.
pub const CADDY: &str = include_str!("../../../docs/deploy/Caddyfile");
/// The guide for lighttpd, which starts the application.
pub const LIGHTTPD: &str = include_str!("../../../docs/deploy/lighttpd.conf");
/// The rules of the guide for shared hosts.
pub const HTACCESS: &str = apache_fcgid::APPENDED;
/// What a shared host configures.
pub const HOST: &str = apache_fcgid::HOST;
/// The rules of the guide for plain CGI.
pub const CGI: &str = include_str!("../../../docs/deploy/cgi.htaccess");
/// What a shared host with plain CGI configures.
pub const CGI_HOST: &str = cgi::apache::HOST;

const WEB_SERVERS: &str = include_str!("../../../docs/web-servers.md");

/// mod_proxy_fcgi, as in `docs/web-servers.md`.
#[must_use]
pub fn apache_proxy() -> String {
    let site = block(WEB_SERVERS, "apache", "AllowEncodedSlashes On\n<Location");
    format!("Listen 127.0.0.1:8080\n{site}")
}

/// The location of `docs/web-servers.md` for an application below a prefix.
#[must_use]
pub fn nginx_below() -> String {
    let location = block(WEB_SERVERS, "nginx", "location = /app");
    let server = NGINX.split_once("    location").map(|(server, _)| server);
    format!("{}{location}}}\n", server.unwrap_or_default()).replace(
        "include fastcgi_params",
        "include /etc/nginx/fastcgi_params",
    )
}

/// Where the application of the test listens, in the place of that of a guide.
fn here(setup: &Setup<'_>, text: &str) -> String {
    localized(text, setup.dir, setup.binary).replace("/app.sock", "/tour.sock")
}

/// The command for nginx with this site.
///
/// # Errors
///
/// When it cannot be written.
pub fn nginx(setup: &Setup<'_>, site: &str) -> io::Result<Command> {
    nginx::configure(setup, &here(setup, site))
}

/// The command for nginx as Debian runs it: the workers are another user.
///
/// # Errors
///
/// When it cannot be written.
pub fn nginx_as_debian_runs_it(setup: &Setup<'_>, site: &str) -> io::Result<Command> {
    let command = nginx(setup, site)?;
    let main = setup.dir.join("nginx.conf");
    let text = fs::read_to_string(&main)?;
    fs::write(main, text.replace("user root;", "user www-data;"))?;
    Ok(command)
}

/// The command for Apache with this site.
///
/// # Errors
///
/// When it cannot be written.
pub fn apache(setup: &Setup<'_>, site: &str) -> io::Result<Command> {
    apache::configure(setup, &here(setup, site))
}

/// The command for Caddy with this site.
///
/// # Errors
///
/// When it cannot be written.
pub fn caddy(setup: &Setup<'_>, site: &str) -> io::Result<Command> {
    caddy::configure(setup, &here(setup, site))
}

/// The command for lighttpd with this site.
///
/// # Errors
///
/// When it cannot be written.
pub fn lighttpd(setup: &Setup<'_>, site: &str) -> io::Result<Command> {
    lighttpd::configure(setup, &here(setup, site))
}

/// A directory of a shared host with mod_fcgid: rules, what the host says, and `index.fcgi`.
///
/// # Errors
///
/// When it cannot be written.
pub fn mod_fcgid(setup: &Setup<'_>, rules: &str, host: &str) -> io::Result<Command> {
    apache_fcgid::htaccess(setup, "public", rules, host)
}

/// The same with another `index.fcgi`, made of that of the guide, and its mode.
///
/// # Errors
///
/// When it cannot be written.
pub fn mod_fcgid_with(
    setup: &Setup<'_>,
    mode: u32,
    change: impl Fn(&str) -> String,
) -> io::Result<Command> {
    let command = mod_fcgid(setup, HTACCESS, HOST)?;
    let script = setup.dir.join("public/index.fcgi");
    let text = fs::read_to_string(&script)?;
    fs::write(&script, change(&text))?;
    fs::set_permissions(script, Permissions::from_mode(mode))?;
    Ok(command)
}

/// A directory of a shared host with plain CGI.
///
/// # Errors
///
/// When it cannot be written.
pub fn plain_cgi(setup: &Setup<'_>, rules: &str, host: &str) -> io::Result<Command> {
    cgi::apache::hosted(setup, rules, host)
}

/// How often something of `path` arrived, with a pause before.
///
/// # Errors
///
/// When it does not come whole.
pub fn pieces(site: &Site, path: &str) -> Result<usize, Failed> {
    arrivals(site, path).map(|(_, arrivals)| arrivals)
}
