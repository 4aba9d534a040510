//! h2o: with and without connections that are kept, below a prefix.

use std::io;
use std::process::Command;

use libtest_mimic::Failed;

use crate::application::Socket;
use crate::layout::{Behaviour, Difference, Layout, Setup, Versions};
use crate::suite::{Ending, LOOKS_COMPLETE, ends, finishes_although_the_client_left};
use crate::support::{expect_status, get_is, pattern};
use crate::{Request, Site};

const PLAIN: Layout = Layout {
    web_server: "h2o",
    name: "h2o-unix-keep-conn",
    mount: "",
    socket: Socket::Unix,
    script_name: None,
    configure: |setup| configure(setup, include_str!("../../../../tests/tour/h2o.conf")),
    environment: &[],
    differences: &[ALWAYS],
    extra: LARGE_HEADS,
    versions: Versions::ALL_THE_SAME,
};

const LARGE_HEADS: &[Behaviour] = &[
    Behaviour {
        name: "header_of_70_kb_that_is_cut_in_the_middle_arrives",
        check: header_of_70_kb_arrives,
    },
    Behaviour {
        name: "refused_head_with_a_large_body_does_no_harm",
        check: refused_head_does_no_harm,
    },
];

/// Below a prefix, h2o looks for the path where the target begins.
const AT_THE_ROOT: &[Behaviour] = &[Behaviour {
    name: "absolute_target_is_a_path",
    check: absolute_target_is_a_path,
}];

pub(super) const LAYOUTS: &[Layout] = &[
    PLAIN,
    Layout {
        name: "h2o-tcp",
        socket: Socket::Tcp,
        configure: |setup| configure(setup, TCP),
        extra: AT_THE_ROOT,
        ..PLAIN
    },
    Layout {
        name: "h2o-tcp-prefix",
        mount: "/app",
        socket: Socket::Tcp,
        script_name: Some("/app"),
        configure: |setup| configure(setup, &TCP.replace("\"/\":", "\"/app\":")),
        ..PLAIN
    },
];

const TCP: &str = r#"
hosts:
  default:
    listen: {host: 127.0.0.1, port: 8080}
    paths:
      "/":
        setenv:
          APP_SETTING: "from the web server"
        fastcgi.connect: {host: 127.0.0.1, port: 9000}
"#;

const ALWAYS: &[Difference] = &[
    Difference {
        behaviour: "client_that_leaves_while_waiting_drops_the_handler",
        instead: "h2o does not look: the handler finishes",
        check: finishes_although_the_client_left,
    },
    Difference {
        behaviour: "response_of_unknown_length_that_fails_is_cut_off",
        instead: LOOKS_COMPLETE,
        check: |site| ends(site, "/fails", Ending::Complete),
    },
    Difference {
        behaviour: "response_whose_body_panics_is_cut_off",
        instead: LOOKS_COMPLETE,
        check: |site| ends(site, "/fails/panic", Ending::Complete),
    },
];

/// T-3: h2o routes by the whole of it, and so does the application.
fn absolute_target_is_a_path(site: &Site) -> Result<(), Failed> {
    let target = format!("http://good.example{}", site.at("/request/host"));
    expect_status(&site.send(&Request::get(target))?, 404)?;
    get_is(site, "/request/host", 200)
}

/// h2o alone cuts a parameter where a record ends, at 65535 bytes.
fn header_of_70_kb_arrives(site: &Site) -> Result<(), Failed> {
    let mut request = Request::get(site.at("/request/headers"));
    for n in 0..7 {
        request = request.header(format!("X-Long-{n}"), "v".repeat(10_000));
    }
    let response = site.send(&request)?;
    expect_status(&response, 200)?;
    assert_eq!(response.text().matches("vvvvvvvvvv").count(), 7000);
    Ok(())
}

/// h2o aborts when it reads END_REQUEST while it writes a body, on a connection that it keeps.
fn refused_head_does_no_harm(site: &Site) -> Result<(), Failed> {
    for length in [0, 8_000_000] {
        let mut request = Request::post(site.at("/upload"), pattern(length));
        for n in 0..25 {
            request = request.header(format!("X-Long-{n}"), "v".repeat(7000));
        }
        expect_status(&site.send(&request)?, 431)?;
    }
    get_is(site, "/json", 200)
}

pub(crate) fn configure(setup: &Setup<'_>, site: &str) -> io::Result<Command> {
    let path = setup.write("h2o.conf", &format!("num-threads: 1\n{site}"))?;
    let mut command = Command::new("h2o");
    command.arg("-c").arg(path);
    Ok(command)
}
