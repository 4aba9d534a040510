//! The doctor behind each web server, with the configurations of the guides, and with faults in them.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::application::Socket;
use crate::browser::Browser;
use crate::guide::localized;
use crate::layout::{Layout, Setup};
use crate::program::{Supervisor, program};
use crate::server::cgi::apache as apache_cgi;
use crate::server::{apache_fcgid, caddy, lighttpd, nginx};
use crate::site::Site;

/// A web server with the configuration of its guide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the tests name each of them")]
pub enum Host {
    /// `docs/deploy/nginx.conf`.
    Nginx,
    /// `examples/shared-hosting/.htaccess`, in a directory below the root of the site.
    Apache,
    /// `docs/deploy/cgi.htaccess`.
    Cgi,
    /// `docs/deploy/Caddyfile`.
    Caddy,
    /// `docs/deploy/lighttpd.conf`.
    Lighttpd,
}

/// What is changed in a configuration: each text, and what takes its place.
pub type Changes = &'static [(&'static str, &'static str)];

impl Host {
    fn mount(self) -> &'static str {
        match self {
            Self::Apache => "/app",
            Self::Nginx | Self::Cgi | Self::Caddy | Self::Lighttpd => "",
        }
    }
}

/// The doctor behind a web server, examined by a browser.
#[derive(Debug)]
pub struct Examined {
    // The order in which they end.
    supervisor: Option<Supervisor>,
    site: Site,
    mount: &'static str,
}

/// The token of the tests.
pub const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const TOKEN_FILE: &str = "doctor-fedcba9876543210fedcba9876543210.token";

/// What a test changes.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "tests write it down as a literal"
)]
pub struct Case {
    /// The web server.
    pub host: Host,
    /// Changes of its configuration.
    pub configure: fn(&Setup<'_>) -> io::Result<Command>,
    /// Where the page is opened, if not where the guide has it.
    pub mount: Option<&'static str>,
    /// Variables for the program, where the test starts it.
    pub environment: &'static [(&'static str, &'static str)],
    /// Whether the program is started again when it ends, where the test starts it.
    pub is_started_again: bool,
}

impl Case {
    /// The configuration of the guide.
    #[must_use]
    pub fn documented(host: Host) -> Self {
        let configure: fn(&Setup<'_>) -> io::Result<Command> = match host {
            Host::Nginx => |setup| configure(Host::Nginx, setup, &[]),
            Host::Apache => |setup| configure(Host::Apache, setup, &[]),
            Host::Cgi => |setup| configure(Host::Cgi, setup, &[]),
            Host::Caddy => |setup| configure(Host::Caddy, setup, &[]),
            Host::Lighttpd => |setup| configure(Host::Lighttpd, setup, &[]),
        };
        Self {
            host,
            configure,
            mount: None,
            environment: &[],
            is_started_again: true,
        }
    }
}

/// Writes the configuration of the guide with `changes`.
///
/// # Errors
///
/// When the guide has not what is to be changed.
pub fn configure(host: Host, setup: &Setup<'_>, changes: Changes) -> io::Result<Command> {
    let local = |text: &str| localized(text, setup.dir, setup.binary);
    match host {
        Host::Nginx => {
            let site = changed(include_str!("../../../docs/deploy/nginx.conf"), changes)?;
            nginx::configure(setup, &local(&site))
        }
        Host::Caddy => {
            let site = changed(include_str!("../../../docs/deploy/Caddyfile"), changes)?;
            caddy::configure(setup, &local(&site))
        }
        Host::Lighttpd => {
            let site = changed(include_str!("../../../docs/deploy/lighttpd.conf"), changes)?;
            lighttpd::configure(setup, &local(&site))
        }
        Host::Cgi => {
            let rules = changed(include_str!("../../../docs/deploy/cgi.htaccess"), changes)?;
            apache_cgi::htaccess(setup, &rules)
        }
        Host::Apache => {
            // What the host says, and what its user does, as one text.
            let allowed = apache_fcgid::HOST
                .replace("DocumentRoot", "AllowEncodedSlashes On\n  DocumentRoot");
            let both = format!("{allowed}{SEPARATOR}{}", apache_fcgid::APPENDED);
            let both = changed(&both, changes)?;
            let (host, rules) = both.split_once(SEPARATOR).unwrap_or_default();
            apache_fcgid::htaccess(setup, "public/app", rules, host)
        }
    }
}

const SEPARATOR: &str = "\n# .htaccess\n";

fn changed(text: &str, changes: Changes) -> io::Result<String> {
    changes
        .iter()
        .try_fold(text.to_owned(), |text, (from, to)| {
            if text.contains(from) {
                Ok(text.replace(from, to))
            } else {
                Err(io::Error::other(format!(
                    "the guide does not have {from:?}"
                )))
            }
        })
}

impl Examined {
    /// Starts the web server, and the doctor behind it.
    ///
    /// # Errors
    ///
    /// When one of them does not start.
    pub fn start(case: &Case) -> io::Result<Self> {
        let layout = Layout {
            name: "",
            socket: Socket::Spawned,
            configure: case.configure,
            ..nginx::PLAIN
        };
        let site = Site::start(&layout, "doctor")?;
        // Beside the program, which plain CGI starts under another name.
        let folder = match case.host {
            Host::Cgi => site.dir().join("public"),
            _ => site.dir().to_owned(),
        };
        prepare(site.dir(), &folder)?;
        let spawned_by_test = matches!(case.host, Host::Nginx | Host::Caddy);
        let supervisor = spawned_by_test.then(|| {
            let binary = site.dir().join("doctor");
            let (environment, is_started_again) = (case.environment, case.is_started_again);
            let ended = site.dir().join("ended");
            Supervisor::start_by(&site.dir().join("app.sock"), move |socket| {
                // A process manager that starts it once only: what follows ends at once.
                let again = !is_started_again && ended.exists();
                let mut command = if again {
                    Command::new("/bin/sleep")
                } else {
                    program(&binary)
                };
                if again {
                    command.arg("0.2");
                } else {
                    command.envs(environment.iter().copied());
                    command.stderr(Stdio::null());
                    _ = fs::write(&ended, "");
                }
                command.stdin(socket);
                command
            })
        });
        Ok(Self {
            supervisor: supervisor.transpose()?,
            mount: case.mount.unwrap_or_else(|| case.host.mount()),
            site,
        })
    }

    /// Opens the page, and waits until it has done all checks, those on demand included: all of them, or one with what it
    /// needs.
    ///
    /// # Errors
    ///
    /// When it does not come to an end.
    pub fn examine(&self, browser: &mut Browser, wanted: &str) -> io::Result<Vec<Row>> {
        browser.open(&self.url(wanted))?;
        let finished = browser.evaluate(&format!(
            "Promise.race([finished, new Promise(resolve => setTimeout(resolve, {LIMIT}))])"
        ))?;
        if finished != true {
            let text = browser.evaluate("document.body.innerText")?;
            let log = self.site.log().unwrap_or_default();
            return Err(io::Error::other(format!("not finished: {text}\n{log}")));
        }
        let rows = browser.evaluate(
            "[...rows.values()].map(row => [row.check.id, row.state, row.said, row.mend.querySelector('pre')?.textContent || ''])",
        )?;
        let rows = rows.as_array().into_iter().flatten();
        Ok(rows.map(Row::from).collect())
    }

    /// The address of the page, with a token and what is wanted.
    #[must_use]
    pub fn url(&self, wanted: &str) -> String {
        let Self { mount, site, .. } = self;
        format!("http://{}{mount}/#token={TOKEN}&{wanted}", site.addr())
    }

    /// The web server.
    #[must_use]
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Ends the program, where the test has started it.
    pub fn stop(self) {
        if let Some(supervisor) = self.supervisor {
            _ = supervisor.stop();
        }
    }
}

/// Milliseconds for all checks: on a busy machine, with a debug build that is copied and started again.
const LIMIT: u32 = 100_000;

/// A row of the page.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Row {
    /// The name of the check.
    pub check: String,
    /// `ok`, `bad`, `untested` or `idle`.
    pub state: String,
    /// The sentence.
    pub said: String,
    /// The setting that is proposed; empty unless the state is `bad`.
    pub setting: String,
}

impl From<&Value> for Row {
    fn from(row: &Value) -> Self {
        let text = |at: usize| row[at].as_str().unwrap_or_default().to_owned();
        Self {
            check: text(0),
            state: text(1),
            said: text(2),
            setting: text(3),
        }
    }
}

/// A token, as the program would write it, in a folder that is the program's user's.
fn prepare(dir: &Path, folder: &Path) -> io::Result<()> {
    let token = folder.join(TOKEN_FILE);
    fs::write(&token, format!("{TOKEN}\n"))?;
    fs::set_permissions(&token, Permissions::from_mode(0o600))?;
    // Apache is started by root here, and runs the program as another user, as a host with suEXEC does.
    let starts_as_another =
        dir.join("apache.conf").exists() && rustix::process::geteuid().is_root();
    if starts_as_another {
        let id = |option| -> io::Result<u32> {
            let output = Command::new("id").args([option, "www-data"]).output()?;
            let text = String::from_utf8_lossy(&output.stdout);
            text.trim().parse().map_err(io::Error::other)
        };
        let (user, group) = (id("-u")?, id("-g")?);
        for path in [folder, &token] {
            chown(path, Some(user), Some(group))?;
        }
    }
    Ok(())
}
