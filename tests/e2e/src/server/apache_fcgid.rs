//! Apache mod_fcgid: the `.htaccess` of the example for shared hosts, at the root and in a directory; `ScriptAlias`.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use libtest_mimic::Failed;

use super::apache;
use crate::application::Socket;
use crate::layout::{Difference, Layout, Setup, Versions};
use crate::suite::{Ending, ends, uri_becomes};
use crate::support::{life_becomes, unique};
use crate::{Request, Site};

const PLAIN: Layout = Layout {
    web_server: "Apache mod_fcgid",
    name: "apache-fcgid-htaccess",
    mount: "",
    socket: Socket::Spawned,
    script_name: None,
    configure: |setup| htaccess(setup, "public", APPENDED, HOST),
    environment: &[],
    differences: &[apache::ALWAYS, ALWAYS, apache::ENCODED_SLASHES_OFF],
    extra: &[apache::LONG_LINE],
    versions: Versions::ALL_THE_SAME,
};

pub(super) const LAYOUTS: &[Layout] = &[
    PLAIN,
    Layout {
        name: "apache-fcgid-htaccess-prefix",
        mount: "/app",
        configure: |setup| htaccess(setup, "public/app", APPENDED, HOST),
        ..PLAIN
    },
    Layout {
        name: "apache-fcgid-htaccess-no-path",
        configure: |setup| {
            let rules = APPENDED.replace(RULE, "RewriteRule ^ index.fcgi [END]");
            htaccess(
                setup,
                "public",
                &rules,
                &HOST.replace("DocumentRoot", "AllowEncodedSlashes On\nDocumentRoot"),
            )
        },
        differences: &[apache::ALWAYS, ALWAYS],
        ..PLAIN
    },
    Layout {
        name: "apache-fcgid-htaccess-before-2.4.26",
        configure: |setup| {
            let rules = APPENDED.replace(RULE, "RewriteRule ^.* index.fcgi/$0 [QSA,END]");
            htaccess(setup, "public", &rules, HOST)
        },
        differences: &[
            apache::ALWAYS,
            ALWAYS,
            apache::ENCODED_SLASHES_OFF,
            DECODED_TWICE,
        ],
        ..PLAIN
    },
    Layout {
        name: "apache-fcgid-script-alias",
        configure: |setup| apache::configure(setup, SCRIPT_ALIAS),
        differences: &[apache::ALWAYS, ALWAYS],
        ..PLAIN
    },
];

pub(crate) const APPENDED: &str = include_str!("../../../../examples/shared-hosting/.htaccess");
/// The line of it that is another one where Apache is old, or where the path is not appended.
const RULE: &str = "RewriteRule ^.* index.fcgi/$0 [B=%?#,QSA,END]";
const WRAPPER: &str = include_str!("../../../../examples/shared-hosting/index.fcgi");

/// What the host configures.
pub(crate) const HOST: &str = r#"
FcgidMaxRequestLen 104857600
FcgidOutputBufferSize 0
Listen 127.0.0.1:8080
<VirtualHost 127.0.0.1:8080>
  DocumentRoot /srv/tour/public
  SetEnv APP_SETTING "from the web server"
  <Directory /srv/tour/public>
    Options +ExecCGI +SymLinksIfOwnerMatch
    AllowOverride All
    Require all granted
  </Directory>
</VirtualHost>
"#;

const SCRIPT_ALIAS: &str = r#"
FcgidMaxRequestLen 104857600
FcgidOutputBufferSize 0
Listen 127.0.0.1:8080
<VirtualHost 127.0.0.1:8080>
  AllowEncodedSlashes On
  SetEnv APP_SETTING "from the web server"
  ScriptAlias / /srv/tour/tour/
  <Directory /srv/tour>
    SetHandler fcgid-script
    Options +ExecCGI
    CGIPassAuth On
    Require all granted
  </Directory>
</VirtualHost>
"#;

/// The path that the rule appends is decoded again. What comes out is routed as it is: it is Apache's word.
const DECODED_TWICE: &[Difference] = &[
    Difference {
        behaviour: "encoded_percent_is_kept",
        instead: "400 by Apache",
        check: |site| apache::refused(site, "/request/100%25/25%2525", 400),
    },
    Difference {
        behaviour: "encoded_question_mark_is_kept",
        instead: "403 by Apache",
        check: |site| apache::refused(site, "/request/what%3Fnow?really=yes", 403),
    },
    Difference {
        behaviour: "encoded_number_sign_is_kept",
        instead: "the path ends there",
        check: |site| uri_becomes(site, "/request/no%231?page=2", "/request/no"),
    },
    Difference {
        behaviour: "what_is_encoded_twice_is_decoded_once",
        instead: "it is decoded twice, with dot segments resolved",
        check: |site| {
            uri_becomes(site, "/request/a%2520b", "/request/a%20b")?;
            uri_becomes(site, "/request/%252e%252e/request/x", "/request/x")
        },
    },
];

const SPOILED: &str =
    "unless it has a `Content-Length`, it looks complete, with Apache's error page at its end";

const ALWAYS: &[Difference] = &[
    Difference {
        behaviour: "client_that_leaves_while_waiting_drops_the_handler",
        instead: "mod_fcgid does not look: the handler finishes",
        check: finishes_although_the_client_left,
    },
    Difference {
        behaviour: "response_of_unknown_length_that_fails_is_cut_off",
        instead: SPOILED,
        check: |site| ends(site, "/fails", Ending::Spoiled),
    },
    Difference {
        behaviour: "response_whose_body_panics_is_cut_off",
        instead: SPOILED,
        check: |site| ends(site, "/fails/panic", Ending::Spoiled),
    },
];

/// While the handler runs, its process answers nobody else.
fn finishes_although_the_client_left(site: &Site) -> Result<(), Failed> {
    let name = unique("wait");
    let mut connection = site.connect()?;
    connection.start(&Request::get(site.at(&format!("/wait/{name}"))))?;
    drop(connection);
    life_becomes(site, &name, "Finished")
}

pub(crate) fn htaccess(
    setup: &Setup<'_>,
    folder: &str,
    rules: &str,
    host: &str,
) -> io::Result<Command> {
    setup.write(&format!("{folder}/.htaccess"), rules)?;
    let wrapper = WRAPPER.replace(
        "/home/you/app/shared-hosting",
        &setup.binary.display().to_string(),
    );
    let script = setup.write(&format!("{folder}/index.fcgi"), &wrapper)?;
    fs::set_permissions(script, Permissions::from_mode(0o755))?;
    apache::configure(setup, host)
}
