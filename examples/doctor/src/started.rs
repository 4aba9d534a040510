//! How this process was started, and by whom.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use fastcgi_core::cgi::Mapping;
use fastcgi_tower::process::Mount;
use rustix::net::sockopt::socket_acceptconn;
use rustix::stdio;

/// What is known of the start of this process.
pub(crate) struct Started {
    pub(crate) way: Way,
    /// The name of the parent process, where the system says it.
    pub(crate) parent: Option<String>,
    /// A number that no other process has.
    pub(crate) process: String,
    /// How paths are read: the settings of `run`.
    pub(crate) mapping: Mapping,
    program: PathBuf,
}

/// The way of the start, as `axum_fastcgi::run` finds it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// A listening socket is descriptor 0.
    Inherited,
    /// Sockets are in `LISTEN_FDS`.
    Activated,
    /// One request, in the environment.
    Cgi,
    /// `FCGI_LISTEN` says where to listen.
    Bound,
    /// By hand.
    Http,
}

impl Started {
    /// To be called before the descriptors are taken.
    pub(crate) fn now() -> Self {
        let way = Way::of_this_process();
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanoseconds = since.unwrap_or_default().as_nanos();
        Self {
            way,
            parent: parent(),
            process: format!("{}-{nanoseconds}", std::process::id()),
            mapping: mapping().cgi(way == Way::Cgi),
            program: env::current_exe().unwrap_or_default(),
        }
    }

    /// The file of the program.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Whether the one that started this process starts it again when it ends.
    pub(crate) fn is_started_again(&self) -> bool {
        const RESTARTING: [&str; 9] = [
            "apache2",
            "httpd",
            "lighttpd",
            "h2o",
            "supervisord",
            "multiwatch",
            "s6-supervise",
            "runsv",
            "litespeed",
        ];
        let parent = self.parent.as_deref().unwrap_or_default();
        self.way == Way::Inherited && RESTARTING.contains(&parent)
    }
}

impl Way {
    fn of_this_process() -> Self {
        let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        match () {
            () if socket_acceptconn(stdio::stdin()).unwrap_or(false) => Self::Inherited,
            () if is_set("LISTEN_FDS") => Self::Activated,
            () if is_set("GATEWAY_INTERFACE") || is_set("REQUEST_METHOD") => Self::Cgi,
            () if is_set("FCGI_LISTEN") => Self::Bound,
            () => Self::Http,
        }
    }

    /// One word, for the page.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Inherited => "inherited",
            Self::Activated => "activated",
            Self::Cgi => "cgi",
            Self::Bound => "bound",
            Self::Http => "http",
        }
    }

    /// A sentence, for people.
    pub(crate) fn description(self) -> &'static str {
        match self {
            Self::Inherited => "FastCGI, on the socket that was handed over as descriptor 0",
            Self::Activated => "FastCGI, on the sockets in LISTEN_FDS",
            Self::Cgi => "plain CGI: a process for each request",
            Self::Bound => "FastCGI, on the addresses in FCGI_LISTEN",
            Self::Http => "as HTTP, without a web server",
        }
    }
}

/// What `run` reads from the environment. It refuses what is invalid before the first request.
fn mapping() -> Mapping {
    let said = Mount::from_env().unwrap_or_default();
    let mut mapping = Mapping::default();
    if let Some(script_name) = said.script_name {
        mapping = mapping.script_name(script_name);
    }
    if let Some(path_source) = said.path_source {
        mapping = mapping.path_source(path_source);
    }
    mapping
}

fn parent() -> Option<String> {
    let name = fs::read_to_string(format!(
        "/proc/{}/comm",
        std::os::unix::process::parent_id()
    ));
    Some(name.ok()?.trim().to_owned())
}
