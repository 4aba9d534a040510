//! What the environment says of the application.

use std::{env, fmt, io};

use proto::cgi::{PathSource, ScriptName};

/// Where the application is mounted, by the environment.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Mount {
    /// `FCGI_SCRIPT_NAME`: where it is mounted.
    pub script_name: Option<ScriptName>,
    /// `FCGI_PATH_SOURCE`: which variable has the path of a request, `auto`, `path-info` or `request-uri`.
    pub path_source: Option<PathSource>,
    /// `FCGI_MOUNT_REDIRECTS`: whether redirects and cookies get the mount in front of their paths, `on` or `off`.
    pub redirects: Option<bool>,
}

impl Mount {
    /// Reads the variables.
    ///
    /// # Errors
    ///
    /// When one of them is invalid. The message names it, and its value.
    pub fn from_env() -> io::Result<Self> {
        Ok(Self {
            script_name: variable("FCGI_SCRIPT_NAME", str::parse)?,
            path_source: variable("FCGI_PATH_SOURCE", str::parse)?,
            redirects: variable("FCGI_MOUNT_REDIRECTS", on_or_off)?,
        })
    }
}

fn on_or_off(text: &str) -> Result<bool, &'static str> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("it is on or off"),
    }
}

/// What an environment variable says, if it is set.
fn variable<T, E: fmt::Display>(
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> io::Result<Option<T>> {
    let Ok(text) = env::var(name) else {
        return Ok(None);
    };
    parse(&text).map(Some).map_err(|error| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{name}={text}: {error}"),
        )
    })
}
