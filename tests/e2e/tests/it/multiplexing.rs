//! HAProxy sends the requests of many clients over one connection, where both it and the application are told to (B-12).

use std::thread;
use std::time::{Duration, Instant};

use fastcgi_e2e::{HAPROXY_UNASKED, Layout, Request, Site, concurrent_requests, layouts};
use libtest_mimic::{Failed, Trial};

const IN_FLIGHT: usize = 64;

/// Layouts in which HAProxy multiplexes, with `option get-values`.
const MULTIPLEXED: [&str; 2] = ["haproxy-unix-multiplexed", "haproxy-2.8-unix-multiplexed"];

/// Layouts with `no option keep-conn`.
const ONE_AT_A_TIME: [&str; 2] = [
    "haproxy-tcp-one-request-per-connection",
    "haproxy-2.8-tcp-one-request-per-connection",
];

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let both_on = Trial::test(
        "haproxy-unix-multiplexed::ten_thousand_requests_over_few_connections",
        ten_thousand_requests,
    );
    let one_off = MULTIPLEXED.into_iter().flat_map(|name| {
        let trial = |fact: &str, check: fn(&Site) -> Result<(), Failed>| {
            Trial::test(format!("{name}::by_default::{fact}"), move || {
                check(&Site::start(&by_default(name)?, "tour")?)
            })
        };
        [
            trial("no_request_is_lost", no_request_is_lost),
            trial(
                "a_client_that_leaves_costs_the_next_one_a_503",
                leaving_costs_a_503,
            ),
        ]
    });
    let refused = HAPROXY_UNASKED.iter().map(|layout| {
        let name = format!("{}::a_second_request_is_answered_with_503", layout.name);
        Trial::test(name, || {
            second_request_is_answered(&Site::start(layout, "tour")?)
        })
    });
    let leaving = MULTIPLEXED.into_iter().chain(ONE_AT_A_TIME).map(|name| {
        Trial::test(
            format!("{name}::no_request_is_lost_when_clients_leave"),
            move || no_request_is_lost_when_clients_leave(&Site::start(layout(name)?, "tour")?),
        )
    });
    [both_on]
        .into_iter()
        .chain(one_off)
        .chain(refused)
        .chain(leaving)
}

fn layout(name: &str) -> Result<&'static Layout, Failed> {
    let layout = layouts().find(|it| it.name == name);
    layout.ok_or_else(|| "the layout is missing".into())
}

/// HAProxy as it is configured to multiplex, and the application as it is by default.
fn by_default(name: &str) -> Result<Layout, Failed> {
    Ok(Layout {
        environment: &[],
        ..layout(name)?.clone()
    })
}

fn ten_thousand_requests() -> Result<(), Failed> {
    let site = Site::start(layout("haproxy-unix-multiplexed")?, "tour")?;
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

fn no_request_is_lost(site: &Site) -> Result<(), Failed> {
    concurrent_requests(site, IN_FLIGHT, 6400)?;
    let body = vec![b'x'; 20_000];
    thread::scope(|scope| {
        let clients: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| (0..50).try_for_each(|_| echoes(site, &body))))
            .collect();
        clients
            .into_iter()
            .try_for_each(|client| client.join().map_err(|_| "a client panicked")?)
    })
}

fn echoes(site: &Site, body: &[u8]) -> Result<(), Failed> {
    let response = site.send(&Request::post("/echo", body))?;
    assert_eq!(response.status, 200, "{}", response.text());
    assert!(response.body == body, "another body");
    Ok(())
}

fn no_request_is_lost_when_clients_leave(site: &Site) -> Result<(), Failed> {
    site.get("/")?;
    for n in 0..20 {
        leave(site, n)?;
        concurrent_requests(site, 4, 40)?;
    }
    Ok(())
}

/// HAProxy does not abort the request of a client that leaves, and uses its connection for the next one.
fn leaving_costs_a_503(site: &Site) -> Result<(), Failed> {
    site.get("/")?;
    for n in 0..20 {
        leave(site, n)?;
        let start = Instant::now();
        for _ in 0..20 {
            if site.get("/")?.status == 503 {
                assert!(start.elapsed() < Duration::from_secs(5), "it was late");
                return Ok(());
            }
        }
    }
    Err("HAProxy does otherwise now: see B-12".into())
}

/// A client leaves in the middle of a response.
fn leave(site: &Site, number: usize) -> Result<(), Failed> {
    let mut connection = site.connect()?;
    let request = Request::get(format!("/drip/leaves-{number}"));
    connection.start(&request)?;
    connection.head(&request)?;
    connection.piece()?;
    Ok(())
}

/// HAProxy passes it on at once, and sends one request at a time on that connection from then on. After a bare
/// END_REQUEST its client waits for `timeout server` (R-10a).
fn second_request_is_answered(site: &Site) -> Result<(), Failed> {
    let mut first = site.connect()?;
    let request = Request::get("/drip/first");
    first.start(&request)?;
    first.head(&request)?;
    first.piece()?;
    let start = Instant::now();
    let second = site.get("/")?;
    assert_eq!(
        (second.status, second.text()),
        (503, "503 Service Unavailable\n".to_owned())
    );
    eprintln!("503 after {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(5));
    for _ in 0..20 {
        assert_eq!(site.get("/")?.status, 200);
    }
    assert!(first.piece()?.is_some(), "the first goes on");
    Ok(())
}
