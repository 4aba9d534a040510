//! How a process ends: asked to, or because it cannot start; and whom it listens to until then.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use fastcgi_e2e::{FastCgi, Process, program};
use libtest_mimic::{Failed, Trial};
use rustix::process::Signal;

use crate::started::installed;

/// A test, as libtest-mimic runs it.
type Test = fn() -> Result<(), Failed>;

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let tests: [(&str, Test); 8] = [
        ("an_idle_connection_does_not_delay_the_end", idle),
        ("signals_let_the_request_in_flight_finish", in_flight),
        ("the_grace_period_ends_after_three_seconds", grace_period),
        ("a_failure_at_start_is_one_line_and_a_status", failures),
        ("a_port_that_others_can_reach_is_refused", remote),
        ("web_servers_that_are_not_listed_are_refused", web_servers),
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

    // Specification, 3.2: nor is whoever has no address.
    let (dir, _) = installed()?;
    let path = dir.path().join("app.sock");
    let listener = UnixListener::bind(&path)?;
    let (mut process, _dir) = start!(listener, "FCGI_WEB_SERVER_ADDRS" = "127.0.0.1");
    FastCgi::unix(&path)?.closed()?;
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
