//! HAProxy sends the requests of many clients over one connection.

use fastcgi_e2e::{Site, concurrent_requests, layouts};
use libtest_mimic::{Failed, Trial};

const IN_FLIGHT: usize = 64;

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    [Trial::test(
        "haproxy-unix-multiplexed::ten_thousand_requests_over_few_connections",
        ten_thousand_requests,
    )]
    .into_iter()
}

fn ten_thousand_requests() -> Result<(), Failed> {
    let layout = layouts()
        .find(|it| it.name == "haproxy-unix-multiplexed")
        .ok_or("the layout is missing")?;
    let site = Site::start(layout, "tour")?;
    // Before the first answer, HAProxy does not know that it may multiplex.
    site.get("/")?;
    concurrent_requests(&site, IN_FLIGHT, 10_000)?;
    let application = site.application().ok_or("no application")?;
    let sockets = application.open_sockets()?;
    assert!(
        sockets < IN_FLIGHT / 4,
        "{sockets} sockets for {IN_FLIGHT} requests in flight"
    );
    Ok(())
}
