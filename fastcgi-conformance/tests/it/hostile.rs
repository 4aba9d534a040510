//! Programs that do not want to be asked, or to end; and outputs that take nothing. There is a verdict, and nothing is left behind.

use std::{
    fs,
    io::Write as _,
    net::TcpListener,
    process::{Command, Output},
    thread,
};

use crate::{
    program::{is_gone, process_id, stdout, suite},
    support::{SUITE, reference},
};

/// Has the suite spawn a shell with this script. `$0` is a file for a process id, `$1` the reference server.
fn ask_script(script: &str, options: &[&str]) -> (Output, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("id");
    let output = Command::new(SUITE)
        .args(options)
        .args(["--spawn", "sh", "--", "-c", script])
        .arg(&file)
        .arg(reference())
        .output();
    (output.expect("the suite runs"), folder)
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// It serves, in a session of its own.
const DAEMON: &str =
    r#"exec 3<&0; setsid sh -c 'echo $$ > "$0"; exec "$1"' "$0" "$1" <&3 & exit 0"#;

#[test]
fn a_daemon_ends_with_the_run() {
    let (output, folder) = ask_script(DAEMON, &["--only", "records/version"]);
    assert!(is_gone(&process_id(&folder.path().join("id"))));
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    assert!(text.contains("stays in the foreground"), "{text}");
}

#[test]
fn a_process_that_left_its_group_ends_with_the_run() {
    let script = r#"setsid sh -c 'echo $$ > "$0"; exec sleep 1000' "$0" & exec "$1""#;
    let (output, folder) = ask_script(script, &["--only", "records/"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(is_gone(&process_id(&folder.path().join("id"))));
}

#[test]
fn a_process_that_ignores_sigterm_ends_with_the_run() {
    let script = r#"trap "" TERM; echo $$ > "$0"; exec "$1""#;
    let (output, folder) = ask_script(script, &["--only", "records/version"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(is_gone(&process_id(&folder.path().join("id"))));
}

#[test]
fn an_application_that_does_not_start_has_the_last_word() {
    let script = "head -c 1000000 /dev/zero | tr '\\0' '\\n'; echo there is no module x; exit 3";
    let (output, _folder) = ask_script(script, &[]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    let reason = "not run: the application does not start: it ended (exit status: 3)";
    assert!(text.contains(reason), "{text}");
    assert!(text.contains("there is no module x"), "{text}");
}

#[test]
fn a_program_that_cannot_be_started_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("app.py");
    fs::write(&file, "print()\n").expect("a file");
    let output = suite(&["--spawn", file.to_str().expect("a path")]);
    assert_eq!(output.status.code(), Some(2));
    let text = stderr(&output);
    assert!(text.contains("app.py: Permission denied"), "{text}");
    assert!(text.contains("is it executable?"), "{text}");
}

/// What an empty record costs here is more than what it costs to send.
#[test]
fn empty_records_without_end_do_not_take_the_memory() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let address = listener.local_addr().expect("its address").to_string();
    thread::spawn(move || {
        let records = [1, 6, 0, 1, 0, 0, 0, 0].repeat(8192);
        for mut stream in listener.incoming().flatten() {
            while stream.write_all(&records).is_ok() {}
        }
    });
    let script = r#"ulimit -v 500000; exec "$0" "$1""#;
    let output = Command::new("sh")
        .args(["-c", script, SUITE, &address])
        .output()
        .expect("the suite runs");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
}

#[test]
fn a_report_that_cannot_be_written_is_2() {
    let (output, folder) = ask_script(r#"echo $$ > "$0""#, &["--json", "/no/such/folder/report"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("/no/such/folder/report: No such file"));
    assert!(!folder.path().join("id").exists(), "nothing is asked");

    let reference = reference();
    let spawn = ["--spawn", reference.to_str().expect("a path")];
    for option in ["--json", "--markdown"] {
        let only = ["--only", "records/version", option, "/dev/full"];
        let output = suite(&[&spawn[..], &only].concat());
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("/dev/full: No space left"));
        assert!(stdout(&output).contains("records/version"));
    }
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let (reader, writer) = rustix::pipe::pipe().expect("a pipe");
    drop(reader);
    let output = Command::new(SUITE).arg("--list").stdout(writer).output();
    let output = output.expect("the suite runs");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(stderr(&output), "");
}

#[test]
fn a_path_that_is_too_long_is_red() {
    let output = suite(&[&format!("unix:/tmp/{}", "x".repeat(200))]);
    assert_eq!(output.status.code(), Some(1));
    let text = stdout(&output);
    assert!(text.contains("cannot be reached: path must be"), "{text}");
}

/// `--json - | head -1` is no success.
#[test]
fn a_reader_of_the_report_that_leaves_hides_no_failure() {
    let (reader, writer) = rustix::pipe::pipe().expect("a pipe");
    drop(reader);
    let output = Command::new(SUITE)
        .args([
            "--app",
            "--only",
            "records/version",
            "--json",
            "-",
            "--spawn",
        ])
        .arg(reference())
        .args(["--", "--fault", "version-0"])
        .stdout(writer)
        .output();
    let output = output.expect("the suite runs");
    assert_eq!(output.status.code(), Some(1));
}
