//! The token files of the doctor, as plain CGI: one process for each request, and no web server.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, SystemTime};

use fastcgi_e2e::doctor::TOKEN;
use fastcgi_e2e::{install, program};
use libtest_mimic::{Failed, Trial};
use tempfile::TempDir;

type Test = fn() -> Result<(), Failed>;

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let tests: [(&str, Test); 3] = [
        (
            "requests_on_a_full_disk_leave_no_files",
            requests_on_a_full_disk_leave_no_files,
        ),
        (
            "a_named_pipe_is_no_token_and_nobody_waits_for_it",
            a_named_pipe_is_no_token,
        ),
        (
            "a_token_of_the_day_after_tomorrow_has_expired",
            a_token_of_the_day_after_tomorrow_has_expired,
        ),
    ];
    tests
        .into_iter()
        .map(|(name, test)| Trial::test(format!("doctor::files::{name}"), test))
}

/// A quota that is used up has room for the name of a file, and not for what is in it.
fn requests_on_a_full_disk_leave_no_files() -> Result<(), Failed> {
    let doctor = Doctor::install()?;
    for _ in 0..3 {
        let mut full = limited();
        full.args(["sh", "-c", "trap '' XFSZ; ulimit -f 0; exec \"$0\""])
            .arg(&doctor.program);
        let answer = answer(&mut full)?;
        assert!(answer.contains("data-door=\"keyless\""), "{answer}");
    }
    assert_eq!(doctor.tokens()?, Vec::<PathBuf>::new());
    // With room, there is one again.
    assert!(doctor.ask("page")?.contains("data-door=\"locked\""));
    assert_eq!(doctor.tokens()?.len(), 1);
    Ok(())
}

fn a_named_pipe_is_no_token() -> Result<(), Failed> {
    let doctor = Doctor::install()?;
    let pipe = doctor.dir.path().join("doctor-0123456789abcdef.token");
    let made = Command::new("mkfifo").arg(&pipe).status()?;
    assert!(made.success());
    doctor.put("doctor-fedcba9876543210.token", TOKEN)?;
    assert!(doctor.ask("facts")?.starts_with("Status: 200"));
    Ok(())
}

/// A clock may be behind that of the file, but not by years.
fn a_token_of_the_day_after_tomorrow_has_expired() -> Result<(), Failed> {
    let doctor = Doctor::install()?;
    let token = doctor.put("doctor-fedcba9876543210.token", TOKEN)?;
    let hour = Duration::from_secs(60 * 60);
    token.set_modified(SystemTime::now() + 5 * hour)?;
    assert!(doctor.ask("facts")?.starts_with("Status: 200"));
    token.set_modified(SystemTime::now() + 48 * hour)?;
    assert!(doctor.ask("facts")?.starts_with("Status: 410"));
    Ok(())
}

/// The program, alone in a folder.
struct Doctor {
    dir: TempDir,
    program: PathBuf,
}

impl Doctor {
    fn install() -> io::Result<Self> {
        let dir = tempfile::Builder::new().prefix("fastcgi-e2e-").tempdir()?;
        let program = install("doctor", dir.path())?;
        Ok(Self { dir, program })
    }

    fn put(&self, name: &str, text: &str) -> io::Result<File> {
        let path = self.dir.path().join(name);
        fs::write(&path, text)?;
        File::options().write(true).open(path)
    }

    fn tokens(&self) -> io::Result<Vec<PathBuf>> {
        let paths = fs::read_dir(self.dir.path())?.map(|entry| Ok(entry?.path()));
        let is_token = |path: &PathBuf| path.extension() == Some(OsStr::new("token"));
        let paths = paths.collect::<io::Result<Vec<_>>>()?;
        Ok(paths.into_iter().filter(is_token).collect())
    }

    /// The answer to a probe, or the page.
    fn ask(&self, probe: &str) -> io::Result<String> {
        let mut command = limited();
        command.arg(&self.program);
        if probe != "page" {
            command
                .env("HTTP_X_DOCTOR", probe)
                .env("HTTP_X_DOCTOR_TOKEN", TOKEN);
        }
        answer(&mut command)
    }
}

/// Runs the program that is its argument, for ten seconds at most.
fn limited() -> Command {
    let mut command = program("timeout".as_ref());
    command.arg("10");
    command
}

/// What the program writes for one request.
fn answer(program: &mut Command) -> io::Result<String> {
    let output = program
        .env("GATEWAY_INTERFACE", "CGI/1.1")
        .env("REQUEST_METHOD", "GET")
        .env("SERVER_PROTOCOL", "HTTP/1.1")
        .env("REQUEST_URI", "/")
        .env("SCRIPT_NAME", "")
        .env("PATH_INFO", "/")
        .output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
