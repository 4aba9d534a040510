//! The web server does not reach the application, or does not understand it.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::process::Command;
use std::time::Duration;

use fastcgi_e2e::trouble::{
    BEHIND_NGINX, CADDY, NGINX, STARTED, apache, apache_proxy, caddy, nginx,
    nginx_as_debian_runs_it,
};
use fastcgi_e2e::{Layout, Process, Request, Setup, Site, Socket, guide, program};
use libtest_mimic::Failed;

use super::Provoke;
use super::row::Row;

pub(super) const ROWS: &[(&str, Provoke)] = &[
    ("nginx_finds_no_application", nginx_finds_none),
    ("caddy_finds_no_application", caddy_finds_none),
    ("apache_finds_no_application", apache_finds_none),
    ("nginx_may_not_connect", nginx_may_not_connect),
    ("nginx_is_answered_in_http", nginx_is_answered_in_http),
    ("nginx_asks_in_http", nginx_asks_in_http),
    ("nginx_gets_a_large_head", nginx_gets_a_large_head),
    ("nginx_waits_too_short", nginx_waits_too_short),
];

/// A configuration of a guide for a web server.
type Guide = fn(&Setup<'_>) -> io::Result<Command>;

fn nginx_finds_none(row: &Row) -> Result<(), Failed> {
    finds_none(row, |setup| nginx(setup, NGINX))
}

fn caddy_finds_none(row: &Row) -> Result<(), Failed> {
    finds_none(row, |setup| {
        // It would wait for the application.
        caddy(
            setup,
            &CADDY.replace("lb_try_duration 5s", "lb_try_duration 0s"),
        )
    })
}

fn apache_finds_none(row: &Row) -> Result<(), Failed> {
    finds_none(row, |setup| apache(setup, &apache_proxy()))
}

fn finds_none(row: &Row, guide: Guide) -> Result<(), Failed> {
    row.says("FCGI_LISTEN")?;
    let site = Site::start_configured(&STARTED, "tour", &[], &guide)?;
    row.shows(&site, &site.get("/")?)?;
    let socket = site.application_socket();
    let mut command = program(&site.dir().join("tour"));
    let mut application = Process::start(command.env("FCGI_LISTEN", &socket))?;
    application.wait_until(Duration::from_secs(10), &socket, || socket.exists())?;
    fs::set_permissions(&socket, Permissions::from_mode(0o666))?;
    let mut answer = site.get("/")?;
    // Apache does not ask again for a while, unless it is another request.
    for _ in 0..100 {
        if answer.status == 200 {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
        answer = site.get("/")?;
    }
    assert_eq!(answer.text(), "<h1>The tour</h1>\n");
    Ok(())
}

fn nginx_may_not_connect(row: &Row) -> Result<(), Failed> {
    row.says("SocketGroup=www-data")?;
    assert!(guide::SOCKET_UNIT.contains("\nSocketGroup=www-data\n"));
    let site = Site::start_configured(&BEHIND_NGINX, "tour", &[], &|setup| {
        nginx_as_debian_runs_it(setup, NGINX)
    })?;
    let socket = site.application_socket();
    // As long as nobody but root is let in, the mode alone decides.
    let is_root = rustix::process::geteuid().is_root();
    let closed = if is_root { 0o660 } else { 0 };
    fs::set_permissions(&socket, Permissions::from_mode(closed))?;
    row.shows(&site, &site.get("/")?)?;
    if is_root {
        const WWW_DATA: u32 = 33;
        chown(&socket, None, Some(WWW_DATA))?;
    } else {
        fs::set_permissions(&socket, Permissions::from_mode(0o660))?;
    }
    assert_eq!(site.get("/")?.status, 200);
    Ok(())
}

fn nginx_is_answered_in_http(row: &Row) -> Result<(), Failed> {
    row.says("FCGI_LISTEN")?;
    let on_a_port = |setup: &Setup<'_>| {
        nginx(
            setup,
            &NGINX.replace("unix:/run/app/app.sock", "127.0.0.1:9000"),
        )
    };
    let behind = |socket| {
        let layout = Layout {
            socket,
            ..BEHIND_NGINX
        };
        Site::start_configured(&layout, "tour", &[], &on_a_port)
    };
    let site = behind(Socket::Http)?;
    row.shows(&site, &site.get("/")?)?;
    assert_eq!(behind(Socket::Tcp)?.get("/")?.status, 200);
    Ok(())
}

fn nginx_asks_in_http(row: &Row) -> Result<(), Failed> {
    let wrong = row.with(NGINX, "fastcgi_pass app;", "proxy_pass http://app;")?;
    asks(row, &wrong, NGINX, "/")
}

fn nginx_gets_a_large_head(row: &Row) -> Result<(), Failed> {
    let remedy = "fastcgi_buffer_size 16k; fastcgi_buffers 8 16k;";
    row.says(remedy)?;
    asks(row, NGINX, &with(remedy), "/long-header/9000")
}

fn nginx_waits_too_short(row: &Row) -> Result<(), Failed> {
    let remedy = "fastcgi_read_timeout 300s;";
    row.says(remedy)?;
    // The default is a minute.
    asks(
        row,
        &with("fastcgi_read_timeout 200ms;"),
        &with(remedy),
        "/wait/a",
    )
}

/// The guide for nginx, with one more line.
fn with(line: &str) -> String {
    NGINX.replace(
        "fastcgi_keep_conn on;",
        &format!("fastcgi_keep_conn on; {line}"),
    )
}

fn asks(row: &Row, wrong: &str, right: &str, path: &str) -> Result<(), Failed> {
    let behind = |site: &str| {
        Site::start_configured(&BEHIND_NGINX, "tour", &[], &|setup| nginx(setup, site))
    };
    let site = behind(wrong)?;
    row.shows(&site, &site.send(&Request::get(path))?)?;
    let answer = behind(right)?.get(path)?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    Ok(())
}
