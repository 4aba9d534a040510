//! HTTP/2 between the client and the web server: curl is the client.

use std::process::{Command, Output, Stdio};

use fastcgi_e2e::{APACHE_HTTP2, CADDY_HTTP2, Layout, Site};
use libtest_mimic::{Failed, Trial};

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let behind = |layout: Layout, name: &str, check: fn(&Site) -> Result<(), Failed>| {
        Trial::test(format!("{}::{name}", layout.name), move || {
            check(&Site::start(&layout, "tour")?)
        })
    };
    [
        behind(APACHE_HTTP2, "requests_are_answered", requests_are_answered),
        behind(CADDY_HTTP2, "requests_are_answered", requests_are_answered),
        behind(
            APACHE_HTTP2,
            "response_that_fails_is_reset_or_stays_open",
            |site| {
                // Which of the two is chance. Over HTTP/1.1 it would be open for five seconds; here it was after a hundred.
                fails(site, &[TIME_IS_UP, RESET])
            },
        ),
        behind(CADDY_HTTP2, "response_that_fails_is_reset", |site| {
            fails(site, &[RESET])
        }),
    ]
    .into_iter()
}

/// With `--max-time`, as some answers do not end.
fn curl(site: &Site, arguments: &[&str], path: &str) -> Result<Output, Failed> {
    let output = Command::new("curl")
        .args(["--silent", "--http2-prior-knowledge", "--max-time", "7"])
        .args(arguments)
        .arg(format!("http://{}{path}", site.addr()))
        .stdin(Stdio::null())
        .output()?;
    Ok(output)
}

fn requests_are_answered(site: &Site) -> Result<(), Failed> {
    let version = ["--write-out", " over %{http_version}"];
    let output = curl(site, &version, "/json")?;
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "{\"answer\":42} over 2"
    );
    let output = curl(site, &["--data", "a body"], "/upload")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("\"bytes\":6"), "{text}");
    Ok(())
}

/// Exit statuses of curl.
const TIME_IS_UP: i32 = 28;
const RESET: i32 = 92;

fn fails(site: &Site, statuses: &[i32]) -> Result<(), Failed> {
    for path in ["/fails", "/fails/announced"] {
        let output = curl(site, &[], path)?;
        assert_eq!(String::from_utf8_lossy(&output.stdout), "the first piece\n");
        let status = output.status.code().unwrap_or_default();
        assert!(statuses.contains(&status), "{path}: {status}");
    }
    Ok(())
}
