//! HAProxy: the only one that multiplexes, once it has asked whether it may.

use std::io;
use std::process::Command;

use libtest_mimic::Failed;

use crate::application::Socket;
use crate::layout::{Difference, Layout, Setup};
use crate::suite::{
    Ending, concurrent_requests, ends, finishes_although_the_client_left, message_is_lost,
};
use crate::support::{expect_status, life_becomes, unique};
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

const MULTIPLEXING: &[Difference] = &[
    Difference {
        behaviour: "client_that_leaves_a_stream_drops_the_handler",
        instead: "HAProxy 2.6 never sends FCGI_ABORT_REQUEST: while other requests share the connection, the handler goes on",
        check: nobody_else_is_disturbed,
    },
    Difference {
        behaviour: "response_of_known_length_that_fails_is_cut_off",
        instead: "while other requests share the connection, HAProxy lets the client wait for its `timeout server`",
        check: |_| ends_beside_another("/fails/announced", Ending::Open),
    },
    Difference {
        behaviour: "response_of_unknown_length_that_fails_is_cut_off",
        instead: "while other requests share the connection, it looks complete",
        check: |_| ends_beside_another("/fails", Ending::Complete),
    },
    Difference {
        behaviour: "response_whose_body_panics_is_cut_off",
        instead: "while other requests share the connection, it looks complete",
        check: |_| ends_beside_another("/fails/panic", Ending::Complete),
    },
];

/// The other request is worth more; alone, the response is cut off as it is elsewhere.
///
/// With a web server of its own: on a shared one, nobody knows which requests share a connection.
fn ends_beside_another(path: &str, expected: Ending) -> Result<(), Failed> {
    let site = Site::start(&PLAIN, "tour")?;
    // Before the first answer, HAProxy does not know that it may multiplex.
    site.get("/")?;
    let mut other = site.connect()?;
    let wait = Request::get("/wait/beside");
    other.start(&wait)?;
    life_becomes(&site, "beside", "Running")?;
    ends(&site, path, expected)?;
    let mut response = other.head(&wait)?;
    while let Some(piece) = other.piece()? {
        response.body.extend_from_slice(&piece);
    }
    assert_eq!(response.text(), "that was a second\n");
    ends(&site, path, Ending::Cut)
}

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
    Difference {
        behaviour: "message_reaches_the_log_of_the_web_server",
        instead: "HAProxy throws it away",
        check: message_is_lost,
    },
];

pub(crate) fn configure(setup: &Setup<'_>, site: &str) -> io::Result<Command> {
    let path = setup.write("haproxy.cfg", &format!("{MAIN}{site}"))?;
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(path);
    Ok(command)
}
