//! What a web server's file says: how it is configured, and where it differs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use libtest_mimic::Failed;

use crate::Site;
use crate::application::Socket;
use crate::site::path_with_sbin;

/// One way to put one web server in front of the application.
#[derive(Clone, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "every file in `server` writes it down as a literal"
)]
pub struct Layout {
    /// The web server, as the documentation calls it.
    pub web_server: &'static str,
    /// The first half of the names of its tests.
    pub name: &'static str,
    /// Where clients see the application: `""` is the root, `"/app"` below that path.
    pub mount: &'static str,
    /// How the web server reaches the application.
    pub socket: Socket,
    /// The mount, told to the application, for a web server that cannot say it in the request.
    pub script_name: Option<&'static str>,
    /// Settings of the application under test: variables that it is started with.
    pub environment: &'static [(&'static str, &'static str)],
    /// Writes the configuration, and returns the command that runs the web server in the foreground.
    pub configure: fn(&Setup<'_>) -> io::Result<Command>,
    /// What the web server itself does otherwise than the suite expects: lists, so that layouts can share them.
    pub differences: &'static [&'static [Difference]],
    /// What is to be seen only here.
    pub extra: &'static [Behaviour],
    /// What is otherwise in newer versions of the web server.
    pub versions: &'static Versions,
}

impl Layout {
    /// Whether, and how, `behaviour` differs with the version that the documentation speaks of.
    #[must_use]
    pub fn difference(&self, behaviour: &str) -> Option<&'static Difference> {
        self.difference_in(behaviour, self.versions.documented)
    }

    /// Whether, and how, `behaviour` differs with the version that is installed.
    #[must_use]
    pub fn difference_here(&self, behaviour: &str) -> Option<&'static Difference> {
        // A web server that is missing fails its tests anyway.
        let installed = (self.versions.installed)();
        self.difference_in(behaviour, installed.unwrap_or(self.versions.documented))
    }

    /// The last entry wins, and what a newer version does wins over the lists.
    fn difference_in(&self, behaviour: &str, version: Version) -> Option<&'static Difference> {
        let changes = self.versions.changes.iter();
        let mut known = changes.filter(|it| it.behaviour == behaviour && it.since <= version);
        match known.next_back() {
            Some(change) => change.instead.as_ref(),
            None => self
                .differences
                .iter()
                .flat_map(|list| list.iter())
                .rfind(|it| it.behaviour == behaviour),
        }
    }
}

/// One fact about an application behind a web server, and how to see it.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the lists in `suite` are literals"
)]
pub struct Behaviour {
    /// The fact.
    pub name: &'static str,
    /// Sees that it is so.
    pub check: fn(&Site) -> Result<(), Failed>,
}

/// Where a web server itself does something else, and what.
#[derive(Clone, Copy, Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the lists in `server` are literals"
)]
pub struct Difference {
    /// The name of the behaviour.
    pub behaviour: &'static str,
    /// What happens instead, for the table in the documentation.
    pub instead: &'static str,
    /// Sees that this is what happens.
    pub check: fn(&Site) -> Result<(), Failed>,
}

/// A version of a web server, as far as it matters: `(2, 11)` is 2.11.
pub type Version = (u32, u32);

/// What is known of the versions of a web server.
#[derive(Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the files in `server` write it down as a literal"
)]
pub struct Versions {
    /// The version that the lists and the documentation speak of.
    pub documented: Version,
    /// Finds out which one is installed.
    pub installed: fn() -> io::Result<Version>,
    /// What is otherwise from some version on, the oldest first.
    pub changes: &'static [Change],
}

/// What is otherwise from some version on.
#[derive(Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the lists in `server` are literals"
)]
pub struct Change {
    /// The first version that is known to do so.
    pub since: Version,
    /// The name of the behaviour.
    pub behaviour: &'static str,
    /// What happens since then, if it is not what the suite expects.
    pub instead: Option<Difference>,
}

impl Versions {
    /// Of a web server that did the same in all versions that were tried.
    pub(crate) const ALL_THE_SAME: &Self = &Self {
        documented: (0, 0),
        installed: || Ok((0, 0)),
        changes: &[],
    };
}

/// The version that `program` prints when it is run with `argument`: the first number with a point in it.
pub(crate) fn version_of(program: &Path, argument: &str) -> io::Result<Version> {
    let mut command = Command::new(program);
    let output = command
        .arg(argument)
        .env("PATH", path_with_sbin())
        .stdin(Stdio::null())
        .output()?;
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed);
    let words = printed.split(|it: char| !it.is_ascii_digit() && it != '.');
    let mut versions = words.filter_map(|word| {
        let mut numbers = word.split('.').map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    });
    versions
        .next()
        .ok_or_else(|| io::Error::other(format!("no version in {printed}")))
}

/// What a configuration is made from.
#[derive(Debug)]
pub struct Setup<'a> {
    /// A directory for this web server's files.
    pub(crate) dir: &'a Path,
    /// The program, for a web server that starts it.
    pub(crate) binary: &'a Path,
    /// The Authorizer, for a web server that starts it.
    pub(crate) authorizer: Option<&'a Path>,
    /// The ports of the examples, and those that take their place.
    pub(crate) ports: &'a [(&'a str, u16)],
}

impl Setup<'_> {
    /// A directory for this web server's files.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir
    }

    /// Where the web server is to listen.
    pub(crate) fn port(&self) -> u16 {
        let ports = self.ports.iter();
        let mut own = ports.filter(|(example, _)| *example == "8080");
        own.next().map_or(0, |(_, port)| *port)
    }

    /// Writes a configuration file whose paths and ports are those of the examples.
    ///
    /// `/run/tour` and `/srv/tour` become the directory. In the sites of the examples, 8080 is the port of the web server
    /// and 9000 that of the application.
    pub(crate) fn write(&self, name: &str, template: &str) -> io::Result<PathBuf> {
        let path = self.dir.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let dir = self.dir.display().to_string();
        let mut text = template.to_owned();
        for (example, port) in self.ports {
            text = text.replace(example, &port.to_string());
        }
        let text = text.replace("/run/tour", &dir).replace("/srv/tour", &dir);
        fs::write(&path, text)?;
        Ok(path)
    }
}
