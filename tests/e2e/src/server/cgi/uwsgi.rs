//! uWSGI's cgi plugin, which speaks HTTP itself here.

use std::io;
use std::process::Command;

use crate::application::Socket;
use crate::layout::{Difference, Layout, Setup, Versions};
use crate::suite::{CGI, client_has_no_port};

use super::{ALWAYS, CLOSES, NO_LENGTH};

pub(super) const LAYOUTS: &[Layout] = &[Layout {
    web_server: "uWSGI",
    name: "cgi-uwsgi",
    mount: "",
    socket: Socket::Cgi,
    script_name: None,
    configure,
    environment: &[],
    differences: &[ALWAYS, CLOSES, NO_LENGTH, DIFFERENCES],
    extra: CGI,
    versions: Versions::ALL_THE_SAME,
}];

const DIFFERENCES: &[Difference] = &[Difference {
    behaviour: "connect_info_is_the_client",
    instead: "without its port, which uWSGI does not send",
    check: client_has_no_port,
}];

const SITE: &str = "[uwsgi]
plugins = cgi
http-socket = 127.0.0.1:8080
http-socket-modifier1 = 9
master = true
processes = 8
die-on-term = true
no-orphans = true
buffer-size = 65535
cgi = /srv/tour/tour
env = APP_SETTING=from the web server
";

fn configure(setup: &Setup<'_>) -> io::Result<Command> {
    let program = setup.binary.display().to_string();
    let path = setup.write("uwsgi.ini", &SITE.replace("/srv/tour/tour", &program))?;
    let mut command = Command::new("uwsgi-core");
    command.arg("--ini").arg(path);
    Ok(command)
}
