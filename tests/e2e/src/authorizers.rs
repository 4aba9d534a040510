//! The web servers that can ask an Authorizer, each with the configuration beside the example.

use std::io;
use std::process::Command;

use crate::application::Socket;
use crate::layout::{Layout, Setup};
use crate::server::{apache, lighttpd, nginx};

/// mod_authnz_fcgi.
const APACHE: Layout = Layout {
    web_server: "Apache mod_authnz_fcgi",
    name: "apache-authnz",
    socket: Socket::Unix,
    configure: |setup| {
        let site = include_str!("../../../examples/authorizer/apache.conf");
        apache::configure(setup, &format!("{AUTH_MODULES}{site}"))
    },
    differences: &[],
    ..nginx::PLAIN
};

/// `"mode" => "authorizer"`.
const LIGHTTPD: Layout = Layout {
    web_server: "lighttpd",
    name: "lighttpd-authorizer",
    socket: Socket::Unix,
    configure: |setup| {
        lighttpd::configure(
            setup,
            include_str!("../../../examples/authorizer/lighttpd.conf"),
        )
    },
    differences: &[],
    ..nginx::PLAIN
};

const AUTH_MODULES: &str = "
LoadModule authn_core_module modules/mod_authn_core.so
LoadModule authz_user_module modules/mod_authz_user.so
LoadModule auth_basic_module modules/mod_auth_basic.so
LoadModule authnz_fcgi_module modules/mod_authnz_fcgi.so
";

/// The application on a Unix socket, and before it an Authorizer on TCP.
#[must_use]
pub fn authorizing_layouts() -> [&'static Layout; 2] {
    [&APACHE, &LIGHTTPD]
}

/// mod_fcgid's own: it starts the program, and asks it before the request has a user, or for the user.
const FCGID_ACCESS_CHECKER: Layout = Layout {
    web_server: "Apache mod_fcgid",
    name: "apache-fcgid-access-checker",
    socket: Socket::Unix,
    configure: |setup| fcgid(setup, "Require all granted\n", &["FcgidAccessChecker"]),
    differences: &[],
    ..nginx::PLAIN
};

const FCGID_AUTHENTICATOR: Layout = Layout {
    name: "apache-fcgid-authenticator",
    configure: |setup| fcgid(setup, LOG_IN, &["FcgidAuthenticator"]),
    ..FCGID_ACCESS_CHECKER
};

const FCGID_AUTHORIZER: Layout = Layout {
    name: "apache-fcgid-authorizer",
    configure: |setup| fcgid(setup, LOG_IN, &["FcgidAuthenticator", "FcgidAuthorizer"]),
    ..FCGID_ACCESS_CHECKER
};

const LOG_IN: &str = "AuthType Basic\nAuthName members\nRequire valid-user\n";

/// Without mod_auth_basic, which would want a provider of its own.
fn fcgid(setup: &Setup<'_>, rules: &str, directives: &[&str]) -> io::Result<Command> {
    let program = setup.authorizer.ok_or(io::ErrorKind::NotFound)?.display();
    let mut location = rules.to_owned();
    for directive in directives {
        location.push_str(&format!("{directive} {program}\n"));
    }
    let site = format!(
        "
LoadModule authn_core_module modules/mod_authn_core.so
LoadModule authz_user_module modules/mod_authz_user.so
Listen 127.0.0.1:8080
<VirtualHost 127.0.0.1:8080>
<Location \"/\">
CGIPassAuth On
{location}</Location>
ProxyPass \"/\" \"unix:/run/tour/tour.sock|fcgi://localhost/\"
</VirtualHost>
"
    );
    apache::configure(setup, &site)
}

/// As [`authorizing_layouts`], but the web server starts the Authorizer itself.
#[must_use]
pub fn spawning_layouts() -> [&'static Layout; 3] {
    [
        &FCGID_ACCESS_CHECKER,
        &FCGID_AUTHENTICATOR,
        &FCGID_AUTHORIZER,
    ]
}
