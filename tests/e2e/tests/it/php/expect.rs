//! What is demanded of a failure: a status in time, an event with the script's name, and nothing of the request in the log.

use std::io::{self, ErrorKind};
use std::thread;
use std::time::{Duration, Instant};

use fastcgi_e2e::{Request, Response};
use libtest_mimic::Failed;

use super::requests::form;
use super::sites::Browser;

/// The limit is shorter than the scripts that are slow, and longer than a busy machine needs for those that are not.
pub(super) const ENVIRONMENT: &[(&str, &str)] = &[("PHP_TIME_LIMIT", "8")];

/// What must be in no log: in a query, a path info, a cookie, a header, a password and a body.
const SECRET: &str = "s3cret";

/// Less than a script of the tests sleeps.
pub(super) const SOON: Duration = Duration::from_secs(15);

/// With a secret in each part of the request.
pub(super) fn secretly(script: &str) -> Request {
    let body = format!("password={SECRET}");
    form(&format!("{script}/{SECRET}?q={SECRET}"), &body)
        .header("Cookie", format!("session={SECRET}"))
        .header("Authorization", format!("Bearer {SECRET}"))
        .header("X-Key", SECRET)
}

/// Asks for a script, and demands a status in time.
pub(super) fn ends_with(site: Browser, script: &str, status: u16) -> Result<Response, Failed> {
    let start = Instant::now();
    let response = site.send(secretly(script))?;
    assert_eq!(response.status, status, "{script}: {}", response.text());
    assert!(start.elapsed() < SOON, "{script}: {:?}", start.elapsed());
    assert!(!response.text().contains(SECRET), "{}", response.text());
    Ok(response)
}

/// Demands an event of the level `warn` with the script's name and these words, and that no event has a secret.
pub(super) fn is_logged(
    log: impl Fn() -> io::Result<String>,
    script: &str,
    words: &str,
) -> Result<(), Failed> {
    let name = format!("script=\"{script}\"");
    let is_meant =
        |line: &str| line.contains(" WARN ") && line.contains(&name) && line.contains(words);
    let start = Instant::now();
    loop {
        let text = log()?;
        assert!(!text.contains(SECRET), "{text}");
        if text.lines().any(is_meant) {
            return Ok(());
        }
        // It is written before the answer or soon after it.
        let own = text.lines().filter(|line| line.contains(&name));
        let beginnings = || own.map(|line| format!("{line:.200}\n"));
        assert!(
            start.elapsed() < SOON,
            "{script} {words}: {}",
            beginnings().collect::<String>()
        );
        thread::sleep(Duration::from_millis(10));
    }
}

/// The status has been sent, so the client has to see that something is missing.
pub(super) fn is_cut(site: Browser, script: &str) -> Result<(), Failed> {
    let start = Instant::now();
    let error = site
        .send(secretly(script))
        .expect_err("an answer that is cut");
    assert!(
        matches!(
            error.kind(),
            ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::Other
        ),
        "{error:?}"
    );
    assert!(start.elapsed() < SOON, "{script}: {:?}", start.elapsed());
    Ok(())
}
