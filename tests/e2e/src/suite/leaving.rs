//! A thousand clients that leave in the middle of something.

use std::thread;

use libtest_mimic::Failed;

use crate::support::{eventually, get_is, pattern, unique};
use crate::{Request, Site};

const CLIENTS: usize = 1000;
const AT_ONCE: usize = 8;

/// Afterwards no handler runs, no descriptor is left, and the next request works.
pub(crate) fn thousand_clients_that_leave(site: &Site) -> Result<(), Failed> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..AT_ONCE)
            .map(|thread| {
                scope.spawn(move || {
                    (thread..CLIENTS)
                        .step_by(AT_ONCE)
                        .try_for_each(|client| leave(site, client))
                })
            })
            .collect();
        threads.into_iter().try_for_each(|it| {
            it.join()
                .unwrap_or_else(|_| Err("a client panicked".into()))
        })
    })?;
    eventually("0", || Ok(site.get("/running")?.text()))?;
    if let Some(application) = site.application() {
        // What listens, what tokio has, and a few connections that the web server keeps.
        eventually("few", || {
            let sockets = application.open_sockets()?;
            Ok(if sockets < 32 {
                "few".to_owned()
            } else {
                format!("{sockets} sockets")
            })
        })?;
    }
    get_is(site, "/json", 200)
}

/// Leaves an upload or a download at a point that looks random and is the same in every run.
fn leave(site: &Site, client: usize) -> Result<(), Failed> {
    let point = client.wrapping_mul(2_654_435_761) % 200_000;
    let name = unique("leaving");
    let mut connection = site.connect()?;
    if client.is_multiple_of(2) {
        let upload = Request::post(site.at(&format!("/swallow/{name}")), pattern(200_000));
        connection.start_part(&upload, point)?;
    } else {
        let download = Request::get(site.at(&format!("/drip/{name}")));
        connection.start(&download)?;
        if point.is_multiple_of(3) {
            connection.head(&download)?;
            connection.piece()?;
        }
    }
    Ok(())
}
