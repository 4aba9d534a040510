//! The doctor, read by Chromium: all green with the configurations of the guides, and one fault turns one check red.

use fastcgi_e2e::Browser;
use fastcgi_e2e::doctor::{Case, Examined, Host};
use libtest_mimic::{Failed, Trial};

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let documented = [
        ("nginx", Host::Nginx),
        ("apache_mod_fcgid_in_a_directory", Host::Apache),
        ("caddy", Host::Caddy),
        ("lighttpd", Host::Lighttpd),
    ];
    documented.into_iter().map(|(name, host)| {
        Trial::test(format!("doctor::all_is_green_behind_{name}"), move || {
            all_is_green(host)
        })
    })
}

fn all_is_green(host: Host) -> Result<(), Failed> {
    let examined = Examined::start(&Case::documented(host))?;
    let mut browser = Browser::start()?;
    let rows = examined.examine(&mut browser, "all=small")?;
    assert!(rows.len() > 20, "{rows:?}");
    let others: Vec<_> = rows.iter().filter(|row| row.state != "ok").collect();
    let names: Vec<_> = others.iter().map(|row| &*row.check).collect();
    assert_eq!(
        names,
        ["upload100"],
        "{others:#?}\n{}",
        examined.site().log()?
    );
    examined.stop();
    Ok(())
}
