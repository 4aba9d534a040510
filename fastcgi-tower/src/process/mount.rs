//! What the environment says of the application.

use std::{fmt, io};

use proto::cgi::{PathSource, ScriptName};

use crate::variable;

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
            script_name: setting("FCGI_SCRIPT_NAME", str::parse)?,
            path_source: setting("FCGI_PATH_SOURCE", str::parse)?,
            redirects: setting("FCGI_MOUNT_REDIRECTS", on_or_off)?,
        })
    }
}

fn on_or_off(text: &str) -> Result<bool, &'static str> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("write on or off"),
    }
}

/// What an environment variable means, if it is set.
fn setting<T, E: fmt::Display>(
    name: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> io::Result<Option<T>> {
    let Some(text) = variable::read(name)? else {
        return Ok(None);
    };
    let parsed = parse(&text).map(Some);
    parsed.map_err(|error| variable::invalid(name, &text, error))
}
