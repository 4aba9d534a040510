//! Apache mod_fcgid, with rules for `.htaccess` and without, beside mod_proxy_http.

use super::apache_proxy::APACHE;
use super::configuration::{Configuration, Lines, UNCONFIGURED, Variant};
use super::scope::{self, Scope};

/// Over HTTP, mod_proxy has the whole site, and there is no script.
const PASS: Lines = Lines {
    placeholder: "@PASS@",
    fastcgi: "",
    http: "ProxyPass \"/\" \"http://127.0.0.1:@HTTP@/\"",
};

/// What the script is called where a path is appended to it.
const SCRIPT: Lines = Lines {
    placeholder: "@SCRIPT@",
    fastcgi: "/index.fcgi",
    http: "",
};

/// The rule that calls the script is also for the page of an error.
const NO_SCRIPT: Lines = Lines {
    fastcgi: "",
    http: "",
    ..SCRIPT
};

/// The script name for the program.
const NOT_MOUNTED: Lines = Lines {
    placeholder: "@MOUNTED@",
    fastcgi: "",
    http: "",
};

const AT_THE_ROOT: Variant = Variant {
    script_name: Some(""),
    lines: &[Lines {
        placeholder: "@MOUNTED@",
        fastcgi: "export FCGI_SCRIPT_NAME=",
        http: "",
    }],
    ..UNCONFIGURED
};

const AT_APP: Variant = Variant {
    script_name: Some("/app"),
    lines: &[Lines {
        placeholder: "@MOUNTED@",
        fastcgi: "export FCGI_SCRIPT_NAME=/app",
        http: "",
    }],
    ..UNCONFIGURED
};

pub(super) const PLAIN: Configuration = Configuration {
    name: "",
    web_server: &APACHE,
    site: "",
    files: &[],
    lines: &[PASS, SCRIPT, NOT_MOUNTED],
    variants: &[UNCONFIGURED, AT_THE_ROOT],
    scope: scope::AT_THE_ROOT,
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

pub(super) const CONFIGURATIONS: &[Configuration] = &[
    Configuration {
        name: "apache-fcgid-path-appended",
        site: include_str!("../../sites/apache-fcgid/htaccess.conf"),
        files: &[
            (
                "public/.htaccess",
                include_str!("../../sites/apache-fcgid/appended.htaccess"),
            ),
            (
                "public/index.fcgi",
                include_str!("../../sites/apache-fcgid/program.sh"),
            ),
        ],
        lines: &[
            Lines {
                http: "ProxyPass \"/blog/\" \"http://127.0.0.1:@HTTP@/articles/\"
                    ProxyPass \"/\" \"http://127.0.0.1:@HTTP@/\"",
                ..PASS
            },
            NO_SCRIPT,
            NOT_MOUNTED,
        ],
        scope: Scope {
            own: &[
                "/blog/a",
                "/blog/a%2Fb",
                "/blog/a?q=1",
                "/index.fcgi",
                "/index.fcgi/plain",
                "/index.fcgi/admin/secret",
            ],

            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "apache-fcgid-path-appended-prefix",
        site: include_str!("../../sites/apache-fcgid/htaccess.conf"),
        files: &[
            (
                "public/app/.htaccess",
                include_str!("../../sites/apache-fcgid/appended.htaccess"),
            ),
            (
                "public/app/index.fcgi",
                include_str!("../../sites/apache-fcgid/program.sh"),
            ),
        ],
        lines: &[
            Lines {
                http: "ProxyPass \"/app/\" \"http://127.0.0.1:@HTTP@/\"",
                ..PASS
            },
            Lines {
                fastcgi: "/app",
                http: "/app",
                ..SCRIPT
            },
            NOT_MOUNTED,
        ],
        variants: &[UNCONFIGURED, AT_APP],
        scope: Scope {
            own: &["/app"],

            ..BELOW_APP
        },
        ..PLAIN
    },
    Configuration {
        name: "apache-fcgid-path-not-appended",
        site: include_str!("../../sites/apache-fcgid/htaccess.conf"),
        files: &[
            (
                "public/.htaccess",
                include_str!("../../sites/apache-fcgid/not-appended.htaccess"),
            ),
            (
                "public/index.fcgi",
                include_str!("../../sites/apache-fcgid/program.sh"),
            ),
        ],
        lines: &[PASS, NO_SCRIPT, NOT_MOUNTED],
        scope: Scope {
            own: &["/through/a", "/through/a%2Fb", "/through/admin/secret"],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "apache-fcgid-path-not-appended-prefix",
        site: include_str!("../../sites/apache-fcgid/htaccess.conf"),
        files: &[
            (
                "public/app/.htaccess",
                include_str!("../../sites/apache-fcgid/not-appended.htaccess"),
            ),
            (
                "public/app/index.fcgi",
                include_str!("../../sites/apache-fcgid/program.sh"),
            ),
        ],
        lines: &[
            Lines {
                // Nothing tells the application of its mount.
                http: "ProxyPass \"/app/\" \"http://127.0.0.1:@HTTP@/app/\"",
                ..PASS
            },
            Lines {
                fastcgi: "/app",
                http: "/app",
                ..SCRIPT
            },
            NOT_MOUNTED,
        ],
        variants: &[
            UNCONFIGURED,
            Variant {
                script_name: Some("/app"),
                lines: &[
                    Lines {
                        http: "ProxyPass \"/app/\" \"http://127.0.0.1:@HTTP@/\"",
                        ..PASS
                    },
                    Lines {
                        placeholder: "@MOUNTED@",
                        fastcgi: "export FCGI_SCRIPT_NAME=/app",
                        http: "",
                    },
                ],
                ..UNCONFIGURED
            },
        ],
        scope: BELOW_APP,
        ..PLAIN
    },
    Configuration {
        name: "apache-fcgid-chain-of-rules",
        site: include_str!("../../sites/apache-fcgid/htaccess.conf"),
        files: &[
            (
                "public/.htaccess",
                include_str!("../../sites/apache-fcgid/chain.htaccess"),
            ),
            (
                "public/index.fcgi",
                include_str!("../../sites/apache-fcgid/program.sh"),
            ),
        ],
        lines: &[
            Lines {
                placeholder: "@LAST@",
                fastcgi: "RewriteCond %{REQUEST_URI} !\\.fcgi$
                    RewriteRule ^ index.fcgi [L]",
                http: "DirectoryIndex disabled
                    RewriteRule ^(.*)$ http://127.0.0.1:@HTTP@/$1 [P]",
            },
            NO_SCRIPT,
            Lines { http: "", ..PASS },
            NOT_MOUNTED,
        ],
        scope: Scope {
            own: &["/old/a", "/old/a?q=1", "/mid/a", "/old/login"],
            without: &[(
                "/a%3Fb",
                "over HTTP, Apache refuses it where a rule in a directory has the target",
            )],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "apache-fcgid-script-alias",
        site: include_str!("../../sites/apache-fcgid/script-alias.conf"),
        files: &[(
            "bin/app.fcgi",
            include_str!("../../sites/apache-fcgid/program.sh"),
        )],
        lines: &[
            Lines {
                placeholder: "@ALIAS@",
                fastcgi: "ScriptAlias \"/\" \"@DIR@/bin/app.fcgi/\"",
                http: "ProxyPass \"/\" \"http://127.0.0.1:@HTTP@/\"",
            },
            NOT_MOUNTED,
        ],
        scope: Scope {
            own: &["/old/a", "/old/a%2Fb", "/old/admin/secret", "/old/a?q=1"],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "apache-fcgid-script-alias-prefix",
        site: include_str!("../../sites/apache-fcgid/script-alias-prefix.conf"),
        files: &[(
            "bin/app.fcgi",
            include_str!("../../sites/apache-fcgid/program.sh"),
        )],
        lines: &[
            Lines {
                placeholder: "@ALIAS@",
                fastcgi: "ScriptAlias \"/app\" \"@DIR@/bin/app.fcgi\"",
                http: "ProxyPass \"/app\" \"http://127.0.0.1:@HTTP@\"",
            },
            NOT_MOUNTED,
        ],
        variants: &[UNCONFIGURED, AT_APP],
        scope: Scope {
            own: &["/into/a", "/into/a?q=1"],
            ..BELOW_APP
        },
        ..PLAIN
    },
    Configuration {
        name: "apache-fcgid-wrapper",
        site: include_str!("../../sites/apache-fcgid/wrapper.conf"),
        files: &[
            (
                "bin/app",
                include_str!("../../sites/apache-fcgid/program.sh"),
            ),
            ("public/file", ""),
        ],
        lines: &[
            Lines {
                placeholder: "@WRAPPER@",
                fastcgi: "SetHandler fcgid-script
                    Options +ExecCGI
                    FcgidWrapper \"@DIR@/bin/app\" virtual",
                http: "",
            },
            PASS,
            NOT_MOUNTED,
        ],
        // Without a script name the client writes the split.
        variants: &[AT_THE_ROOT],
        scope: Scope {
            protected: &["/admin/", "/json"],
            own: &["/zzz/json", "/zzz/admin/secret", "/file/json"],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "apache-fcgid-fallback-resource",
        site: include_str!("../../sites/apache-fcgid/htaccess.conf"),
        files: &[
            (
                "public/.htaccess",
                include_str!("../../sites/apache-fcgid/fallback.htaccess"),
            ),
            (
                "public/index.fcgi",
                include_str!("../../sites/apache-fcgid/program.sh"),
            ),
        ],
        scope: DENIED,
        ..PLAIN
    },
    Configuration {
        name: "apache-fcgid-error-document-404",
        site: include_str!("../../sites/apache-fcgid/htaccess.conf"),
        files: &[
            (
                "public/.htaccess",
                include_str!("../../sites/apache-fcgid/idiom.htaccess"),
            ),
            (
                "public/index.fcgi",
                include_str!("../../sites/apache-fcgid/program.sh"),
            ),
        ],
        scope: DENIED,
        ..PLAIN
    },
    Configuration {
        name: "apache-fcgid-error-document-without-path",
        site: include_str!("../../sites/apache-fcgid/htaccess-failed.conf"),
        files: &[
            (
                "public/.htaccess",
                include_str!("../../sites/apache-fcgid/not-appended.htaccess"),
            ),
            (
                "public/index.fcgi",
                include_str!("../../sites/apache-fcgid/program.sh"),
            ),
        ],
        lines: &[
            Lines {
                placeholder: "@PAGE@",
                fastcgi: "/index.fcgi",
                http: "/failed/403",
            },
            PASS,
            NOT_MOUNTED,
        ],
        scope: DENIED,
        ..PLAIN
    },
    Configuration {
        name: "apache-fcgid-ssi-include",
        site: include_str!("../../sites/apache-fcgid/ssi.conf"),
        files: &[
            (
                "public/.htaccess",
                include_str!("../../sites/apache-fcgid/ssi-rules.htaccess"),
            ),
            (
                "public/index.fcgi",
                include_str!("../../sites/apache-fcgid/program.sh"),
            ),
            (
                "public/page.shtml",
                "<!--#include virtual=\"/login?v=1\" -->\n<!--#include virtual=\"/new/a\" -->\n",
            ),
        ],
        lines: &[
            Lines {
                http: "ProxyPass \"/page.shtml\" \"!\"
                    ProxyPass \"/\" \"http://127.0.0.1:@HTTP@/\"",
                ..PASS
            },
            NOT_MOUNTED,
        ],
        scope: Scope {
            own: &["/page.shtml"],
            ..DENIED
        },
        ..PLAIN
    },
];
