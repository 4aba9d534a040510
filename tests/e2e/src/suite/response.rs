//! Status, headers, and responses without a body.

use std::io::{self, ErrorKind};

use libtest_mimic::Failed;

use super::path::is_html;
use crate::support::{eventually, expect_status, get_is, unique};
use crate::{Behaviour, Request, Site};

pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour {
        name: "json_is_answered",
        check: json_is_answered,
    },
    Behaviour {
        name: "status_and_reason_arrive",
        check: status_and_reason_arrive,
    },
    Behaviour {
        name: "reason_phrase_of_the_application_arrives",
        check: reason_phrase_of_the_application_arrives,
    },
    Behaviour {
        name: "app_status_changes_nothing",
        check: |site| {
            get_is(site, "/exit/0", 200)?;
            get_is(site, "/exit/3", 200)
        },
    },
    Behaviour {
        name: "message_reaches_the_log_of_the_web_server",
        check: message_reaches_the_log_of_the_web_server,
    },
    Behaviour {
        name: "set_cookie_lines_stay_apart",
        check: set_cookie_lines_stay_apart,
    },
    Behaviour {
        name: "redirect_goes_to_the_client",
        check: redirect_goes_to_the_client,
    },
    Behaviour {
        name: "head_has_no_body",
        check: head_has_no_body,
    },
    Behaviour {
        name: "no_content_has_no_body",
        check: no_content_has_no_body,
    },
    Behaviour {
        name: "not_modified_has_no_body",
        check: not_modified_has_no_body,
    },
    Behaviour {
        name: "panic_is_500_and_the_process_lives_on",
        check: panic_is_500_and_the_process_lives_on,
    },
];

fn json_is_answered(site: &Site) -> Result<(), Failed> {
    let response = site.get("/json")?;
    expect_status(&response, 200)?;
    assert_eq!(response.text(), "{\"answer\":42}");
    Ok(())
}

fn status_and_reason_arrive(site: &Site) -> Result<(), Failed> {
    for (status, reason) in [
        (201, "Created"),
        (404, "Not Found"),
        (422, "Unprocessable"),
        (503, "Service Unavailable"),
    ] {
        let response = site.get(&format!("/status/{status}"))?;
        expect_status(&response, status)?;
        assert!(
            response.reason.starts_with(reason),
            "{status} {}",
            response.reason
        );
        assert!(
            response.text().starts_with(&format!("this is {status}")),
            "{}",
            response.text()
        );
    }
    Ok(())
}

fn reason_phrase_of_the_application_arrives(site: &Site) -> Result<(), Failed> {
    reason_phrase_is(site, "Gone Fishing")
}

/// For web servers that have words of their own.
pub(crate) fn reason_phrase_is_the_usual_one(site: &Site) -> Result<(), Failed> {
    reason_phrase_is(site, "Service Unavailable")
}

fn reason_phrase_is(site: &Site, expected: &str) -> Result<(), Failed> {
    let response = site.get("/reason")?;
    expect_status(&response, 503)?;
    assert_eq!(response.reason, expected);
    assert_eq!(response.text(), "back soon\n");
    Ok(())
}

fn message_reaches_the_log_of_the_web_server(site: &Site) -> Result<(), Failed> {
    let message = unique("a-message-for-the-log");
    let response = site.get(&format!("/log/{message}"))?;
    // What comes on STDERR is no part of the response.
    expect_status(&response, 200)?;
    assert_eq!(response.text(), "see the log of the web server\n");
    eventually("there", || {
        Ok(if site.log()?.contains(&message) {
            "there".to_owned()
        } else {
            site.log()?
        })
    })
}

/// For web servers that throw it away.
pub(crate) fn message_is_lost(site: &Site) -> Result<(), Failed> {
    let message = unique("a-message-for-nobody");
    let response = site.get(&format!("/log/{message}"))?;
    expect_status(&response, 200)?;
    assert_eq!(response.text(), "see the log of the web server\n");
    get_is(site, "/json", 200)?;
    assert!(!site.log()?.contains(&message));
    Ok(())
}

fn set_cookie_lines_stay_apart(site: &Site) -> Result<(), Failed> {
    let expected = [
        "first=1; Path=/",
        "second=2; Path=/; HttpOnly",
        "third=a%20b; Expires=Wed, 21 Oct 2099 07:28:00 GMT",
    ];
    assert_eq!(site.get("/cookies")?.all("set-cookie"), expected);
    Ok(())
}

fn redirect_goes_to_the_client(site: &Site) -> Result<(), Failed> {
    let response = site.get("/redirect")?;
    expect_status(&response, 303)?;
    let location = response.header("location").unwrap_or_default();
    // Apache and others may make it absolute; they may not follow it themselves.
    assert!(location.ends_with("/somewhere/else?a=1"), "{location}");
    Ok(())
}

fn head_has_no_body(site: &Site) -> Result<(), Failed> {
    let mut connection = site.connect()?;
    let request = Request::new("HEAD", site.at("/"));
    let response = connection.send(&request)?;
    expect_status(&response, 200)?;
    is_html(&response);
    followed_by_another(site, connection, &response)
}

fn no_content_has_no_body(site: &Site) -> Result<(), Failed> {
    let mut connection = site.connect()?;
    let response = connection.send(&Request::get(site.at("/nothing")))?;
    expect_status(&response, 204)?;
    followed_by_another(site, connection, &response)
}

fn not_modified_has_no_body(site: &Site) -> Result<(), Failed> {
    let mut connection = site.connect()?;
    let request = Request::get(site.at("/cached")).header("If-None-Match", "\"version-1\"");
    let response = connection.send(&request)?;
    expect_status(&response, 304)?;
    assert_eq!(response.header("etag").as_deref(), Some("\"version-1\""));
    followed_by_another(site, connection, &response)
}

/// For web servers that keep conditions of a request to themselves.
pub(crate) fn whole_page_comes(site: &Site) -> Result<(), Failed> {
    let request = Request::get(site.at("/cached")).header("If-None-Match", "\"version-1\"");
    let response = site.send(&request)?;
    expect_status(&response, 200)?;
    assert_eq!(response.text(), "the first version\n");
    Ok(())
}

/// The next response on the connection starts where it should, unless the web server ends the connection.
fn followed_by_another(
    site: &Site,
    mut connection: crate::Connection,
    response: &crate::Response,
) -> Result<(), Failed> {
    if response
        .header("connection")
        .is_some_and(|it| it.eq_ignore_ascii_case("close"))
    {
        return Ok(());
    }
    let next = match connection.send(&Request::get(site.at("/json"))) {
        Ok(next) => next,
        // It does so without a word.
        Err(error) if is_the_end(&error) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    expect_status(&next, 200)?;
    assert_eq!(next.text(), "{\"answer\":42}");
    Ok(())
}

/// Of a connection on which nothing more has come.
fn is_the_end(error: &io::Error) -> bool {
    match error.kind() {
        ErrorKind::UnexpectedEof => error.to_string() == "no response, only \"\"",
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => true,
        _ => false,
    }
}

fn panic_is_500_and_the_process_lives_on(site: &Site) -> Result<(), Failed> {
    let before = site.get("/pid")?.text();
    get_is(site, "/panic", 500)?;
    // mod_fcgid has several processes: one of them is the one that panicked, all of them answer.
    if site.application().is_some() {
        assert_eq!(site.get("/pid")?.text(), before);
    }
    get_is(site, "/json", 200)
}
