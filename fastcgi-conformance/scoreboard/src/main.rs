//! Asks all peers, and writes the scoreboard: `docs/conformance.md` and its chart.
//!
//! ```sh
//! fastcgi-conformance/peers/install          # builds the peers into target/conformance-peers
//! cargo build -p fastcgi-conformance-apps    # and what this workspace has
//! cargo run -p fastcgi-conformance-scoreboard
//! ```
//!
//! `-- NAME...` asks some of them and writes nothing; `--repeat 20` asks 20 times, and fails where two runs differ.

mod chart;
mod notes;
mod page;
mod peer;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Mutex,
    thread,
};

use fastcgi_conformance::{Options, Report, Verdict, end_with_signals, exit_with_all, run};

use crate::{notes::Notes, peer::Peer};

/// How many peers are asked at a time. Mostly, the suite waits.
const AT_A_TIME: usize = 4;

/// A peer, and what came of its last run.
#[derive(Debug)]
struct Score {
    peer: Peer,
    report: Report,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn main() -> ExitCode {
    match scoreboard() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("scoreboard: {error}");
            exit_with_all(1)
        }
    }
}

fn scoreboard() -> io::Result<ExitCode> {
    end_with_signals()?;
    let mut names = Vec::new();
    let mut repeat = 1;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--repeat" => {
                let number = args.next().and_then(|it| it.parse().ok());
                repeat = number.ok_or_else(|| io::Error::other("--repeat NUMBER"))?;
            }
            name => names.push(name.to_owned()),
        }
    }
    let folder = tempfile::tempdir()?;
    let (mut peers, missing) = peer::all(&root(), folder.path())?;
    peers.retain(|peer| names.is_empty() || names.iter().any(|it| it == peer.name));
    let scores = ask_all(peers, repeat)?;
    let differ = scores
        .iter()
        .any(|(_, differences)| !differences.is_empty());
    for (score, differences) in &scores {
        for line in differences {
            eprintln!("{}: {line}", score.peer.name);
        }
    }
    if names.is_empty() && repeat == 1 {
        let scores: Vec<_> = scores.into_iter().map(|(score, _)| score).collect();
        let notes = Notes::read(&root().join("fastcgi-conformance/peers/notes.txt"))?;
        let docs = root().join("docs");
        fs::write(
            docs.join("conformance.md"),
            page::page(&scores, &missing, &notes)?,
        )?;
        chart::draw(&scores, &notes, &docs.join("conformance.svg")).map_err(io::Error::other)?;
    }
    Ok(if differ {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

type Scored = (Score, Vec<String>);

/// Asks the peers, some at a time, and keeps their order.
fn ask_all(peers: Vec<Peer>, repeat: usize) -> io::Result<Vec<Scored>> {
    let count = peers.len();
    let queue = Mutex::new(peers.into_iter().enumerate());
    let scores = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME.min(count) {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().map(|mut it| it.next());
                    let Ok(Some((number, peer))) = next else {
                        return;
                    };
                    let scored = ask(peer, repeat);
                    if let Ok(mut scores) = scores.lock() {
                        scores.push((number, scored));
                    }
                }
            });
        }
    });
    let mut scores = scores
        .into_inner()
        .map_err(|_| io::Error::other("a run panicked"))?;
    scores.sort_by_key(|(number, _)| *number);
    scores.into_iter().map(|(_, scored)| scored).collect()
}

/// Asks a peer, and tells what differed between two runs.
fn ask(peer: Peer, repeat: usize) -> io::Result<Scored> {
    let mut verdicts = BTreeMap::<&str, BTreeMap<&str, usize>>::new();
    let mut last = None;
    for number in 1..=repeat {
        let mut options = Options::default();
        options.app = true;
        options.robust = true;
        options.params.clone_from(&peer.params);
        let report = run(&peer.target()?, &options, |_| {})?;
        let seconds = report.milliseconds / 1000;
        let failed = report.count(Verdict::Failed);
        eprintln!(
            "{} {number}/{repeat}: {failed} failed, {seconds} s",
            peer.name
        );
        for finding in &report.findings {
            let counts = verdicts.entry(finding.case.id).or_default();
            if !counts.is_empty() && !counts.contains_key(finding.verdict.name()) {
                let (id, verdict) = (finding.case.id, finding.verdict.name());
                eprintln!("{}: {id} is {verdict} now: {}", peer.name, finding.detail);
            }
            *counts.entry(finding.verdict.name()).or_default() += 1;
        }
        last = Some(report);
    }
    let differ = verdicts.iter().filter(|(_, counts)| counts.len() > 1);
    let differences = differ.map(|(id, counts)| format!("{id} differs: {counts:?}"));
    let differences = differences.collect();
    let report = last.ok_or_else(|| io::Error::other("no run"))?;
    Ok((Score { peer, report }, differences))
}
