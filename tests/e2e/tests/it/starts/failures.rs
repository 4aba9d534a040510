//! What a program says that cannot start: one line, with what it was about, and what to do. And what it says when it can.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::time::Duration;

use fastcgi_e2e::{FastCgi, Process, free_port, install, program};
use libtest_mimic::{Failed, Trial};
use rustix::process::{geteuid, getuid};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// A start that fails.
struct Failure {
    name: &'static str,
    /// `{dir}` is a directory of its own, `{port}` a port that is in use, and `{free}` one that is not.
    variable: (&'static str, &'static str),
    /// What is there before.
    prepare: fn(&Path) -> std::io::Result<Kept>,
    /// Whether the program is run as the user `nobody` when the tests run as root.
    as_nobody: bool,
    /// The line, `{long}` being a long name, and `{uid}` and `{gid}` those of the process.
    line: &'static str,
}

/// What has to be open until the program has ended.
type Kept = Option<UnixListener>;

const UNUSABLE: &str = "Error: the socket to serve on cannot be used: ";
const NOBODY: u32 = 65534;

const FAILURES: &[Failure] = &[
    Failure {
        name: "listen_on_a_word",
        variable: ("FCGI_LISTEN", "app"),
        line: "FCGI_LISTEN=app: \"app\" is neither a path nor host:port: did you mean ./app?",
        ..PLAIN
    },
    Failure {
        name: "listen_without_a_host",
        variable: ("FCGI_LISTEN", ":9000"),
        line: "FCGI_LISTEN=:9000: \":9000\" has no host: 127.0.0.1:9000 is for this machine alone",
        ..PLAIN
    },
    Failure {
        name: "listen_in_no_directory",
        variable: ("FCGI_LISTEN", "{dir}/no/such/app.sock"),
        line: "FCGI_LISTEN={dir}/no/such/app.sock: {dir}/no/such/app.sock: No such file or directory: there is no \
               directory {dir}/no: make it, for the user of this process and the group of the web server (systemd: \
               RuntimeDirectory=)",
        ..PLAIN
    },
    Failure {
        name: "listen_on_a_file",
        variable: ("FCGI_LISTEN", "{dir}/app.sock"),
        prepare: |dir| fs::write(dir.join("app.sock"), "a file").map(|()| None),
        line: "FCGI_LISTEN={dir}/app.sock: {dir}/app.sock: it exists and is not a socket: remove it, or choose another \
               path",
        ..PLAIN
    },
    Failure {
        name: "listen_where_another_process_does",
        variable: ("FCGI_LISTEN", "{dir}/app.sock"),
        prepare: |dir| UnixListener::bind(dir.join("app.sock")).map(Some),
        line: "FCGI_LISTEN={dir}/app.sock: {dir}/app.sock: another process listens on it: stop that process, or choose \
               another path",
        ..PLAIN
    },
    Failure {
        name: "listen_on_a_long_path",
        variable: ("FCGI_LISTEN", "{dir}/{long}"),
        line: "FCGI_LISTEN={dir}/{long}: {dir}/{long}: path must be shorter than SUN_LEN: it has {length} bytes, and a \
               socket may have 107: choose a shorter path",
        ..PLAIN
    },
    Failure {
        name: "listen_where_nobody_may_write",
        variable: ("FCGI_LISTEN", "{dir}/app.sock"),
        as_nobody: true,
        line: "FCGI_LISTEN={dir}/app.sock: {dir}/app.sock: Permission denied: this process is user {uid}, group {gid}, \
               and {dir} has mode 0755, user {owner}, group {ownergroup}: make a directory that this user may write to, \
               or start the program as another user",
        ..PLAIN
    },
    Failure {
        name: "listen_behind_the_lock_of_another_user",
        variable: ("FCGI_LISTEN", "{dir}/app.sock"),
        prepare: |dir| {
            fs::set_permissions(dir, Permissions::from_mode(0o777))?;
            fs::write(dir.join("app.sock.lock"), "")?;
            fs::set_permissions(dir.join("app.sock.lock"), Permissions::from_mode(0o600))?;
            Ok(None)
        },
        as_nobody: true,
        line: "FCGI_LISTEN={dir}/app.sock: {dir}/app.sock: Permission denied: this process is user {uid}, group {gid}, \
               and {dir}/app.sock.lock has mode 0600, user {owner}, group {ownergroup}: it is left from a start as \
               another user: remove it",
    },
    Failure {
        name: "listen_on_a_port_in_use",
        variable: ("FCGI_LISTEN", "127.0.0.1:{port}"),
        line: "FCGI_LISTEN=127.0.0.1:{port}: 127.0.0.1:{port}: Address already in use: another process has this port: \
               stop it, or choose another port",
        ..PLAIN
    },
    Failure {
        name: "listen_on_an_address_of_another_machine",
        variable: ("FCGI_LISTEN", "192.0.2.1:9000"),
        line: "FCGI_LISTEN=192.0.2.1:9000: 192.0.2.1:9000: Cannot assign requested address: this machine has no such \
               address: 127.0.0.1 is for this machine alone",
        ..PLAIN
    },
    Failure {
        name: "listen_on_every_address",
        variable: ("FCGI_LISTEN", "0.0.0.0:{free}"),
        line: "Error: the application cannot be served: 0.0.0.0:{free} can be reached from other machines, and a peer \
               that connects is trusted: listen on 127.0.0.1 or on a path, set FCGI_WEB_SERVER_ADDRS to the IP \
               addresses of the web servers, or allow it with allow_remote",
        ..PLAIN
    },
    Failure {
        name: "bind_in_no_directory",
        variable: ("BIND", "{dir}/no/app.sock"),
        line: "{dir}/no/app.sock: No such file or directory: there is no directory {dir}/no: make it, for the user of \
               this process and the group of the web server (systemd: RuntimeDirectory=)",
        ..PLAIN
    },
    Failure {
        name: "script_name_with_a_query",
        variable: ("FCGI_SCRIPT_NAME", "/app?x"),
        line: "Error: the application cannot be served: FCGI_SCRIPT_NAME=/app?x: \"/app?x\" is no script name: that is a \
               path, such as /app, without scheme, query, fragment, NUL and dot segments",
        ..PLAIN
    },
    Failure {
        name: "path_source_that_is_none",
        variable: ("FCGI_PATH_SOURCE", "uri"),
        line: "Error: the application cannot be served: FCGI_PATH_SOURCE=uri: \"uri\" is no path source: that is auto, \
               path-info or request-uri",
        ..PLAIN
    },
    Failure {
        name: "mount_redirects_that_is_neither",
        variable: ("FCGI_MOUNT_REDIRECTS", "yes"),
        line: "Error: the application cannot be served: FCGI_MOUNT_REDIRECTS=yes: write on or off",
        ..PLAIN
    },
    Failure {
        name: "port_that_is_a_word",
        variable: ("PORT", "http"),
        line: "PORT=http: a port is a number from 0 to 65535",
        ..PLAIN
    },
    Failure {
        name: "port_in_use",
        variable: ("PORT", "{port}"),
        line: "Error: the application cannot be served: 127.0.0.1:{port}: Address already in use: choose another port \
               (PORT, unless the program names one), or serve FastCGI (FCGI_LISTEN)",
        ..PLAIN
    },
    Failure {
        name: "cgi_variable_alone",
        variable: ("SCRIPT_NAME", "/index.cgi"),
        line: "SCRIPT_NAME is set, as for a CGI program, but neither REQUEST_METHOD nor GATEWAY_INTERFACE is: a CGI \
               gateway has to set them, and by hand SCRIPT_NAME has to be unset",
        ..PLAIN
    },
];

const PLAIN: Failure = Failure {
    name: "",
    variable: ("", ""),
    prepare: |_| Ok(None),
    as_nobody: false,
    line: "",
};

/// Of a framework.
type Check = fn(&str) -> Result<(), Failed>;

pub(super) fn trials() -> impl Iterator<Item = Trial> {
    ["axum", "actix"].into_iter().flat_map(|framework| {
        let failures = FAILURES.iter().map(move |failure| {
            let name = format!("starts::{framework}::fails::{}", failure.name);
            Trial::test(name, move || fails(framework, failure))
        });
        let others: [(_, Check); 4] = [
            ("fails::web_server_addrs_with_a_name", web_server_addrs),
            ("fails::listen_that_is_not_utf_8", not_utf_8),
            ("one_line_on_a_terminal", one_line_on_a_terminal),
            ("nothing_is_said_to_a_log", nothing_is_said_to_a_log),
        ];
        failures.chain(others.map(move |(name, test)| {
            Trial::test(format!("starts::{framework}::{name}"), move || {
                test(framework)
            })
        }))
    })
}

fn fails(framework: &str, failure: &Failure) -> Result<(), Failed> {
    // Another process may take the free port.
    let mut result = fails_so(framework, failure);
    for _ in 0..2 {
        if result.is_err() && failure.variable.1.contains("{free}") {
            result = fails_so(framework, failure);
        }
    }
    result
}

fn fails_so(framework: &str, failure: &Failure) -> Result<(), Failed> {
    let dir = directory()?;
    let binary = install(&format!("{framework}-starts"), dir.path())?;
    let _kept = (failure.prepare)(dir.path())?;
    let in_use = TcpListener::bind("127.0.0.1:0")?;
    let port = in_use.local_addr()?.port();
    let free = free_port()?;
    let long = "a".repeat(100);
    let length = dir.path().join(&long).as_os_str().len();
    let is_nobody = failure.as_nobody && getuid().is_root();
    let uid = if is_nobody {
        NOBODY
    } else {
        geteuid().as_raw()
    };
    let gid = if is_nobody {
        NOBODY
    } else {
        rustix::process::getegid().as_raw()
    };
    let filled = |text: &str| {
        text.replace("{dir}", &dir.path().display().to_string())
            .replace("{port}", &port.to_string())
            .replace("{free}", &free.to_string())
            .replace("{long}", &long)
            .replace("{length}", &length.to_string())
            .replace("{uid}", &uid.to_string())
            .replace("{gid}", &gid.to_string())
            .replace("{owner}", &geteuid().as_raw().to_string())
            .replace(
                "{ownergroup}",
                &rustix::process::getegid().as_raw().to_string(),
            )
    };
    if failure.as_nobody && !is_nobody && failure.name.contains("lock") {
        // Without root, the test cannot make a lock file of another user.
        return Ok(());
    }
    let mut command = if is_nobody {
        let mut command = program(Path::new("/usr/bin/setpriv"));
        let nobody = NOBODY.to_string();
        command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups"]);
        command.arg(&binary);
        command
    } else {
        if failure.as_nobody {
            fs::set_permissions(dir.path(), Permissions::from_mode(0o555))?;
        }
        program(&binary)
    };
    let (variable, value) = failure.variable;
    command.env(variable, filled(value));
    let line = match failure.line {
        line if line.starts_with("Error: ") => line.to_owned(),
        line => format!("{UNUSABLE}{line}"),
    };
    prints(command, &filled(&line))
}

/// The program ends with status 1 and this line.
fn prints(mut command: std::process::Command, line: &str) -> Result<(), Failed> {
    let logs = directory()?;
    let stderr = logs.path().join("stderr");
    command.stdout(File::create(logs.path().join("stdout"))?);
    command.stderr(File::create(&stderr)?);
    let mut process = Process::start(&mut command)?;
    let status = process.end_within(Duration::from_secs(20))?;
    let printed = fs::read_to_string(&stderr)?;
    assert_eq!(
        (printed.as_str(), status.code()),
        (format!("{line}\n").as_str(), Some(1))
    );
    Ok(())
}

fn directory() -> std::io::Result<tempfile::TempDir> {
    let dir = tempfile::Builder::new().prefix("fastcgi-e2e-").tempdir()?;
    // Others may look into it.
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755))?;
    Ok(dir)
}

fn web_server_addrs(framework: &str) -> Result<(), Failed> {
    let dir = directory()?;
    let mut command = program(&install(&format!("{framework}-starts"), dir.path())?);
    command.env("FCGI_LISTEN", dir.path().join("app.sock"));
    command.env("FCGI_WEB_SERVER_ADDRS", "10.0.0.2, web1");
    prints(
        command,
        "Error: the application cannot be served: FCGI_WEB_SERVER_ADDRS=10.0.0.2, web1: \"web1\" is not an IP address, \
         such as 10.0.0.2",
    )
}

/// It is not taken for absent, with HTTP instead.
fn not_utf_8(framework: &str) -> Result<(), Failed> {
    let dir = directory()?;
    let mut command = program(&install(&format!("{framework}-starts"), dir.path())?);
    command
        .env("FCGI_LISTEN", OsStr::from_bytes(b"/run/\xff.sock"))
        .env("PORT", "0");
    prints(
        command,
        &format!("{UNUSABLE}FCGI_LISTEN=/run/\u{fffd}.sock: it is not UTF-8"),
    )
}

/// With the address, once it can be asked, however many workers there are.
fn one_line_on_a_terminal(framework: &str) -> Result<(), Failed> {
    let dir = directory()?;
    let socket = dir.path().join("app.sock");
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    grantpt(&terminal)?;
    unlockpt(&terminal)?;
    let name = ptsname(&terminal, Vec::new())?;
    let other_end = File::options()
        .read(true)
        .write(true)
        .open(name.to_str()?)?;
    let mut command = program(&install(&format!("{framework}-starts"), dir.path())?);
    command.env("FCGI_LISTEN", &socket);
    command
        .stdout(File::create(dir.path().join("stdout"))?)
        .stderr(other_end);
    let mut process = Process::start(&mut command)?;
    drop(command);
    let mut lines = BufReader::new(File::from(terminal)).lines();
    let line = lines.next().ok_or("nothing is said")??;
    assert_eq!(line, format!("FastCGI on {}", socket.display()));
    assert_eq!(FastCgi::unix(&socket)?.get("/")?, format!("{framework}\n"));
    assert!(process.terminate()?.success());
    // The terminal has no other end any more.
    let more: Vec<_> = lines.map_while(Result::ok).collect();
    assert_eq!(more, [""; 0]);
    Ok(())
}

fn nothing_is_said_to_a_log(framework: &str) -> Result<(), Failed> {
    let dir = directory()?;
    let (socket, stderr) = (dir.path().join("app.sock"), dir.path().join("stderr"));
    let mut command = program(&install(&format!("{framework}-starts"), dir.path())?);
    command.env("FCGI_LISTEN", &socket);
    command
        .stdout(File::create(dir.path().join("stdout"))?)
        .stderr(File::create(&stderr)?);
    let mut process = Process::start(&mut command)?;
    process.wait_until(Duration::from_secs(20), &stderr, || {
        FastCgi::unix(&socket).is_ok()
    })?;
    assert_eq!(FastCgi::unix(&socket)?.get("/")?, format!("{framework}\n"));
    assert!(process.terminate()?.success());
    assert_eq!(fs::read_to_string(&stderr)?, "");
    Ok(())
}
