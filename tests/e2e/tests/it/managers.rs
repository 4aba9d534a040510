//! Process managers: a start and a stop under each, with axum and actix-web.

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use fastcgi_e2e::{FastCgi, Process, free_port, install, path_with_sbin};
use libtest_mimic::{Failed, Trial};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    const TESTS: [(&str, Test); 7] = [
        ("supervisord_fcgi_program", supervisord),
        ("multiwatch", multiwatch),
        ("s6", s6),
        ("inetd_wait", inetd_wait),
        ("inetd_nowait", inetd_nowait),
        ("systemd_socket_activate", systemd),
        ("systemd_socket_activate_accept", systemd_accept),
    ];
    ["tour", "actix-tour"].into_iter().flat_map(|program| {
        TESTS.into_iter().map(move |(name, test)| {
            Trial::test(format!("managers::{program}::{name}"), move || {
                test(&Place::new(program)?)
            })
        })
    })
}

type Test = fn(&Place) -> Result<(), Failed>;

/// A directory with the program in it.
struct Place {
    dir: tempfile::TempDir,
    binary: PathBuf,
}

impl Place {
    fn new(program: &str) -> Result<Self, Failed> {
        let dir = tempfile::Builder::new().prefix("fastcgi-e2e-").tempdir()?;
        let binary = install(program, dir.path())?;
        Ok(Self { dir, binary })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, text: &str) -> Result<PathBuf, Failed> {
        let text = text
            .replace("{dir}", &self.dir.path().display().to_string())
            .replace("{program}", &self.binary.display().to_string());
        let path = self.path(name);
        fs::write(&path, text)?;
        Ok(path)
    }

    /// A command that logs into the directory.
    fn command(&self, program: &str) -> Result<Command, Failed> {
        let mut command = Command::new(program);
        let log = fs::File::create(self.path("log"))?;
        command
            .env_clear()
            .env("PATH", path_with_sbin())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        Ok(command)
    }

    fn start(
        &self,
        command: &mut Command,
        is_ready: impl FnMut() -> bool,
    ) -> Result<Process, Failed> {
        let mut process = Process::start(command)?;
        process.wait_until(Duration::from_secs(10), &self.path("log"), is_ready)?;
        Ok(process)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }
}

/// The process that answers on the socket.
fn pid(socket: &Path) -> Result<Pid, Failed> {
    as_pid(&FastCgi::unix(socket)?.get("/pid")?)
}

fn as_pid(text: &str) -> Result<Pid, Failed> {
    let pid = text.parse().ok().and_then(Pid::from_raw);
    pid.ok_or_else(|| format!("no process id: {text}").into())
}

/// Whoever started it waits for it.
fn gone(pid: Pid) -> Result<(), Failed> {
    let start = Instant::now();
    while test_kill_process(pid).is_ok() {
        if start.elapsed() > Duration::from_secs(10) {
            return Err(format!("process {pid} is still there").into());
        }
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Two processes on one socket. One that ends is started again.
fn supervisord(place: &Place) -> Result<(), Failed> {
    let configuration = place.write(
        "supervisord.conf",
        "[supervisord]
nodaemon=true
pidfile={dir}/supervisord.pid
logfile={dir}/supervisord.log
childlogdir={dir}

[fcgi-program:app]
command={program}
socket=unix://{dir}/app.sock
socket_mode=0660
process_name=%(program_name)s_%(process_num)02d
numprocs=2
startsecs=0
autorestart=true
",
    )?;
    let socket = place.path("app.sock");
    let mut command = place.command("supervisord")?;
    let mut manager = place.start(command.arg("-c").arg(configuration), || {
        pid(&socket).is_ok()
    })?;
    let first = pid(&socket)?;
    kill_process(first, Signal::TERM)?;
    gone(first)?;
    two_others(&socket, first)?;
    manager.terminate()?;
    let log = fs::read_to_string(place.path("supervisord.log"))?;
    let ends = log.matches("(exit status 0").count();
    assert_eq!(ends, 3, "{log}");
    Ok(())
}

fn multiwatch(place: &Place) -> Result<(), Failed> {
    let socket = place.path("app.sock");
    let listener = UnixListener::bind(&socket)?;
    let mut command = place.command("multiwatch")?;
    command.args(["-f", "2", "--"]).arg(&place.binary);
    command.stdin(OwnedFd::from(listener));
    let mut manager = place.start(&mut command, || true)?;
    let first = pid(&socket)?;
    kill_process(first, Signal::TERM)?;
    gone(first)?;
    two_others(&socket, first)?;
    assert!(manager.terminate()?.success(), "{}", place.log());
    Ok(())
}

/// Waits until two processes answer, `first` not among them.
///
/// A manager's signal to a process that it has forked, and that has not become the program yet, is lost.
fn two_others(socket: &Path, first: Pid) -> Result<(), Failed> {
    let mut seen = BTreeSet::new();
    within_ten_seconds(|| {
        seen.insert(pid(socket)?.to_string());
        match seen.len() {
            2.. => Ok(()),
            _ => Err("the other process does not answer".into()),
        }
    })?;
    assert!(!seen.contains(&first.to_string()));
    Ok(())
}

/// s6-ipcserver-socketbinder makes the socket descriptor 0, as a service's `run` script.
fn s6(place: &Place) -> Result<(), Failed> {
    let socket = place.path("app.sock");
    fs::create_dir(place.path("service"))?;
    let run = place.write(
        "service/run",
        "#!/bin/sh\nexec s6-ipcserver-socketbinder {dir}/app.sock {program}\n",
    )?;
    // Not with `set_permissions`: another thread may just be starting a process that holds the file open for writing.
    assert!(
        Command::new("chmod")
            .arg("755")
            .arg(run)
            .status()?
            .success()
    );
    let mut command = place.command("s6-supervise")?;
    command.arg(place.path("service"));
    let mut manager = place.start(&mut command, || pid(&socket).is_ok())?;
    let first = pid(&socket)?;
    kill_process(first, Signal::TERM)?;
    gone(first)?;
    // It is started again after a second at the earliest.
    let second = within_ten_seconds(|| pid(&socket))?;
    assert_ne!(first, second);
    assert!(manager.terminate()?.success(), "{}", place.log());
    gone(second)
}

fn within_ten_seconds<T>(mut look: impl FnMut() -> Result<T, Failed>) -> Result<T, Failed> {
    let start = Instant::now();
    loop {
        match look() {
            Err(_) if start.elapsed() < Duration::from_secs(10) => {
                thread::sleep(Duration::from_millis(20));
            }
            result => return result,
        }
    }
}

/// A port on which inetd listens.
fn inetd(place: &Place, wait: &str) -> Result<(Process, u16), Failed> {
    // Another process may take the port first.
    for _ in 0..3 {
        let port = free_port()?;
        let service = format!("127.0.0.1:{port} stream tcp {wait} root {{program}} app\n");
        let configuration = place.write("inetd.conf", &service)?;
        let mut command = place.command("inetd")?;
        command.arg("-i").arg(configuration);
        // inetd starts the program with the first connection, which for `nowait` is the program's own.
        let mut manager = Process::start(&mut command)?;
        let listens = || TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err();
        if manager
            .wait_until(Duration::from_secs(10), &place.path("log"), listens)
            .is_ok()
        {
            return Ok((manager, port));
        }
    }
    Err(place.log().into())
}

/// The program has the listening socket until it ends; the next connection starts it again.
fn inetd_wait(place: &Place) -> Result<(), Failed> {
    let (mut manager, port) = inetd(place, "wait")?;
    let first = as_pid(&FastCgi::tcp(port)?.get("/pid")?)?;
    assert_eq!(as_pid(&FastCgi::tcp(port)?.get("/pid")?)?, first);
    kill_process(first, Signal::TERM)?;
    gone(first)?;
    let second = as_pid(&FastCgi::tcp(port)?.get("/pid")?)?;
    assert_ne!(first, second);
    kill_process(second, Signal::TERM)?;
    gone(second)?;
    manager.terminate()?;
    Ok(())
}

/// A process for each connection, which ends with it.
fn inetd_nowait(place: &Place) -> Result<(), Failed> {
    let (mut manager, port) = inetd(place, "nowait")?;
    let mut connection = FastCgi::tcp(port)?;
    let first = as_pid(&connection.get("/pid")?)?;
    assert_eq!(as_pid(&connection.get("/pid")?)?, first);
    let mut other = FastCgi::tcp(port)?;
    let second = as_pid(&other.get("/pid")?)?;
    assert_ne!(first, second);
    drop(connection);
    gone(first)?;
    // One that is asked to stop lets the web server know by the end of the connection.
    kill_process(second, Signal::TERM)?;
    other.closed()?;
    gone(second)?;
    manager.terminate()?;
    Ok(())
}

/// It becomes the program with the first connection: `LISTEN_FDS`.
fn systemd(place: &Place) -> Result<(), Failed> {
    let socket = place.path("app.sock");
    let mut command = place.command("systemd-socket-activate")?;
    command.arg("-l").arg(&socket).arg(&place.binary);
    let mut process = place.start(&mut command, || socket.exists())?;
    let pid = within_ten_seconds(|| pid(&socket))?;
    assert_eq!(
        pid.as_raw_nonzero().get().to_string(),
        process.id().to_string()
    );
    assert!(process.terminate()?.success(), "{}", place.log());
    Ok(())
}

/// A process for each connection: on descriptor 3, and with `--inetd` on 0 and 1.
fn systemd_accept(place: &Place) -> Result<(), Failed> {
    for arguments in [&["--accept"][..], &["--accept", "--inetd"]] {
        let socket = place.path(&format!("{}.sock", arguments.len()));
        let mut command = place.command("systemd-socket-activate")?;
        command
            .arg("-l")
            .arg(&socket)
            .args(arguments)
            .arg(&place.binary);
        let mut manager = place.start(&mut command, || socket.exists())?;
        let mut connection = within_ten_seconds(|| Ok(FastCgi::unix(&socket)?))?;
        let first = as_pid(&connection.get("/pid")?)?;
        let second = pid(&socket)?;
        assert_ne!(first, second);
        drop(connection);
        gone(first)?;
        gone(second)?;
        manager.terminate()?;
    }
    Ok(())
}
