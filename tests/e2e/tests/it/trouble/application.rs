//! Processes of the application: old ones, several, and none.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use fastcgi_e2e::trouble::{HOST, HTACCESS, NGINX, STARTED, mod_fcgid, nginx};
use fastcgi_e2e::{Process, Request, Site, program, upload, version};
use libtest_mimic::Failed;

use super::row::Row;
use super::{Provoke, keep_busy};

pub(super) const ROWS: &[(&str, Provoke)] = &[
    ("old_version_is_still_running", old_version_is_still_running),
    (
        "program_cannot_be_overwritten",
        program_cannot_be_overwritten,
    ),
    ("no_process_is_kept", no_process_is_kept),
    (
        "another_process_knows_nothing",
        another_process_knows_nothing,
    ),
];

/// Without a process manager that starts the next one, a program does not end by itself.
fn old_version_is_still_running(row: &Row) -> Result<(), Failed> {
    let site = Site::start_configured(&STARTED, "tour", &[], &|setup| nginx(setup, NGINX))?;
    let (socket, binary) = (site.application_socket(), site.dir().join("tour"));
    let mut application = listening(&binary, &socket)?;
    let old = version(&binary)?;
    let new = upload(&binary)?;
    assert_ne!(old, new);
    // A program that looked would have seen it after a second.
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(2) {
        assert!(old.contains(&site.get("/exe")?.text()));
        thread::sleep(Duration::from_millis(100));
    }
    row.is_logged(&site)?;
    row.says("systemctl restart app")?;
    assert!(application.terminate()?.success());
    let _application = listening(&binary, &socket)?;
    assert!(new.contains(&site.get("/exe")?.text()));
    Ok(())
}

fn listening(binary: &Path, socket: &Path) -> Result<Process, Failed> {
    let mut process = Process::start(program(binary).env("FCGI_LISTEN", socket))?;
    process.wait_until(Duration::from_secs(10), socket, || socket.exists())?;
    fs::set_permissions(socket, Permissions::from_mode(0o666))?;
    Ok(process)
}

fn program_cannot_be_overwritten(row: &Row) -> Result<(), Failed> {
    let site = hosted(HOST)?;
    let binary = site.dir().join("tour");
    assert_eq!(site.get("/")?.status, 200);
    let overwritten = fs::File::options().write(true).open(&binary);
    let refused = overwritten.map(|_| ()).map_err(|error| error.kind());
    assert_eq!(refused, Err(ErrorKind::ExecutableFileBusy));
    row.is_logged(&site)?;
    row.says("mv app.new app")?;
    let new = upload(&binary)?;
    let start = Instant::now();
    while !new.contains(&site.get("/exe")?.text()) {
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "the old version is running"
        );
        thread::sleep(Duration::from_millis(50));
    }
    Ok(())
}

fn hosted(host: &str) -> Result<Site, Failed> {
    let site = Site::start_configured(&STARTED, "tour", &[], &|setup| {
        mod_fcgid(setup, HTACCESS, host)
    })?;
    Ok(site)
}

/// With the times of a host made short.
fn no_process_is_kept(row: &Row) -> Result<(), Failed> {
    let remedy = "FcgidMinProcessesPerClass 1";
    row.says(remedy)?;
    let ended = |least: &str| {
        let times = "FcgidIdleTimeout 1\nFcgidProcessLifeTime 1\nFcgidIdleScanInterval 1\n";
        let site = hosted(&format!("{least}\n{times}{HOST}"))?;
        let process = site.get("/pid")?.text();
        let start = Instant::now();
        while fs::exists(format!("/proc/{process}"))? && start.elapsed() < Duration::from_secs(8) {
            thread::sleep(Duration::from_millis(50));
        }
        let is_new = site.get("/pid")?.text() != process;
        row.is_logged(&site)?;
        Ok::<_, Failed>(is_new)
    };
    assert!(ended("FcgidMinProcessesPerClass 0")?);
    assert!(!ended(remedy)?);
    // The default is 3.
    assert!(!ended("")?);
    Ok(())
}

/// Two requests at a time are two processes behind mod_fcgid, each with a memory of its own.
fn another_process_knows_nothing(row: &Row) -> Result<(), Failed> {
    let process = |site: &Site| Ok::<_, Failed>(site.get("/pid")?.text());
    let site = hosted(HOST)?;
    let first = process(&site)?;
    let _held = keep_busy(&site)?;
    let second = process(&site)?;
    assert_ne!(first, second);
    row.is_logged(&site)?;

    let remedy = "FcgidMaxProcessesPerClass 1";
    row.says(remedy)?;
    let site = hosted(&format!("{remedy}\n{HOST}"))?;
    let first = process(&site)?;
    // That one is busy for a second, and the next request waits for it.
    let seconds = thread::scope(|scope| {
        let busy = scope.spawn(|| site.send(&Request::get("/wait/memory")));
        let mut seen = BTreeSet::new();
        while !busy.is_finished() {
            seen.insert(process(&site)?);
        }
        Ok::<_, Failed>(seen)
    })?;
    assert_eq!(seconds, BTreeSet::from([first]));
    Ok(())
}
