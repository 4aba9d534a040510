//! HAProxy: the only one that multiplexes, once it has asked whether it may.

use std::io;
use std::path::Path;
use std::process::Command;

use libtest_mimic::Failed;

use crate::application::{Socket, newer};
use crate::layout::{Change, Difference, Layout, Setup, Versions, version_of};
use crate::suite::{
    Ending, concurrent_requests, ends, finishes_although_the_client_left, message_is_lost,
};
use crate::support::{expect_status, life_becomes, unique};
use crate::{Request, Site};

const MULTIPLEXED: &str = include_str!("../../../../tests/tour/haproxy.cfg");

/// Before everything else.
const MAIN: &str = "
global
    # For the head of a request; the default is 16384.
    tune.bufsize 65536
    # Each thread has connections of its own.
    nbthread 1
";

/// By default the application takes one request at a time on a connection (B-12).
pub(crate) const MULTIPLEXES: &[(&str, &str)] = &[("TOUR_MAX_REQS", "64")];

const PLAIN: Layout = Layout {
    web_server: "HAProxy",
    name: "haproxy-unix-multiplexed",
    mount: "",
    socket: Socket::Unix,
    script_name: None,
    configure: |setup| configure(setup, MULTIPLEXED),
    environment: MULTIPLEXES,
    differences: &[ALWAYS, MULTIPLEXING],
    extra: &[],
    versions: &VERSIONS,
};

pub(super) const LAYOUTS: &[Layout] = &[
    PLAIN,
    Layout {
        name: "haproxy-tcp-one-request-per-connection",
        socket: Socket::Tcp,
        environment: &[],
        configure: |setup| configure(setup, &one_request_per_connection()),
        differences: &[ALWAYS],
        ..PLAIN
    },
    NEWER_MULTIPLEXED,
    Layout {
        name: "haproxy-2.8-tcp-one-request-per-connection",
        socket: Socket::Tcp,
        environment: &[],
        configure: |setup| configure_newer(setup, &one_request_per_connection()),
        differences: &[ALWAYS],
        ..NEWER
    },
];

/// From PyPI: the web servers of the distribution are older.
const NEWER: Layout = Layout {
    web_server: "HAProxy 2.8",
    versions: &Versions {
        documented: (2, 8),
        installed: || version_of(&newer("haproxy")?, "-v"),
        ..VERSIONS
    },
    ..PLAIN
};

const NEWER_MULTIPLEXED: Layout = Layout {
    name: "haproxy-2.8-unix-multiplexed",
    configure: |setup| configure_newer(setup, MULTIPLEXED),
    differences: &[ALWAYS, MULTIPLEXING_NEWER],
    ..NEWER
};

const VERSIONS: Versions = Versions {
    documented: (2, 6),
    installed: || version_of("haproxy".as_ref(), "-v"),
    changes: &[Change {
        // As reported of 3.5, which is in no package that the tests could install.
        since: (3, 5),
        behaviour: "client_that_leaves_while_waiting_drops_the_handler",
        instead: None,
    }],
};

/// HAProxy multiplexes without having asked, and the application does not.
pub const UNASKED: &[Layout] = &[
    Layout {
        name: "haproxy-unasked",
        environment: &[],
        configure: |setup| configure(setup, &unasked()),
        ..PLAIN
    },
    Layout {
        name: "haproxy-2.8-unasked",
        environment: &[],
        configure: |setup| configure_newer(setup, &unasked()),
        ..NEWER
    },
];

fn unasked() -> String {
    MULTIPLEXED.replace("option get-values", "option max-reqs 64")
}

/// The differences of a multiplexing layout, which has a web server of its own started for some of them.
macro_rules! multiplexing {
    ($layout:expr) => {
        &[
    Difference {
        behaviour: "client_that_leaves_a_stream_drops_the_handler",
        instead: "HAProxy never sends FCGI_ABORT_REQUEST: while other requests share the connection, the handler goes on",
        check: nobody_else_is_disturbed,
    },
    Difference {
        behaviour: "response_of_known_length_that_fails_is_cut_off",
        instead: "while other requests share the connection, HAProxy lets the client wait for its `timeout server`",
        check: |_| ends_beside_another($layout, "/fails/announced", Ending::Open),
    },
    Difference {
        behaviour: "response_of_unknown_length_that_fails_is_cut_off",
        instead: "while other requests share the connection, it looks complete",
        check: |_| ends_beside_another($layout, "/fails", Ending::Complete),
    },
    Difference {
        behaviour: "response_whose_body_panics_is_cut_off",
        instead: "while other requests share the connection, it looks complete",
        check: |_| ends_beside_another($layout, "/fails/panic", Ending::Complete),
    },
]
    };
}

const MULTIPLEXING: &[Difference] = multiplexing!(&PLAIN);
const MULTIPLEXING_NEWER: &[Difference] = multiplexing!(&NEWER_MULTIPLEXED);

/// The other request is worth more; alone, the response is cut off as it is elsewhere.
///
/// With a web server of its own: on a shared one, nobody knows which requests share a connection.
fn ends_beside_another(layout: &Layout, path: &str, expected: Ending) -> Result<(), Failed> {
    let site = Site::start(layout, "tour")?;
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

/// Without an option, HAProxy keeps connections.
fn one_request_per_connection() -> String {
    MULTIPLEXED
        .replace("    option get-values\n    option mpxs-conns\n", "")
        .replace("option keep-conn", "no option keep-conn")
        .replace("unix@/run/tour/tour.sock", "127.0.0.1:9000")
}

const ALWAYS: &[Difference] = &[
    Difference {
        behaviour: "client_that_leaves_while_waiting_drops_the_handler",
        instead: "HAProxy does not report it: the handler finishes",
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
    run(Path::new("haproxy"), setup, site)
}

fn configure_newer(setup: &Setup<'_>, site: &str) -> io::Result<Command> {
    run(&newer("haproxy")?, setup, site)
}

fn run(program: &Path, setup: &Setup<'_>, site: &str) -> io::Result<Command> {
    let path = setup.write("haproxy.cfg", &format!("{MAIN}{site}"))?;
    let mut command = Command::new(program);
    command.arg("-db").arg("-f").arg(path);
    Ok(command)
}
