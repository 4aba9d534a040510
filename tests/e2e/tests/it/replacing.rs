//! A new version is uploaded under constant load: no request is lost, and it takes effect.

use std::thread;

use fastcgi_e2e::guide::{MOD_FCGID, NGINX};
use fastcgi_e2e::{Answer, Load, Site, Supervisor, upload, version};
use fastcgi_test_kit::scaled;
use libtest_mimic::{Failed, Trial};

/// How often, at the size of CI.
const REPLACEMENTS: u32 = 5;

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    [
        Trial::test(
            "deploy::replacing::behind_mod_fcgid_loses_no_request",
            behind_mod_fcgid,
        ),
        Trial::test(
            "deploy::replacing::behind_nginx_loses_no_request",
            behind_nginx,
        ),
    ]
    .into_iter()
}

/// mod_fcgid starts the new version when the old one has ended; touching anything is not needed.
fn behind_mod_fcgid() -> Result<(), Failed> {
    let site = Site::start(&MOD_FCGID, "tour")?;
    loses_nothing(&site)
}

/// A process manager that holds the socket starts it.
fn behind_nginx() -> Result<(), Failed> {
    let site = Site::start(&NGINX, "tour")?;
    let socket = site.dir().join("app.sock");
    let supervisor = Supervisor::start(site.dir().join("tour"), &socket)?;
    while site.get("/")?.status != 200 {
        thread::yield_now();
    }
    loses_nothing(&site)?;
    let ends = supervisor.stop();
    let starts = scaled(REPLACEMENTS) as usize + 1;
    assert_eq!(ends.len(), starts, "{ends:?}");
    assert!(ends.iter().all(|end| end == "exit status: 0"), "{ends:?}");
    Ok(())
}

fn loses_nothing(site: &Site) -> Result<(), Failed> {
    let binary = site.dir().join("tour");
    let mut current = version(&binary)?;
    let load = Load::start(site.addr(), "/exe", 3);
    load.settles(100, &current)?;
    for _ in 0..scaled(REPLACEMENTS) {
        current = upload(&binary)?;
        load.settles(200, &current)?;
        for answer in load.next(200)? {
            let text = answer.result?;
            assert!(current.contains(&text), "{text} is an old version");
        }
    }
    let answers = load.finish();
    no_failures(&answers)
}

/// # Errors
///
/// With the first failures.
pub(crate) fn no_failures(answers: &[Answer]) -> Result<(), Failed> {
    let failures: Vec<_> = answers
        .iter()
        .filter_map(|it| it.result.as_ref().err())
        .collect();
    eprintln!("{} requests, {} failures", answers.len(), failures.len());
    if failures.is_empty() {
        return Ok(());
    }
    let some: Vec<_> = failures.iter().take(5).collect();
    Err(format!(
        "{} of {} requests failed: {some:?}",
        failures.len(),
        answers.len()
    )
    .into())
}
