//! Caddy: `reverse_proxy` with the FastCGI transport, at the root and below a prefix.

use std::io;
use std::path::Path;
use std::process::Command;

use libtest_mimic::Failed;

use crate::application::{Socket, newer};
use crate::layout::{Behaviour, Change, Difference, Layout, Setup, Versions, version_of};
use crate::suite::{
    Ending, LOOKS_COMPLETE, ends, finishes_although_the_client_left, message_is_lost,
    reason_phrase_is_the_usual_one,
};
use crate::support::expect_status;
use crate::{Request, Site};

const PLAIN: Layout = Layout {
    web_server: "Caddy",
    name: "caddy-unix",
    mount: "",
    socket: Socket::Unix,
    script_name: None,
    configure: |setup| configure(setup, include_str!("../../../../tests/tour/Caddyfile")),
    environment: &[],
    differences: &[ALWAYS],
    extra: &[],
    versions: &VERSIONS,
};

pub(super) const LAYOUTS: &[Layout] = &[
    PLAIN,
    Layout {
        name: "caddy-tcp-prefix",
        mount: "/app",
        socket: Socket::Tcp,
        configure: |setup| configure(setup, TCP_PREFIX),
        ..PLAIN
    },
    NEWER,
    Layout {
        name: "caddy-2.11-tcp-prefix",
        mount: "/app",
        socket: Socket::Tcp,
        configure: |setup| configure_newer(setup, TCP_PREFIX),
        ..NEWER
    },
];

/// One Caddyfile with and without `transport fastcgi`, before the same program: a FastCGI server, and its HTTP twin.
pub const CADDY_BOTH_WAYS: [Layout; 2] = [
    Layout {
        name: "caddy-with-transport-fastcgi",
        socket: Socket::Tcp,
        configure: |setup| configure(setup, HELLO),
        ..PLAIN
    },
    Layout {
        name: "caddy-without-transport-fastcgi",
        socket: Socket::Http,
        configure: |setup| {
            let over_http = HELLO.replace(" {\n\t\ttransport fastcgi\n\t}", "");
            if over_http.contains("fastcgi") {
                return Err(io::Error::other(format!(
                    "it is not over HTTP: {over_http}"
                )));
            }
            configure(setup, &over_http)
        },
        ..PLAIN
    },
];

const HELLO: &str = include_str!("../../../../examples/hello/Caddyfile");

/// From PyPI: the web servers of the distribution are older.
const NEWER: Layout = Layout {
    web_server: "Caddy 2.11",
    name: "caddy-2.11-unix",
    configure: |setup| configure_newer(setup, include_str!("../../../../tests/tour/Caddyfile")),
    extra: &[
        Behaviour {
            name: "header_with_an_underscore_or_a_point_is_dropped",
            check: odd_names_are_dropped,
        },
        Behaviour {
            name: "cookie_of_30_kb_is_431",
            check: large_cookie_is_431,
        },
    ],
    versions: &Versions {
        documented: (2, 11),
        installed: || version_of(&newer("caddy")?, "version"),
        ..VERSIONS
    },
    ..PLAIN
};

/// With HTTP/2 towards the client. Its tests are apart, as they need another client.
pub const CADDY_HTTP2: Layout = Layout {
    name: "caddy-2.11-http2",
    configure: |setup| {
        let site = include_str!("../../../../tests/tour/Caddyfile");
        let main = MAIN.replace(
            "auto_https off",
            "auto_https off\n\tservers {\n\t\tprotocols h1 h2c\n\t}",
        );
        run(&newer("caddy")?, setup, &main, site)
    },
    ..NEWER
};

const VERSIONS: Versions = Versions {
    documented: (2, 6),
    installed: || version_of("caddy".as_ref(), "version"),
    changes: &[
        Change {
            since: (2, 9),
            behaviour: "chunked_upload_arrives",
            instead: Some(Difference {
                behaviour: "chunked_upload_arrives",
                instead: "411 by Caddy",
                check: |site| {
                    let request = Request::post_chunked(site.at("/upload"), &[0; 200_000], 7000);
                    expect_status(&site.send(&request)?, 411)
                },
            }),
        },
        Change {
            since: (2, 11),
            behaviour: "response_of_unknown_length_that_fails_is_cut_off",
            instead: None,
        },
        Change {
            since: (2, 11),
            behaviour: "response_whose_body_panics_is_cut_off",
            instead: None,
        },
    ],
};

fn odd_names_are_dropped(site: &Site) -> Result<(), Failed> {
    for name in ["X_User", "X.Dot"] {
        let request = Request::get(site.at("/request/headers")).header(name, "odd");
        let response = site.send(&request)?;
        expect_status(&response, 200)?;
        assert!(!response.text().contains("odd"), "{}", response.text());
    }
    Ok(())
}

fn large_cookie_is_431(site: &Site) -> Result<(), Failed> {
    let cookie = |length| Request::get(site.at("/json")).header("Cookie", "c".repeat(length));
    expect_status(&site.send(&cookie(30_000))?, 431)
}

/// Before the sites.
const MAIN: &str = "{
	admin off
	auto_https off
	storage file_system /run/tour/caddy
}
";

const TCP_PREFIX: &str = r#"
http://127.0.0.1:8080 {
	handle_path /app/* {
		reverse_proxy 127.0.0.1:9000 {
			flush_interval -1
			transport fastcgi {
				env SCRIPT_NAME /app
				env APP_SETTING "from the web server"
			}
		}
	}
}
"#;

const ALWAYS: &[Difference] = &[
    Difference {
        behaviour: "client_that_leaves_while_waiting_drops_the_handler",
        instead: "Caddy does not look: the handler finishes",
        check: finishes_although_the_client_left,
    },
    Difference {
        behaviour: "reason_phrase_of_the_application_arrives",
        instead: "Caddy puts the usual one in its place",
        check: reason_phrase_is_the_usual_one,
    },
    Difference {
        behaviour: "message_reaches_the_log_of_the_web_server",
        instead: "Caddy throws it away",
        check: message_is_lost,
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

pub(crate) fn configure(setup: &Setup<'_>, site: &str) -> io::Result<Command> {
    run(Path::new("caddy"), setup, MAIN, site)
}

fn configure_newer(setup: &Setup<'_>, site: &str) -> io::Result<Command> {
    run(&newer("caddy")?, setup, MAIN, site)
}

fn run(program: &Path, setup: &Setup<'_>, main: &str, site: &str) -> io::Result<Command> {
    let path = setup.write("Caddyfile", &format!("{main}{site}"))?;
    let mut command = Command::new(program);
    command
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(path);
    command
        .env("HOME", setup.dir)
        .env("XDG_CONFIG_HOME", setup.dir)
        .env("XDG_DATA_HOME", setup.dir);
    Ok(command)
}
