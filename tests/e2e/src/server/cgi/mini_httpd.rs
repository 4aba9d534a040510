//! mini_httpd: for GET, as its POST does not work.

use std::fs;
use std::io;
use std::process::Command;

use libtest_mimic::Failed;

use crate::application::Socket;
use crate::layout::{Difference, Layout, Setup, Versions};
use crate::suite::{
    CGI, arrives_as, arrives_in_parts, client_has_no_port, message_is_lost, uri_becomes,
    whole_page_comes,
};
use crate::support::{expect_status, get_is, unique};
use crate::{Request, Site};

use super::{ALWAYS, CLOSES};

pub(super) const LAYOUTS: &[Layout] = &[Layout {
    web_server: "mini_httpd",
    name: "cgi-mini-httpd",
    mount: "/cgi-bin/app",
    socket: Socket::Cgi,
    script_name: None,
    configure,
    environment: &[],
    differences: &[ALWAYS, CLOSES, NO_POST, FEW_HEADERS, DIFFERENCES],
    extra: CGI,
    versions: Versions::ALL_THE_SAME,
}];

fn configure(setup: &Setup<'_>) -> io::Result<Command> {
    let home = setup.dir.join("public");
    fs::create_dir_all(home.join("cgi-bin"))?;
    fs::hard_link(setup.binary, home.join("cgi-bin/app"))?;
    let port = setup.port().to_string();
    let mut command = Command::new("mini_httpd");
    command.args(["-D", "-h", "127.0.0.1", "-p", &port, "-c", "cgi-bin/*"]);
    command.arg("-d").arg(home);
    command.arg("-i").arg(setup.dir.join("mini_httpd.pid"));
    Ok(command)
}

const BROKEN_POST: &str = "mini_httpd answers no POST, not even to a trivial script";

macro_rules! no_post {
    ($($behaviour:literal),*) => {
        &[$(Difference {
            behaviour: $behaviour,
            instead: BROKEN_POST,
            check: post_is_not_answered,
        }),*]
    };
}

const NO_POST: &[Difference] = no_post![
    "form_is_parsed",
    "json_is_parsed",
    "json_without_its_content_type_is_415",
    "empty_body_arrives",
    "upload_of_10_mib_arrives",
    "chunked_upload_arrives",
    "echo_of_1_mib_comes_back",
    "early_answer_arrives_although_the_body_is_unread",
    "expect_100_continue_is_answered",
    "early_answer_arrives_twenty_times_of_twenty"
];

/// Or it is, by chance. A GET works.
fn post_is_not_answered(site: &Site) -> Result<(), Failed> {
    if let Ok(response) = site.send(&Request::post(site.at("/upload"), "a body")) {
        expect_status(&response, 200)?;
    }
    get_is(site, "/json", 200)
}

const FEW: &str = "mini_httpd passes on `Cookie`, `Host`, `Referer` and `User-Agent` alone";

const FEW_HEADERS: &[Difference] = &[
    Difference {
        behaviour: "headers_arrive",
        instead: FEW,
        check: |site| {
            let request = Request::get(site.at("/request/headers"))
                .header("User-Agent", "the suite/1.0 (a test)")
                .header("Accept", "text/html")
                .header("X-Other", "v");
            arrives_as(site, &request, "user-agent", Some("the suite/1.0 (a test)"))?;
            arrives_as(site, &request, "accept", None)?;
            arrives_as(site, &request, "x-other", None)
        },
    },
    Difference {
        behaviour: "repeated_header_keeps_its_values_in_order",
        instead: FEW,
        check: |site| is_lost(site, "X-Dup"),
    },
    Difference {
        behaviour: "authorization_arrives",
        instead: FEW,
        check: |site| is_lost(site, "Authorization"),
    },
    Difference {
        behaviour: "header_of_20_kb_arrives",
        instead: FEW,
        check: |site| is_lost(site, "X-Long-0"),
    },
    Difference {
        behaviour: "not_modified_has_no_body",
        instead: FEW,
        check: whole_page_comes,
    },
];

fn is_lost(site: &Site, name: &str) -> Result<(), Failed> {
    let request = Request::get(site.at("/request/headers")).header(name, "v");
    arrives_as(site, &request, &name.to_ascii_lowercase(), None)
}

const NO_URI: &str =
    "mini_httpd sends no `REQUEST_URI`: the path is decoded, with one slash of several";
const NO_VARIABLES: &str =
    "mini_httpd has no setting for it, and passes its own environment on to nobody";
const OTHER_METHODS: &str = "501 by mini_httpd, for a method that it does not know";
const TOGETHER: &str =
    "two at a time, as a piece waits until the client has acknowledged the one before";
const NO_LOG: &str = "mini_httpd reads the response from standard error, too: so it goes nowhere";

const DIFFERENCES: &[Difference] = &[
    Difference {
        behaviour: "encoded_slash_is_kept",
        instead: NO_URI,
        check: |site| uri_becomes(site, "/request/a%2Fb/c", "/request/a/b/c"),
    },
    Difference {
        behaviour: "double_slash_is_kept",
        instead: NO_URI,
        check: |site| uri_becomes(site, "/request/a//b///c", "/request/a/b/c"),
    },
    Difference {
        behaviour: "methods_arrive",
        instead: OTHER_METHODS,
        check: |site| method_is_501(site, "PATCH"),
    },
    Difference {
        behaviour: "unusual_method_arrives",
        instead: OTHER_METHODS,
        check: |site| method_is_501(site, "M-SEARCH"),
    },
    Difference {
        behaviour: "connect_info_is_the_client",
        instead: "without its port, which mini_httpd does not send",
        check: client_has_no_port,
    },
    Difference {
        behaviour: "custom_param_arrives",
        instead: NO_VARIABLES,
        check: |site| get_is(site, "/param/APP_SETTING", 404),
    },
    Difference {
        behaviour: "param_is_exposed_as_a_header",
        instead: NO_VARIABLES,
        check: |site| get_is(site, "/param/APP_SETTING", 404),
    },
    Difference {
        behaviour: "pieces_arrive_one_by_one",
        instead: TOGETHER,
        check: |site| arrives_in_parts(site, "/pieces"),
    },
    Difference {
        behaviour: "server_sent_events_arrive_one_by_one",
        instead: TOGETHER,
        check: |site| arrives_in_parts(site, "/events"),
    },
    Difference {
        behaviour: "status_and_reason_arrive",
        instead: "the reason is mini_httpd's own, and `Something` where it knows none",
        check: status_arrives,
    },
    Difference {
        behaviour: "reason_phrase_of_the_application_arrives",
        instead: "the reason is mini_httpd's own, and `Something` where it knows none",
        check: |site| get_is(site, "/reason", 503),
    },
    Difference {
        behaviour: "status_counts_beside_location",
        instead: "yes, but mini_httpd sends `Status` on as a header as well",
        check: status_is_sent_on,
    },
    Difference {
        behaviour: "message_reaches_the_log_of_the_web_server",
        instead: NO_LOG,
        check: message_is_lost,
    },
    Difference {
        behaviour: "what_the_application_prints_goes_to_the_log",
        instead: NO_LOG,
        check: |site| print_is_lost(site, "/print"),
    },
    Difference {
        behaviour: "what_a_child_of_the_application_prints_goes_to_the_log",
        instead: NO_LOG,
        check: |site| print_is_lost(site, "/print-by-a-child"),
    },
];

fn method_is_501(site: &Site, method: &str) -> Result<(), Failed> {
    let response = site.send(&Request::new(method, site.at("/request/method")))?;
    expect_status(&response, 501)
}

fn status_arrives(site: &Site) -> Result<(), Failed> {
    for status in [201, 404, 422, 503] {
        get_is(site, &format!("/status/{status}"), status)?;
    }
    Ok(())
}

fn status_is_sent_on(site: &Site) -> Result<(), Failed> {
    for (status, words) in [
        (201, "201 Created"),
        (303, "303 See Other"),
        (308, "308 Permanent Redirect"),
    ] {
        let response = site.get(&format!("/moved/{status}"))?;
        expect_status(&response, status)?;
        assert_eq!(response.all("status"), [words]);
        let location = response.header("location").unwrap_or_default();
        assert!(location.ends_with("/somewhere/else?a=1"), "{location}");
    }
    Ok(())
}

/// It is no part of the response, and that is what counts.
fn print_is_lost(site: &Site, path: &str) -> Result<(), Failed> {
    let message = unique("printed");
    let response = site.get(&format!("{path}/{message}"))?;
    expect_status(&response, 200)?;
    assert_eq!(response.text(), "see the log of the web server\n");
    assert!(!format!("{response:?}").contains(&message));
    Ok(())
}
