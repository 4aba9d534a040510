//! Caddy: `reverse_proxy` with the FastCGI transport, at the root and below a prefix.

use std::io;
use std::process::Command;

use crate::application::Socket;
use crate::layout::{Difference, Layout, Setup};
use crate::suite::finishes_although_the_client_left;

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

const ALWAYS: &[Difference] = &[Difference {
    behaviour: "client_that_leaves_while_waiting_drops_the_handler",
    instead: "Caddy does not look: the handler finishes",
    check: finishes_although_the_client_left,
}];

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
