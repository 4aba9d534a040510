//! No request is lost behind nginx with `keepalive` while the process is replaced, POSTs included: nginx does not send a
//! POST again.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use fastcgi_e2e::guide::NGINX;
use fastcgi_e2e::{Connection, Request, Site, Supervisor, program, upload};
use fastcgi_test_kit::scaled;
use libtest_mimic::{Failed, Trial};
use rustix::process::{Pid, Signal, kill_process};

/// Of each method, for each replacement.
const REQUESTS: u32 = 5_000;
/// Of each method, with a pause between their requests, so that connections are idle.
const CLIENTS: u32 = 8;
/// No answer may take longer, whatever is replaced.
const PATIENCE: Duration = Duration::from_secs(15);

#[derive(Clone, Copy, Debug)]
enum Way {
    /// A new file, as with `exit_when_replaced`.
    Upload,
    /// SIGTERM to the process, whose socket is held as its descriptor 0.
    Descriptor0,
    /// The same, with the socket in `LISTEN_FDS`.
    ListenFds,
    MaxRequests,
}

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    [
        ("tour", "exit_when_replaced", Way::Upload),
        ("tour", "sigterm_on_descriptor_0", Way::Descriptor0),
        ("tour", "sigterm_with_listen_fds", Way::ListenFds),
        ("tour", "max_requests", Way::MaxRequests),
        ("actix-tour", "sigterm_on_descriptor_0", Way::Descriptor0),
    ]
    .into_iter()
    .map(|(name, end, way)| {
        let trial = format!("deploy::lost::nothing_of_{name}_behind_nginx_by_{end}");
        Trial::test(trial, move || loses_nothing(name, end, way))
    })
}

/// What has come of the requests with one method.
#[derive(Debug, Default)]
struct Count {
    begun: AtomicU32,
    lost: AtomicU32,
}

fn loses_nothing(name: &'static str, end: &str, way: Way) -> Result<(), Failed> {
    let replacements = scaled(1);
    let limit = REQUESTS.saturating_mul(replacements);
    let site = Site::start(&NGINX, name)?;
    let binary = site.dir().join(name);
    let started = binary.clone();
    let supervisor = Supervisor::start_by(&site.dir().join("app.sock"), move |socket| {
        command(way, &started, socket)
    })?;
    while site.get("/pid")?.status != 200 {
        thread::yield_now();
    }
    let start = Instant::now();
    let (gets, posts) = (Count::default(), Count::default());
    let failed = AtomicBool::new(false);
    let replaced = thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (gets, posts, failed, addr) = (&gets, &posts, &failed, site.addr());
            scope.spawn(move || ask(addr, &Request::get("/pid"), client, limit, gets, failed));
            let post = Request::post("/upload", vec![1; 5]);
            scope.spawn(move || ask(addr, &post, client, limit, posts, failed));
        }
        let replaced = replace(way, &site, &binary, replacements, &gets);
        if replaced.is_err() {
            failed.store(true, Ordering::Relaxed);
        }
        replaced
    });
    replaced?;
    let ends = supervisor.stop();
    let [lost_gets, lost_posts] = [&gets, &posts].map(|it| it.lost.load(Ordering::Relaxed));
    eprintln!(
        "{name}, {end}: {lost_gets} of {limit} GETs and {lost_posts} of {limit} POSTs lost over {} replacements in {:.0} s",
        ends.len() - 1,
        start.elapsed().as_secs_f64()
    );
    assert_eq!((lost_gets, lost_posts), (0, 0), "{}", site.log()?);
    assert!(ends.iter().all(|end| end == "exit status: 0"), "{ends:?}");
    assert!(ends.len() > replacements as usize, "{ends:?}");
    Ok(())
}

fn command(way: Way, binary: &Path, socket: Stdio) -> Command {
    let mut command = program(binary);
    match way {
        Way::Upload | Way::Descriptor0 => {}
        // Of both methods together.
        Way::MaxRequests => {
            // A process answers more than that, as it ends gracefully.
            command.env("TOUR_MAX_REQUESTS", (2 * REQUESTS * 9 / 10).to_string());
        }
        Way::ListenFds => {
            command = program(Path::new("/bin/sh"));
            let start = "exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\"";
            command.arg("-c").arg(start).arg(binary);
        }
    }
    command.stdin(socket).stderr(Stdio::null());
    command
}

/// Asks until enough was asked.
fn ask(
    addr: SocketAddr,
    request: &Request,
    client: u32,
    limit: u32,
    count: &Count,
    failed: &AtomicBool,
) {
    let mut connection = None;
    loop {
        let number = count.begun.fetch_add(1, Ordering::Relaxed);
        if number >= limit || failed.load(Ordering::Relaxed) {
            return;
        }
        if send(&mut connection, addr, request).is_err() {
            count.lost.fetch_add(1, Ordering::Relaxed);
            connection = None;
        }
        // From none to two milliseconds, and another each time.
        let pause = number.wrapping_mul(2_654_435_761).wrapping_add(client) % 2000;
        thread::sleep(Duration::from_micros(pause.into()));
    }
}

fn send(
    connection: &mut Option<Connection>,
    addr: SocketAddr,
    request: &Request,
) -> io::Result<()> {
    let mut open = match connection.take() {
        Some(open) => open,
        None => Connection::open(addr)?,
    };
    open.set_patience(PATIENCE)?;
    let response = open.send(request)?;
    // nginx closes after 1000 requests, and says so.
    if response.header("connection").is_none_or(|it| it != "close") {
        *connection = Some(open);
    }
    match response.status {
        200 => Ok(()),
        status => Err(io::Error::other(format!("status {status}"))),
    }
}

/// Replaces the process in the middle of each share of the requests.
fn replace(
    way: Way,
    site: &Site,
    binary: &Path,
    replacements: u32,
    gets: &Count,
) -> Result<(), Failed> {
    for number in 0..replacements {
        let due = number * REQUESTS + REQUESTS / 2;
        let start = Instant::now();
        while gets.begun.load(Ordering::Relaxed) < due {
            assert!(start.elapsed() < Duration::from_secs(120), "no progress");
            thread::sleep(Duration::from_millis(5));
        }
        match way {
            Way::MaxRequests => {}
            Way::Upload => {
                upload(binary)?;
            }
            Way::Descriptor0 | Way::ListenFds => {
                let pid = site.get("/pid")?.text().trim().parse()?;
                let pid = Pid::from_raw(pid).ok_or("no process")?;
                kill_process(pid, Signal::TERM)?;
            }
        }
    }
    Ok(())
}
