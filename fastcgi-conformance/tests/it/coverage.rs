//! Each section of the specification, and each rule for connections (B), headers (H) and responses (R) of the project that can be
//! seen on the wire, has a case or a line that says why not.

use std::{collections::BTreeSet, fs};

use fastcgi_conformance::all;

/// The sections of the specification, and its appendices.
const SECTIONS: &str = "1 2 2.1 2.2 2.3 2.4 3 3.1 3.2 3.3 3.4 3.5 4 4.1 4.2 5 5.1 5.2 5.3 5.4 5.5 6 6.1 6.2 6.3 6.4 7 8 9 A B";

/// What has no case.
const WITHOUT_CASE: &[(&str, &str)] = &[
    ("1", "an introduction"),
    ("2.1", "the arguments are for the web server to choose"),
    ("3", "a heading: its sections have cases"),
    ("3.1", "a notation"),
    ("5", "a heading: its sections have cases"),
    ("9", "references"),
    (
        "H-2",
        "`X_User` and `X-User` are one param: nothing that was sent tells them apart",
    ),
    ("B-17", "plain CGI has no socket that could be asked"),
    (
        "B-18",
        "how many connections it takes is for an application to choose",
    ),
    ("B-19", "a stop is asked of a process, not of its socket"),
    (
        "B-20",
        "memory is not seen on the wire; the robust cases ask for survival",
    ),
    (
        "B-21",
        "what is answered to another protocol is for an application to choose",
    ),
    (
        "R-6",
        "a web server's reaction to Location with status 200; on the wire it is a field that is missing",
    ),
    ("R-15", "trailers do not exist on the wire"),
    ("R-18", "a setting of this project, off by default"),
    (
        "R-19",
        "which web servers follow a local redirect is for an application to know",
    ),
];

fn rules() -> BTreeSet<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/rules.md");
    let text = fs::read_to_string(path).expect("the rules");
    let heads = text.lines().filter_map(|line| line.strip_prefix("**"));
    let ids = heads.filter_map(|head| head.split([' ', '*']).next());
    let ids = ids.filter(|id| {
        ["B-", "H-", "R-"]
            .iter()
            .any(|letter| id.starts_with(letter))
    });
    ids.map(|id| id.trim_end_matches('.').to_owned()).collect()
}

#[test]
fn each_section_and_rule_has_a_case_or_a_reason() {
    let sections = SECTIONS.split(' ').map(str::to_owned);
    let wanted: BTreeSet<String> = sections.chain(rules()).collect();
    assert!(wanted.len() > 75, "{} sections and rules", wanted.len());
    let cited: BTreeSet<_> = all()
        .flat_map(|case| case.sections)
        .map(|it| (*it).to_owned())
        .collect();
    let mut wrong = Vec::new();
    for section in &wanted {
        let reason = WITHOUT_CASE.iter().find(|(it, _)| it == section);
        match (cited.contains(section), reason) {
            (false, None) => wrong.push(format!("{section} has neither a case nor a reason")),
            (true, Some(_)) => wrong.push(format!("{section} has a case after all")),
            _ => {}
        }
    }
    for section in cited.iter().filter(|it| !it.starts_with("RFC 3875 ")) {
        if !wanted.contains(section) {
            wrong.push(format!("there is no {section}"));
        }
    }
    for (section, _) in WITHOUT_CASE {
        if !wanted.contains(*section) {
            wrong.push(format!("there is no {section}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
