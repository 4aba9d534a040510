//! The reference server passes all cases. Each mutant of it, which does one thing wrong, turns exactly the cases red that
//! `mutants.txt` names for it, and each case that can fail is among them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
    thread,
};

use fastcgi_conformance::{Grade, SpawnOn, all, find};

use crate::support::{ask_reference, everything, reasons, red};

/// How many mutants are asked at a time. Mostly, they wait.
const AT_A_TIME: usize = 24;

struct Mutant {
    name: &'static str,
    multiplexes: bool,
    on: SpawnOn,
    red: BTreeSet<&'static str>,
}

fn mutants() -> Vec<Mutant> {
    let lines = include_str!("mutants.txt").lines();
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mutant = |line: &'static str| {
        let (name, cases) = line.split_once(": ").expect("NAME [SETTING]: CASES");
        let mut words = name.split(' ');
        let name = words.next().unwrap_or_default();
        let settings: Vec<_> = words.collect();
        Mutant {
            name,
            multiplexes: settings.contains(&"multiplex"),
            on: if settings.contains(&"tcp") {
                SpawnOn::Tcp
            } else {
                SpawnOn::Unix
            },
            red: cases.split(' ').collect(),
        }
    };
    lines.map(mutant).collect()
}

#[test]
fn the_reference_server_passes_all_cases() {
    let ways = [SpawnOn::Unix, SpawnOn::Tcp].map(|on| [(on, &[][..]), (on, &["--multiplex"])]);
    thread::scope(|scope| {
        for (on, args) in ways.into_iter().flatten() {
            scope.spawn(move || {
                let report = ask_reference(args, on, &everything());
                let reasons = reasons(&report);
                assert!(report.is_success(), "{on:?} {args:?}:\n{reasons}");
            });
        }
    });
}

#[test]
fn each_mutant_turns_its_cases_red_and_no_others() {
    let queue = Mutex::new(mutants().into_iter());
    let wrong = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                loop {
                    let Some(mutant) = queue.lock().expect("no panic").next() else {
                        return;
                    };
                    if has_its_cases(&mutant).is_err() {
                        wrong.lock().expect("no panic").push(mutant);
                    }
                }
            });
        }
    });
    // On a busy machine a case may meet its time limit, so what went wrong is tried again, one by one.
    let wrong = wrong.into_inner().expect("no panic");
    let wrong: Vec<_> = wrong
        .iter()
        .filter_map(|it| has_its_cases(it).err())
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn has_its_cases(mutant: &Mutant) -> Result<(), String> {
    let mut args = vec!["--fault", mutant.name];
    args.extend(mutant.multiplexes.then_some("--multiplex"));
    let report = ask_reference(&args, mutant.on, &everything());
    let found: BTreeSet<_> = red(&report).into_iter().collect();
    if found == mutant.red {
        return Ok(());
    }
    let missing: Vec<_> = mutant.red.difference(&found).collect();
    let surplus: Vec<_> = found.difference(&mutant.red).collect();
    let name = mutant.name;
    let reasons = reasons(&report);
    Err(format!(
        "{name}: missing {missing:?}, not named {surplus:?}\n{reasons}"
    ))
}

#[test]
fn each_case_that_can_fail_is_named_for_a_mutant() {
    let mut named = BTreeMap::<_, Vec<_>>::new();
    for mutant in mutants() {
        for case in mutant.red {
            assert!(
                find(case).is_some(),
                "{}: there is no case {case}",
                mutant.name
            );
            named.entry(case).or_default().push(mutant.name);
        }
    }
    for case in all() {
        let is_named = named.contains_key(case.id);
        assert_eq!(is_named, case.grade != Grade::Info, "{}", case.id);
    }
}

#[test]
fn each_mutant_is_one() {
    let sources = [
        include_str!("../reference/app.rs"),
        include_str!("../reference/body.rs"),
        include_str!("../reference/connection.rs"),
        include_str!("../reference/management.rs"),
        include_str!("../reference/output.rs"),
        include_str!("../reference/main.rs"),
        include_str!("../reference/reply.rs"),
        include_str!("../reference/wire.rs"),
    ];
    let sources = sources.concat();
    let mut names = BTreeSet::new();
    for mutant in mutants() {
        assert!(names.insert(mutant.name), "{} is there twice", mutant.name);
        let name = format!("\"{}\"", mutant.name);
        assert!(sources.contains(&name), "no line knows {name}");
    }
    let faults = sources.split("fault(\"").skip(1);
    let unlisted = faults
        .filter_map(|it| it.split('"').next())
        .filter(|it| !names.contains(it));
    let unlisted: BTreeSet<_> = unlisted.collect();
    assert!(unlisted.is_empty(), "not in mutants.txt: {unlisted:?}");
}
