//! Caddy: `reverse_proxy` with the FastCGI transport and without.

use super::configuration::{self, Configuration, Lines, UNCONFIGURED, Variant, WebServer};
use super::scope::{self, Scope};
use crate::server::caddy;

const CADDY: WebServer = WebServer {
    configure: caddy::configure,
    head: "",
    merges_slashes: false,
    ..configuration::RESOLVING
};

/// `uri strip_prefix` merges them, in Caddy 2.6.
const STRIPPING: WebServer = WebServer {
    merges_slashes: true,
    ..CADDY
};

const APP: Lines = Lines {
    placeholder: "@APP@",
    fastcgi: "reverse_proxy 127.0.0.1:@FASTCGI@ {
		transport fastcgi
	}",
    http: "reverse_proxy 127.0.0.1:@HTTP@",
};

pub(super) const PLAIN: Configuration = Configuration {
    name: "",
    web_server: &CADDY,
    site: "",
    files: &[],
    lines: &[APP],
    variants: &[UNCONFIGURED, configuration::AT_THE_ROOT],
    scope: scope::AT_THE_ROOT,
};

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

const DECODED: &str = "the prefix is not in what Caddy sends, so that `/app/a%2Fb` and a rewrite of it to `/a/b` look the same: \
    without `script_name` the path is as Caddy has decoded it (T-8)";

pub(super) const CONFIGURATIONS: &[Configuration] = &[
    Configuration {
        name: "caddy-handle-errors",
        site: include_str!("../../sites/caddy/handle-errors.Caddyfile"),
        scope: DENIED,
        ..PLAIN
    },
    Configuration {
        name: "caddy-rewrite",
        site: include_str!("../../sites/caddy/rewrite.Caddyfile"),
        scope: Scope {
            own: &[
                "/old/a",
                "/old/a%2Fb",
                "/old/h%C3%A9llo",
                "/old/a?q=1",
                "/strip/a",
                "/strip/strip/a",
                "/strip/admin/secret",
                "/strip/login",
                "/strip",
            ],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "caddy-handle-path",
        web_server: &STRIPPING,
        site: include_str!("../../sites/caddy/handle-path.Caddyfile"),
        variants: &[
            Variant {
                without: &[("/app/a%2Fb", DECODED), ("/app/errors%2F403", DECODED)],
                ..UNCONFIGURED
            },
            AT_APP,
        ],
        scope: Scope {
            own: &["/app/app/a", "/app/old/a", "/app/old/a%2Fb"],
            ..BELOW_APP
        },
        ..PLAIN
    },
    Configuration {
        name: "caddy-handle-path-without-a-slash",
        web_server: &STRIPPING,
        site: include_str!("../../sites/caddy/handle-path-without-slash.Caddyfile"),
        variants: &[
            Variant {
                without: &[("/sub/a%2Fb", DECODED)],
                ..UNCONFIGURED
            },
            Variant {
                script_name: Some("/sub"),
                ..UNCONFIGURED
            },
        ],
        scope: Scope {
            mount: "/sub",
            protected: &["/sub/json"],
            own: &["/sub", "/sub?q=1", "/subjson", "/sub-x/a"],
            ..scope::AT_THE_ROOT
        },
        ..PLAIN
    },
    Configuration {
        name: "caddy-handle",
        web_server: &STRIPPING,
        site: include_str!("../../sites/caddy/handle.Caddyfile"),
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
                    http: "uri strip_prefix /app",
                }],
                ..UNCONFIGURED
            },
        ],
        scope: BELOW_APP,
        ..PLAIN
    },
    Configuration {
        name: "caddy-script-name-of-the-web-server",
        web_server: &STRIPPING,
        site: include_str!("../../sites/caddy/mount.Caddyfile"),
        lines: &[Lines {
            placeholder: "@APP@",
            fastcgi: "reverse_proxy 127.0.0.1:@FASTCGI@ {
		transport fastcgi {
			env SCRIPT_NAME /mnt
		}
	}",
            http: "uri strip_prefix /mnt
	reverse_proxy 127.0.0.1:@HTTP@",
        }],
        variants: &[
            UNCONFIGURED,
            Variant {
                script_name: Some("/mnt"),
                ..UNCONFIGURED
            },
        ],
        scope: Scope {
            mount: "/mnt",
            protected: &["/mnt/admin/"],
            pages: &["/mnt/errors/403"],
            ..scope::AT_THE_ROOT
        },
        ..PLAIN
    },
    Configuration {
        name: "caddy-forward-auth",
        site: include_str!("../../sites/caddy/forward-auth.Caddyfile"),
        lines: &[
            Lines {
                placeholder: "@AUTH@",
                fastcgi: "127.0.0.1:@FASTCGI@ {
		transport fastcgi",
                http: "127.0.0.1:@HTTP@ {",
            },
            APP,
        ],
        scope: Scope {
            protected: &["/members/", "/two/"],
            pages: &["/auth", "/status/401"],
            own: &["/open/a", "/open/a%2Fb", "/open/login", "/open/./a"],
            ..scope::AT_THE_ROOT
        },
        ..PLAIN
    },
    Configuration {
        name: "caddy-whole-site-forward-auth",
        site: include_str!("../../sites/caddy/whole-site.Caddyfile"),
        lines: &[
            Lines {
                placeholder: "@AUTH@",
                fastcgi: "127.0.0.1:@FASTCGI@ {
		transport fastcgi {
			env REQUEST_URI /auth
		}",
                http: "127.0.0.1:@HTTP@ {",
            },
            APP,
        ],
        scope: Scope {
            protected: &["/"],
            pages: &["/auth"],
            without: &[(
                "/%61uth",
                "over HTTP the question is spelled by the client; over FastCGI it is not, as `documented` shows",
            )],
            ..scope::AT_THE_ROOT
        },
        ..PLAIN
    },
    Configuration {
        name: "caddy-split-at-any-script",
        site: include_str!("../../sites/caddy/split.Caddyfile"),
        lines: &[
            Lines {
                placeholder: "@SPLIT@",
                fastcgi: "reverse_proxy 127.0.0.1:@FASTCGI@ {
			transport fastcgi {
				split .php
			}
		}",
                http: "reverse_proxy 127.0.0.1:@HTTP@",
            },
            APP,
        ],
        scope: Scope {
            own: super::nginx::SCRIPTS,
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "caddy-split-path",
        site: include_str!("../../sites/caddy/split.Caddyfile"),
        lines: &[
            Lines {
                placeholder: "@SPLIT@",
                fastcgi: "rewrite * /index.fcgi{uri}
		reverse_proxy 127.0.0.1:@FASTCGI@ {
			transport fastcgi {
				split .fcgi
			}
		}",
                http: "reverse_proxy 127.0.0.1:@HTTP@",
            },
            APP,
        ],
        scope: Scope {
            without: &[(
                "/a%3Fb",
                "Caddy 2.6 decodes what `rewrite` appends, and the question mark begins a query",
            )],
            ..DENIED
        },
        ..PLAIN
    },
];
