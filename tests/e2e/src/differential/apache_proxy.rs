//! Apache mod_proxy_fcgi beside mod_proxy_http.

use super::configuration::{self, Configuration, Lines, UNCONFIGURED, Variant, WebServer};
use super::scope::{self, Scope};
use crate::server::apache;

pub(super) const APACHE: WebServer = WebServer {
    configure: apache::configure,
    head: "
LoadModule proxy_http_module modules/mod_proxy_http.so
LoadModule proxy_balancer_module modules/mod_proxy_balancer.so
LoadModule slotmem_shm_module modules/mod_slotmem_shm.so
LoadModule lbmethod_byrequests_module modules/mod_lbmethod_byrequests.so
LoadModule dir_module modules/mod_dir.so
LoadModule include_module modules/mod_include.so
LoadModule authn_core_module modules/mod_authn_core.so
LoadModule authn_file_module modules/mod_authn_file.so
LoadModule authz_user_module modules/mod_authz_user.so
LoadModule auth_basic_module modules/mod_auth_basic.so
",
    ..configuration::RESOLVING
};

/// The URL of the application.
const BACKEND: Lines = Lines {
    placeholder: "@BACKEND@",
    fastcgi: "fcgi://127.0.0.1:@FASTCGI@",
    http: "http://127.0.0.1:@HTTP@",
};

const NO_DECODE: Lines = Lines {
    placeholder: "AllowEncodedSlashes On",
    fastcgi: "AllowEncodedSlashes NoDecode",
    http: "AllowEncodedSlashes NoDecode",
};

pub(super) const PLAIN: Configuration = Configuration {
    name: "",
    web_server: &APACHE,
    site: "",
    files: &[],
    lines: &[BACKEND],
    variants: &[UNCONFIGURED, configuration::AT_THE_ROOT],
    scope: scope::AT_THE_ROOT,
};

/// The application is told that it is at `/app`.
const AT_APP: Variant = Variant {
    script_name: Some("/app"),
    ..UNCONFIGURED
};

const DENIED: Scope = Scope {
    protected: &["/admin/"],
    pages: &["/errors/403"],
    ..scope::AT_THE_ROOT
};

const BELOW_APP: Scope = Scope {
    mount: "/app",
    protected: &["/app/admin/"],
    pages: &["/app/errors/403"],
    ..scope::AT_THE_ROOT
};

const NO_FILE_NAME: (&str, &str) = (
    "/a%3Fb",
    "where `SetHandler` makes a file name of the path, Apache refuses it with 403",
);

pub(super) const CONFIGURATIONS: &[Configuration] = &[
    Configuration {
        name: "apache-proxy-error-document-403",
        site: include_str!("../../sites/apache-proxy/error-document-403.conf"),
        scope: DENIED,
        ..PLAIN
    },
    Configuration {
        name: "apache-proxy-error-document-401-404",
        site: include_str!("../../sites/apache-proxy/error-document-401-404.conf"),
        files: &[("passwords", super::nginx::PASSWORDS)],
        scope: Scope {
            protected: &["/members/"],
            pages: &["/login"],
            own: &["/gone/a", "/gone/a%2Fb", "/gone/a?q=1"],
            credentials: Some(super::nginx::CREDENTIALS),
            ..scope::AT_THE_ROOT
        },
        ..PLAIN
    },
    Configuration {
        name: "apache-proxy-encoded-slashes-not-decoded",
        site: include_str!("../../sites/apache-proxy/error-document-403.conf"),
        lines: &[NO_DECODE, BACKEND],
        scope: DENIED,
        ..PLAIN
    },
    Configuration {
        name: "apache-proxy-pass-prefix",
        site: include_str!("../../sites/apache-proxy/prefix.conf"),
        variants: &[UNCONFIGURED, AT_APP],
        scope: Scope {
            own: &["/v2/a", "/v2/a%2Fb", "/v2/login", "/app"],
            ..BELOW_APP
        },
        ..PLAIN
    },
    Configuration {
        name: "apache-proxy-pass-prefix-encoded-slashes-not-decoded",
        site: include_str!("../../sites/apache-proxy/prefix.conf"),
        lines: &[NO_DECODE, BACKEND],
        variants: &[UNCONFIGURED, AT_APP],
        scope: BELOW_APP,
        ..PLAIN
    },
    Configuration {
        name: "apache-proxy-pass-match",
        site: include_str!("../../sites/apache-proxy/pass-match.conf"),
        scope: Scope {
            protected: &["/api2/admin/"],
            pages: &["/errors/403"],
            own: &[
                "/api2/a",
                "/api2/a%2Fb",
                "/api2/h%C3%A9llo",
                "/api2/100%25",
                "/api2/a//b",
                "/api2/login?q=1",
                "/m/12/a",
                "/m/12/a/b?q=1",
                "/keep/a",
                "/keep/a%2Fb",
            ],
            ..scope::AT_THE_ROOT
        },
        ..PLAIN
    },
    Configuration {
        name: "apache-proxy-rewrite",
        site: include_str!("../../sites/apache-proxy/rewrite.conf"),
        scope: Scope {
            protected: &["/old/admin/", "/app/admin/"],
            pages: &["/app/errors/403"],
            own: &[
                "/old/a",
                "/old/a%2Fb",
                "/old/h%C3%A9llo",
                "/old/100%25",
                "/old/a//b",
                "/old/a?q=1",
                "/query/a",
                "/query/a?q=1",
                "/through/a",
                "/through/a%2Fb",
                "/through/a?q=1",
                "/through/admin/secret",
                "/same/a",
                "/same/same/a",
            ],
            mount: "/app",
            ..scope::AT_THE_ROOT
        },
        variants: &[UNCONFIGURED, AT_APP],
        ..PLAIN
    },
    Configuration {
        name: "apache-proxy-rewrite-in-a-directory",
        site: include_str!("../../sites/apache-proxy/rewrite-directory.conf"),
        scope: Scope {
            protected: &["/admin/", "/hidden/"],
            pages: &["/errors/403", "/login"],
            own: &[
                "/old/a",
                "/old/a%2Fb",
                "/old/old",
                "/old/old/a",
                "/old/a?q=1",
                "/hidden/hidden",
            ],
            ..scope::AT_THE_ROOT
        },
        ..PLAIN
    },
    Configuration {
        name: "apache-proxy-set-handler",
        site: include_str!("../../sites/apache-proxy/set-handler.conf"),
        lines: &[HANDLER],
        scope: Scope {
            without: &[
                NO_FILE_NAME,
                ("/admin%3F/secret", NO_FILE_NAME.1),
                ("/a%0Ab", NO_FILE_NAME.1),
            ],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "apache-proxy-set-handler-rewritten",
        site: include_str!("../../sites/apache-proxy/set-handler-rewritten.conf"),
        lines: &[HANDLER],
        scope: Scope {
            protected: &["/admin/", "/json"],
            own: &[
                "/lower/JSON",
                "/lower/X.FCGI/JSON",
                "/lower/ZZZ/JSON",
                "/show?f=json",
                "/show?f=x.fcgi/json",
                "/show?f=x/json",
                "/x.fcgi/./json",
                "/a%2Fx.fcgi/./json",
                "/a%2Fx.fcgi/json",
            ],
            without: &[
                NO_FILE_NAME,
                ("/admin%3F/secret", NO_FILE_NAME.1),
                ("/a%0Ab", NO_FILE_NAME.1),
            ],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "apache-proxy-set-handler-slashes-not-merged",
        site: include_str!("../../sites/apache-proxy/set-handler.conf"),
        lines: &[
            Lines {
                placeholder: "AllowEncodedSlashes On",
                fastcgi: "AllowEncodedSlashes On\nMergeSlashes Off",
                http: "AllowEncodedSlashes On\nMergeSlashes Off",
            },
            HANDLER,
        ],
        scope: Scope {
            own: &[
                "/x.fcgi//../admin/secret",
                "/x.fcgi//../plain",
                "/x//../admin/secret",
                "/x//../plain",
            ],
            without: &[
                NO_FILE_NAME,
                ("/admin%3F/secret", NO_FILE_NAME.1),
                ("/a%0Ab", NO_FILE_NAME.1),
            ],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "apache-proxy-set-handler-prefix",
        site: include_str!("../../sites/apache-proxy/set-handler-prefix.conf"),
        lines: &[
            Lines {
                placeholder: "@HANDLER@",
                fastcgi: "SetHandler \"proxy:fcgi://127.0.0.1:@FASTCGI@/\"",
                http: "",
            },
            Lines {
                placeholder: "@PASS@",
                fastcgi: "",
                // Nothing tells the application of its mount.
                http: "ProxyPass \"/app\" \"http://127.0.0.1:@HTTP@/app\"",
            },
        ],
        variants: &[
            UNCONFIGURED,
            Variant {
                script_name: Some("/app"),
                lines: &[Lines {
                    placeholder: "@PASS@",
                    fastcgi: "",
                    http: "ProxyPass \"/app\" \"http://127.0.0.1:@HTTP@\"",
                }],
                ..UNCONFIGURED
            },
        ],
        scope: Scope {
            own: &["/into/a", "/into/a%2Fb"],
            without: &[("/app/a%3Fb", NO_FILE_NAME.1)],
            ..BELOW_APP
        },
        ..PLAIN
    },
    Configuration {
        name: "apache-proxy-file",
        site: include_str!("../../sites/apache-proxy/file.conf"),
        files: &[("public/index.fcgi", "")],
        lines: &[Lines {
            placeholder: "@PASS@",
            fastcgi: "",
            http: "ProxyPass \"/\" \"http://127.0.0.1:@HTTP@/\"",
        }],
        scope: DENIED,
        ..PLAIN
    },
    Configuration {
        name: "apache-proxy-fallback-resource",
        site: include_str!("../../sites/apache-proxy/fallback-resource.conf"),
        files: &[("public/file", "a file\n")],
        scope: Scope {
            own: &["/file", "/front", "/front?q=1"],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "apache-proxy-directory-index",
        site: include_str!("../../sites/apache-proxy/directory-index.conf"),
        files: &[("public/directory/file", "a file\n")],
        scope: Scope {
            own: &[
                "/directory/",
                "/directory/?q=1",
                "/directory",
                "/directory/file",
            ],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "apache-proxy-alias",
        site: include_str!("../../sites/apache-proxy/alias.conf"),
        files: &[("files/file", "a file\n")],
        scope: Scope {
            own: &[
                "/files/file",
                "/files/absent",
                "/files/absent?q=1",
                "/files/login",
            ],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "apache-proxy-balancer",
        site: include_str!("../../sites/apache-proxy/balancer.conf"),
        variants: &[UNCONFIGURED, AT_APP],
        scope: BELOW_APP,
        ..PLAIN
    },
    Configuration {
        name: "apache-proxy-path-info",
        site: include_str!("../../sites/apache-proxy/error-document-403.conf"),
        lines: &[
            Lines {
                placeholder: "ProxyPass ",
                fastcgi: "SetEnv proxy-fcgi-pathinfo first-dot\nProxyPass ",
                http: "ProxyPass ",
            },
            BACKEND,
        ],
        scope: DENIED,
        ..PLAIN
    },
    Configuration {
        name: "apache-proxy-generic",
        site: include_str!("../../sites/apache-proxy/error-document-403.conf"),
        lines: &[
            Lines {
                placeholder: "ProxyPass ",
                fastcgi: "ProxyFCGIBackendType GENERIC\nProxyPass ",
                http: "ProxyPass ",
            },
            BACKEND,
        ],
        scope: DENIED,
        ..PLAIN
    },
];

const HANDLER: Lines = Lines {
    placeholder: "@HANDLER@",
    fastcgi: "SetHandler \"proxy:fcgi://127.0.0.1:@FASTCGI@\"",
    http: "ProxyPass \"http://127.0.0.1:@HTTP@/\"",
};
