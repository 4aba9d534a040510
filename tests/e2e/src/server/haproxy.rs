//! HAProxy: the only one that multiplexes, once it has asked whether it may.

use std::io;
use std::process::Command;

use libtest_mimic::Failed;

use crate::application::Socket;
use crate::layout::{Difference, Layout, Setup};
use crate::suite::{concurrent_requests, finishes_although_the_client_left};
use crate::support::{expect_status, unique};
use crate::{Request, Site};

const MULTIPLEXED: &str = include_str!("../../../../examples/tour/haproxy.cfg");

/// Before everything else.
const MAIN: &str = "
global
    # For the head of a request; the default is 16384.
    tune.bufsize 65536
    # Each thread has connections of its own.
    nbthread 1
";

const PLAIN: Layout = Layout {
    web_server: "HAProxy",
    name: "haproxy-unix-multiplexed",
    mount: "",
    socket: Socket::Unix,
    script_name: None,
    configure: |setup| configure(setup, MULTIPLEXED),
    differences: &[ALWAYS, MULTIPLEXING],
    extra: &[],
};

pub(super) const LAYOUTS: &[Layout] = &[
    PLAIN,
    Layout {
        name: "haproxy-tcp-one-request-per-connection",
        socket: Socket::Tcp,
        configure: |setup| configure(setup, &one_request_per_connection()),
        differences: &[ALWAYS],
        ..PLAIN
    },
];

const MULTIPLEXING: &[Difference] = &[Difference {
    behaviour: "client_that_leaves_a_stream_drops_the_handler",
    instead: "HAProxy 2.6 never sends FCGI_ABORT_REQUEST: while other requests share the connection, the handler goes on",
    check: nobody_else_is_disturbed,
}];

fn nobody_else_is_disturbed(site: &Site) -> Result<(), Failed> {
    let name = unique("drip");
    let mut connection = site.connect()?;
    let request = Request::get(site.at(&format!("/drip/{name}")));
    connection.start(&request)?;
    expect_status(&connection.head(&request)?, 200)?;
    connection.piece()?;
    drop(connection);
    // Records of a request that is over for HAProxy are thrown away; the other answers arrive whole.
    concurrent_requests(site, 4, 100)?;
    let life = site.get(&format!("/life/{name}"))?.text();
    assert!(matches!(life.as_str(), "Running" | "Dropped"), "{life}");
    Ok(())
}

fn one_request_per_connection() -> String {
    let lines = MULTIPLEXED.lines().filter(|line| {
        let line = line.trim();
        !matches!(
            line,
            "option keep-conn" | "option get-values" | "option mpxs-conns"
        )
    });
    let text = lines.collect::<Vec<_>>().join("\n") + "\n";
    text.replace("unix@/run/tour/tour.sock", "127.0.0.1:9000")
}

const ALWAYS: &[Difference] = &[
    Difference {
        behaviour: "client_that_leaves_while_waiting_drops_the_handler",
        instead: "HAProxy does not tell: the handler finishes",
        check: finishes_although_the_client_left,
    },
    Difference {
        behaviour: "chunked_upload_arrives",
        instead: "400 by HAProxy, when the upload is longer than its buffer",
        check: |site| {
            expect_status(
                &site.send(&Request::post_chunked(
                    site.at("/upload"),
                    &[0; 200_000],
                    7000,
                ))?,
                400,
            )
        },
    },
];

fn configure(setup: &Setup<'_>, site: &str) -> io::Result<Command> {
    let path = setup.write("haproxy.cfg", &format!("{MAIN}{site}"))?;
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(path);
    Ok(command)
}
