//! nginx: `fastcgi_pass` beside `proxy_pass`.

use super::configuration::{self, Configuration, Lines, UNCONFIGURED, Variant, WebServer};
use super::scope::{self, Scope};
use crate::server::nginx;

const NGINX: WebServer = WebServer {
    configure: nginx::configure,
    head: "",
    ..configuration::RESOLVING
};

const APP: Lines = Lines {
    placeholder: "@APP@",
    fastcgi: "include /etc/nginx/fastcgi_params; fastcgi_pass 127.0.0.1:@FASTCGI@;",
    http: "proxy_pass http://127.0.0.1:@HTTP@;",
};

/// As the documentation of nginx has it for `auth_request`, and the same for FastCGI.
const AUTH: Lines = Lines {
    placeholder: "@AUTH@",
    fastcgi: "include /etc/nginx/fastcgi_params; fastcgi_pass_request_body off;
        fastcgi_param CONTENT_LENGTH \"\"; fastcgi_pass 127.0.0.1:@FASTCGI@;",
    http: "proxy_pass_request_body off; proxy_set_header Content-Length \"\";
        proxy_pass http://127.0.0.1:@HTTP@;",
};

pub(super) const PLAIN: Configuration = Configuration {
    name: "",
    web_server: &NGINX,
    site: "",
    files: &[],
    lines: &[APP, AUTH],
    variants: &[UNCONFIGURED, configuration::AT_THE_ROOT],
    scope: scope::AT_THE_ROOT,
};

/// The directory is `/admin/`, the page for it `/errors/403`.
const DENIED: Scope = Scope {
    protected: &["/admin/"],
    pages: &["/errors/403"],
    ..scope::AT_THE_ROOT
};

/// The directory is `/members/`, the page for it `/login`, and `/auth` says who may see it.
const MEMBERS: Scope = Scope {
    protected: &["/members/"],
    pages: &["/login", "/auth"],
    ..scope::AT_THE_ROOT
};

/// Where a web server splits behind whatever looks like a script, these are no protected places.
pub(super) const SCRIPTS: &[&str] = &[
    "/zzz.php/admin/secret",
    "/zzz.php/json",
    "/zzz.PHP/admin/secret",
    "/zzz.php%2Fadmin/secret",
    "/index.php/admin/secret",
    "/a/index.php",
];

pub(super) const CONFIGURATIONS: &[Configuration] = &[
    Configuration {
        name: "nginx-error-page-uri",
        site: include_str!("../../sites/nginx/error-page-uri.conf"),
        scope: Scope {
            protected: &["/json", "/admin/"],
            own: &["/returns/a", "/returns/a%2Fb", "/files/a", "/files/a?q=1"],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "nginx-error-page-named-location",
        site: include_str!("../../sites/nginx/error-page-named.conf"),
        scope: Scope {
            own: &["/named/a", "/named/a%2Fb", "/named/./a", "/named//a"],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "nginx-error-page-status",
        site: include_str!("../../sites/nginx/error-page-status.conf"),
        scope: Scope {
            protected: &["/admin/", "/members/", "/utf8/"],
            pages: &["/errors/403", "/errors/h%C3%A9%20y"],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "nginx-error-page-of-the-application",
        site: include_str!("../../sites/nginx/intercepted.conf"),
        scope: DENIED,
        lines: &[
            Lines {
                placeholder: "@INTERCEPT@",
                fastcgi: "fastcgi_intercept_errors on;",
                http: "proxy_intercept_errors on;",
            },
            APP,
        ],
        ..PLAIN
    },
    Configuration {
        name: "nginx-auth-request",
        site: include_str!("../../sites/nginx/auth-request.conf"),
        scope: Scope {
            protected: &["/members/", "/two/"],
            pages: &["/login", "/auth", "/status/401"],
            own: &["/open/a", "/open/a%2Fb", "/open/login", "/open/./a"],
            ..MEMBERS
        },
        ..PLAIN
    },
    Configuration {
        name: "nginx-auth-request-without-settings-for-the-body",
        site: include_str!("../../sites/nginx/auth-request.conf"),
        scope: MEMBERS,
        lines: &[
            APP,
            Lines {
                placeholder: "@AUTH@",
                ..APP
            },
        ],
        ..PLAIN
    },
    Configuration {
        name: "nginx-auth-request-with-a-path-of-its-own",
        site: include_str!("../../sites/nginx/auth-request-path.conf"),
        lines: &[
            APP,
            Lines {
                placeholder: "@AUTH@",
                // The last of two counts (T-1), and the usual SCRIPT_NAME is there, too.
                fastcgi: "include /etc/nginx/fastcgi_params; fastcgi_param PATH_INFO /auth;
                    fastcgi_pass_request_body off; fastcgi_param CONTENT_LENGTH \"\";
                    fastcgi_pass 127.0.0.1:@FASTCGI@;",
                http: "proxy_pass_request_body off; proxy_set_header Content-Length \"\";
                    proxy_pass http://127.0.0.1:@HTTP@/auth;",
            },
        ],
        scope: Scope {
            pages: &["/login", "/auth", "/check"],
            ..MEMBERS
        },
        ..PLAIN
    },
    Configuration {
        name: "nginx-auth-request-of-the-whole-site",
        site: include_str!("../../sites/nginx/auth-request-whole.conf"),
        scope: Scope {
            protected: &["/"],
            pages: &["/login", "/auth-reads"],
            ..MEMBERS
        },
        ..PLAIN
    },
    Configuration {
        name: "nginx-auth-basic",
        site: include_str!("../../sites/nginx/auth-basic.conf"),
        files: &[("passwords", PASSWORDS)],
        scope: Scope {
            credentials: Some(CREDENTIALS),
            ..MEMBERS
        },
        ..PLAIN
    },
    Configuration {
        name: "nginx-x-accel-redirect",
        site: include_str!("../../sites/nginx/x-accel-redirect.conf"),
        scope: Scope {
            own: &[
                "/xa/a",
                "/xa/a%2Fb",
                "/xa/login",
                "/xa/log%69n",
                "/xa//login",
                "/xa/a%2Flogin",
                "/xa/./a",
            ],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "nginx-ssi-include",
        site: include_str!("../../sites/nginx/ssi.conf"),
        files: &[(
            "ssi-files/page.html",
            "<!--#include virtual=\"/login?v=1\" -->
<!--#include virtual=\"/admin/secret\" -->
<!--#include virtual=\"/h%C3%A9llo/a%2Fb\" -->\n",
        )],
        scope: Scope {
            own: &["/ssi/a", "/ssi/a%2Fb", "/ssi-files/page.html", "/before/a"],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "nginx-try-files-named-location",
        site: include_str!("../../sites/nginx/try-files-named.conf"),
        scope: DENIED,
        ..PLAIN
    },
    Configuration {
        name: "nginx-try-files-script",
        site: include_str!("../../sites/nginx/try-files-script.conf"),
        lines: &[
            Lines {
                placeholder: "@SCRIPT@",
                // What is behind `try_files` is sent to an HTTP upstream, and an application there needs the target of
                // the client.
                http: "proxy_pass http://127.0.0.1:@HTTP@$request_uri;",
                ..APP
            },
            APP,
        ],
        scope: DENIED,
        ..PLAIN
    },
    Configuration {
        name: "nginx-rewrite",
        site: include_str!("../../sites/nginx/rewrite.conf"),
        scope: Scope {
            protected: &["/admin/", "/new/admin/"],
            own: &[
                "/last/a",
                "/last/a%2Fb",
                "/last/h%C3%A9llo",
                "/last/100%25",
                "/last/a//b",
                "/last/admin/secret",
                "/last/a?q=1",
                "/break/a",
                "/break/a%2Fb",
                "/break/a%3Fb",
                "/break/break/a",
                "/break/a?q=1",
                "/prefix/a",
                "/prefix/a%2Fb",
                "/prefix/prefix/a",
                "/prefix/login",
                "/prefix/",
                "/prefix//a",
                "/script/a.fcgi",
            ],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "nginx-index",
        site: include_str!("../../sites/nginx/index.conf"),
        files: &[("index/page", ""), ("index/admin/page", "")],
        scope: Scope {
            protected: &["/index/admin/"],
            own: &["/index/", "/index/?q=1", "/index/page", "/index/absent"],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "nginx-internal",
        site: include_str!("../../sites/nginx/internal.conf"),
        scope: Scope {
            protected: &["/admin/", "/hidden/"],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "nginx-prefix-with-slash",
        site: include_str!("../../sites/nginx/prefix.conf"),
        variants: &[
            UNCONFIGURED,
            Variant {
                script_name: Some("/app"),
                lines: &[Lines {
                    http: "proxy_pass http://127.0.0.1:@HTTP@/;",
                    ..APP
                }],
                ..UNCONFIGURED
            },
        ],
        scope: BELOW_APP,
        ..PLAIN
    },
    Configuration {
        name: "nginx-prefix-without-slash",
        site: include_str!("../../sites/nginx/prefix-without-slash.conf"),
        variants: &[UNCONFIGURED],
        scope: Scope {
            own: &["/app", "/app?q=1", "/application", "/app-x/admin/secret"],
            ..BELOW_APP
        },
        ..PLAIN
    },
    Configuration {
        name: "nginx-exact-location",
        site: include_str!("../../sites/nginx/exact.conf"),
        variants: &[
            UNCONFIGURED,
            Variant {
                script_name: Some("/app"),
                lines: &[Lines {
                    http: "rewrite (?s)^/app/?(.*)$ /$1 break; proxy_pass http://127.0.0.1:@HTTP@;",
                    ..APP
                }],
                ..UNCONFIGURED
            },
        ],
        scope: Scope {
            own: &["/app", "/app?q=1"],
            ..BELOW_APP
        },
        ..PLAIN
    },
    Configuration {
        name: "nginx-split-path-info",
        site: include_str!("../../sites/nginx/split.conf"),
        lines: &[SPLIT_APP],
        variants: &[
            UNCONFIGURED,
            Variant {
                script_name: Some("/app"),
                lines: &[Lines {
                    // In the pattern for FastCGI, `.` is no line feed, and the script name makes up for it.
                    http: "rewrite (?s)^/app/?(.*)$ /$1 break; proxy_pass http://127.0.0.1:@HTTP@;",
                    ..SPLIT_APP
                }],
                ..UNCONFIGURED
            },
        ],
        scope: Scope {
            protected: &["/app/admin/", "/app/json"],
            own: &[
                "/into/a",
                "/into/a%2Fb",
                // The pattern ends before the line feed.
                "/app/json%0A",
                "/app/admin/secret%0A",
                "/app/plain%0A",
                "/app/plain%0Ab",
            ],
            ..BELOW_APP
        },
        ..PLAIN
    },
    Configuration {
        name: "nginx-split-at-a-script",
        site: include_str!("../../sites/nginx/split-script.conf"),
        lines: &[Lines {
            placeholder: "@APP@",
            fastcgi: "fastcgi_split_path_info ^(/app\\.fcgi)(.*)$; include /etc/nginx/fastcgi_params;
                fastcgi_param PATH_INFO $fastcgi_path_info; fastcgi_pass 127.0.0.1:@FASTCGI@;",
            http: "proxy_pass http://127.0.0.1:@HTTP@;",
        }],
        variants: &[
            UNCONFIGURED,
            Variant {
                script_name: Some("/app.fcgi"),
                lines: &[Lines {
                    placeholder: "@APP@",
                    fastcgi: "fastcgi_split_path_info ^(/app\\.fcgi)(.*)$; include /etc/nginx/fastcgi_params;
                        fastcgi_param PATH_INFO $fastcgi_path_info; fastcgi_pass 127.0.0.1:@FASTCGI@;",
                    http: "rewrite (?s)^/app\\.fcgi(/.*)$ $1 break; rewrite ^/app\\.fcgi$ / break;
                        proxy_pass http://127.0.0.1:@HTTP@;",
                }],
                ..UNCONFIGURED
            },
        ],
        scope: Scope {
            mount: "/app.fcgi",
            protected: &["/app.fcgi/admin/"],
            pages: &["/app.fcgi/errors/403"],
            own: &["/app.fcgi", "/app.fcgiadmin/secret"],
            ..scope::AT_THE_ROOT
        },
        ..PLAIN
    },
    Configuration {
        name: "nginx-script-of-the-web-server",
        site: include_str!("../../sites/nginx/error-page-uri.conf"),
        lines: &[Lines {
            fastcgi: "include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_NAME /index.php;
                fastcgi_pass 127.0.0.1:@FASTCGI@;",
            ..APP
        }],
        scope: Scope {
            protected: &["/json", "/admin/"],
            own: &["/index.php/admin/secret", "/index.php/json", "/index.php"],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "nginx-script-of-the-web-server-under-another-name",
        site: include_str!("../../sites/nginx/error-page-uri.conf"),
        lines: &[Lines {
            fastcgi: "include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_NAME /index.php;
                fastcgi_param SERVER_SOFTWARE web; fastcgi_pass 127.0.0.1:@FASTCGI@;",
            ..APP
        }],
        scope: Scope {
            protected: &["/json", "/admin/"],
            own: &["/index.php/admin/secret", "/index.php/json", "/index.php"],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "nginx-split-at-any-script",
        site: include_str!("../../sites/nginx/error-page-uri.conf"),
        lines: &[Lines {
            fastcgi: "fastcgi_split_path_info ^(.+?\\.php)(/.*)$; include /etc/nginx/fastcgi_params;
                fastcgi_param PATH_INFO $fastcgi_path_info; fastcgi_pass 127.0.0.1:@FASTCGI@;",
            ..APP
        }],
        scope: Scope {
            protected: &["/json", "/admin/"],
            own: SCRIPTS,
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "nginx-behind-a-proxy-that-removes-the-prefix",
        site: include_str!("../../sites/nginx/behind-a-proxy.conf"),
        lines: &[Lines {
            fastcgi: "include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_NAME /app;
                fastcgi_param PATH_INFO $uri; fastcgi_pass 127.0.0.1:@FASTCGI@;",
            ..APP
        }],
        variants: &[UNCONFIGURED],
        scope: Scope {
            own: &["/app/app/admin/secret", "/app/app/json", "/app/json"],
            protected: &["/app/admin/", "/app/json"],
            ..BELOW_APP
        },
        ..PLAIN
    },
    Configuration {
        name: "nginx-path-info",
        site: include_str!("../../sites/nginx/error-page-uri.conf"),
        lines: &[Lines {
            fastcgi: "include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_NAME \"\";
                fastcgi_param PATH_INFO $fastcgi_script_name; fastcgi_pass 127.0.0.1:@FASTCGI@;",
            ..APP
        }],
        scope: Scope {
            protected: &["/json", "/admin/"],
            own: &["/returns/a", "/returns/a%2Fb", "/files/a", "/files/a?q=1"],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "nginx-script-name-of-the-web-server",
        site: include_str!("../../sites/nginx/mount.conf"),
        lines: &[Lines {
            placeholder: "@APP@",
            fastcgi: "include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_NAME /mnt;
                fastcgi_pass 127.0.0.1:@FASTCGI@;",
            http: "proxy_pass http://127.0.0.1:@HTTP@/;",
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
            own: &["/into/a", "/into/a%2Fb"],
            ..scope::AT_THE_ROOT
        },
        ..PLAIN
    },
    Configuration {
        name: "nginx-fastcgi-index",
        site: include_str!("../../sites/nginx/error-page-uri.conf"),
        lines: &[Lines {
            fastcgi: "fastcgi_index index.php; include /etc/nginx/fastcgi.conf;
                fastcgi_pass 127.0.0.1:@FASTCGI@;",
            ..APP
        }],
        scope: Scope {
            protected: &["/json", "/admin/"],
            ..DENIED
        },
        ..PLAIN
    },
    Configuration {
        name: "nginx-merge-slashes-off",
        web_server: &WebServer {
            merges_slashes: false,
            ..NGINX
        },
        site: include_str!("../../sites/nginx/merge-slashes-off.conf"),
        scope: DENIED,
        ..PLAIN
    },
];

const BELOW_APP: Scope = Scope {
    mount: "/app",
    protected: &["/app/admin/"],
    pages: &["/app/errors/403"],
    ..scope::AT_THE_ROOT
};

/// `zoe:hello`
pub(crate) const PASSWORDS: &str = "zoe:{SHA}qvTGHdzF6KLavt4PO0gs2a6pQ00=\n";
pub(super) const CREDENTIALS: &str = "em9lOmhlbGxv";

const SPLIT_APP: Lines = Lines {
    placeholder: "@APP@",
    fastcgi: "fastcgi_split_path_info ^(/app)(/.*)?$; include /etc/nginx/fastcgi_params;
        fastcgi_param PATH_INFO $fastcgi_path_info; fastcgi_pass 127.0.0.1:@FASTCGI@;",
    http: "rewrite ^/app/?(.*)$ /$1 break; proxy_pass http://127.0.0.1:@HTTP@;",
};
