//! Every way to be started, with axum and actix-web: what is chosen, and that it says so.
//!
//! HTTP for development is only for programs of which nothing else was said.

mod failures;
mod stdin;
mod table;

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::process::ExitStatus;
use std::thread;
use std::time::{Duration, Instant};

use fastcgi_e2e::{Connection, FastCgi, Process, Request, install, program};
use libtest_mimic::{Failed, Trial};

use self::stdin::{End, Ends, Stdin};
use self::table::Chosen::{Bound, Cgi, Connected, Handed, Http, Refused};
use self::table::{STARTS, Start};

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let starts = ["axum", "actix"].into_iter().flat_map(|framework| {
        STARTS.iter().map(move |start| {
            Trial::test(format!("starts::{framework}::{}", start.name), move || {
                chooses(framework, start)
            })
        })
    });
    starts.chain(failures::trials())
}

fn chooses(framework: &'static str, start: &Start) -> Result<(), Failed> {
    // Another process may take the free port before the program does.
    let mut result = Running::start(framework, start).and_then(|it| it.check(start));
    for _ in 0..2 {
        let uses_a_port = start
            .environment
            .iter()
            .any(|(_, it)| it.contains("{port}"));
        if result.is_err() && uses_a_port {
            result = Running::start(framework, start).and_then(|it| it.check(start));
        }
    }
    result
}

/// A program that was started, and the other ends of what it was handed.
struct Running {
    framework: &'static str,
    process: Process,
    dir: tempfile::TempDir,
    port: u16,
    ends: Ends,
}

impl Running {
    fn start(framework: &'static str, start: &Start) -> Result<Self, Failed> {
        let dir = tempfile::Builder::new().prefix("fastcgi-e2e-").tempdir()?;
        let binary = install(&format!("{framework}-starts"), dir.path())?;
        let port = fastcgi_e2e::free_port()?;
        let mut ends = Ends::default();
        let mut shell = String::new();
        for (variable, value) in start.environment {
            let value = value.replace("{pid}", "$$");
            let value = value
                .replace("{dir}", &dir.path().display().to_string())
                .replace("{port}", &port.to_string());
            shell.push_str(&format!("{variable}=\"{value}\" "));
        }
        let redirections = start.stdin.redirections();
        shell.push_str(&format!("exec {} {redirections}", binary.display()));

        let mut command = program(Path::new("/bin/sh"));
        command.args(["-c", &shell]).current_dir(dir.path());
        start.stdin.give(&mut command, dir.path(), &mut ends)?;
        if start.stdin != Stdin::ConnectedThrice {
            command
                .stdout(File::create(dir.path().join("stdout"))?)
                .stderr(File::create(dir.path().join("stderr"))?);
        }
        let process = Process::start(&mut command)?;
        Ok(Self {
            framework,
            process,
            dir,
            port,
            ends,
        })
    }

    fn check(mut self, start: &Start) -> Result<(), Failed> {
        let answer = format!("{}\n", self.framework);
        match start.chosen {
            Handed(how) => {
                self.says(how)?;
                for addr in &self.ends.tcp {
                    assert_eq!(FastCgi::tcp(addr.port())?.get("/")?, answer);
                }
                for path in &self.ends.unix {
                    assert_eq!(FastCgi::unix(Path::new(path))?.get("/")?, answer);
                }
                self.ends_when_asked()?;
            }
            Bound(addresses) => {
                self.says("FastCGI on the addresses in the program or in FCGI_LISTEN")?;
                for address in addresses {
                    assert_eq!(self.ask(address)?, answer);
                }
                self.ends_when_asked()?;
            }
            Connected => {
                match self.ends.connection.take().ok_or("no connection")? {
                    End::Tcp(io) => converse(FastCgi::on(io), &answer)?,
                    End::Unix(io) => converse(FastCgi::on(io), &answer)?,
                }
                // The connection is closed, and with it the work is done.
                assert!(self.ended()?.success());
                if start.stdin != Stdin::ConnectedThrice {
                    self.says("FastCGI on the connection that was handed over")?;
                }
            }
            Cgi(begins) => {
                assert!(self.ended()?.success(), "{}", self.output());
                let response = fs::read_to_string(self.dir.path().join("stdout"))?;
                assert!(response.starts_with(begins), "{response}");
                self.says("one CGI request")?;
            }
            Http => {
                let (said, stderr) = (
                    self.dir.path().join("stdout"),
                    self.dir.path().join("stderr"),
                );
                let mut line = String::new();
                self.process
                    .wait_until(Duration::from_secs(10), &said, || {
                        line = fs::read_to_string(&stderr).unwrap_or_default();
                        line.ends_with('\n')
                    })?;
                let address = line.split("http://").nth(1);
                let address = address.and_then(|it| it.split('/').next());
                let address = address.ok_or_else(|| line.clone())?.parse()?;
                let page = Connection::open(address)?.send(&Request::get("/"))?;
                assert_eq!(page.text(), answer);
                self.says("HTTP for development")?;
                self.ends_when_asked()?;
            }
            Refused(why) => {
                assert_eq!(self.ended()?.code(), Some(1), "{}", self.output());
                let said = fs::read_to_string(self.dir.path().join("stderr"))?;
                assert_eq!(said.lines().count(), 1, "{said}");
                assert!(said.contains(why), "{said}");
            }
        }
        let output = self.output();
        if !matches!(start.chosen, Http) {
            assert!(!output.contains("HTTP for development"), "{output}");
        }
        let warns = output.contains("the addresses in the program are not used");
        assert_eq!(warns, start.warns, "{output}");
        for path in ["other.sock", "another.sock"] {
            assert!(!self.dir.path().join(path).exists(), "it listens on {path}");
        }
        Ok(())
    }

    /// Everything that was printed and logged.
    fn output(&self) -> String {
        let read = |name| fs::read_to_string(self.dir.path().join(name)).unwrap_or_default();
        read("stdout") + &read("stderr")
    }

    fn says(&self, wanted: &str) -> Result<(), Failed> {
        let start = Instant::now();
        while !self.output().contains(wanted) {
            if start.elapsed() > Duration::from_secs(10) {
                return Err(format!("it does not say {wanted:?}: {}", self.output()).into());
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    fn ended(&mut self) -> io::Result<ExitStatus> {
        self.process.end_within(Duration::from_secs(10))
    }

    fn ends_when_asked(&mut self) -> Result<(), Failed> {
        assert!(self.process.terminate()?.success(), "{}", self.output());
        Ok(())
    }

    fn ask(&self, address: &str) -> Result<String, Failed> {
        let dir = self.dir.path().display().to_string();
        let address = address.replace("{dir}", &dir);
        if address.starts_with('/') {
            return Ok(FastCgi::unix(Path::new(&address))?.get("/")?);
        }
        Ok(FastCgi::tcp(self.port)?.get("/")?)
    }
}

/// Several requests on one connection, which is then closed.
fn converse<Io: Read + io::Write>(mut connection: FastCgi<Io>, answer: &str) -> Result<(), Failed> {
    for _ in 0..3 {
        assert_eq!(connection.get("/")?, answer);
    }
    Ok(())
}
