//! libfcgi's `cgi-fcgi`, run by Apache mod_cgid: for hosts that only have CGI.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use libtest_mimic::Failed;

use super::apache;
use crate::application::Socket;
use crate::layout::{Behaviour, Difference, Layout, Versions};
use crate::suite::{Ending, ends, finishes_although_the_client_left, many_requests};
use crate::support::{expect_status, get_is, pattern};
use crate::{Request, Site};

pub(super) const LAYOUTS: &[Layout] = &[Layout {
    web_server: "cgi-fcgi",
    name: "cgi-fcgi",
    mount: "",
    socket: Socket::Unix,
    script_name: None,
    configure: |setup| {
        setup.write("public/.htaccess", HTACCESS)?;
        let script = setup.write("public/index.cgi", SCRIPT)?;
        fs::set_permissions(script, Permissions::from_mode(0o755))?;
        apache::configure(setup, SITE)
    },
    environment: &[],
    differences: &[ALWAYS],
    extra: &[
        apache::LONG_LINE,
        Behaviour {
            name: "client_that_names_the_script_asks_for_another_page",
            check: |site| {
                get_is(site, "/index.cgi/request/a", 404)?;
                get_is(site, "/request/a", 200)
            },
        },
    ],
    versions: Versions::ALL_THE_SAME,
}];

const SCRIPT: &str = "#!/bin/sh
exec /usr/bin/cgi-fcgi -bind -connect /run/tour/tour.sock
";

const HTACCESS: &str = "
AddHandler cgi-script .cgi
CGIPassAuth On
RewriteEngine On
RewriteRule ^.* index.cgi/$0 [B=%?#,QSA,END]
";

const SITE: &str = r#"
LoadModule cgid_module modules/mod_cgid.so
ScriptSock /run/tour/cgid.sock
Listen 127.0.0.1:8080
<VirtualHost 127.0.0.1:8080>
  AllowEncodedSlashes On
  DocumentRoot /srv/tour/public
  SetEnv APP_SETTING "from the web server"
  <Directory /srv/tour/public>
    Options +ExecCGI +SymLinksIfOwnerMatch
    AllowOverride All
    Require all granted
  </Directory>
</VirtualHost>
"#;

const UNREAD: &str =
    "cgi-fcgi ends before it has taken the whole body, and mod_cgid may reset the connection then";

const LOST: &str = "it looks complete: mod_cgid takes `Content-Length` away";

const ALWAYS: &[Difference] = &[
    Difference {
        behaviour: "client_that_leaves_while_waiting_drops_the_handler",
        instead: "Apache does not look: the handler finishes",
        check: finishes_although_the_client_left,
    },
    Difference {
        behaviour: "chunked_upload_arrives",
        instead: "mod_cgid loses a body without a length",
        check: chunked_upload_is_lost,
    },
    Difference {
        behaviour: "early_answer_arrives_although_the_body_is_unread",
        instead: UNREAD,
        check: early_answer_may_be_lost,
    },
    Difference {
        behaviour: "json_without_its_content_type_is_415",
        instead: UNREAD,
        check: |site| may_be_lost(site, &Request::post(site.at("/echo-json"), "{}"), 415),
    },
    Difference {
        behaviour: "many_requests_on_one_client_connection",
        instead: UNREAD,
        check: |site| many_requests(site, |_, path| Request::get(path)),
    },
    Difference {
        behaviour: "echo_of_1_mib_comes_back",
        instead: "mod_cgid does not read the answer before it has handed over the whole body: only a small one comes back",
        check: small_echo_comes_back,
    },
    Difference {
        behaviour: "response_of_known_length_that_fails_is_cut_off",
        instead: LOST,
        check: |site| ends(site, "/fails/announced", Ending::Complete),
    },
    Difference {
        behaviour: "response_of_unknown_length_that_fails_is_cut_off",
        instead: LOST,
        check: |site| ends(site, "/fails", Ending::Complete),
    },
    Difference {
        behaviour: "response_whose_body_panics_is_cut_off",
        instead: LOST,
        check: |site| ends(site, "/fails/panic", Ending::Complete),
    },
];

fn chunked_upload_is_lost(site: &Site) -> Result<(), Failed> {
    let request = Request::post_chunked(site.at("/upload"), &[1; 3000], 700);
    // Or mod_cgid ends the connection, since nobody takes the body.
    if let Ok(response) = site.send(&request) {
        expect_status(&response, 200)?;
        assert_eq!(response.text(), "{\"bytes\":0,\"sum\":0}");
    }
    get_is(site, "/json", 200)
}

fn early_answer_may_be_lost(site: &Site) -> Result<(), Failed> {
    // A small body can be too late as well, when Apache gets to it after the script has ended.
    for length in [1000, 1_000_000] {
        let request = Request::post(site.at("/refuse"), pattern(length));
        may_be_lost(site, &request, 413)?;
    }
    Ok(())
}

fn may_be_lost(site: &Site, request: &Request, status: u16) -> Result<(), Failed> {
    if let Ok(response) = site.send(request) {
        expect_status(&response, status)?;
    }
    get_is(site, "/json", 200)
}

fn small_echo_comes_back(site: &Site) -> Result<(), Failed> {
    let body = pattern(10_000);
    let response = site.send(&Request::post(site.at("/echo"), body.clone()))?;
    expect_status(&response, 200)?;
    assert!(response.body == body);
    Ok(())
}
