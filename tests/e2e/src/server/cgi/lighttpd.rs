//! lighttpd's mod_cgi, below a path.

use crate::application::Socket;
use crate::layout::{Difference, Layout, Versions};
use crate::server::lighttpd;
use crate::suite::{CGI, Ending, ends};

use super::ALWAYS;

const PLAIN: Layout = Layout {
    web_server: "lighttpd mod_cgi",
    name: "cgi-lighttpd",
    mount: "/app",
    socket: Socket::Cgi,
    script_name: None,
    configure: |setup| {
        let program = setup.binary.display().to_string();
        lighttpd::configure(setup, &SITE.replace("/srv/tour/tour", &program))
    },
    environment: &[],
    differences: &[lighttpd::ALWAYS, ALWAYS, DIFFERENCES],
    extra: CGI,
    versions: Versions::ALL_THE_SAME,
};

pub(super) const LAYOUTS: &[Layout] = &[PLAIN];

const DIFFERENCES: &[Difference] = &[Difference {
    behaviour: "response_of_known_length_that_fails_is_cut_off",
    instead: "lighttpd keeps the connection open for its keep-alive time, and then the client can see it",
    check: |site| ends(site, "/fails/announced", Ending::Open),
}];

const SITE: &str = r#"
server.modules = ( "mod_setenv", "mod_alias", "mod_cgi" )
server.document-root = "/srv/tour"
server.bind = "127.0.0.1"
server.port = 8080
server.stream-response-body = 1
server.max-request-field-size = 65536
setenv.add-environment = ( "APP_SETTING" => "from the web server" )
$HTTP["url"] =~ "^/app(?:/|$)" {
    alias.url = ( "/app" => "/srv/tour/tour" )
    cgi.assign = ( "" => "" )
}
"#;
