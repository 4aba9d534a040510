//! What both ways to use Apache have in common.

use std::io;
use std::process::Command;

use libtest_mimic::Failed;

use crate::layout::{Behaviour, Difference, Setup};
use crate::support::{expect_status, get_is};
use crate::{Request, Site};

/// The frame around the files for sites-enabled.
const MAIN: &str = r#"
ServerRoot /usr/lib/apache2
PidFile /run/tour/apache.pid
DefaultRuntimeDir /run/tour
ErrorLog /run/tour/server.log
User www-data
Group www-data
ServerName tour.example
LoadModule mpm_event_module modules/mod_mpm_event.so
LoadModule authz_core_module modules/mod_authz_core.so
LoadModule alias_module modules/mod_alias.so
LoadModule env_module modules/mod_env.so
LoadModule mime_module modules/mod_mime.so
LoadModule rewrite_module modules/mod_rewrite.so
LoadModule proxy_module modules/mod_proxy.so
LoadModule proxy_fcgi_module modules/mod_proxy_fcgi.so
LoadModule fcgid_module modules/mod_fcgid.so
TypesConfig /etc/mime.types
StartServers 1
ServerLimit 2
ThreadsPerChild 64
ThreadLimit 64
MaxRequestWorkers 128
FcgidMaxProcessesPerClass 12
FcgidIPCDir /run/tour/fcgid
FcgidProcessTableFile /run/tour/fcgid_shm
<Directory />
  Require all denied
  AllowOverride None
</Directory>
Include /run/tour/site.conf
"#;

pub(crate) fn configure(setup: &Setup<'_>, site: &str) -> io::Result<Command> {
    setup.write("site.conf", site)?;
    let main = setup.write("apache.conf", MAIN)?;
    let mut command = Command::new("apache2");
    command.arg("-f").arg(main).arg("-DFOREGROUND");
    Ok(command)
}

/// For every layout.
pub(super) const ALWAYS: &[Difference] = &[];

/// R-5: Apache reads the head of a response line by line, with 8192 bytes for each.
pub(super) const LONG_LINE: Behaviour = Behaviour {
    name: "response_line_of_9_kb_is_500",
    check: |site| {
        let response = site.get("/long-header/8000")?;
        expect_status(&response, 200)?;
        assert_eq!(response.header("x-long").map(|it| it.len()), Some(8000));
        get_is(site, "/long-header/9000", 500)?;
        get_is(site, "/json", 200)
    },
};

/// Without `AllowEncodedSlashes On`.
pub(super) const ENCODED_SLASHES_OFF: &[Difference] = &[Difference {
    behaviour: "encoded_slash_is_kept",
    instead: "404 by Apache, unless it has `AllowEncodedSlashes On`",
    check: |site| refused(site, "/request/a%2Fb/c", 404),
}];

/// Refused before the application is asked.
pub(super) fn refused(site: &Site, path: &str, status: u16) -> Result<(), Failed> {
    let response = site.send(&Request::get(site.at(path)))?;
    assert!(
        response.text().contains("<html>"),
        "not a page of Apache: {}",
        response.text()
    );
    get_is(site, path, status)
}
