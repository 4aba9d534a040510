//! A report as Markdown.

use std::fmt::Write as _;

use crate::{
    case::{Grade, Verdict},
    run::Report,
};

/// A heading, a table of counts, a table of all cases, and what went over the connections of those that failed.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut text = format!("# FastCGI conformance of {}\n\n", report.address);
    _ = writeln!(text, "Suite {}.\n", report.suite);
    text.push_str("| grade | passed | failed | not offered | skipped | not run |\n|---|---|---|---|---|---|\n");
    for grade in [Grade::Must, Grade::Should, Grade::Robust] {
        _ = write!(text, "| {grade} |");
        for verdict in [
            Verdict::Passed,
            Verdict::Failed,
            Verdict::NotOffered,
            Verdict::Skipped,
            Verdict::NotRun,
        ] {
            let findings = report.findings.iter();
            let findings = findings.filter(|it| it.case.grade == grade && it.verdict == verdict);
            _ = write!(text, " {} |", findings.count());
        }
        text.push('\n');
    }
    text.push_str("\n| case | grade | verdict | what | detail |\n|---|---|---|---|---|\n");
    for finding in &report.findings {
        let case = finding.case;
        let (title, detail) = (cell(case.title), cell(&finding.detail));
        let verdict = match finding.verdict {
            Verdict::Failed => "**failed**",
            verdict => verdict.name(),
        };
        let grade = case.grade;
        _ = writeln!(
            text,
            "| {} | {grade} | {verdict} | {title} | {detail} |",
            case.id
        );
    }
    for finding in &report.findings {
        if !finding.log.is_empty() {
            let case = finding.case;
            _ = write!(text, "\n## {}\n\nFound: {}. ", case.id, finding.detail);
            _ = writeln!(text, "{}\n\n```text", case.why);
            for line in &finding.log {
                _ = writeln!(text, "{line}");
            }
            text.push_str("```\n");
        }
    }
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
