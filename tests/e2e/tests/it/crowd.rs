//! More connections than the application has places: what is idle makes room for what waits.

use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fastcgi_e2e::guide::APACHE_REUSING;
use fastcgi_e2e::{FastCgi, Process, Request, Site, install};
use libtest_mimic::{Failed, Trial};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let programs = ["tour", "actix-tour"].into_iter().flat_map(|program| {
        let name = |what: &str| format!("crowd::{program}_{what}");
        [
            Trial::test(name("answers_beside_2000_idle_connections"), move || {
                beside_idle_connections(program, Given::Descriptor0, 2000, 4000)
            }),
            // 64 of them are not for connections.
            Trial::test(name("answers_where_few_files_may_be_open"), move || {
                beside_idle_connections(program, Given::Descriptor0, 300, 200)
            }),
            // Of actix, several workers then share them.
            Trial::test(name("answers_where_workers_share_few_files"), move || {
                beside_idle_connections(program, Given::Path, 300, 200)
            }),
            Trial::test(name("is_free_after_a_burst_through_apache"), move || {
                after_a_burst(program)
            }),
        ]
    });
    programs.collect::<Vec<_>>().into_iter()
}

/// How the program has its socket.
#[derive(Clone, Copy)]
enum Given {
    Descriptor0,
    Path,
}

/// The program may have `open_files`, and each connection stays after its request.
fn beside_idle_connections(
    program: &str,
    given: Given,
    connections: usize,
    open_files: usize,
) -> Result<(), Failed> {
    may_open(connections + 500)?;
    let dir = tempfile::Builder::new().prefix("fastcgi-e2e-").tempdir()?;
    let binary = install(program, dir.path())?;
    let path = dir.path().join("app.sock");
    let _process = start(&binary, given, &path, open_files)?;
    let mut idle = Vec::new();
    for _ in 0..connections {
        let mut connection = FastCgi::unix(&path)?;
        connection.get("/json")?;
        idle.push(connection);
    }
    let start = Instant::now();
    let mut next = FastCgi::unix(&path)?;
    next.get("/json")?;
    let took = start.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}");
    if matches!(given, Given::Descriptor0) {
        // It was the first that had to go. Of several workers, each has a first.
        idle.swap_remove(0).closed()?;
    }
    next.get("/json")?;
    Ok(())
}

/// As a process manager does, with a limit of its own.
fn start(binary: &Path, given: Given, path: &Path, open_files: usize) -> Result<Process, Failed> {
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", "ulimit -n \"$1\" && exec \"$2\"", "sh"])
        .arg(open_files.to_string())
        .arg(binary)
        .env_clear()
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    match given {
        Given::Descriptor0 => {
            let listener = UnixListener::bind(path)?;
            command.stdin(Stdio::from(OwnedFd::from(listener)));
        }
        Given::Path => {
            command.env("FCGI_LISTEN", path);
        }
    }
    let mut process = Process::start(&mut command)?;
    process.wait_until(Duration::from_secs(10), &path.with_extension("log"), || {
        UnixStream::connect(path).is_ok()
    })?;
    Ok(process)
}

/// mod_proxy_fcgi keeps a connection for each of its threads, and does not close it by itself.
fn after_a_burst(program: &'static str) -> Result<(), Failed> {
    may_open(2000)?;
    let site = Site::start(&APACHE_REUSING, program)?;
    let slow = Request::get("/life/nobody/2000");
    let mut burst = Vec::new();
    for _ in 0..1400 {
        let mut connection = site.connect()?;
        connection.start(&slow)?;
        burst.push(connection);
    }
    for mut connection in burst {
        assert_eq!(connection.head(&slow)?.status, 200);
    }
    for number in 0..100 {
        let start = Instant::now();
        let status = site.get("/json")?.status;
        let took = start.elapsed();
        assert_eq!(status, 200, "request {number} after the burst");
        assert!(took < Duration::from_secs(5), "request {number}: {took:?}");
    }
    Ok(())
}

/// Lets the tests have so many open files.
fn may_open(files: usize) -> Result<(), Failed> {
    let limit = getrlimit(Resource::Nofile);
    let wanted = u64::try_from(files)? + 1000;
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = Rlimit {
            current: Some(wanted),
            maximum: limit.maximum,
        };
        setrlimit(Resource::Nofile, raised)?;
    }
    Ok(())
}
