//! Where the built programs are, and runs of the suite against the reference server.

use std::path::PathBuf;

use fastcgi_conformance::{Options, Program, Report, SpawnOn, Target, Verdict, run};

/// The program of the suite.
pub(crate) const SUITE: &str = env!("CARGO_BIN_EXE_fastcgi-conformance");

/// The reference server: an example, so it lies beside the test.
pub(crate) fn reference() -> PathBuf {
    let mut path = PathBuf::from(SUITE);
    path.pop();
    path.push("examples/reference");
    assert!(
        path.exists(),
        "cargo builds {} with the tests",
        path.display()
    );
    path
}

/// Everything is asked, with fewer idle connections, as many runs go on at a time.
pub(crate) fn everything() -> Options {
    let mut options = Options::default();
    options.app = true;
    options.robust = true;
    options.idle_connections = 100;
    options
}

/// Asks the reference server with these arguments.
pub(crate) fn ask_reference(args: &[&str], on: SpawnOn, options: &Options) -> Report {
    let args = args.iter().map(|arg| (*arg).to_owned());
    let target = Target::spawned(Program::new(reference(), args), on).expect("a socket");
    run(&target, options, |_| {}).expect("the reference server starts")
}

/// The cases that failed or were not run.
pub(crate) fn red(report: &Report) -> Vec<&'static str> {
    let findings = report.findings.iter();
    let red = findings.filter(|it| matches!(it.verdict, Verdict::Failed | Verdict::NotRun));
    red.map(|it| it.case.id).collect()
}

/// Why they did.
pub(crate) fn reasons(report: &Report) -> String {
    let findings = report.findings.iter();
    let red = findings.filter(|it| matches!(it.verdict, Verdict::Failed | Verdict::NotRun));
    let lines = red.map(|it| format!("    {}: {}\n", it.case.id, it.detail));
    lines.collect()
}
