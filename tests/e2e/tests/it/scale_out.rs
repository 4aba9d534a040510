//! Three processes of the application under constant load: one is stopped, one is replaced, one is killed.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fastcgi_e2e::guide::{HAPROXY, HAPROXY_MULTIPLEXED, NGINX_UPSTREAM};
use fastcgi_e2e::{FastCgi, Load, Process, Site, install, program, upload, version};
use libtest_mimic::{Failed, Trial};
use rustix::process::Signal;

use crate::replacing::no_failures;

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    [
        ("nginx", NGINX_UPSTREAM),
        ("haproxy", HAPROXY),
        ("haproxy_multiplexed", HAPROXY_MULTIPLEXED),
    ]
    .into_iter()
    .map(|(name, layout)| {
        let name = format!("deploy::scale_out::three_processes_behind_{name}");
        Trial::test(name, move || {
            let site = Site::start(&layout, "tour")?;
            // The web server's log says why.
            three_processes(&site, layout.environment).map_err(|failed| {
                let reason = failed.message().unwrap_or("it panicked").to_owned();
                let log = site.log().unwrap_or_default();
                format!("{reason}\n{log}").into()
            })
        })
    })
}

/// Variables that the application is started with.
type Settings = &'static [(&'static str, &'static str)];

/// More than there are processes, so that all of them are answering.
const CLIENTS: usize = 6;

fn three_processes(site: &Site, environment: Settings) -> Result<(), Failed> {
    let mut machines = (1..=3)
        .map(|n| Machine::start(site.dir(), n, environment))
        .collect::<Result<Vec<_>, _>>()?;
    let [one, two, three] = machines.as_mut_slice() else {
        return Err("there are three".into());
    };
    let all = |machines: &[&Machine]| -> Result<BTreeSet<String>, Failed> {
        let mut versions = BTreeSet::new();
        for machine in machines {
            versions.append(&mut version(&machine.binary)?);
        }
        Ok(versions)
    };
    // The web server may have found nobody when it was started.
    let start = Load::start(site.addr(), "/exe", CLIENTS);
    start.settles(300, &all(&[one, two, three])?)?;
    // All of them: HAProxy looks at each once a second, and on a busy machine not at the same time.
    for machine in [&*one, two, three] {
        reaches(&start, &machine.binary)?;
    }
    drop(start);

    // One is stopped gracefully: nobody notices, and it gets its share again when it is back.
    let load = Load::start(site.addr(), "/exe", CLIENTS);
    load.next(200)?;
    one.stop()?;
    load.settles(200, &all(&[two, three])?)?;
    one.run()?;
    reaches(&load, &one.binary)?;
    // One is replaced by a new version.
    let before = version(&two.binary)?;
    upload(&two.binary)?;
    two.stop()?;
    two.run()?;
    reaches(&load, &two.binary)?;
    assert!(
        load.next(200)?
            .iter()
            .all(|it| it.result.as_ref().is_ok_and(|it| !before.contains(it)))
    );
    no_failures(&load.finish())?;

    // One is killed: what it was answering may fail, and what comes after may not.
    let load = Load::start(site.addr(), "/exe", CLIENTS);
    load.next(200)?;
    three.process.signal(Signal::KILL)?;
    let killed = Instant::now();
    three.process.end_within(Duration::from_secs(5))?;
    load.settles(300, &all(&[one, two])?)?;
    let answers = load.finish();
    let failed: Vec<_> = answers.iter().filter(|it| it.result.is_err()).collect();
    eprintln!(
        "killed: {} requests, {} failures",
        answers.len(),
        failed.len()
    );
    assert!(failed.len() <= CLIENTS, "{failed:?}");
    assert!(failed.iter().all(|it| it.start < killed), "{failed:?}");
    Ok(())
}

/// One process, on a socket and with a program of its own.
struct Machine {
    process: Process,
    binary: PathBuf,
    socket: PathBuf,
    environment: Settings,
}

impl Machine {
    fn start(dir: &Path, number: usize, environment: Settings) -> Result<Self, Failed> {
        let socket = dir.join(format!("{number}.sock"));
        let folder = dir.join(number.to_string());
        fs::create_dir(&folder)?;
        let binary = install("tour", &folder)?;
        // With a version of its own.
        upload(&binary)?;
        let process = Self::process(&binary, &socket, environment)?;
        Ok(Self {
            process,
            binary,
            socket,
            environment,
        })
    }

    fn process(binary: &Path, socket: &Path, environment: Settings) -> Result<Process, Failed> {
        let mut command = program(binary);
        command.envs(environment.iter().copied());
        let mut process = Process::start(command.env("FCGI_LISTEN", socket))?;
        process.wait_until(Duration::from_secs(10), socket, || {
            FastCgi::unix(socket).is_ok()
        })?;
        fs::set_permissions(socket, Permissions::from_mode(0o666))?;
        Ok(process)
    }

    fn stop(&mut self) -> Result<(), Failed> {
        assert!(self.process.terminate()?.success());
        assert!(!self.socket.exists());
        Ok(())
    }

    fn run(&mut self) -> Result<(), Failed> {
        // Killed, it leaves its socket behind, which is replaced.
        self.process = Self::process(&self.binary, &self.socket, self.environment)?;
        Ok(())
    }
}

/// Waits until the web server has found `binary` again.
fn reaches(load: &Load, binary: &Path) -> Result<(), Failed> {
    let wanted = version(binary)?;
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(20) {
        let answers = load.next(50)?;
        if answers
            .iter()
            .any(|it| it.result.as_ref().is_ok_and(|it| wanted.contains(it)))
        {
            return Ok(());
        }
    }
    Err(format!("{} gets no requests", binary.display()).into())
}
