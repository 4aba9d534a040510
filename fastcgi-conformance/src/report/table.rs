//! Lines for a terminal.

use std::fmt::Write as _;

use crate::{
    case::{Case, Finding, Grade, Needs, Verdict},
    run::Report,
};

/// One finding. A failure has its reason, what a user sees, and what went over the connection.
#[must_use]
pub fn line(finding: &Finding) -> String {
    let Finding {
        case,
        verdict,
        detail,
        log,
        ..
    } = finding;
    let mut text = format!("{:<11} {:<6} {:<32} ", verdict.name(), case.grade, case.id);
    match verdict {
        Verdict::Failed => {
            _ = write!(text, "{}\n    found: {detail}", case.title);
            _ = write!(text, "\n    {} ({})", case.why, case.sections.join(", "));
            for line in log {
                _ = write!(text, "\n      {line}");
            }
        }
        _ if detail.is_empty() => text.push_str(case.title),
        Verdict::Noted => _ = write!(text, "{}: {detail}", case.title),
        _ => _ = write!(text, "{} ({detail})", case.title),
    }
    text
}

/// How many cases of each grade have which verdict.
#[must_use]
pub fn summary(report: &Report) -> String {
    let mut text = String::from("\n        passed  failed  not offered  skipped  not run\n");
    for grade in [Grade::Must, Grade::Should, Grade::Robust] {
        let count = |verdict| {
            let mut count = 0;
            for finding in &report.findings {
                count += usize::from(finding.case.grade == grade && finding.verdict == verdict);
            }
            count
        };
        _ = writeln!(
            text,
            "{grade:<6}  {:>6}  {:>6}  {:>11}  {:>7}  {:>7}",
            count(Verdict::Passed),
            count(Verdict::Failed),
            count(Verdict::NotOffered),
            count(Verdict::Skipped),
            count(Verdict::NotRun),
        );
    }
    let mut reasons: Vec<&str> = Vec::new();
    for finding in &report.findings {
        if finding.verdict == Verdict::NotRun && !reasons.contains(&finding.detail.as_str()) {
            reasons.push(&finding.detail);
        }
    }
    for reason in reasons {
        _ = writeln!(text, "not run: {reason}");
    }
    _ = write!(
        text,
        "info    {} noted; {}.{} s in all",
        report.count(Verdict::Noted),
        report.milliseconds / 1000,
        report.milliseconds % 1000 / 100,
    );
    text
}

/// A case, for `--list`.
#[must_use]
pub fn listed(case: &Case) -> String {
    format!("{:<6} {:<32} {}", case.grade, case.id, case.title)
}

/// A case, for `--explain`.
#[must_use]
pub fn explained(case: &Case) -> String {
    let needs = match case.needs {
        Needs::Nothing => "any FastCGI application",
        Needs::Contract => "an application that answers the contract (--app)",
        Needs::Spawned => "an application that is spawned (--spawn)",
        Needs::Memory => {
            "an application that answers the contract and is started (--app and --spawn or --start)"
        }
    };
    let grade = match case.grade {
        Grade::Must => "must: the text says so",
        Grade::Should => "should: several web servers, or their users, need it",
        Grade::Robust => "robust: the application survives (--robust)",
        Grade::Info => "info: the text leaves it open, and the case cannot fail",
    };
    let sections = case.sections.iter().map(|section| match section {
        it if it.starts_with("RFC") => (*it).to_owned(),
        it if it.contains('-') => format!("rule {it}"),
        it => format!("specification {it}"),
    });
    format!(
        "{id}\n  {title}.\n\n  grade     {grade}\n  sections  {sections}\n  asks      {needs}\n  limit     {limit} s\n  if not    {why}",
        id = case.id,
        title = case.title,
        sections = sections.collect::<Vec<_>>().join(", "),
        limit = case.limit.as_secs(),
        why = case.why,
    )
}
