//! A published application as plain CGI: it logs to standard output, and prints whatever it likes.

use std::time::{Duration, Instant};

use fastcgi_e2e::{Layout, Site, cgi_layouts};
use libtest_mimic::{Failed, Trial};

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    cgi_layouts().flat_map(|layout| {
        ["axum-starts", "actix-starts"]
            .into_iter()
            .flat_map(move |program| {
                let test = |fact: &str, check: Check| {
                    let name = format!("{program}::{}::{fact}", layout.name);
                    Trial::test(name, move || check(layout, program))
                };
                [
                    test("prints_and_logs_are_not_in_the_response", prints_and_logs),
                    test(
                        "prints_before_run_spoil_the_response_except_to_stderr",
                        prints_before_run,
                    ),
                ]
            })
    })
}

type Check = fn(&Layout, &str) -> Result<(), Failed>;

fn prints_and_logs(layout: &Layout, program: &str) -> Result<(), Failed> {
    let site = Site::start(layout, program)?;
    let response = site.get("/print/this")?;
    assert_eq!(
        (response.status, response.text().as_str()),
        (200, "printed\n")
    );
    // mini_httpd reads the response from standard error, too, and has no log.
    if layout.web_server == "mini_httpd" {
        return Ok(());
    }
    let wanted = [
        "running: one CGI request",
        "this is printed",
        "this is logged",
        "this is a child's",
    ];
    let start = Instant::now();
    loop {
        let log = site.log()?;
        let missing: Vec<_> = wanted.iter().filter(|it| !log.contains(**it)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        if start.elapsed() > Duration::from_secs(10) {
            return Err(format!("{missing:?} missing in {log}").into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// As the guide says: what comes on standard output before `run` is taken for the head of the response.
fn prints_before_run(layout: &Layout, program: &str) -> Result<(), Failed> {
    let site = Site::start(layout, program)?;
    if let Ok(response) = site.get("/print/this?print-first") {
        let is_spoiled = response.text().contains("printed before run");
        assert!(response.status >= 500 || is_spoiled, "{response:?}");
    }
    if layout.web_server == "mini_httpd" {
        return Ok(());
    }
    let to_stderr = site.get("/print/this?stderr-first")?;
    assert_eq!(
        (to_stderr.status, to_stderr.text().as_str()),
        (200, "printed\n")
    );
    Ok(())
}
