//! What several behaviours need.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use libtest_mimic::Failed;

use crate::{Response, Site};

/// The most processes of the application that a web server starts.
pub(crate) const PROCESSES: usize = 12;

/// A name that no other test uses.
pub(crate) fn unique(what: &str) -> String {
    static COUNTER: AtomicUsize = AtomicUsize::new(0);
    format!("{what}-{}", COUNTER.fetch_add(1, Ordering::Relaxed))
}

/// Waits until `look` gives `wanted`; fails with what it gave last.
pub(crate) fn eventually(
    wanted: &str,
    mut look: impl FnMut() -> io::Result<String>,
) -> Result<(), Failed> {
    let start = Instant::now();
    loop {
        let found = look()?;
        if found == wanted {
            return Ok(());
        }
        if start.elapsed() > Duration::from_secs(10) {
            return Err(format!("{found:?} after ten seconds, not {wanted:?}").into());
        }
        sleep(Duration::from_millis(20));
    }
}

/// Waits until the handler called `name` has come to the end that is `wanted`.
pub(crate) fn life_becomes(site: &Site, name: &str, wanted: &str) -> Result<(), Failed> {
    // mod_fcgid has several processes, and only one of them knows: enough at once reach all of them.
    let at_once = if site.application().is_some() {
        1
    } else {
        PROCESSES
    };
    // On a busy machine it takes longer until all of them are there at once.
    let mut milliseconds = if at_once > 1 { 20 } else { 0 };
    eventually(wanted, || {
        let path = format!("/life/{name}/{milliseconds}");
        milliseconds = (2 * milliseconds).min(500);
        let answers: Vec<io::Result<Response>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..at_once)
                .map(|_| scope.spawn(|| site.get(&path)))
                .collect();
            threads
                .into_iter()
                .filter_map(|it| it.join().ok())
                .collect()
        });
        let texts = answers
            .into_iter()
            .map(|it| Ok(it?.text()))
            .collect::<io::Result<Vec<_>>>()?;
        let known = texts.iter().find(|text| *text != "Unknown");
        Ok(known.or_else(|| texts.first()).cloned().unwrap_or_default())
    })
}

/// Asserts the status; the message has the body.
pub(crate) fn expect_status(response: &Response, status: u16) -> Result<(), Failed> {
    if response.status == status {
        return Ok(());
    }
    let text: String = response.text().chars().take(300).collect();
    Err(format!(
        "{} {}, not {status}: {text}",
        response.status, response.reason
    )
    .into())
}

/// Asserts that `path` is answered with `status`, by the web server itself or by the application.
pub(crate) fn get_is(site: &Site, path: &str, status: u16) -> Result<(), Failed> {
    expect_status(&site.get(path)?, status)
}

/// Bytes that show where they were cut.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0_u8..251).cycle().take(length).collect()
}

/// The sum that the application makes over an upload.
pub(crate) fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().copied().map(u64::from).sum()
}
