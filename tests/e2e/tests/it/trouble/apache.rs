//! A shared host with mod_fcgid.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use fastcgi_e2e::trouble::{
    HOST, HTACCESS, STARTED, apache, apache_proxy, mod_fcgid, mod_fcgid_with, pieces,
};
use fastcgi_e2e::{Layout, Request, Setup, Site, Socket};
use libtest_mimic::Failed;

use super::row::Row;
use super::{Provoke, keep_busy, streams};

pub(super) const ROWS: &[(&str, Provoke)] = &[
    ("script_has_crlf", script_has_crlf),
    ("script_is_not_executable", script_is_not_executable),
    ("script_names_no_program", script_names_no_program),
    ("program_was_uploaded_as_text", program_was_uploaded_as_text),
    ("program_cannot_start", program_cannot_start),
    ("program_listens_elsewhere", program_listens_elsewhere),
    ("exec_cgi_is_off", exec_cgi_is_off),
    ("script_has_no_handler", script_has_no_handler),
    ("rule_runs_again", rule_runs_again),
    ("pass_auth_is_not_allowed", pass_auth_is_not_allowed),
    ("authorization_is_kept_back", authorization_is_kept_back),
    ("upload_is_too_large_for_mod_fcgid", upload_is_too_large),
    ("encoded_slash_is_refused", encoded_slash_is_refused),
    ("mod_fcgid_collects", mod_fcgid_collects),
    ("mod_proxy_fcgi_collects", mod_proxy_fcgi_collects),
    ("client_is_a_proxy_of_apache", client_is_a_proxy),
    ("every_process_is_busy", every_process_is_busy),
    ("script_does_not_exec", script_does_not_exec),
];

fn hosted(rules: &str, host: &str) -> Result<Site, Failed> {
    let configure = |setup: &Setup<'_>| mod_fcgid(setup, rules, host);
    Ok(Site::start_configured(&STARTED, "tour", &[], &configure)?)
}

fn with_script(mode: u32, change: impl Fn(&str) -> String) -> Result<Site, Failed> {
    let configure = |setup: &Setup<'_>| mod_fcgid_with(setup, mode, &change);
    Ok(Site::start_configured(&STARTED, "tour", &[], &configure)?)
}

fn answers(site: &Site) -> Result<(), Failed> {
    assert_eq!(site.get("/")?.text(), "<h1>The tour</h1>\n");
    Ok(())
}

/// What the page says to try: whether Apache serves a file that is not the application's.
fn robots_status(site: &Site) -> Result<u16, Failed> {
    let file = site.dir().join("public/robots.txt");
    fs::write(&file, "User-agent: *\n")?;
    Ok(site.get("/robots.txt")?.status)
}

fn script_has_crlf(row: &Row) -> Result<(), Failed> {
    let site = with_script(0o755, |script| script.replace('\n', "\r\n"))?;
    row.shows(&site, &site.get("/")?)?;
    assert_eq!(robots_status(&site)?, 200);
    answers(&with_script(0o755, str::to_owned)?)
}

fn script_is_not_executable(row: &Row) -> Result<(), Failed> {
    row.says("chmod 755 index.fcgi")?;
    let site = with_script(0o644, str::to_owned)?;
    row.shows(&site, &site.get("/")?)?;
    answers(&with_script(0o755, str::to_owned)?)
}

fn script_names_no_program(row: &Row) -> Result<(), Failed> {
    let site = with_script(0o755, |script| script.replace("/tour", "/tuor"))?;
    row.shows(&site, &site.get("/")?)?;
    answers(&with_script(0o755, str::to_owned)?)
}

/// A line feed gets a carriage return in front of it.
fn program_was_uploaded_as_text(row: &Row) -> Result<(), Failed> {
    let site = with_script(0o755, str::to_owned)?;
    let binary = site.dir().join("tour");
    let program = fs::read(&binary)?;
    let damaged = site.dir().join("damaged");
    let mut text = Vec::with_capacity(program.len());
    for byte in program {
        if byte == b'\n' {
            text.push(b'\r');
        }
        text.push(byte);
    }
    fs::write(&damaged, text)?;
    // Written by a process of its own, as another thread may be starting one that inherits the open file.
    let whole = site.dir().join("whole");
    fs::rename(&binary, &whole)?;
    fastcgi_e2e::copy(&damaged, &binary)?;
    row.shows(&site, &site.get("/")?)?;
    fs::rename(&whole, &binary)?;
    // mod_fcgid has counted the ends of the damaged one.
    answers(&with_script(0o755, str::to_owned)?)
}

fn program_cannot_start(row: &Row) -> Result<(), Failed> {
    let site = with_script(0o755, |script| {
        script.replace("exec ", "FCGI_SCRIPT_NAME='/app?x' exec ")
    })?;
    row.shows(&site, &site.get("/")?)?;
    answers(&with_script(0o755, str::to_owned)?)
}

/// A program that binds a port of its own does not look at descriptor 0. Apache waits for less than its 40 seconds here.
fn program_listens_elsewhere(row: &Row) -> Result<(), Failed> {
    row.says("axum_fastcgi::run(app)")?;
    let host = format!("FcgidIOTimeout 2\n{HOST}");
    let elsewhere = |setup: &Setup<'_>| {
        let command = mod_fcgid(setup, HTACCESS, &host)?;
        let script = setup.dir().join("public/index.fcgi");
        let text = fs::read_to_string(&script)?;
        // The socket stays open, as in such a program.
        let own = "exec 3<&0 </dev/null\nFCGI_LISTEN=127.0.0.1:0 exec ";
        let text = text.replace("exec ", own);
        fs::write(script, text)?;
        Ok(command)
    };
    let site = Site::start_configured(&STARTED, "tour", &[], &elsewhere)?;
    row.shows(&site, &site.get("/")?)?;
    answers(&hosted(HTACCESS, &host)?)
}

fn exec_cgi_is_off(row: &Row) -> Result<(), Failed> {
    // `AllowOverride All` lets the customer do it.
    let without = HOST.replace("+ExecCGI ", "");
    let site = hosted(HTACCESS, &without)?;
    row.shows(&site, &site.get("/")?)?;
    row.says("Options +ExecCGI")?;
    answers(&hosted(&format!("Options +ExecCGI\n{HTACCESS}"), &without)?)
}

fn script_has_no_handler(row: &Row) -> Result<(), Failed> {
    let wrong = row.without(HTACCESS, "AddHandler fcgid-script .fcgi")?;
    let site = hosted(&wrong, HOST)?;
    row.shows(&site, &site.get("/")?)?;
    answers(&hosted(HTACCESS, HOST)?)
}

fn rule_runs_again(row: &Row) -> Result<(), Failed> {
    row.says("END")?;
    let site = hosted(&HTACCESS.replace("QSA,END]", "QSA,L]"), HOST)?;
    row.shows(&site, &site.get("/")?)?;
    answers(&hosted(HTACCESS, HOST)?)
}

/// `AllowOverride` without `AuthConfig`.
const FILES_ALONE: &str = "AllowOverride FileInfo";

fn pass_auth_is_not_allowed(row: &Row) -> Result<(), Failed> {
    let host = HOST.replace("AllowOverride All", FILES_ALONE);
    let site = hosted(HTACCESS, &host)?;
    row.shows(&site, &site.get("/")?)?;
    assert_eq!(robots_status(&site)?, 500);
    let rule = "RewriteRule ^ - [E=HTTP_AUTHORIZATION:%{HTTP:Authorization}]";
    row.says(rule)?;
    let rules = HTACCESS.replace("CGIPassAuth On\n", "");
    let rules = rules.replace("RewriteEngine On\n", &format!("RewriteEngine On\n{rule}\n"));
    assert!(credentials(&hosted(&rules, &host)?)?.contains("Bearer abc"));
    Ok(())
}

fn credentials(site: &Site) -> Result<String, Failed> {
    let request = Request::get("/request/secret").header("Authorization", "Bearer abc");
    Ok(site.send(&request)?.text())
}

fn authorization_is_kept_back(row: &Row) -> Result<(), Failed> {
    let wrong = row.without(HTACCESS, "CGIPassAuth On")?;
    let site = hosted(&wrong, HOST)?;
    assert!(!credentials(&site)?.contains("Bearer abc"));
    row.is_logged(&site)?;
    assert!(credentials(&hosted(HTACCESS, HOST)?)?.contains("Bearer abc"));
    Ok(())
}

fn upload_is_too_large(row: &Row) -> Result<(), Failed> {
    let wrong = row.without(HOST, "FcgidMaxRequestLen 104857600")?;
    let upload = Request::post("/upload", vec![1; 200_000]);
    let site = hosted(HTACCESS, &wrong)?;
    row.shows(&site, &site.send(&upload)?)?;
    let answer = hosted(HTACCESS, HOST)?.send(&upload)?;
    assert_eq!(answer.json()?["bytes"], 200_000);
    Ok(())
}

fn encoded_slash_is_refused(row: &Row) -> Result<(), Failed> {
    let site = hosted(HTACCESS, HOST)?;
    let path = "/request/a%2Fb";
    row.shows(&site, &site.get(path)?)?;
    let remedy = "AllowEncodedSlashes On";
    row.says(remedy)?;
    let host = HOST.replace("DocumentRoot", &format!("{remedy}\n  DocumentRoot"));
    assert_eq!(hosted(HTACCESS, &host)?.get(path)?.json()?["uri"], path);
    Ok(())
}

fn mod_fcgid_collects(row: &Row) -> Result<(), Failed> {
    let wrong = row.without(HOST, "FcgidOutputBufferSize 0")?;
    let site = hosted(HTACCESS, &wrong)?;
    assert_eq!(pieces(&site, "/pieces")?, 1);
    row.is_logged(&site)?;
    streams(&hosted(HTACCESS, HOST)?)
}

fn mod_proxy_fcgi_collects(row: &Row) -> Result<(), Failed> {
    let behind = |site: &str| {
        let layout = Layout {
            socket: Socket::Unix,
            ..STARTED
        };
        Site::start_configured(&layout, "tour", &[], &|setup| apache(setup, site))
    };
    let wrong = row.without(&apache_proxy(), "flushpackets=on")?;
    let site = behind(&wrong)?;
    assert_eq!(pieces(&site, "/pieces")?, 1);
    row.is_logged(&site)?;
    streams(&behind(&apache_proxy())?)
}

/// A proxy further out asks for the client, and says so in a header.
fn client_is_a_proxy(row: &Row) -> Result<(), Failed> {
    let request = Request::get("/whoami").header("X-Forwarded-For", "203.0.113.7");
    let client = |site: &str| {
        let layout = Layout {
            socket: Socket::Unix,
            ..STARTED
        };
        let module = "LoadModule remoteip_module modules/mod_remoteip.so\n";
        let site = Site::start_configured(&layout, "tour", &[], &|setup| {
            apache(setup, &format!("{module}{site}"))
        })?;
        let client = site.send(&request)?.text();
        row.is_logged(&site)?;
        Ok::<_, Failed>(client)
    };
    let seen = client(&apache_proxy())?;
    assert!(seen.starts_with("127.0.0.1:"), "{seen}");
    let (proxy, header) = (
        "RemoteIPInternalProxy 192.0.2.1",
        "RemoteIPHeader X-Forwarded-For",
    );
    row.says(proxy)?;
    row.says(header)?;
    // The proxy has this address here.
    let here = proxy.replace("192.0.2.1", "127.0.0.1");
    let seen = client(&format!("{here}\n{header}\n{}", apache_proxy()))?;
    assert!(seen.starts_with("203.0.113.7:"), "{seen}");
    Ok(())
}

/// One process answers one request at a time. mod_fcgid tries for a minute to get another one.
fn every_process_is_busy(row: &Row) -> Result<(), Failed> {
    row.says("FcgidMaxProcessesPerClass")?;
    let site = hosted(HTACCESS, &format!("FcgidMaxProcessesPerClass 1\n{HOST}"))?;
    answers(&site)?;
    let held = keep_busy(&site)?;
    let mut waiting = TcpStream::connect(site.addr())?;
    waiting.set_read_timeout(Some(Duration::from_secs(150)))?;
    waiting.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    waiting.read_to_string(&mut answer)?;
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    row.is_logged(&site)?;
    drop(held);
    let site = hosted(HTACCESS, HOST)?;
    let _held = keep_busy(&site)?;
    answers(&site)
}

/// SIGTERM ends the shell, and nothing ends the program.
fn script_does_not_exec(row: &Row) -> Result<(), Failed> {
    row.says("exec")?;
    let left_behind = |change: fn(&str) -> String| {
        let site = with_script(0o755, change)?;
        let process = site.get("/pid")?.text();
        row.is_logged(&site)?;
        drop(site);
        let is_there = fs::exists(format!("/proc/{process}"))?;
        if is_there {
            Command::new("kill").arg(&process).status()?;
        }
        Ok::<_, Failed>(is_there)
    };
    assert!(left_behind(|script| script.replace("exec ", ""))?);
    assert!(!left_behind(str::to_owned)?);
    Ok(())
}
