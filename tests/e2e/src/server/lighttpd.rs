//! lighttpd: at the root, below a prefix, streamed or not, and as the one that starts the application.

use std::io;
use std::process::Command;

use crate::Request;
use crate::application::Socket;
use crate::layout::{Difference, Layout, Setup, Versions};
use crate::suite::{finishes_although_the_client_left, reason_phrase_is_the_usual_one};
use crate::support::expect_status;

const PLAIN: Layout = Layout {
    web_server: "lighttpd",
    name: "lighttpd-unix-streamed",
    mount: "",
    socket: Socket::Unix,
    script_name: None,
    configure: |setup| configure(setup, include_str!("../../../../tests/tour/lighttpd.conf")),
    environment: &[],
    differences: &[ALWAYS, STREAMED],
    extra: &[],
    versions: Versions::ALL_THE_SAME,
};

pub(super) const LAYOUTS: &[Layout] = &[
    PLAIN,
    Layout {
        name: "lighttpd-tcp-prefix",
        mount: "/app",
        socket: Socket::Tcp,
        script_name: Some("/app"),
        configure: |setup| {
            configure(
                setup,
                include_str!("../../../../tests/tour/lighttpd-prefix.conf"),
            )
        },
        differences: &[ALWAYS],
        ..PLAIN
    },
    Layout {
        name: "lighttpd-spawned",
        socket: Socket::Spawned,
        configure: |setup| configure(setup, &format!("{COMMON}{SPAWNED}")),
        differences: &[ALWAYS],
        ..PLAIN
    },
];

const COMMON: &str = r#"
server.modules = ( "mod_setenv", "mod_fastcgi" )
server.document-root = "/srv/tour"
server.bind = "127.0.0.1"
server.port = 8080
server.stream-response-body = 1
server.max-request-field-size = 65536
setenv.add-environment = ( "APP_SETTING" => "from the web server" )
"#;

/// Without `fix-root-scriptname`, which is not needed.
const SPAWNED: &str = r#"
fastcgi.server = ( "/" => ((
    "bin-path" => "/srv/tour/tour",
    "socket" => "/run/tour/lighttpd.sock",
    "max-procs" => 1,
    "check-local" => "disable"
)) )
"#;

pub(super) const ALWAYS: &[Difference] = &[
    Difference {
        behaviour: "client_that_leaves_while_waiting_drops_the_handler",
        instead: "lighttpd does not look: the handler finishes",
        check: finishes_although_the_client_left,
    },
    Difference {
        behaviour: "unusual_method_arrives",
        instead: "501 by lighttpd, for a method that it does not know",
        check: |site| {
            expect_status(
                &site.send(&Request::new("M-SEARCH", site.at("/request/method")))?,
                501,
            )
        },
    },
    Difference {
        behaviour: "reason_phrase_of_the_application_arrives",
        instead: "lighttpd puts the usual one in its place",
        check: reason_phrase_is_the_usual_one,
    },
];

const STREAMED: &[Difference] = &[Difference {
    behaviour: "chunked_upload_arrives",
    instead: "411 by lighttpd, when it streams request bodies",
    check: |site| {
        expect_status(
            &site.send(&Request::post_chunked(
                site.at("/upload"),
                &[0; 200_000],
                7000,
            ))?,
            411,
        )
    },
}];

pub(crate) fn configure(setup: &Setup<'_>, site: &str) -> io::Result<Command> {
    let path = setup.write("lighttpd.conf", site)?;
    let mut command = Command::new("lighttpd");
    command.arg("-D").arg("-f").arg(path);
    Ok(command)
}
