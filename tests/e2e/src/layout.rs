//! What a web server's file says: how it is configured, and where it differs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Failed;

use crate::Site;
use crate::application::Socket;

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
    /// Writes the configuration, and returns the command that runs the web server in the foreground.
    pub configure: fn(&Setup<'_>) -> io::Result<Command>,
    /// What the web server itself does otherwise than the suite expects: lists, so that layouts can share them.
    pub differences: &'static [&'static [Difference]],
    /// What is to be seen only here.
    pub extra: &'static [Behaviour],
}

impl Layout {
    /// Whether, and how, `behaviour` differs here; the last entry wins.
    #[must_use]
    pub fn difference(&self, behaviour: &str) -> Option<&'static Difference> {
        self.differences
            .iter()
            .flat_map(|list| list.iter())
            .rfind(|it| it.behaviour == behaviour)
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

/// What a configuration is made from.
#[derive(Debug)]
pub struct Setup<'a> {
    /// A directory for this web server's files.
    pub(crate) dir: &'a Path,
    /// The program, for a web server that starts it.
    pub(crate) binary: &'a Path,
    /// The ports of the examples, and those that take their place.
    pub(crate) ports: &'a [(&'a str, u16)],
}

impl Setup<'_> {
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
