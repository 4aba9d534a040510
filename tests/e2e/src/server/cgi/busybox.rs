//! busybox's httpd, for small machines: programs are in `cgi-bin`.

use std::fs;
use std::io;
use std::process::Command;

use libtest_mimic::Failed;

use crate::application::Socket;
use crate::layout::{Difference, Layout, Setup, Versions};
use crate::suite::{CGI, arrives_as, uri_becomes, whole_page_comes};
use crate::support::{expect_status, get_is};
use crate::{Request, Site};

use super::{ALWAYS, CLOSES, NO_LENGTH};

pub(super) const LAYOUTS: &[Layout] = &[Layout {
    web_server: "busybox httpd",
    name: "cgi-busybox",
    mount: "/cgi-bin/app",
    socket: Socket::Cgi,
    script_name: None,
    configure,
    environment: &[],
    differences: &[ALWAYS, CLOSES, NO_LENGTH, DIFFERENCES],
    extra: CGI,
    versions: Versions::ALL_THE_SAME,
}];

const NO_TRAILING_SLASH: &str = "404 by busybox, which takes a path that ends in a slash for a directory; without the slash it is served";

const DECODED: &str = "busybox decodes `REQUEST_URI`";

const DIFFERENCES: &[Difference] = &[
    Difference {
        behaviour: "home_page_is_served",
        instead: NO_TRAILING_SLASH,
        check: home_page_without_a_slash,
    },
    Difference {
        behaviour: "original_uri_has_the_mount",
        instead: "busybox decodes `REQUEST_URI`, without its query; and the mount has no slash at its end",
        check: original_uri_is_decoded,
    },
    Difference {
        behaviour: "encoded_slash_is_kept",
        instead: "404 by busybox",
        check: |site| get_is(site, "/request/a%2Fb/c", 404),
    },
    Difference {
        behaviour: "encoded_percent_is_kept",
        instead: DECODED,
        check: |site| uri_becomes(site, "/request/100%25/25%2525", "/request/100%/25%25"),
    },
    Difference {
        behaviour: "what_is_encoded_twice_is_decoded_once",
        instead: DECODED,
        check: |site| uri_becomes(site, "/request/a%2520b", "/request/a%20b"),
    },
    Difference {
        behaviour: "double_slash_is_kept",
        instead: "busybox makes one slash of several",
        check: |site| uri_becomes(site, "/request/a//b///c", "/request/a/b/c"),
    },
    Difference {
        behaviour: "repeated_header_keeps_its_values_in_order",
        instead: "busybox passes on the last line alone",
        check: |site| {
            let request = Request::get(site.at("/request/headers"));
            let request = request.header("X-Dup", "1").header("X-Dup", "2");
            arrives_as(site, &request, "x-dup", Some("2"))
        },
    },
    Difference {
        behaviour: "authorization_arrives",
        instead: "busybox keeps `Basic` to itself; other schemes arrive",
        check: |site| {
            for (value, arrives) in [
                ("Basic dXNlcjpwYXNz", None),
                ("Bearer a.b-c", Some("Bearer a.b-c")),
            ] {
                let request = Request::get(site.at("/request/a")).header("Authorization", value);
                arrives_as(site, &request, "authorization", arrives)?;
            }
            Ok(())
        },
    },
    Difference {
        behaviour: "head_has_no_body",
        instead: NO_TRAILING_SLASH,
        check: head_without_a_slash,
    },
    Difference {
        behaviour: "not_modified_has_no_body",
        instead: "busybox keeps `If-None-Match` to itself: the whole page comes",
        check: whole_page_comes,
    },
];

fn home_page_without_a_slash(site: &Site) -> Result<(), Failed> {
    get_is(site, "/", 404)?;
    let response = site.get("")?;
    expect_status(&response, 200)?;
    assert_eq!(response.text(), "<h1>The tour</h1>\n");
    Ok(())
}

fn head_without_a_slash(site: &Site) -> Result<(), Failed> {
    let mut connection = site.connect()?;
    let response = connection.send(&Request::new("HEAD", site.at("")))?;
    expect_status(&response, 200)?;
    assert_eq!(
        response.header("content-type").as_deref(),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(connection.rest()?, b"");
    Ok(())
}

fn original_uri_is_decoded(site: &Site) -> Result<(), Failed> {
    let response = site.get("/external/a%20b?q=1")?;
    expect_status(&response, 200)?;
    assert_eq!(response.text(), site.at("/external/a%20b?q=1"));
    Ok(())
}

fn configure(setup: &Setup<'_>) -> io::Result<Command> {
    let home = setup.dir.join("public");
    fs::create_dir_all(home.join("cgi-bin"))?;
    fs::hard_link(setup.binary, home.join("cgi-bin/app"))?;
    let mut command = Command::new("busybox");
    let address = format!("127.0.0.1:{}", setup.port());
    command.args(["httpd", "-f", "-v", "-p", &address]);
    command.arg("-h").arg(home);
    command.env("APP_SETTING", "from the web server");
    Ok(command)
}
