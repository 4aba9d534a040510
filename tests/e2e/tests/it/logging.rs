//! `docs/logging.md`: the examples for shared hosts write a log of their own, where the web server's cannot be read.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::{Duration, Instant};

use fastcgi_e2e::trouble::{HOST, HTACCESS, STARTED, mod_fcgid, mod_fcgid_with};
use fastcgi_e2e::{Setup, Site};
use libtest_mimic::{Failed, Trial};

/// Of a program.
type Check = fn(&'static str) -> Result<(), Failed>;

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let tests: [(_, Check); 3] = [
        (
            "a_start_is_in_a_file_beside_the_program",
            start_is_in_a_file,
        ),
        (
            "a_failure_to_start_is_in_that_file",
            failure_is_in_that_file,
        ),
        ("without_a_file_standard_error_has_it", without_a_file),
    ];
    tests.into_iter().flat_map(|(name, test)| {
        ["shared-hosting", "actix-shared-hosting"].map(|program| {
            Trial::test(format!("logging::{program}::{name}"), move || test(program))
        })
    })
}

/// A host whose web server may write beside the program, and whose `index.fcgi` sets this variable.
fn hosted(program: &str, variable: &str) -> Result<Site, Failed> {
    let site = Site::start_configured(&STARTED, program, &[], &|setup: &Setup<'_>| {
        let command = mod_fcgid_with(setup, 0o755, |script| {
            script.replace("exec ", &format!("{variable} exec "))
        });
        let logs = setup.dir().join("logs");
        fs::create_dir(&logs)?;
        fs::set_permissions(logs, Permissions::from_mode(0o777))?;
        command
    })?;
    Ok(site)
}

/// The one file that there is.
fn log(site: &Site) -> Result<String, Failed> {
    let mut files = fs::read_dir(site.dir().join("logs"))?;
    let file = files.next().ok_or("no file")??;
    assert!(files.next().is_none(), "there is another file");
    let name = file.file_name().to_string_lossy().into_owned();
    let date = name
        .strip_prefix("app.")
        .and_then(|name| name.strip_suffix(".log"));
    let parts: Vec<_> = date.unwrap_or_default().split('-').map(str::len).collect();
    assert_eq!(parts, [4, 2, 2], "{name}");
    Ok(fs::read_to_string(file.path())?)
}

fn start_is_in_a_file(program: &str) -> Result<(), Failed> {
    let site = hosted(program, "A=b")?;
    assert_eq!(site.get("/")?.status, 200);
    let log = log(&site)?;
    for words in ["started version=\"0.0.0\" process=", "running: "] {
        assert!(log.contains(words), "{words} is not in {log}");
    }
    assert!(!site.log()?.contains("started"), "{}", site.log()?);
    Ok(())
}

/// And in the log of the web server.
fn failure_is_in_that_file(program: &str) -> Result<(), Failed> {
    let site = hosted(program, "FCGI_SCRIPT_NAME='/app?x'")?;
    assert_eq!(site.get("/")?.status, 500);
    let line = "ERROR shared_hosting: the application cannot be served: FCGI_SCRIPT_NAME=/app?x: ";
    let line = match program {
        "shared-hosting" => line.to_owned(),
        _ => line.replace("shared_hosting", "actix_shared_hosting"),
    };
    eventually(&line, || log(&site))?;
    eventually(&line, || Ok(site.log()?))
}

/// The web server's user may not write beside the program; for one that may, a file is in the way.
fn without_a_file(program: &str) -> Result<(), Failed> {
    let site = Site::start_configured(&STARTED, program, &[], &|setup: &Setup<'_>| {
        fs::write(setup.dir().join("logs"), "")?;
        mod_fcgid(setup, HTACCESS, HOST)
    })?;
    assert_eq!(site.get("/")?.status, 200);
    eventually("started version=", || Ok(site.log()?))
}

/// mod_fcgid answers before the program has written its last line.
fn eventually(words: &str, log: impl Fn() -> Result<String, Failed>) -> Result<(), Failed> {
    let start = Instant::now();
    while !log()?.contains(words) {
        if start.elapsed() > Duration::from_secs(10) {
            return Err(format!("{words} is not in {}", log()?).into());
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
