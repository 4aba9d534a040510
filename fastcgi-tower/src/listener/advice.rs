//! What to say of an address that cannot be listened on: what is wrong with it, and what to do.

use std::{
    fs, io,
    net::SocketAddr,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
};

use rustix::process::{getegid, geteuid};

use crate::{error::reason, system::MAX_SOCKET_PATH};

/// The error of a path.
pub(super) fn on_path(path: &Path, error: io::Error) -> io::Error {
    let is_of_the_system = error.raw_os_error().is_some();
    let advice = match error.kind() {
        io::ErrorKind::NotFound => missing_directory(path),
        // An error that is not the system's already has a message, which is about something else.
        io::ErrorKind::PermissionDenied if is_of_the_system => denied(path),
        io::ErrorKind::ReadOnlyFilesystem => {
            Some("choose a directory that can be written to".to_owned())
        }
        io::ErrorKind::InvalidInput => too_long(path),
        _ => None,
    };
    explained(&path.display().to_string(), error, advice)
}

/// The error of a TCP address.
pub(super) fn on_tcp(addr: SocketAddr, error: io::Error) -> io::Error {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => {
            Some("another process has this port: stop it, or choose another port".to_owned())
        }
        io::ErrorKind::AddrNotAvailable => {
            Some("this machine has no such address: 127.0.0.1 is for this machine alone".to_owned())
        }
        io::ErrorKind::PermissionDenied if addr.port() < 1024 => Some(format!(
            "user {} may not have a port below 1024: choose another port",
            geteuid().as_raw()
        )),
        _ => None,
    };
    explained(&addr.to_string(), error, advice)
}

fn explained(what: &str, error: io::Error, advice: Option<String>) -> io::Error {
    let kind = error.kind();
    io::Error::new(
        kind,
        match advice {
            Some(advice) => format!("{what}: {}: {advice}", reason(&error)),
            None => format!("{what}: {error}"),
        },
    )
}

fn missing_directory(path: &Path) -> Option<String> {
    let directory = directory(path);
    let ancestors = directory.ancestors();
    let missing = ancestors
        .take_while(|it| !it.as_os_str().is_empty() && !it.exists())
        .last()?;
    Some(format!(
        "there is no directory {}: make it, for the user of this process and the group of the web server (systemd: \
         RuntimeDirectory=)",
        missing.display()
    ))
}

/// The first thing on the way that this process may not use.
fn denied(path: &Path) -> Option<String> {
    let [uid, gid] = [geteuid().as_raw(), getegid().as_raw()];
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    let lock = Path::new(&lock);
    let directory = directory(path);
    let found = (
        fs::symlink_metadata(lock),
        fs::symlink_metadata(path),
        fs::metadata(directory),
    );
    let (what, found, cure) = match found {
        (Ok(metadata), _, _) if metadata.uid() != uid => (
            lock,
            metadata,
            "it is left from a start as another user: remove it",
        ),
        (_, Ok(metadata), _) if metadata.uid() != uid => (
            path,
            metadata,
            "it belongs to another user: remove it, or choose another path",
        ),
        (_, _, Ok(metadata)) => (
            directory,
            metadata,
            "make a directory that this user may write to, or start the program as another user",
        ),
        // This process cannot look at the directory, so that owner and mode are unknown.
        (_, _, Err(_)) => {
            return Some(format!(
                "user {uid}, group {gid} may not enter {}",
                directory.display()
            ));
        }
    };
    Some(format!(
        "this process is user {uid}, group {gid}, and {} has mode {:04o}, user {}, group {}: {cure}",
        what.display(),
        found.permissions().mode() & 0o7777,
        found.uid(),
        found.gid()
    ))
}

fn too_long(path: &Path) -> Option<String> {
    let length = path.as_os_str().len();
    (length > MAX_SOCKET_PATH).then(|| {
        format!(
            "it has {length} bytes, and a socket may have {MAX_SOCKET_PATH}: choose a shorter path"
        )
    })
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
