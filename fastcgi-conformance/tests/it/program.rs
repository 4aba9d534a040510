//! The program: what it prints, how it ends, and that it leaves nothing behind.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::support::{SUITE, reference};

pub(crate) fn suite(args: &[&str]) -> Output {
    let output = Command::new(SUITE).args(args).output();
    output.expect("the suite runs")
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn ask_reference(args: &[&str], rest: &[&str]) -> Output {
    let reference = reference();
    let spawn = ["--app", "--spawn", reference.to_str().expect("a path")];
    suite(&[&spawn[..], args, &["--"], rest].concat())
}

#[test]
fn a_success_is_0() {
    let output = ask_reference(&["--only", "records", "--only", "end/ended"], &[]);
    assert_eq!(output.status.code(), Some(0));
    let text = stdout(&output);
    assert!(
        text.contains("passed      must   records/version"),
        "{text}"
    );
    assert!(text.contains("end/ended"), "{text}");
    assert!(!text.contains("keep/"), "{text}");
}

#[test]
fn a_failure_is_1_and_shows_both_directions() {
    let output = ask_reference(&["--only", "records/version"], &["--fault", "version-0"]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    assert!(
        text.contains("failed      must   records/version"),
        "{text}"
    );
    assert!(
        text.contains("> BEGIN_REQUEST id=1 role=1 flags=0"),
        "{text}"
    );
    assert!(text.contains("01 01 00 01 00 08 00 00 00 01 00"), "{text}");
    assert!(
        text.contains("< END_REQUEST id=1 version=0 app_status=0"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_asked_is_2() {
    for args in [
        &["nowhere"][..],
        &[],
        &["127.0.0.1:9", "--only", "no/such"],
        &["--spawn", "/no/such/program"],
        &["--explain", "no/such"],
    ] {
        assert_eq!(suite(args).status.code(), Some(2), "{args:?}");
    }
}

#[test]
fn cases_are_listed_and_explained() {
    let list = stdout(&suite(&["--list"]));
    assert!(list.lines().count() > 150, "{list}");
    let keep = stdout(&suite(&["--list", "--only", "keep/"]));
    assert!(keep.lines().all(|line| line.contains(" keep/")), "{keep}");
    let text = stdout(&suite(&["--explain", "stdin/unread"]));
    for part in ["specification 6.2", "rule B-9", "limit     10 s", "502"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn reports_are_json_and_markdown() {
    let output = ask_reference(&["--only", "records/version", "--json", "-"], &[]);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let finding = &json["findings"][0];
    assert_eq!(finding["id"], "records/version");
    assert_eq!(finding["verdict"], "passed");
    assert_eq!(finding["grade"], "must");
    let rest = &["--fault", "version-0"];
    let output = ask_reference(&["--only", "records/version", "--markdown", "-"], rest);
    let text = stdout(&output);
    assert!(
        text.contains("| records/version | must | **failed** |"),
        "{text}"
    );
    assert!(text.contains("```text\nconnection 1\n"), "{text}");
}

/// A script that writes its process id into a file and becomes the reference server.
const SCRIPT: &str = "echo $$ > \"$0\"; exec \"$1\"";

pub(crate) fn process_id(file: &Path) -> String {
    let start = Instant::now();
    loop {
        let id = fs::read_to_string(file).unwrap_or_default();
        if id.ends_with('\n') {
            return id.trim().to_owned();
        }
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "it does not start"
        );
        sleep(Duration::from_millis(5));
    }
}

pub(crate) fn is_gone(id: &str) -> bool {
    let start = Instant::now();
    while Path::new("/proc").join(id).join("fd").exists() {
        if start.elapsed() > Duration::from_secs(10) {
            return false;
        }
        sleep(Duration::from_millis(5));
    }
    true
}

#[test]
fn no_process_is_left_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("id");
    let reference = reference();
    let args = [
        SCRIPT,
        file.to_str().expect("a path"),
        reference.to_str().expect("a path"),
    ];
    let only = ["--spawn", "sh", "--only", "records/", "--", "-c"];
    let output = suite(&[&only[..], &args].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(is_gone(&process_id(&file)));
}

#[test]
fn no_process_is_left_behind_by_an_interrupted_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("id");
    let mut run = Command::new(SUITE)
        .args(["--app", "--robust", "--spawn", "sh", "--", "-c", SCRIPT])
        .arg(&file)
        .arg(reference())
        .env("TMPDIR", folder.path())
        .stdout(Stdio::null())
        .spawn()
        .expect("the suite runs");
    let id = process_id(&file);
    let suite = rustix::process::Pid::from_child(&run);
    rustix::process::kill_process(suite, rustix::process::Signal::TERM).expect("it is there");
    let status = run.wait().expect("it ends");
    assert_eq!(status.code(), Some(128 + 15));
    assert!(is_gone(&id));
    let left = fs::read_dir(folder.path()).expect("it is there");
    assert_eq!(left.count(), 1, "the file of the process id");
}
