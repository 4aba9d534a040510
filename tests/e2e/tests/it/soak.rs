//! One process answers for a long time: its memory and its sockets do not become more.

use std::thread;
use std::time::Instant;

use fastcgi_e2e::{Application, Connection, Request, Site, layouts};
use fastcgi_test_kit::scaled;
use libtest_mimic::{Failed, Trial};

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    // One that keeps its connections, and one that has several requests on each.
    layouts()
        .filter(|it| matches!(it.name, "nginx-tcp-keep-conn" | "haproxy-unix-multiplexed"))
        .map(|layout| {
            let name = format!("soak::memory_and_sockets_stay_behind_{}", layout.name);
            Trial::test(name, move || {
                memory_and_sockets_stay(&Site::start(layout, "tour")?)
            })
        })
}

/// Rounds, at the size of CI.
const ROUNDS: u32 = 10;
const CLIENTS: usize = 4;

/// What an allocator may keep for itself.
const ROOM_KIB: u64 = 8 * 1024;

fn memory_and_sockets_stay(site: &Site) -> Result<(), Failed> {
    let application = site.application().ok_or("the site starts it")?;
    // As much as a round, and more, has been held before.
    rounds(site, ROUNDS)?;
    let before = figures(application)?;
    let start = Instant::now();
    let requests = rounds(site, scaled(ROUNDS))?;
    let after = figures(application)?;
    eprintln!(
        "{requests} requests in {:.0} s: {} to {} KiB, {} to {} sockets",
        start.elapsed().as_secs_f64(),
        before.0,
        after.0,
        before.1,
        after.1
    );
    assert!(after.0 < before.0 + ROOM_KIB, "{before:?}, then {after:?}");
    // What listens, what tokio has, and the connections that the web server keeps.
    assert!(after.1 < 32, "{before:?}, then {after:?}");
    Ok(())
}

/// Memory in KiB, and sockets.
fn figures(application: &Application) -> Result<(u64, usize), Failed> {
    Ok((application.memory_kib()?, application.open_sockets()?))
}

/// Several clients at once; gives the number of requests.
fn rounds(site: &Site, count: u32) -> Result<u64, Failed> {
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| scope.spawn(move || (0..count).try_fold(0, |sum, _| Ok(sum + round(site)?))))
            .collect();
        let mut sum = 0;
        for client in clients {
            let requests: Result<u64, Failed> = client.join().map_err(|_| "a client panicked")?;
            sum += requests?;
        }
        Ok(sum)
    })
}

/// A client that asks for this and that, and then leaves in the middle of a response.
fn round(site: &Site) -> Result<u64, Failed> {
    let paths = [
        "/",
        "/json",
        "/whoami",
        "/download/20000",
        "/nothing",
        "/unknown",
    ];
    let mut connection = site.connect()?;
    for path in paths {
        let response = connection.send(&Request::get(path))?;
        let is_good = match path {
            "/unknown" => response.status == 404,
            "/nothing" => response.status == 204,
            _ => response.status == 200,
        };
        assert!(is_good, "{path}: {}", response.status);
    }
    let upload = Request::post("/upload", vec![b'x'; 50_000]);
    let response = connection.send(&upload)?;
    assert_eq!(response.json()?["bytes"], 50_000);
    leave(site.connect()?)?;
    Ok(paths.len() as u64 + 2)
}

/// The client goes away when it has the head of a long response.
fn leave(mut connection: Connection) -> Result<(), Failed> {
    let request = Request::get("/download/1000000");
    connection.start(&request)?;
    assert_eq!(connection.head(&request)?.status, 200);
    Ok(())
}
