//! Every behaviour behind every web server: one test each, listed at run time.

mod app_status;
mod calling;
mod cgi;
mod crowd;
mod departure;
mod differential;
mod doctor;
mod doctor_files;
mod examples;
mod foreign_clients;
mod fronts;
mod functions;
mod http2;
mod logging;
mod lost;
mod managers;
mod mixed_load;
mod mounted;
mod multiplexing;
mod php;
mod protected;
mod raw;
mod readme;
mod replacing;
mod roles;
mod scale_out;
mod shutdown;
mod soak;
mod started;
mod starts;
mod static_binary;
mod stopping;
mod trouble;

use std::process::ExitCode;
use std::sync::Arc;

use fastcgi_e2e::{CGI, Layout, Shared, behaviours, cgi_layouts, layouts, table};
use fastcgi_test_kit::{Table, Tests};
use libtest_mimic::{Arguments, Trial};

fn main() -> std::io::Result<ExitCode> {
    let mut arguments = Arguments::from_args();
    // Most of the time is spent waiting for processes to start and for handlers that sleep.
    arguments.test_threads.get_or_insert(4);
    if !arguments.list {
        fastcgi_e2e::build_examples()?;
    }

    let mut trials: Vec<Trial> = examples::trials()
        .chain(shutdown::trials())
        .chain(multiplexing::trials())
        .chain(started::trials())
        .chain(starts::trials())
        .chain(mounted::trials())
        .chain(readme::trials())
        .chain(foreign_clients::trials())
        .chain(calling::trials())
        .chain(http2::trials())
        .chain(managers::trials())
        .chain(cgi::trials())
        .chain(stopping::trials())
        .chain(crowd::trials())
        .chain(departure::trials())
        .chain(replacing::trials())
        .chain(lost::trials())
        .chain(scale_out::trials())
        .chain(soak::trials())
        .chain(mixed_load::trials())
        .chain(static_binary::trials())
        .chain(roles::trials())
        .chain(app_status::trials())
        .chain(fronts::trials())
        .chain(functions::trials())
        .chain(raw::trials())
        .chain(protected::trials())
        .chain(logging::trials())
        .chain(trouble::trials())
        .chain(php::trials())
        .chain(differential::trials())
        .chain(doctor::trials())
        .chain(doctor_files::trials())
        .chain(layouts().flat_map(|layout| behind(layout, "tour")))
        .chain(actix_layouts().flat_map(|layout| behind(layout, "actix-tour")))
        .collect();
    trials.extend(cgi_layouts().flat_map(|layout| behind(layout, "tour")));
    trials.extend(cgi_layouts().flat_map(|layout| behind(layout, "actix-tour")));
    trials.push(Trial::test(
        "differences_name_a_behaviour",
        differences_name_a_behaviour,
    ));
    trials.push(Trial::test(
        "documentation_has_the_tables",
        documentation_has_the_tables,
    ));
    Ok(libtest_mimic::run(&arguments, trials).exit_code())
}

/// Every behaviour in one layout, whose web server is started by the first test and ended by the last.
fn behind(layout: &'static Layout, program: &'static str) -> impl Iterator<Item = Trial> {
    let shared = Arc::new(Shared::new(layout.clone(), program));
    behaviours().chain(layout.extra).map(move |behaviour| {
        let difference = layout.difference_here(behaviour.name);
        let check = difference.map_or(behaviour.check, |it| it.check);
        let shared = Arc::clone(&shared);
        let name = match program {
            "tour" => format!("{}::{}", layout.name, behaviour.name),
            _ => format!("{program}::{}::{}", layout.name, behaviour.name),
        };
        let trial = Trial::test(name, move || check(shared.site()?));
        if difference.is_some() {
            trial.with_kind("differs")
        } else {
            trial
        }
    })
}

/// The same suite with an actix-web application, behind web servers that have little in common.
fn actix_layouts() -> impl Iterator<Item = &'static Layout> {
    const NAMES: [&str; 6] = [
        "nginx-tcp-keep-conn",
        "nginx-unix",
        "apache-fcgid-htaccess",
        "apache-fcgid-htaccess-prefix",
        "caddy-unix",
        "haproxy-unix-multiplexed",
    ];
    layouts().filter(|layout| NAMES.contains(&layout.name))
}

fn differences_name_a_behaviour() -> Result<(), libtest_mimic::Failed> {
    for layout in layouts().chain(cgi_layouts()) {
        for difference in layout.differences.iter().flat_map(|list| list.iter()) {
            let mut checked = behaviours().chain(layout.extra);
            let known = checked.any(|it| it.name == difference.behaviour);
            assert!(known, "{}: {}", layout.name, difference.behaviour);
        }
    }
    Ok(())
}

fn documentation_has_the_tables() -> Result<(), libtest_mimic::Failed> {
    let page = include_str!("../../../../docs/web-servers.md");
    let all: Vec<_> = behaviours().collect();
    let with_cgi: Vec<_> = all.iter().copied().chain(CGI).collect();
    let tables: [(_, Vec<_>); 2] = [
        (all, layouts().collect()),
        (with_cgi, cgi_layouts().collect()),
    ];
    for (behaviours, layouts) in tables {
        let table = table(&behaviours, &layouts);
        assert!(
            page.contains(&table),
            "docs/web-servers.md should have this table:\n{table}"
        );
        let head = table.lines().next().unwrap_or_default();
        let facts = Table::find(page, head).home("e2e").map(|cells| {
            let fact = cells.first().map_or("", String::as_str);
            vec![fact.to_owned(), format!("`{}`", fact.replace(' ', "_"))]
        });
        let tests = Tests::new().names("e2e", behaviours.iter().map(|it| it.name));
        assert_eq!(facts.faults(&tests, |_| true), [""; 0]);
    }
    Ok(())
}
