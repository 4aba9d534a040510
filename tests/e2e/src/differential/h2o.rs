//! h2o: `fastcgi.connect` beside `proxy.reverse.url`.

use super::configuration::{self, Configuration, Lines, UNCONFIGURED, Variant, WebServer};
use super::scope::{self, Scope};
use crate::server::h2o;

const H2O: WebServer = WebServer {
    configure: h2o::configure,
    head: "hosts:\n",
    merges_slashes: false,
    routes_by_absolute_form: false,
    ..configuration::RESOLVING
};

const APP: Lines = Lines {
    placeholder: "@APP@",
    fastcgi: "fastcgi.connect: {host: 127.0.0.1, port: @FASTCGI@}",
    http: "proxy.reverse.url: \"http://127.0.0.1:@HTTP@/\"",
};

pub(super) const PLAIN: Configuration = Configuration {
    name: "",
    web_server: &H2O,
    site: "",
    files: &[],
    lines: &[APP],
    variants: &[UNCONFIGURED, configuration::AT_THE_ROOT],
    scope: scope::AT_THE_ROOT,
};

const DENIED: Scope = Scope {
    protected: &["/admin/"],
    pages: &["/errors/403"],
    ..scope::AT_THE_ROOT
};

pub(super) const CONFIGURATIONS: &[Configuration] = &[
    Configuration {
        name: "h2o-error-doc",
        site: include_str!("../../sites/h2o/error-doc.conf"),
        scope: DENIED,
        ..PLAIN
    },
    Configuration {
        name: "h2o-reproxy",
        site: include_str!("../../sites/h2o/reproxy.conf"),
        scope: Scope {
            own: &["/reproxy/a", "/reproxy/a%2Fb", "/reproxy/login"],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "h2o-internal-redirect",
        site: include_str!("../../sites/h2o/internal-redirect.conf"),
        scope: Scope {
            own: &["/old/a", "/old/a%2Fb", "/old/a?q=1", "/old/admin/secret"],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "h2o-prefix",
        site: include_str!("../../sites/h2o/prefix.conf"),
        lines: &[Lines {
            http: "proxy.reverse.url: \"http://127.0.0.1:@HTTP@/app\"",
            ..APP
        }],
        variants: &[
            UNCONFIGURED,
            Variant {
                script_name: Some("/app"),
                lines: &[APP],
                ..UNCONFIGURED
            },
        ],
        scope: Scope {
            mount: "/app",
            protected: &["/app/admin/"],
            pages: &["/app/errors/403"],
            own: &["/into/a", "/app"],
            ..scope::AT_THE_ROOT
        },
        ..PLAIN
    },
];
