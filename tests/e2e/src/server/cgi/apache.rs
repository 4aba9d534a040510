//! Apache mod_cgid, with the `.htaccess` of the guide.

use std::fs;
use std::io;
use std::process::Command;

use crate::application::Socket;
use crate::layout::{Difference, Layout, Setup, Versions};
use crate::server::apache;
use crate::suite::{CGI, Ending, ends};

use super::{ALWAYS, NO_LENGTH};

pub(super) const LAYOUTS: &[Layout] = &[Layout {
    web_server: "Apache mod_cgid",
    name: "cgi-apache",
    mount: "",
    socket: Socket::Cgi,
    script_name: None,
    configure: |setup| htaccess(setup, HTACCESS),
    environment: &[],
    differences: &[ALWAYS, NO_LENGTH, DIFFERENCES],
    extra: CGI,
    versions: Versions::ALL_THE_SAME,
}];

const HTACCESS: &str = include_str!("../../../../../docs/deploy/cgi.htaccess");

const DIFFERENCES: &[Difference] = &[Difference {
    behaviour: "response_of_known_length_that_fails_is_cut_off",
    instead: "it looks complete: mod_cgid takes `Content-Length` away",
    check: |site| ends(site, "/fails/announced", Ending::Complete),
}];

/// What the host configures. `FCGI_WEB_SERVER_ADDRS` is there because a web server may have it for other programs' sake:
/// nobody connects to a CGI program.
pub(crate) const HOST: &str = r#"
LoadModule cgid_module modules/mod_cgid.so
ScriptSock /run/tour/cgid.sock
Listen 127.0.0.1:8080
<VirtualHost 127.0.0.1:8080>
  AllowEncodedSlashes On
  DocumentRoot /srv/tour/public
  SetEnv FCGI_WEB_SERVER_ADDRS 192.0.2.1
  SetEnv APP_SETTING "from the web server"
  <Directory /srv/tour/public>
    Options +ExecCGI +SymLinksIfOwnerMatch
    AllowOverride All
    Require all granted
  </Directory>
</VirtualHost>
"#;

pub(crate) fn htaccess(setup: &Setup<'_>, rules: &str) -> io::Result<Command> {
    hosted(setup, rules, HOST)
}

pub(crate) fn hosted(setup: &Setup<'_>, rules: &str, host: &str) -> io::Result<Command> {
    let rules = setup.write("public/.htaccess", rules)?;
    fs::hard_link(setup.binary, rules.with_file_name("index.cgi"))?;
    apache::configure(setup, host)
}
