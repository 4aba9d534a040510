//! The page.

use std::{fmt::Write as _, io, process::Command};

use fastcgi_conformance::{Finding, Grade, Verdict};

use crate::{Score, notes::Notes};

/// Failures of a score that are a choice, or that are not.
pub(crate) fn failures(score: &Score, notes: &Notes, choice: bool) -> usize {
    let findings = score.report.findings.iter();
    let failed = findings.filter(|it| matches!(it.verdict, Verdict::Failed | Verdict::NotRun));
    let is_choice = |it: &&Finding| notes.is_choice(score.peer.name, it.case.id) == choice;
    failed.filter(is_choice).count()
}

fn count(score: &Score, grade: Grade, verdict: Verdict) -> usize {
    let findings = score.report.findings.iter();
    let findings = findings.filter(|it| it.case.grade == grade && it.verdict == verdict);
    findings.count()
}

/// The whole text of `docs/conformance.md`.
pub(crate) fn page(scores: &[Score], missing: &[String], notes: &Notes) -> io::Result<String> {
    let date = Command::new("date").args(["-u", "+%F"]).output()?;
    let date = String::from_utf8_lossy(&date.stdout).trim().to_owned();
    let cases = scores.first().map_or(0, |it| it.report.findings.len());
    let mut text = format!(
        "# How FastCGI applications keep to the specification

`cargo run -p fastcgi-conformance-scoreboard` writes this page. Runs of {date}, on Linux, over Unix sockets:
[fastcgi-conformance](../fastcgi-conformance) {version} with `--app --robust`, which has {cases} cases. Each peer answers the contract
with what it has; the programs are in [fastcgi-conformance/peers](../fastcgi-conformance/peers) and
[apps](../fastcgi-conformance/apps).

![Cases passed, not offered and failed, by peer](conformance.svg)

- **Failed** is measured. **Choice** is a failure that is a decision of the authors, or that a library leaves to the application
  on purpose. [notes.txt](../fastcgi-conformance/peers/notes.txt) says which; corrections are welcome.
- **Not offered**: the peer says that it does not do this, with status 501 in the contract or in its answer to
  `FCGI_GET_VALUES`. Of php-fpm, which opens its socket itself, these are also the cases about the start.
- Cases of grade *info* are not counted: the text leaves them open.
- Missing: {missing}.

| peer | what | version | must | should | robust | not offered | of the failures, a choice |
|---|---|---|---|---|---|---|---|
",
        version = scores.first().map_or("", |it| it.report.suite),
        missing = missing.join(". "),
    );
    for score in scores {
        let peer = &score.peer;
        _ = write!(
            text,
            "| {} | {} | {} |",
            link(peer.name),
            peer.what,
            peer.version
        );
        let mut not_offered = 0;
        for grade in [Grade::Must, Grade::Should, Grade::Robust] {
            let passed = count(score, grade, Verdict::Passed);
            let failed =
                count(score, grade, Verdict::Failed) + count(score, grade, Verdict::NotRun);
            not_offered += count(score, grade, Verdict::NotOffered);
            not_offered += count(score, grade, Verdict::Skipped);
            _ = write!(text, " {passed} of {} |", passed + failed);
        }
        let choices = failures(score, notes, true);
        _ = writeln!(text, " {not_offered} | {choices} |");
    }
    for score in scores {
        text += &failures_of(score, notes);
    }
    Ok(text)
}

/// A link to the section of a peer.
fn link(name: &str) -> String {
    let anchor = name.to_lowercase().replace(' ', "-");
    format!("[{name}](#{anchor})")
}

fn failures_of(score: &Score, notes: &Notes) -> String {
    let name = score.peer.name;
    let mut text = format!("\n## {name}\n\n");
    let findings = score.report.findings.iter();
    let failed = findings.filter(|it| matches!(it.verdict, Verdict::Failed | Verdict::NotRun));
    let failed: Vec<_> = failed.collect();
    if failed.is_empty() {
        text += if score.peer.is_own() {
            "No case fails. A failure of this project is repaired before the page is written.\n"
        } else {
            "Nothing fails.\n"
        };
        return text;
    }
    text += "| case | grade | what fails | what a user sees |\n|---|---|---|---|\n";
    for finding in failed {
        let case = finding.case;
        let seen = notes.text(name, case.id).unwrap_or(case.why);
        let choice = if notes.is_choice(name, case.id) {
            "*Choice.* "
        } else {
            ""
        };
        let grade = case.grade;
        _ = writeln!(
            text,
            "| `{}` | {grade} | {} | {choice}{seen} |",
            case.id, case.title
        );
    }
    text
}
