//! Everything that serves in this workspace passes all cases of the suite: on a Unix socket and on TCP, one request at a time on a
//! connection and several, and listening by itself.

use fastcgi_conformance::{Address, Options, Program, SpawnOn, Target, Verdict, run};

const AXUM: &str = env!("CARGO_BIN_EXE_conformance-axum");
const ACTIX: &str = env!("CARGO_BIN_EXE_conformance-actix");
const TOWER: &str = env!("CARGO_BIN_EXE_conformance-tower");

fn passes(target: &Target) {
    let mut options = Options::default();
    options.app = true;
    options.robust = true;
    // Fewer than the application takes at a time.
    options.idle_connections = 500;
    let mut red = String::new();
    let report = run(target, &options, |finding| {
        if finding.verdict == Verdict::Failed || finding.verdict == Verdict::NotRun {
            red += &format!("{}\n", fastcgi_conformance::report::line(finding));
        }
    });
    let report = report.expect("it starts");
    assert!(report.is_success(), "{red}");
    // A contract that is not answered would hide cases.
    assert!(
        report.count(Verdict::Passed) > 135,
        "{} passed",
        report.count(Verdict::Passed)
    );
}

fn spawned(program: &str, args: &[&str], on: SpawnOn) {
    let args = args.iter().map(|arg| (*arg).to_owned());
    passes(&Target::spawned(Program::new(program, args), on).expect("a socket"));
}

#[test]
fn axum_passes() {
    spawned(AXUM, &[], SpawnOn::Unix);
}

#[test]
fn axum_passes_with_multiplexing_on_tcp() {
    spawned(AXUM, &["--multiplex"], SpawnOn::Tcp);
}

#[test]
fn actix_passes() {
    spawned(ACTIX, &[], SpawnOn::Unix);
}

#[test]
fn actix_passes_with_multiplexing_on_tcp() {
    spawned(ACTIX, &["--multiplex"], SpawnOn::Tcp);
}

#[test]
fn tower_passes() {
    spawned(TOWER, &[], SpawnOn::Unix);
}

#[test]
fn tower_passes_with_multiplexing_on_tcp() {
    spawned(TOWER, &["--multiplex"], SpawnOn::Tcp);
}

/// The application opens its socket itself.
fn listening(program: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let listen = format!("FCGI_LISTEN={}", path.display());
    let program = Program::new("/usr/bin/env", [listen, program.to_owned()]);
    passes(&Target::started(program, Address::Unix(path)).expect("a folder"));
}

#[test]
fn axum_passes_where_it_listens_by_itself() {
    listening(AXUM);
}

#[test]
fn actix_passes_where_it_listens_by_itself() {
    listening(ACTIX);
}

#[test]
fn tower_passes_where_it_listens_by_itself() {
    listening(TOWER);
}
