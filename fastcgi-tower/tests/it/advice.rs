//! What an error of an address says: what is wrong with it, and what to do.

use std::{
    fs::{self, File},
    io,
    net::SocketAddr,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
};

use fastcgi_tower::listener::{AnyListener, Socket};
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};
use tempfile::TempDir;

use crate::listeners::in_time;

/// The error of a thread that has no more rights than other users have.
fn refused(bind: impl FnOnce() -> io::Result<Socket> + Send + 'static) -> String {
    let error = in_time(move || {
        let mut rights = capabilities(None).expect("the rights of a thread");
        rights.effective = CapabilitySet::empty();
        set_capabilities(None, rights).expect("fewer rights");
        bind().expect_err("it is not allowed")
    });
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    error.to_string()
}

fn refused_path(path: &Path) -> String {
    let path = path.to_owned();
    refused(move || Socket::bind(&path.as_path().into(), 1))
}

/// A directory, and a path in it.
fn directory() -> (TempDir, PathBuf) {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("app.sock");
    (directory, path)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("our file");
}

#[test]
fn of_a_directory_that_may_not_be_written_to_it_says_whose_it_is() {
    let (directory, path) = directory();
    set_mode(directory.path(), 0o500);
    let ours = fs::metadata(directory.path()).expect("a directory");
    let message = refused_path(&path);
    let expected = format!(
        "{}: Permission denied: this process is user {}, group ",
        path.display(),
        ours.uid()
    );
    assert!(message.starts_with(&expected), "{message}");
    let expected = format!(
        "{} has mode 0500, user {}, group {}: make a directory that this user may write to, or start the program as \
         another user",
        directory.path().display(),
        ours.uid(),
        ours.gid()
    );
    assert!(message.ends_with(&expected), "{message}");
}

#[test]
fn of_a_directory_that_may_not_be_entered_it_says_so() {
    let (directory, _) = directory();
    let inner = directory.path().join("inner");
    fs::create_dir(&inner).expect("a directory");
    set_mode(directory.path(), 0o000);
    let message = refused_path(&inner.join("app.sock"));
    set_mode(directory.path(), 0o700);
    let expected = format!("may not enter {}", inner.display());
    assert!(message.ends_with(&expected), "{message}");
}

/// Only root can make them.
#[test]
fn of_files_of_another_user_it_says_that_they_are_in_the_way() {
    let (directory, path) = directory();
    if fs::metadata(directory.path()).expect("a directory").uid() != 0 {
        return;
    }
    let lock = directory.path().join("app.sock.lock");
    File::create(&lock).expect("a file");
    set_mode(&lock, 0o600);
    chown(&lock, Some(1234), Some(5678)).expect("root may");
    let message = refused_path(&path);
    let expected = format!(
        "{} has mode 0600, user 1234, group 5678: it is left from a start as another user: remove it",
        lock.display()
    );
    assert!(message.ends_with(&expected), "{message}");

    fs::remove_file(&lock).expect("our directory");
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
    set_mode(&path, 0o660);
    chown(&path, Some(1234), Some(5678)).expect("root may");
    set_mode(directory.path(), 0o500);
    let message = refused_path(&path);
    let expected = format!(
        "{} has mode 0660, user 1234, group 5678: it belongs to another user: remove it, or choose another path",
        path.display()
    );
    assert!(message.ends_with(&expected), "{message}");
}

#[test]
fn of_a_port_that_is_for_root_it_says_so() {
    let first = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    if first.is_ok_and(|first| first.trim() == "0") {
        return;
    }
    // A service that nobody runs.
    let addr = SocketAddr::from(([127, 0, 0, 1], 1));
    let message = refused(move || Socket::bind_tcp(addr, 1));
    let expected = "may not have a port below 1024: choose another port";
    assert!(message.ends_with(expected), "{message}");
}

/// An address for documentation (RFC 5737), which no machine has.
#[test]
fn of_an_address_of_another_machine_it_says_so() {
    let addr = SocketAddr::from(([192, 0, 2, 1], 0));
    let error = Socket::bind_tcp(addr, 1).expect_err("not our address");
    let expected = "192.0.2.1:0: Cannot assign requested address: this machine has no such address: 127.0.0.1 is for this \
                    machine alone";
    assert_eq!(error.to_string(), expected);
}

#[test]
fn of_a_path_that_is_too_long_it_says_how_long_it_may_be() {
    let (directory, _) = directory();
    let path = directory.path().join("x".repeat(107));
    let error = Socket::bind(&path.as_path().into(), 1).expect_err("it is too long");
    let length = path.as_os_str().len();
    let expected =
        format!("it has {length} bytes, and a socket may have 107: choose a shorter path");
    assert!(error.to_string().ends_with(&expected), "{error}");
}

/// No name server is asked for a name of more than 63 characters.
#[tokio::test]
async fn of_a_host_that_is_not_known_it_says_so() {
    let host = "x".repeat(64);
    let error = AnyListener::bind(&format!("{host}:9000")).expect_err("no host");
    let expected = format!("{host}:9000: no address is known for the host {host}: ");
    assert!(error.to_string().starts_with(&expected), "{error}");
}
