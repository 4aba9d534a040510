//! `cgi-fcgi` on the command line: it ends with the exit status that the application sets.

use std::process::{Command, Stdio};

use fastcgi_e2e::{Site, layouts};
use libtest_mimic::{Failed, Trial};

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    [Trial::test(
        "cgi-fcgi::exits_with_the_app_status",
        exits_with_the_app_status,
    )]
    .into_iter()
}

fn exits_with_the_app_status() -> Result<(), Failed> {
    let layout = layouts()
        .find(|it| it.name == "cgi-fcgi")
        .ok_or("the layout is missing")?;
    let site = Site::start(layout, "tour")?;
    for status in [0, 3, 42] {
        let uri = format!("/exit/{status}");
        let output = Command::new("cgi-fcgi")
            .args(["-bind", "-connect"])
            .arg(site.application_socket())
            .env_clear()
            .env("PATH", "/usr/bin")
            .env("REQUEST_METHOD", "GET")
            .env("REQUEST_URI", &uri)
            .env("SCRIPT_NAME", "")
            .env("PATH_INFO", &uri)
            .stdin(Stdio::null())
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.starts_with("Status: 200 OK\r\n"), "{text}");
        assert_eq!(output.status.code(), Some(status), "{text}");
    }
    Ok(())
}
