//! The web servers that can ask an Authorizer, each with the configuration beside the example.

use crate::application::Socket;
use crate::layout::Layout;
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
