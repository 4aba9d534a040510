//! lighttpd: `fastcgi.server` beside `proxy.server`.

use super::configuration::{self, Configuration, Lines, UNCONFIGURED, Variant, WebServer};
use super::scope::{self, Scope};
use crate::server::lighttpd;

const LIGHTTPD: WebServer = WebServer {
    configure: lighttpd::configure,
    // Each side has a socket of its own.
    head: r#"
server.modules = ( "mod_access", "mod_rewrite", "mod_auth", "mod_authn_file", "mod_proxy", "mod_fastcgi" )
server.document-root = "/run/tour"
server.bind = "/run/tour/lighttpd.sock"
"#,
    ..configuration::RESOLVING
};

const APP: Lines = Lines {
    placeholder: "@APP@",
    fastcgi: r#"fastcgi.server = ( "/" => ((
        "host" => "127.0.0.1", "port" => @FASTCGI@, "check-local" => "disable"
    )) )"#,
    http: r#"proxy.server = ( "" => (( "host" => "127.0.0.1", "port" => @HTTP@ )) )"#,
};

const FIXED_ROOT: Lines = Lines {
    fastcgi: r#"fastcgi.server = ( "/" => ((
        "host" => "127.0.0.1", "port" => @FASTCGI@, "check-local" => "disable",
        "fix-root-scriptname" => "enable"
    )) )"#,
    ..APP
};

const PREFIX: Lines = Lines {
    fastcgi: r#"fastcgi.server = ( "/app" => ((
        "host" => "127.0.0.1", "port" => @FASTCGI@, "check-local" => "disable"
    )) )"#,
    ..APP
};

pub(super) const PLAIN: Configuration = Configuration {
    name: "",
    web_server: &LIGHTTPD,
    site: "",
    files: &[],
    lines: &[APP],
    variants: &[UNCONFIGURED, configuration::AT_THE_ROOT],
    scope: scope::AT_THE_ROOT,
};

const FIXED: Configuration = Configuration {
    lines: &[FIXED_ROOT],
    variants: &[UNCONFIGURED, configuration::AT_THE_ROOT],
    ..PLAIN
};

const DENIED: Scope = Scope {
    protected: &["/admin/"],
    pages: &["/errors/all"],
    ..scope::AT_THE_ROOT
};

pub(super) const CONFIGURATIONS: &[Configuration] = &[
    Configuration {
        name: "lighttpd-error-handler",
        site: include_str!("../../sites/lighttpd/error-handler.conf"),
        scope: DENIED,
        ..PLAIN
    },
    Configuration {
        name: "lighttpd-error-handler-fix-root-scriptname",
        site: include_str!("../../sites/lighttpd/error-handler.conf"),
        scope: DENIED,
        ..FIXED
    },
    Configuration {
        name: "lighttpd-error-handler-404",
        site: include_str!("../../sites/lighttpd/error-handler-404.conf"),
        scope: DENIED,
        ..PLAIN
    },
    Configuration {
        name: "lighttpd-rewrite",
        site: include_str!("../../sites/lighttpd/rewrite.conf"),
        scope: Scope {
            own: &[
                "/old/a",
                "/old/a%2Fb",
                "/old/h%C3%A9llo",
                "/old/a?q=1",
                "/old/admin/secret",
                "/prefix/a",
                "/prefix/a%2Fb",
                "/prefix/prefix/a",
                "/prefix/admin/secret",
                "/prefix/x.fcgi/admin/secret",
                "/prefix/x%2Efcgi/admin/secret",
                "/show?f=x.fcgi/admin/secret",
                "/show?f=admin/secret",
                "/show?f=x/admin/secret",
            ],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "lighttpd-rewrite-fix-root-scriptname",
        site: include_str!("../../sites/lighttpd/rewrite.conf"),
        scope: Scope {
            own: &["/old/a", "/old/a%2Fb", "/prefix/a", "/prefix/prefix/a"],
            ..DENIED
        },
        ..FIXED
    },
    Configuration {
        name: "lighttpd-prefix",
        site: include_str!("../../sites/lighttpd/below.conf"),
        lines: &[PREFIX],
        variants: &[
            UNCONFIGURED,
            Variant {
                script_name: Some("/app"),
                lines: &[Lines {
                    http: r#"proxy.server = ( "" => (( "host" => "127.0.0.1", "port" => @HTTP@ )) )
        proxy.header = ( "map-urlpath" => ( "/app/" => "/", "/app" => "/" ) )"#,
                    ..PREFIX
                }],
                ..UNCONFIGURED
            },
        ],
        scope: Scope {
            mount: "/app",
            protected: &["/app/admin/"],
            pages: &["/app/errors/all"],
            own: &["/into/a", "/into/a?q=1", "/app", "/app-x/admin/secret"],
            ..scope::AT_THE_ROOT
        },
        ..PLAIN
    },
    Configuration {
        name: "lighttpd-script",
        site: include_str!("../../sites/lighttpd/script.conf"),
        lines: &[
            Lines {
                placeholder: "@RULE@",
                fastcgi: r#"url.rewrite-once = ( "^(/[^?]*)(\?.*)?$" => "/index.fcgi$1$2" )"#,
                http: "",
            },
            Lines {
                fastcgi: r#"fastcgi.server = ( "/index.fcgi" => ((
        "host" => "127.0.0.1", "port" => @FASTCGI@, "check-local" => "disable"
    )) )"#,
                ..APP
            },
        ],
        scope: DENIED,
        ..FIXED
    },
    Configuration {
        name: "lighttpd-auth",
        site: include_str!("../../sites/lighttpd/auth.conf"),
        files: &[("passwords", super::nginx::PASSWORDS)],
        scope: Scope {
            protected: &["/members/"],
            pages: &["/errors/all"],
            credentials: Some(super::nginx::CREDENTIALS),
            ..scope::AT_THE_ROOT
        },
        ..PLAIN
    },
];
