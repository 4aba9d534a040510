//! HAProxy: a server with `proto fcgi` beside one without.

use super::configuration::{self, Configuration, Lines, UNCONFIGURED, Variant, WebServer};
use super::scope::{self, Scope};
use crate::server::haproxy;

const HAPROXY: WebServer = WebServer {
    configure: haproxy::configure,
    head: "
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    option http-buffer-request

fcgi-app twin
    docroot /
    option keep-conn
",
    merges_slashes: false,
    resolves_dot_segments: false,
    ..configuration::RESOLVING
};

const APP: Lines = Lines {
    placeholder: "@APP@",
    fastcgi: "use-fcgi-app twin
    server twin 127.0.0.1:@FASTCGI@ proto fcgi",
    http: "server twin 127.0.0.1:@HTTP@",
};

pub(super) const PLAIN: Configuration = Configuration {
    name: "",
    web_server: &HAPROXY,
    site: "",
    files: &[],
    lines: &[APP],
    variants: &[UNCONFIGURED, configuration::AT_THE_ROOT],
    scope: scope::AT_THE_ROOT,
};

const DENIED: Scope = Scope {
    protected: &["/admin/", "/members/"],
    pages: &["/errors/403"],
    ..scope::AT_THE_ROOT
};

pub(super) const CONFIGURATIONS: &[Configuration] = &[
    Configuration {
        name: "haproxy-set-path",
        site: include_str!("../../sites/haproxy/set-path.cfg"),
        scope: Scope {
            own: &[
                "/old/a",
                "/old/a%2Fb",
                "/old/h%C3%A9llo",
                "/old/a?q=1",
                "/uri/a",
                "/uri/a?q=1",
            ],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "haproxy-split-at-any-script",
        site: include_str!("../../sites/haproxy/path-info.cfg"),
        lines: &[Lines {
            fastcgi: "use-fcgi-app scripts-@SIDE@
    server twin 127.0.0.1:@FASTCGI@ proto fcgi",
            ..APP
        }],
        scope: Scope {
            protected: &["/admin/"],
            own: super::nginx::SCRIPTS,
            without: &[(
                "/a%0Ab",
                "its pattern does not match that, and HAProxy answers with 500",
            )],
            ..scope::AT_THE_ROOT
        },
        ..PLAIN
    },
    Configuration {
        name: "haproxy-prefix",
        site: include_str!("../../sites/haproxy/prefix.cfg"),
        lines: &[
            APP,
            Lines {
                placeholder: "@STRIP@",
                fastcgi: "",
                http: "",
            },
        ],
        variants: &[
            UNCONFIGURED,
            Variant {
                script_name: Some("/app"),
                lines: &[Lines {
                    placeholder: "@STRIP@",
                    fastcgi: "",
                    http: "http-request replace-path ^/app$ /
    http-request replace-path ^/app(/.*)$ \\1",
                }],
                ..UNCONFIGURED
            },
        ],
        scope: Scope {
            mount: "/app",
            protected: &["/app/admin/"],
            pages: &["/app/errors/403"],
            own: &[
                "/app",
                "/%61pp/admin/secret",
                "/app%2Fadmin/secret",
                "/%61pp/plain",
                "/app/%61dmin/secret",
            ],
            ..scope::AT_THE_ROOT
        },
        ..PLAIN
    },
];
