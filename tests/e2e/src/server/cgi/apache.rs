//! Apache mod_cgid: plain CGI, a process for each request.

use std::fs;
use std::io;
use std::process::Command;

use super::apache;
use crate::layout::Setup;

/// What the host configures. The variable is there because a web server may have it for other programs' sake: nobody
/// connects to a CGI program.
const HOST: &str = r#"
LoadModule cgid_module modules/mod_cgid.so
ScriptSock /run/tour/cgid.sock
Listen 127.0.0.1:8080
<VirtualHost 127.0.0.1:8080>
  DocumentRoot /srv/tour/public
  SetEnv FCGI_WEB_SERVER_ADDRS 192.0.2.1
  <Directory /srv/tour/public>
    Options +ExecCGI +SymLinksIfOwnerMatch
    AllowOverride All
    Require all granted
  </Directory>
</VirtualHost>
"#;

pub(crate) fn htaccess(setup: &Setup<'_>, rules: &str) -> io::Result<Command> {
    let rules = setup.write("public/.htaccess", rules)?;
    fs::hard_link(setup.binary, rules.with_file_name("index.cgi"))?;
    apache::configure(setup, HOST)
}
