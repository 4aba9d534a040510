//! The same program, byte for byte, however it is started.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use fastcgi_e2e::guide::{self, localized, script, setting};
use fastcgi_e2e::{Connection, FastCgi, Layout, Process, Request, Site, free_port, program};
use libtest_mimic::{Failed, Trial};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let behind = |name: &str, layout: Layout| {
        Trial::test(format!("deploy::started::{name}"), move || {
            works(&Site::start(&layout, "tour")?)
        })
    };
    let by = |name: &str, test: fn() -> Result<(), Failed>| {
        Trial::test(format!("deploy::started::{name}"), test)
    };
    [
        behind("by_mod_fcgid", guide::MOD_FCGID),
        behind("by_lighttpd", guide::LIGHTTPD),
        behind("as_plain_cgi_by_apache", guide::CGI),
        by("by_spawn_fcgi_three_times", by_spawn_fcgi),
        by("by_systemd_behind_nginx", by_systemd),
        by("on_the_path_in_fcgi_listen_behind_caddy", on_a_path),
        by(
            "with_the_mode_of_its_socket_under_any_umask",
            under_any_umask,
        ),
        by("on_the_port_in_fcgi_listen", on_a_port),
        by("by_hand_over_http", by_hand),
    ]
    .into_iter()
}

/// What any application needs: pages, bodies, and the client's address.
fn works(site: &Site) -> Result<(), Failed> {
    answers_over_http(site.addr())
}

fn answers_over_http(addr: SocketAddr) -> Result<(), Failed> {
    let send = |request| Connection::open(addr)?.send(&request);
    assert_eq!(send(Request::get("/"))?.text(), "<h1>The tour</h1>\n");
    let upload = send(Request::post("/upload", vec![1; 300_000]))?;
    assert_eq!(upload.json()?["sum"], 300_000, "{}", upload.text());
    assert_eq!(send(Request::get("/download/300000"))?.body.len(), 300_000);
    let client = send(Request::get("/whoami"))?.text();
    assert!(client.starts_with("127.0.0.1:"), "{client}");
    assert_eq!(
        send(Request::get("/request/a%20b?c"))?.json()?["uri"],
        "/request/a%20b?c"
    );
    let secret = Request::get("/request/secret").header("Authorization", "Bearer abc");
    let secret = send(secret)?.text();
    assert!(secret.contains("Bearer abc"), "{secret}");
    Ok(())
}

/// A directory with the program in it.
pub(crate) fn installed() -> Result<(tempfile::TempDir, PathBuf), Failed> {
    let dir = tempfile::Builder::new().prefix("fastcgi-e2e-").tempdir()?;
    let binary = fastcgi_e2e::install("tour", dir.path())?;
    Ok((dir, binary))
}

/// The script of the guide: three processes with one socket, each of which answers and ends by itself.
fn by_spawn_fcgi() -> Result<(), Failed> {
    let (dir, binary) = installed()?;
    let mut spawn = script(guide::SPAWN_FCGI, dir.path(), &binary)?;
    assert!(spawn.stdout(Stdio::null()).status()?.success());
    let text = fs::read_to_string(dir.path().join("app.pid"))?;
    let children: Vec<Pid> = text
        .split_whitespace()
        .filter_map(|it| Pid::from_raw(it.parse().ok()?))
        .collect();
    let _ended = Ended(children.clone());
    assert_eq!(children.len(), 3, "{text}");

    // One connection each, until all have been seen.
    let socket = dir.path().join("app.sock");
    let mode = fs::metadata(&socket)?.permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let mut seen = Vec::new();
    let mut open = Vec::new();
    let start = Instant::now();
    while seen.len() < 3 && start.elapsed() < Duration::from_secs(10) {
        let mut connection = FastCgi::unix(&socket)?;
        // Busy, so that the next one goes elsewhere.
        connection.start("/drip/spawn-fcgi")?;
        open.push(connection);
        let pid = FastCgi::unix(&socket)?.get("/pid")?;
        if !seen.contains(&pid) {
            seen.push(pid);
        }
    }
    drop(open);
    let mut expected: Vec<String> = children.iter().map(|it| it.to_string()).collect();
    expected.sort();
    seen.sort();
    assert_eq!(seen, expected);

    // The others go on when one ends.
    let [first, rest @ ..] = children.as_slice() else {
        return Err("no children".into());
    };
    kill_process(*first, Signal::TERM)?;
    gone(*first)?;
    for _ in 0..10 {
        assert_ne!(FastCgi::unix(&socket)?.get("/pid")?, first.to_string());
    }
    for child in rest {
        kill_process(*child, Signal::TERM)?;
        gone(*child)?;
    }
    assert!(socket.exists(), "it is spawn-fcgi's");
    Ok(())
}

/// Processes that are nobody's children, ended whatever happens.
struct Ended(Vec<Pid>);

impl Drop for Ended {
    fn drop(&mut self) {
        for pid in &self.0 {
            if is_tour(*pid) {
                _ = kill_process(*pid, Signal::KILL);
            }
        }
    }
}

fn is_tour(pid: Pid) -> bool {
    fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe.ends_with("tour"))
}

/// Whoever adopts it may not have waited for it.
fn gone(pid: Pid) -> Result<(), Failed> {
    let start = Instant::now();
    while test_kill_process(pid).is_ok() && is_tour(pid) {
        if start.elapsed() > Duration::from_secs(5) {
            return Err(format!("process {pid} is still there").into());
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// What systemd does with the units of the guide: descriptor 3, and two variables. It is not running here.
fn by_systemd() -> Result<(), Failed> {
    let site = Site::start(&guide::NGINX, "tour")?;
    let here = |text: &str| localized(text, site.dir(), &site.dir().join("tour"));
    let path = here(setting(guide::SOCKET_UNIT, "ListenStream")?);
    let listener = UnixListener::bind(&path)?;
    let mode = u32::from_str_radix(setting(guide::SOCKET_UNIT, "SocketMode")?, 8)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
    let start = here(setting(guide::SERVICE_UNIT, "ExecStart")?);
    let environment = setting(guide::SERVICE_UNIT, "Environment")?;

    let run =
        format!("exec 3<&0 0</dev/null; {environment} LISTEN_FDS=1 LISTEN_PID=$$ exec {start}");
    let mut command = program(Path::new("/bin/sh"));
    command
        .args(["-c", &run])
        .stdin(OwnedFd::from(listener.try_clone()?));
    let mut process = Process::start(&mut command)?;
    works(&site)?;
    assert!(process.terminate()?.success());
    // The socket is systemd's: requests wait for the next process.
    thread::scope(|scope| {
        let waiting = scope.spawn(|| site.get("/"));
        let mut process = Process::start(command.stdin(OwnedFd::from(listener)))?;
        let answer = waiting.join().map_err(|_| "the client panicked")??;
        assert_eq!(answer.status, 200);
        assert!(process.terminate()?.success());
        Ok(())
    })
}

fn on_a_path() -> Result<(), Failed> {
    let site = Site::start(&guide::CADDY, "tour")?;
    let socket = site.dir().join("app.sock");
    let mut command = program(&site.dir().join("tour"));
    let mut process = Process::start(command.env("FCGI_LISTEN", &socket))?;
    works(&site)?;
    assert_eq!(fs::metadata(&socket)?.permissions().mode() & 0o777, 0o660);
    assert!(process.terminate()?.success());
    assert!(!socket.exists());
    Ok(())
}

/// A umask takes bits from the mode with which a socket is bound.
fn under_any_umask() -> Result<(), Failed> {
    for umask in ["077", "777", "000"] {
        let (dir, binary) = installed()?;
        let socket = dir.path().join("app.sock");
        let run = format!("umask {umask}; exec {}", binary.display());
        let mut command = program(Path::new("/bin/sh"));
        command.args(["-c", &run]).env("FCGI_LISTEN", &socket);
        let mut process = Process::start(&mut command)?;
        process.wait_until(Duration::from_secs(10), dir.path(), || {
            UnixStream::connect(&socket).is_ok()
        })?;
        let mode = fs::metadata(&socket)?.permissions().mode() & 0o777;
        assert_eq!(mode, 0o660, "umask {umask}");
        assert!(process.terminate()?.success());
        // Both need the lock, which the next process has to be able to open.
        let lock = fs::metadata(dir.path().join("app.sock.lock"))?;
        assert_eq!(lock.permissions().mode() & 0o777, 0o600, "umask {umask}");
        assert!(!socket.exists(), "umask {umask}");
    }
    Ok(())
}

fn on_a_port() -> Result<(), Failed> {
    let (dir, binary) = installed()?;
    // Another process may take the port first.
    for attempt in 0..3 {
        let port = free_port()?;
        let mut command = program(&binary);
        command.env("FCGI_LISTEN", format!("127.0.0.1:{port}"));
        let mut process = Process::start(command.stderr(Stdio::null()))?;
        let ready = process.wait_until(Duration::from_secs(10), dir.path(), || {
            FastCgi::tcp(port).is_ok()
        });
        if ready.is_err() && attempt < 2 {
            continue;
        }
        ready?;
        assert_eq!(FastCgi::tcp(port)?.get("/")?, "<h1>The tour</h1>\n");
        assert!(process.terminate()?.success());
        break;
    }
    Ok(())
}

/// It says in one line what it does, and how to deploy.
fn by_hand() -> Result<(), Failed> {
    let (_dir, binary) = installed()?;
    let mut command = program(&binary);
    let (output, input) = std::io::pipe()?;
    let mut process = Process::start(command.env("PORT", "0").stderr(input))?;
    drop(command);
    let mut output = BufReader::new(output);
    let mut line = String::new();
    output.read_line(&mut line)?;
    let addr = line
        .split_once("http://")
        .and_then(|(_, rest)| rest.split_once('/'));
    let (addr, rest) = addr.ok_or_else(|| format!("no address in {line:?}"))?;
    assert!(rest.contains("FCGI_LISTEN"), "{line}");
    let addr: SocketAddr = addr.parse()?;
    answers_over_http(addr)?;
    // A stream that never ends does not keep it for ever.
    let mut connection = Connection::open(addr)?;
    let request = Request::get("/drip/by-hand");
    connection.start(&request)?;
    connection.head(&request)?;
    process.signal(Signal::INT)?;
    assert!(process.end_within(Duration::from_secs(5))?.success());
    let mut more = String::new();
    output.read_to_string(&mut more)?;
    assert_eq!(more, "");
    Ok(())
}
