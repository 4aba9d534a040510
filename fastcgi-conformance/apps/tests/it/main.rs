//! Everything that serves in this workspace passes all cases of the suite: on a Unix socket and on TCP, one request at a time on a
//! connection and several, and listening by itself.

use std::thread;

use fastcgi_conformance::{Address, Options, Program, SpawnOn, Target, Verdict, run};

const AXUM: &str = env!("CARGO_BIN_EXE_conformance-axum");
const ACTIX: &str = env!("CARGO_BIN_EXE_conformance-actix");
const TOWER: &str = env!("CARGO_BIN_EXE_conformance-tower");
const BLOCKING: &str = env!("CARGO_BIN_EXE_conformance-blocking");
const CGI_FN: &str = env!("CARGO_BIN_EXE_conformance-cgi-fn");

/// What is red of an application, or nothing. It passes at least `enough` cases: a contract that is not answered would hide them.
fn red(target: &Target, enough: usize) -> String {
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
    let passed = report.count(Verdict::Passed);
    if passed < enough && red.is_empty() {
        red = format!("only {passed} cases passed");
    }
    red
}

fn spawned(program: &str, args: &[&str], on: SpawnOn, enough: usize) -> String {
    let args = args.iter().map(|arg| (*arg).to_owned());
    let target = Target::spawned(Program::new(program, args), on);
    red(&target.expect("a socket"), enough)
}

/// The application opens its socket itself.
fn listening(program: &str, enough: usize) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("socket");
    let listen = format!("FCGI_LISTEN={}", path.display());
    let program = Program::new("/usr/bin/env", [listen, program.to_owned()]);
    let target = Target::started(program, Address::Unix(path));
    red(&target, enough)
}

/// In each way to be started. The runs mostly wait, so they go on at the same time.
fn passes(program: &str, enough: usize) {
    let ways: [(&str, &(dyn Fn() -> String + Sync)); 3] = [
        ("on a Unix socket", &|| {
            spawned(program, &[], SpawnOn::Unix, enough)
        }),
        ("on TCP, with multiplexing", &|| {
            spawned(program, &["--multiplex"], SpawnOn::Tcp, enough)
        }),
        ("listening by itself", &|| listening(program, enough)),
    ];
    let found = thread::scope(|scope| {
        let runs = ways.map(|(way, run)| (way, scope.spawn(run)));
        runs.map(|(way, run)| (way, run.join().expect("no panic")))
    });
    for (way, red) in found {
        assert!(red.is_empty(), "{way}:\n{red}");
    }
}

#[test]
fn axum_passes() {
    passes(AXUM, 140);
}

#[test]
fn actix_passes() {
    passes(ACTIX, 140);
}

#[test]
fn tower_passes() {
    passes(TOWER, 140);
}

#[test]
fn blocking_passes() {
    passes(BLOCKING, 140);
}

/// It makes no headers and no path of the params: 24 cases are not offered.
#[test]
fn cgi_fn_passes() {
    passes(CGI_FN, 120);
}
