//! How a process ends: asked to, or because it cannot start; and whom it listens to until then.

use std::fs::{self, File, Permissions};
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use fastcgi_e2e::{FastCgi, Process, copy, program};
use libtest_mimic::{Failed, Trial};
use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, prlimit};

use crate::started::installed;

/// A test, as libtest-mimic runs it.
type Test = fn() -> Result<(), Failed>;

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let tests: [(&str, Test); 11] = [
        ("an_idle_connection_does_not_delay_the_end", idle),
        ("signals_let_the_request_in_flight_finish", in_flight),
        ("the_grace_period_ends_after_three_seconds", grace_period),
        ("a_failure_at_start_is_one_line_and_a_status", failures),
        ("a_port_that_others_can_reach_is_refused", remote),
        ("web_servers_that_are_not_listed_are_refused", web_servers),
        (
            "an_uploaded_program_counts_when_it_is_executable",
            executable,
        ),
        ("a_touch_of_restart_txt_ends_the_process", restart),
        ("a_failure_to_accept_is_slept_over", accept_error),
        ("children_do_not_inherit_the_socket", children),
        ("only_a_socket_of_its_own_refuses_connections", refusing),
    ];
    tests
        .into_iter()
        .map(|(name, test)| Trial::test(format!("deploy::stopping::{name}"), test))
}

/// On a socket that it inherits; the two values end in this order.
macro_rules! start {
    ($listener:expr, $($name:literal = $value:expr),*) => {{
        let (dir, binary) = installed()?;
        let mut command = program(&binary);
        command.stdin(Stdio::from(OwnedFd::from($listener)));
        $(command.env($name, $value);)*
        (Process::start(command.stderr(Stdio::null()))?, dir)
    }};
}

fn listener() -> std::io::Result<(TcpListener, u16)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    Ok((listener, port))
}

/// What had a request within the last second is kept 1.5 s for its next one, which the web server may be sending.
fn idle() -> Result<(), Failed> {
    for (pause, limit) in [(0, 2000), (1200, 500)] {
        let (listener, port) = listener()?;
        let (mut process, _dir) = start!(listener,);
        let mut connections = Vec::new();
        for _ in 0..3 {
            let mut connection = FastCgi::tcp(port)?;
            connection.get("/")?;
            connections.push(connection);
        }
        thread::sleep(Duration::from_millis(pause));
        let start = Instant::now();
        process.signal(Signal::TERM)?;
        assert!(process.end_within(Duration::from_secs(5))?.success());
        let took = start.elapsed();
        assert!(took < Duration::from_millis(limit), "{pause}: {took:?}");
        for mut connection in connections {
            connection.closed()?;
        }
    }
    Ok(())
}

/// Whichever signal it is, and however often it comes.
fn in_flight() -> Result<(), Failed> {
    for first in [Signal::TERM, Signal::INT, Signal::USR1] {
        let (listener, port) = listener()?;
        let (mut process, _dir) = start!(listener,);
        let mut connection = FastCgi::tcp(port)?;
        connection.start("/wait/a")?;
        let mut other = FastCgi::tcp(port)?;
        while other.get("/life/a")? != "Running" {
            thread::yield_now();
        }
        process.signal(first)?;
        for again in [Signal::TERM, Signal::INT, Signal::USR1, Signal::TERM] {
            process.signal(again)?;
        }
        assert_eq!(connection.finish()?, "that was a second\n");
        // It has been kept for its next request.
        other.closed()?;
        assert!(process.end_within(Duration::from_millis(500))?.success());
    }
    Ok(())
}

fn grace_period() -> Result<(), Failed> {
    let (listener, port) = listener()?;
    let (mut process, _dir) = start!(listener,);
    let mut connection = FastCgi::tcp(port)?;
    connection.start("/drip/a")?;
    let mut other = FastCgi::tcp(port)?;
    while other.get("/life/a")? != "Running" {
        thread::yield_now();
    }
    // Without a reader it does not drip for long: that is no reason to go on.
    let start = Instant::now();
    process.signal(Signal::TERM)?;
    assert!(process.end_within(Duration::from_secs(6))?.success());
    let took = start.elapsed();
    assert!((2900..4500).contains(&took.as_millis()), "{took:?}");
    assert!(connection.finish().is_err());
    Ok(())
}

/// All that the customer of a shared host can read.
fn failures() -> Result<(), Failed> {
    let (dir, binary) = installed()?;
    let taken = dir.path().join("taken.sock");
    let _listener = UnixListener::bind(&taken)?;
    let taken = taken.display().to_string();
    let file = binary.display().to_string();
    let fine = dir.path().join("fine.sock").display().to_string();
    let cases: [(&[(&str, &str)], &str); 8] = [
        (
            &[("FCGI_LISTEN", "/missing/app.sock")],
            "FCGI_LISTEN=/missing/app.sock: ",
        ),
        (&[("FCGI_LISTEN", &taken)], "another process listens"),
        (&[("FCGI_LISTEN", &file)], "exists and is not a socket"),
        (
            &[("FCGI_LISTEN", "127.0.0.1:port")],
            "FCGI_LISTEN=127.0.0.1:port: ",
        ),
        (&[("FCGI_LISTEN", "0.0.0.0:0")], "FCGI_WEB_SERVER_ADDRS"),
        (
            &[("FCGI_LISTEN", &fine), ("FCGI_SCRIPT_NAME", "/a?b")],
            "/a?b",
        ),
        (
            &[("FCGI_LISTEN", &fine), ("FCGI_WEB_SERVER_ADDRS", "web")],
            "FCGI_WEB_SERVER_ADDRS=web: ",
        ),
        (&[("PORT", "http")], "PORT=http: "),
    ];
    for (environment, wanted) in cases {
        let mut command = program(&binary);
        let output = command.envs(environment.iter().copied()).output()?;
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{environment:?}: {text}");
        assert_eq!(text.lines().count(), 1, "{environment:?}: {text}");
        assert!(text.contains(wanted), "{environment:?}: {text}");
    }
    Ok(())
}

fn remote() -> Result<(), Failed> {
    let refused = TcpListener::bind("0.0.0.0:0")?;
    let (mut process, _dir) = start!(refused,);
    assert_eq!(process.end_within(Duration::from_secs(5))?.code(), Some(1));

    let listed = TcpListener::bind("0.0.0.0:0")?;
    let port = listed.local_addr()?.port();
    let (mut process, _dir) = start!(listed, "FCGI_WEB_SERVER_ADDRS" = "192.0.2.1, 127.0.0.1");
    assert_eq!(FastCgi::tcp(port)?.get("/")?, "<h1>The tour</h1>\n");
    assert!(process.terminate()?.success());
    Ok(())
}

fn web_servers() -> Result<(), Failed> {
    let (listener, port) = listener()?;
    let (mut process, _dir) = start!(listener, "FCGI_WEB_SERVER_ADDRS" = "192.0.2.1");
    FastCgi::tcp(port)?.closed()?;
    assert!(process.terminate()?.success());

    // Also as IPv6, and as an IPv4 address in one of those.
    for (address, listed, is_let_in) in [
        ("[::1]:0", "::1", true),
        ("[::1]:0", "2001:db8::1, 127.0.0.1", false),
        ("127.0.0.1:0", "2001:db8::1, ::ffff:127.0.0.1", true),
        ("127.0.0.1:0", "::1", false),
    ] {
        let listener = TcpListener::bind(address)?;
        let addr = listener.local_addr()?;
        let (mut process, _dir) = start!(listener, "FCGI_WEB_SERVER_ADDRS" = listed);
        let io = TcpStream::connect(addr)?;
        io.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut connection = FastCgi::on(io);
        if is_let_in {
            assert_eq!(connection.get("/")?, "<h1>The tour</h1>\n", "{listed}");
        } else {
            connection.closed()?;
        }
        assert!(process.terminate()?.success());
    }

    // Specification, 3.2: nor is whoever has no address.
    let (dir, _) = installed()?;
    let path = dir.path().join("app.sock");
    let listener = UnixListener::bind(&path)?;
    let (mut process, _dir) = start!(listener, "FCGI_WEB_SERVER_ADDRS" = "127.0.0.1");
    FastCgi::unix(&path)?.closed()?;
    assert!(process.terminate()?.success());
    Ok(())
}

/// Without the bit, it may be in the middle of its upload.
fn executable() -> Result<(), Failed> {
    let (dir, binary) = installed()?;
    let (listener, port) = listener()?;
    let mut command = program(&binary);
    command.stdin(Stdio::from(OwnedFd::from(listener)));
    let mut process = Process::start(command.stderr(Stdio::null()))?;
    assert_eq!(FastCgi::tcp(port)?.get("/")?, "<h1>The tour</h1>\n");
    let uploaded = dir.path().join("uploaded");
    copy(&binary, &uploaded)?;
    fs::set_permissions(&uploaded, Permissions::from_mode(0o644))?;
    fs::rename(&uploaded, &binary)?;
    // It looks once a second.
    assert!(process.end_within(Duration::from_millis(2500)).is_err());
    fs::set_permissions(&binary, Permissions::from_mode(0o755))?;
    assert!(process.end_within(Duration::from_secs(10))?.success());
    Ok(())
}

/// Beside the program, whether or not the file was there before.
fn restart() -> Result<(), Failed> {
    for was_there in [false, true] {
        let (dir, binary) = installed()?;
        let folder = dir.path().join("tmp");
        fs::create_dir(&folder)?;
        if was_there {
            fs::write(folder.join("restart.txt"), "")?;
        }
        let (listener, port) = listener()?;
        let mut command = program(&binary);
        command.stdin(Stdio::from(OwnedFd::from(listener)));
        let mut process = Process::start(command.stderr(Stdio::null()))?;
        assert_eq!(FastCgi::tcp(port)?.get("/")?, "<h1>The tour</h1>\n");
        assert!(process.end_within(Duration::from_millis(1500)).is_err());
        fs::write(folder.join("restart.txt"), "now")?;
        assert!(process.end_within(Duration::from_secs(10))?.success());
    }
    Ok(())
}

/// With no descriptor left, accepting fails; a connection that waits is served when there is one again.
fn accept_error() -> Result<(), Failed> {
    let (dir, binary) = installed()?;
    let (listener, port) = listener()?;
    let log = dir.path().join("log");
    let mut command = program(&binary);
    command
        .stdin(Stdio::from(OwnedFd::from(listener)))
        .stderr(File::create(&log)?);
    let mut process = Process::start(&mut command)?;
    assert_eq!(FastCgi::tcp(port)?.get("/")?, "<h1>The tour</h1>\n");
    let pid = Pid::from_raw(i32::try_from(process.id())?);
    let none_left = Rlimit {
        current: Some(3),
        maximum: getrlimit(Resource::Nofile).maximum,
    };
    let before = prlimit(pid, Resource::Nofile, none_left)?;
    let mut waiting = FastCgi::tcp(port)?;
    waiting.start("/")?;
    thread::sleep(Duration::from_millis(1500));
    prlimit(pid, Resource::Nofile, before)?;
    assert_eq!(waiting.finish()?, "<h1>The tour</h1>\n");
    assert!(process.terminate()?.success());
    Ok(())
}

/// Descriptor 0 is /dev/null, and every other socket is closed when a child is started.
fn children() -> Result<(), Failed> {
    const O_CLOEXEC: u32 = 0o2_000_000;
    let (listener, port) = listener()?;
    let (process, _dir) = start!(listener,);
    let mut connection = FastCgi::tcp(port)?;
    connection.get("/")?;
    let proc = format!("/proc/{}", process.id());
    assert_eq!(
        fs::read_link(format!("{proc}/fd/0"))?.as_os_str(),
        "/dev/null"
    );
    let mut sockets = 0;
    for entry in fs::read_dir(format!("{proc}/fd"))? {
        let entry = entry?;
        if !fs::read_link(entry.path())?
            .to_string_lossy()
            .starts_with("socket:")
        {
            continue;
        }
        sockets += 1;
        let number = entry.file_name();
        let info = fs::read_to_string(format!("{proc}/fdinfo/{}", number.to_string_lossy()))?;
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
        let flags = u32::from_str_radix(flags.unwrap_or_default().trim(), 8)?;
        assert!(flags & O_CLOEXEC != 0, "descriptor {number:?}: {info}");
    }
    assert!(
        sockets >= 2,
        "the listener and the connection, and not {sockets}"
    );
    Ok(())
}

/// mod_fcgid makes a socket for each process, named after itself and a number: a connection that comes too late is
/// refused, so that mod_fcgid asks another process. Any other inherited socket may be shared, and stays open.
fn refusing() -> Result<(), Failed> {
    let (dir, _) = installed()?;
    for (name, own) in [
        (format!("{}.7", std::process::id()), true),
        ("app.7".into(), false),
    ] {
        let path = dir.path().join(name);
        let listener = UnixListener::bind(&path)?;
        let held = listener.try_clone()?;
        let (mut process, _dir) = start!(listener,);
        let mut connection = FastCgi::unix(&path)?;
        connection.start("/wait/a")?;
        let mut other = FastCgi::unix(&path)?;
        while other.get("/life/a")? != "Running" {
            thread::yield_now();
        }
        process.signal(Signal::TERM)?;
        other.closed()?;
        match FastCgi::unix(&path) {
            Ok(_) => assert!(!own, "a connection that nobody will answer"),
            Err(error) => assert!(
                own && error.kind() == ErrorKind::ConnectionRefused,
                "{error}"
            ),
        }
        assert_eq!(connection.finish()?, "that was a second\n");
        assert!(process.end_within(Duration::from_millis(500))?.success());
        drop(held);
    }
    Ok(())
}
