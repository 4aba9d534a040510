//! Caddy: `reverse_proxy` with the FastCGI transport, at the root and below a prefix.

use std::io;
use std::process::Command;

use crate::application::Socket;
use crate::layout::{Difference, Layout, Setup};
use crate::suite::{
    Ending, LOOKS_COMPLETE, ends, finishes_although_the_client_left, message_is_lost,
    reason_phrase_is_the_usual_one,
};

const PLAIN: Layout = Layout {
    web_server: "Caddy",
    name: "caddy-unix",
    mount: "",
    socket: Socket::Unix,
    script_name: None,
    configure: |setup| configure(setup, include_str!("../../../../examples/tour/Caddyfile")),
    differences: &[ALWAYS],
    extra: &[],
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
];

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
        instead: "Caddy 2.6 throws it away",
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
    let path = setup.write("Caddyfile", &format!("{MAIN}{site}"))?;
    let mut command = Command::new("caddy");
    command
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(path);
    command
        .env("HOME", setup.dir)
        .env("XDG_CONFIG_HOME", setup.dir)
        .env("XDG_DATA_HOME", setup.dir);
    Ok(command)
}
