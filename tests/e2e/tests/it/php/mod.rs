//! A PHP site that moves to Rust: docs/moving-off-php.md and examples/php-site.

mod expect;
mod failures;
mod guide;
mod peer;
mod requests;
mod same;
mod scripted;
mod sites;
mod traps;
mod variables;
mod visits;

use std::sync::Arc;

use libtest_mimic::{Failed, Trial};

use self::failures::{FAILING, FAILURES};
use self::same::compare;
use self::scripted::{SCRIPTED, SharedScripted};
use self::sites::{
    BEHIND_APACHE, BEHIND_NGINX, BEHIND_NGINX_WITH_TLS, BEHIND_NGINX_WITHOUT_NAME,
    FRONT_CONTROLLER, GUIDE, Setting, Shared, Sites,
};
use self::traps::{TRAPS, UNGUARDED, UNGUARDED_UPLOADS, UPLOADS};
use self::visits::{CONTROLLED, PATHS, VISITS, Visit};

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let groups = [
        ("same_as_nginx", GUIDE, VISITS, &VARIABLES[..]),
        ("same_as_nginx", GUIDE, PATHS, &[]),
        ("behind_nginx", BEHIND_NGINX, VISITS, &BEHIND),
        ("behind_nginx", BEHIND_NGINX, &[], &ACCEL),
        ("behind_nginx_with_tls", BEHIND_NGINX_WITH_TLS, &[], &TLS),
        (
            "behind_nginx_without_name",
            BEHIND_NGINX_WITHOUT_NAME,
            &[],
            &NAMELESS,
        ),
        ("behind_apache", BEHIND_APACHE, VISITS, &BEHIND),
        ("front_controller", FRONT_CONTROLLER, CONTROLLED, &[]),
        ("trap", UNGUARDED, &[], &TRAPS),
        ("trap", UNGUARDED_UPLOADS, &[], &UPLOADS),
        ("failure", FAILING, &[], &FAILURES),
    ];
    let trials = groups
        .into_iter()
        .flat_map(|(group, setting, visits, tests)| on(group, setting, visits, tests));
    let trials: Vec<_> = trials.chain(scripted()).collect();
    let names = trials.iter().map(|trial| trial.name().to_owned()).collect();
    guide::trials(names).chain(trials)
}

/// Visits whose answers are the same, and tests of other kinds, on two sites that they share.
fn on(
    group: &'static str,
    setting: Setting,
    visits: &'static [Visit],
    tests: &'static [Test],
) -> impl Iterator<Item = Trial> {
    let shared = Arc::new(Shared::new(setting));
    let same = visits.iter().map({
        let shared = Arc::clone(&shared);
        move |visit| {
            let shared = Arc::clone(&shared);
            let name = format!("php::{group}::{}", visit.name);
            Trial::test(name, move || compare(shared.sites()?, visit))
        }
    });
    let others = tests.iter().map(move |&(name, test)| {
        let shared = Arc::clone(&shared);
        Trial::test(format!("php::{group}::{name}"), move || {
            test(shared.sites()?)
        })
    });
    same.chain(others)
}

fn scripted() -> impl Iterator<Item = Trial> {
    let shared = Arc::<SharedScripted>::default();
    let failures = SCRIPTED.iter().map(move |failure| {
        let shared = Arc::clone(&shared);
        let name = format!("php::failure::{}", failure.name);
        Trial::test(name, move || shared.check(failure))
    });
    let absent = Trial::test(
        "php::failure::php_fpm_that_is_not_there_is_502",
        scripted::php_fpm_that_is_not_there,
    );
    let nowhere = Trial::test(
        "php::failure::site_that_is_not_there_is_500",
        scripted::site_that_is_not_there,
    );
    failures.chain([absent, nowhere])
}

type Test = (&'static str, fn(&Sites) -> Result<(), Failed>);

const VARIABLES: [Test; 3] = [
    ("variables", variables::variables),
    (
        "headers_are_no_other_variables",
        variables::forged_variables,
    ),
    ("differences_are_those_of_the_guide", guide::differences),
];

const BEHIND: [Test; 3] = [
    ("variables", variables::variables),
    (
        "headers_are_no_other_variables",
        variables::forged_variables,
    ),
    (
        "dot_segments_and_zero_bytes_are_refused",
        variables::refused_paths,
    ),
];

const ACCEL: [Test; 1] = [("accel_redirect_is_done_by_nginx", guide::accel_redirect)];

const NAMELESS: [Test; 1] = [("host_is_not_the_name_of_the_server", variables::nameless)];

const TLS: [Test; 1] = [("https_is_said", variables::https)];
