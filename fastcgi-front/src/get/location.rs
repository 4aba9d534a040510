//! Which script is meant: the params that say so.

use std::{
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use axum::http::Uri;
use fastcgi_tower::{
    Params,
    client::{InvalidScript, Script},
};
use percent_encoding::percent_decode_str;

use super::args::Args;

/// What of the path is the script.
#[derive(Debug)]
pub(super) struct Location {
    pub(super) target: Uri,
    /// Empty where a mount says it.
    pub(super) params: Params,
}

impl Location {
    pub(super) fn new(args: &Args) -> Result<Self, InvalidScript> {
        if let Some(file) = &args.script {
            return Self::of_script(args, file);
        }
        let target = args.target.clone().unwrap_or_default();
        let path = decode(target.path());
        let params = match (&args.root, &args.mount) {
            (Some(root), _) => Script::split(root, &path, ".php")?.location(),
            (None, Some(_)) => Params::default(),
            // As nginx sends it. php-fpm looks for its own pages where both are the same.
            (None, None) => [
                ("SCRIPT_FILENAME", &path[..]),
                ("SCRIPT_NAME", &path),
                ("PATH_INFO", b""),
            ]
            .into_iter()
            .collect(),
        };
        Ok(Self { target, params })
    }

    /// The path of a front controller is in `REQUEST_URI` alone, unless it begins with the script's name.
    fn of_script(args: &Args, file: &Path) -> Result<Self, InvalidScript> {
        let (root, name) = name_below(args.root.as_deref(), file);
        let script = Script::new(root, &name)?;
        let target = args.target.clone().unwrap_or_else(|| own_target(&script));
        let path = decode(target.path());
        let path_info = match path.strip_prefix(&name[..]) {
            Some(rest) if rest.starts_with(b"/") => rest,
            _ => b"",
        };
        let params = script.path_info(path_info).location();
        Ok(Self { target, params })
    }
}

fn own_target(script: &Script) -> Uri {
    let params = Params::from(script.clone());
    let target = params.get("REQUEST_URI").unwrap_or_default();
    Uri::try_from(target).unwrap_or_default()
}

fn decode(path: &str) -> Vec<u8> {
    percent_decode_str(path).collect()
}

/// The document root, which is the file's folder unless it is given, and the name of `file` below it.
fn name_below(root: Option<&Path>, file: &Path) -> (PathBuf, Vec<u8>) {
    if let Some(root) = root {
        if let Ok(rest) = file.strip_prefix(root) {
            let name = [b"/", rest.as_os_str().as_bytes()].concat();
            return (root.to_owned(), name);
        }
    }
    let folder = file.parent().unwrap_or(file);
    let name = file.file_name().unwrap_or_default();
    (folder.to_owned(), [b"/", name.as_bytes()].concat())
}
