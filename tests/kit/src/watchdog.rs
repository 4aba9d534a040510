//! An end for tests that hang.

use std::{process, thread, time::Duration};

use crate::scaled;

/// How long all tests of a crate may take together, at the size of CI: many times what they do.
const LIMIT_MINUTES: u32 = 15;

/// Ends this process with an error when its tests are not over after 15 minutes, times `TEST_FACTOR`.
///
/// For a test of its own in each crate whose tests wait for something: a test that hangs is a failure then. Which one it is
/// has been said by that time: libtest names each test that has been running for over a minute.
///
/// # Panics
///
/// When there can be no more threads.
pub fn no_test_hangs() {
    let limit = Duration::from_secs(60) * scaled(LIMIT_MINUTES);
    let watch = move || {
        thread::sleep(limit);
        eprintln!(
            "tests hang: they have been running for {limit:?}; those over 60 seconds are named above"
        );
        process::exit(101);
    };
    let watchdog = thread::Builder::new().name("watchdog".to_owned());
    watchdog.spawn(watch).expect("a thread");
}
