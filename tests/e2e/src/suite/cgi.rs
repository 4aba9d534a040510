//! Plain CGI: what is to be seen only where each request has a process of its own.

use std::fs;
use std::io;
use std::time::{Duration, Instant};

use libtest_mimic::Failed;
use rustix::process::{Signal, kill_process};

use super::life::processes_become;
use crate::support::{eventually, expect_status, get_is, pattern, unique};
use crate::{Behaviour, Request, Site};

/// For every CGI gateway.
pub const CGI: &[Behaviour] = &[
    Behaviour {
        name: "early_answer_arrives_twenty_times_of_twenty",
        check: early_answers_arrive,
    },
    Behaviour {
        name: "status_counts_beside_location",
        check: status_counts_beside_location,
    },
    Behaviour {
        name: "no_field_comes_twice",
        check: no_field_comes_twice,
    },
    Behaviour {
        name: "what_the_application_prints_goes_to_the_log",
        check: prints_go_to_the_log,
    },
    Behaviour {
        name: "what_a_child_of_the_application_prints_goes_to_the_log",
        check: prints_of_children_go_to_the_log,
    },
    Behaviour {
        name: "child_that_lives_on_does_not_hold_the_response_open",
        check: child_lives_on,
    },
    Behaviour {
        name: "sigterm_lets_the_request_finish",
        check: sigterm_lets_the_request_finish,
    },
];

/// B-9: the gateway may be writing the body until it sees the end of the response.
fn early_answers_arrive(site: &Site) -> Result<(), Failed> {
    let body = pattern(5_000_000);
    let mut arrived = 0;
    let mut failures = Vec::new();
    for _ in 0..20 {
        match site.send(&Request::post(site.at("/refuse"), body.clone())) {
            Ok(it) if it.status == 413 && it.text() == "no, thank you\n" => arrived += 1,
            Ok(it) => failures.push(format!("{} {}", it.status, it.text())),
            Err(error) => failures.push(error.to_string()),
        }
    }
    assert_eq!(arrived, 20, "{failures:?}");
    Ok(())
}

/// a `Location` in front of `Status` is a redirect of the gateway's own for some of them.
fn status_counts_beside_location(site: &Site) -> Result<(), Failed> {
    for status in [201, 301, 302, 303, 307, 308] {
        let response = site.get(&format!("/moved/{status}"))?;
        expect_status(&response, status)?;
        let location = response.header("location").unwrap_or_default();
        assert!(
            location.ends_with("/somewhere/else?a=1"),
            "{status}: {location}"
        );
        assert!(response.all("status").is_empty(), "{status}");
    }
    Ok(())
}

/// uWSGI takes the head as it has come so far at each read, and keeps what it took before.
fn no_field_comes_twice(site: &Site) -> Result<(), Failed> {
    for path in ["/cookies", "/moved/303", "/cached"] {
        let response = site.get(path)?;
        let mut names: Vec<_> = response
            .fields()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("set-cookie"))
            .map(|(name, _)| name.to_ascii_lowercase())
            .collect();
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all, "{path}: {response:?}");
    }
    assert_eq!(site.get("/cookies")?.all("set-cookie").len(), 3);
    Ok(())
}

fn prints_go_to_the_log(site: &Site) -> Result<(), Failed> {
    goes_to_the_log(site, "/print")
}

fn prints_of_children_go_to_the_log(site: &Site) -> Result<(), Failed> {
    goes_to_the_log(site, "/print-by-a-child")
}

fn goes_to_the_log(site: &Site, path: &str) -> Result<(), Failed> {
    let message = unique("printed");
    let response = site.get(&format!("{path}/{message}"))?;
    expect_status(&response, 200)?;
    assert_eq!(response.text(), "see the log of the web server\n");
    assert!(!format!("{response:?}").contains(&message));
    eventually("there", || {
        let log = site.log()?;
        let is_there = log.contains(&message);
        Ok(if is_there { "there".to_owned() } else { log })
    })
}

/// The response ends when nobody has its descriptor any more.
fn child_lives_on(site: &Site) -> Result<(), Failed> {
    let start = Instant::now();
    let response = site.get("/leave-a-child")?;
    expect_status(&response, 200)?;
    assert_eq!(response.text(), "a child lives on for ten seconds\n");
    let took = start.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    Ok(())
}

fn sigterm_lets_the_request_finish(site: &Site) -> Result<(), Failed> {
    let name = unique("wait");
    let mut connection = site.connect()?;
    let request = Request::get(site.at(&format!("/wait/{name}")));
    connection.start(&request)?;
    eventually(
        "ready",
        || Ok(is_ready_for_sigterm(site, &name)?.to_owned()),
    )?;
    for process in site.processes_for(&name)? {
        kill_process(process, Signal::TERM)?;
    }
    let mut response = connection.head(&request)?;
    while let Some(piece) = connection.piece()? {
        response.body.extend_from_slice(&piece);
    }
    expect_status(&response, 200)?;
    assert_eq!(response.text(), "that was a second\n");
    processes_become(site, &name, "gone")?;
    get_is(site, "/json", 200)
}

/// From here on, the signal does not just end the process.
fn is_ready_for_sigterm(site: &Site, name: &str) -> io::Result<&'static str> {
    for process in site.processes_for(name)? {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let caught = u64::from_str_radix(caught.unwrap_or_default().trim(), 16);
        let term = 1 << (Signal::TERM.as_raw() - 1);
        if caught.is_ok_and(|caught| caught & term != 0) {
            return Ok("ready");
        }
    }
    Ok("not ready")
}
