//! A configuration, written once for FastCGI and for HTTP.

use std::io;
use std::process::Command;

use super::scope::Scope;
use crate::layout::Setup;

/// One configuration of one web server.
///
/// Its text is used for several *sides*, which are in one web server, each on a port of its own. These placeholders are
/// in the text:
///
/// - `@PORT@`: the port of the side;
/// - `@FASTCGI@` and `@HTTP@`: the ports of the application;
/// - `@DIR@`: the directory of the side, with its `files`;
/// - `@SIDE@`: the name of the side, of letters and `-`;
/// - `@TWIN@`: the path of the program;
/// - and those of `lines`.
#[derive(Clone, Copy, Debug)]
pub struct Configuration {
    /// The name of its tests.
    pub name: &'static str,
    pub(crate) web_server: &'static WebServer,
    /// What a side adds to the configuration of the web server.
    pub(crate) site: &'static str,
    /// Files below the directory of the side: name and text.
    pub(crate) files: &'static [(&'static str, &'static str)],
    /// All that differs between FastCGI and HTTP.
    pub(crate) lines: &'static [Lines],
    pub(crate) variants: &'static [Variant],
    /// What is asked for.
    pub(crate) scope: Scope,
}

/// What is in the place of a placeholder.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lines {
    pub(crate) placeholder: &'static str,
    pub(crate) fastcgi: &'static str,
    pub(crate) http: &'static str,
}

/// A pair of sides that are compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variant {
    /// The script name that the application is told.
    pub(crate) script_name: Option<&'static str>,
    /// In the place of lines of the configuration with the same placeholder.
    pub(crate) lines: &'static [Lines],
    /// Targets that are left out, with the reason.
    pub(crate) without: &'static [(&'static str, &'static str)],
}

impl Variant {
    /// The name of the test of this variant of `configuration`.
    pub(super) fn name(&self, configuration: &Configuration) -> String {
        match self.script_name {
            None => configuration.name.to_owned(),
            Some(_) => format!("{}::script-name", configuration.name),
        }
    }

    /// The text for one side.
    pub(super) fn fill(&self, text: &str, configuration: &Configuration, http: bool) -> String {
        let lines = self.lines.iter().chain(configuration.lines);
        lines.fold(text.to_owned(), |text, it| {
            let line = if http { it.http } else { it.fastcgi };
            text.replace(it.placeholder, line)
        })
    }
}

/// The application has no script name.
pub(crate) const UNCONFIGURED: Variant = Variant {
    script_name: None,
    lines: &[],
    without: &[],
};

/// The application is told that it is at the root.
pub(crate) const AT_THE_ROOT: Variant = Variant {
    script_name: Some(""),
    ..UNCONFIGURED
};

/// What is known of a web server.
#[derive(Debug)]
pub(crate) struct WebServer {
    /// Writes the configuration, and returns the command that runs the web server in the foreground.
    pub(crate) configure: fn(&Setup<'_>, &str) -> io::Result<Command>,
    /// What stands once before all sides.
    pub(crate) head: &'static str,
    /// Repeated slashes are one for its rules.
    pub(crate) merges_slashes: bool,
    /// Its rules are for the path without dot segments.
    pub(crate) resolves_dot_segments: bool,
    /// Its rules are for the path in a target of absolute form.
    pub(crate) routes_by_absolute_form: bool,
}

/// What most web servers do.
pub(crate) const RESOLVING: WebServer = WebServer {
    configure: |_, _| Err(io::Error::other("no web server is meant")),
    head: "",
    merges_slashes: true,
    resolves_dot_segments: true,
    routes_by_absolute_form: true,
};
