//! What `docs/security.md` says of single layouts: that something needs a setting, and that the setting helps.
//!
//! Each is tried behind its web server, over FastCGI alone. A layout that became safe would fail here, and its line in the
//! documentation would have to go.

use libtest_mimic::Failed;

use super::asked::Asked;
use super::configuration::{AT_THE_ROOT, Configuration, Lines, UNCONFIGURED, Variant};
use super::run::Client;
use super::twins::Twins;
use super::{apache_fcgid, apache_proxy, caddy, h2o, haproxy, lighttpd, nginx};

/// A layout, and what a client reaches in it.
#[derive(Clone, Copy, Debug)]
pub struct Documented {
    configuration: Configuration,
    /// Target, name of the page, and the path that the application saw.
    reached: &'static [(&'static str, &'static str, &'static str)],
}

impl Documented {
    /// The name of its test.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.configuration.name
    }

    /// Asks for each target.
    ///
    /// # Errors
    ///
    /// When another page is reached.
    pub fn run(&self) -> Result<(), Failed> {
        let twins = Twins::start(&self.configuration)?;
        let pair = twins.pairs.first().ok_or("the sides are missing")?;
        let mut client = Client::new(pair.fastcgi);
        for (target, page, path) in self.reached {
            let answer = client.ask(&Asked::new("GET", target, &[]))?;
            if !answer.reaches(page, path) {
                return Err(format!("{target} is not {page} at {path}: {answer}").into());
            }
        }
        Ok(())
    }
}

const AT_APP: &[Variant] = &[Variant {
    script_name: Some("/app"),
    ..UNCONFIGURED
}];

const NGINX: Configuration = Configuration {
    variants: &[UNCONFIGURED],
    lines: &[same(
        "@APP@",
        "include /etc/nginx/fastcgi_params; fastcgi_pass 127.0.0.1:@FASTCGI@;",
    )],
    ..nginx::PLAIN
};

const LIGHTTPD: Configuration = Configuration {
    variants: &[UNCONFIGURED],
    site: include_str!("../../sites/documented/lighttpd-tag.conf"),
    ..lighttpd::PLAIN
};

const SET_HANDLER: Configuration = Configuration {
    variants: &[UNCONFIGURED],
    site: include_str!("../../sites/documented/apache-generic.conf"),
    ..apache_proxy::PLAIN
};

/// Rules in a directory, and the script.
const HTACCESS: Configuration = Configuration {
    variants: &[UNCONFIGURED],
    site: include_str!("../../sites/documented/apache-htaccess.conf"),
    lines: &[same("@MOUNTED@", "")],
    ..apache_fcgid::PLAIN
};

const PROGRAM: (&str, &str) = (
    "public/index.fcgi",
    include_str!("../../sites/apache-fcgid/program.sh"),
);

const CADDY: Configuration = Configuration {
    variants: &[UNCONFIGURED],
    ..caddy::PLAIN
};

/// Both sides are FastCGI here.
const fn same(placeholder: &'static str, text: &'static str) -> Lines {
    Lines {
        placeholder,
        fastcgi: text,
        http: text,
    }
}

/// Every layout.
pub const DOCUMENTED: &[Documented] = &[
    Documented {
        configuration: Configuration {
            name: "nginx-error-page-behind-a-front-controller",
            site: include_str!("../../sites/documented/nginx-front-controller.conf"),
            ..NGINX
        },
        reached: &[("/admin/secret", "protected page", "/admin/secret")],
    },
    Documented {
        configuration: Configuration {
            name: "nginx-page-named-like-a-script",
            site: include_str!("../../sites/documented/nginx-script-names.conf"),
            ..NGINX
        },
        reached: &[
            ("/json", "protected page", "/json"),
            ("/members/secret", "protected page", "/members/secret"),
            ("/numbers/admin/7", "echo", "/numbers/admin/7"),
        ],
    },
    Documented {
        configuration: Configuration {
            name: "nginx-page-named-like-a-script-with-path-info",
            site: include_str!("../../sites/documented/nginx-script-names.conf"),
            lines: &[same(
                "@APP@",
                "include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_NAME \"\"; fastcgi_param PATH_INFO $uri;
                fastcgi_pass 127.0.0.1:@FASTCGI@;",
            )],
            ..NGINX
        },
        reached: &[
            ("/json", "echo", "/denied.cgi"),
            ("/numbers/admin/7", "echo", "/admin.fcgi"),
        ],
    },
    Documented {
        configuration: Configuration {
            name: "nginx-fixed-script-name-at-the-root",
            site: include_str!("../../sites/documented/nginx-denied.conf"),
            lines: &[same(
                "@APP@",
                "include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_NAME /mnt; fastcgi_pass 127.0.0.1:@FASTCGI@;",
            )],
            ..NGINX
        },
        reached: &[("/mnt/admin/secret", "protected page", "/admin/secret")],
    },
    Documented {
        configuration: Configuration {
            name: "nginx-split-by-a-pattern-that-the-client-fills",
            site: include_str!("../../sites/documented/nginx-denied.conf"),
            lines: PATTERN,
            ..NGINX
        },
        reached: &[("/zzz/admin/secret", "protected page", "/admin/secret")],
    },
    Documented {
        configuration: Configuration {
            name: "nginx-split-by-a-pattern-that-the-client-fills-with-a-script-name",
            site: include_str!("../../sites/documented/nginx-denied.conf"),
            lines: PATTERN,
            variants: AT_APP,
            ..NGINX
        },
        reached: &[
            ("/zzz/admin/secret", "echo", "/zzz/admin/secret"),
            ("/app/a%2Fb", "echo", "/a%2Fb"),
        ],
    },
    Documented {
        configuration: Configuration {
            name: "nginx-behind-a-proxy-that-removes-the-prefix-with-a-script-name",
            site: include_str!("../../sites/nginx/behind-a-proxy.conf"),
            variants: AT_APP,
            ..NGINX
        },
        reached: &[("/app/app/admin/secret", "protected page", "/admin/secret")],
    },
    Documented {
        configuration: Configuration {
            name: "nginx-without-script-name-and-path-info",
            site: include_str!("../../sites/documented/nginx-denied.conf"),
            lines: &[same(
                "@APP@",
                "fastcgi_param REQUEST_METHOD $request_method; fastcgi_param REQUEST_URI $request_uri;
                fastcgi_param SERVER_SOFTWARE nginx; fastcgi_pass 127.0.0.1:@FASTCGI@;",
            )],
            ..NGINX
        },
        reached: &[("/admin/secret", "protected page", "/admin/secret")],
    },
    Documented {
        configuration: Configuration {
            name: "nginx-auth-request-in-the-spelling-of-the-client",
            site: include_str!("../../sites/documented/nginx-own-question.conf"),
            ..NGINX
        },
        reached: &[
            ("/%61uth", "echo", "/%61uth"),
            ("/a/%61uth", "please log in", "/login"),
        ],
    },
    Documented {
        configuration: Configuration {
            name: "caddy-forward-auth-in-the-spelling-of-the-client",
            site: include_str!("../../sites/caddy/whole-site.Caddyfile"),
            lines: &[
                same("@AUTH@", "127.0.0.1:@FASTCGI@ {\n\t\ttransport fastcgi"),
                CADDY_APP,
            ],
            ..CADDY
        },
        reached: &[
            ("/%61uth", "echo", "/%61uth"),
            ("/a/%61uth", "authorization", "/auth"),
        ],
    },
    Documented {
        configuration: Configuration {
            name: "caddy-forward-auth-in-its-own-spelling",
            site: include_str!("../../sites/caddy/whole-site.Caddyfile"),
            lines: &[
                same(
                    "@AUTH@",
                    "127.0.0.1:@FASTCGI@ {\n\t\ttransport fastcgi {\n\t\t\tenv REQUEST_URI /auth\n\t\t}",
                ),
                CADDY_APP,
            ],
            ..CADDY
        },
        reached: &[("/%61uth", "authorization", "/auth")],
    },
    Documented {
        configuration: Configuration {
            name: "caddy-script-name-behind-a-proxy-that-removes-the-prefix",
            site: include_str!("../../sites/documented/caddy-mount.Caddyfile"),
            lines: &[same(
                "@APP@",
                "reverse_proxy 127.0.0.1:@FASTCGI@ {\n\t\ttransport fastcgi {\n\t\t\tenv SCRIPT_NAME /app\n\t\t}\n\t}",
            )],
            ..CADDY
        },
        reached: &[("/app/admin/secret", "protected page", "/admin/secret")],
    },
    Documented {
        configuration: Configuration {
            name: "caddy-error-page-behind-a-front-controller",
            site: include_str!("../../sites/documented/caddy-php.Caddyfile"),
            files: &[("files/index.fcgi", "")],
            lines: &[same(
                "@APP@",
                "php_fastcgi 127.0.0.1:@FASTCGI@ {\n\t\tsplit .fcgi\n\t\tindex index.fcgi\n\t}",
            )],
            ..CADDY
        },
        reached: &[("/admin/secret", "protected page", "/admin/secret")],
    },
    Documented {
        configuration: Configuration {
            name: "lighttpd-under-another-name",
            ..LIGHTTPD
        },
        reached: &[("/zzz/admin/secret", "protected page", "/admin/secret")],
    },
    Documented {
        configuration: Configuration {
            name: "lighttpd-under-another-name-with-a-script-name",
            variants: &[AT_THE_ROOT],
            ..LIGHTTPD
        },
        reached: &[
            ("/zzz/admin/secret", "echo", "/zzz/admin/secret"),
            ("/admin/secret", "error page", "/errors/all"),
        ],
    },
    Documented {
        configuration: Configuration {
            name: "h2o-number-sign",
            variants: &[UNCONFIGURED],
            site: include_str!("../../sites/documented/h2o-denied.conf"),
            ..h2o::PLAIN
        },
        reached: &[
            ("/json", "error page", "/errors/403"),
            ("/json#x", "echo", "/json%23x"),
            ("/./json#x/a", "echo", "/json%23x/a"),
        ],
    },
    Documented {
        configuration: Configuration {
            name: "haproxy-under-another-name-with-a-script-name",
            site: include_str!("../../sites/documented/haproxy-name.cfg"),
            variants: AT_APP,
            ..haproxy::PLAIN
        },
        reached: &[("/%61pp/admin/secret", "protected page", "/admin/secret")],
    },
    Documented {
        configuration: Configuration {
            name: "apache-set-handler-generic",
            ..SET_HANDLER
        },
        reached: &[("/zzz/admin/secret", "protected page", "/admin/secret")],
    },
    Documented {
        configuration: Configuration {
            name: "apache-set-handler-generic-with-a-script-name",
            variants: &[AT_THE_ROOT],
            ..SET_HANDLER
        },
        reached: &[
            ("/zzz/admin/secret", "echo", "/zzz/admin/secret"),
            ("/admin/secret", "error page", "/errors/403"),
        ],
    },
    Documented {
        configuration: Configuration {
            name: "apache-fcgid-wrapper-without-a-script-name",
            site: include_str!("../../sites/apache-fcgid/wrapper.conf"),
            files: &[
                ("bin/app", include_str!("../../sites/apache-fcgid/program.sh")),
                ("public/file", ""),
            ],
            lines: &[
                same(
                    "@WRAPPER@",
                    "SetHandler fcgid-script\nOptions +ExecCGI\nFcgidWrapper \"@DIR@/bin/app\" virtual",
                ),
                same("@PASS@", ""),
                same("@MOUNTED@", ""),
            ],
            ..HTACCESS
        },
        reached: &[
            ("/zzz/admin/secret", "protected page", "/admin/secret"),
            ("/admin/secret", "echo", "/403"),
        ],
    },
    Documented {
        configuration: Configuration {
            name: "apache-script-that-the-client-names",
            files: &[
                (
                    "public/.htaccess",
                    "AddHandler fcgid-script .fcgi\nRewriteEngine On\nRewriteRule ^admin - [F]\n\
                    RewriteRule ^ index.fcgi [END]\n",
                ),
                PROGRAM,
            ],
            ..HTACCESS
        },
        reached: &[("/index.fcgi/admin/secret", "protected page", "/admin/secret")],
    },
    Documented {
        configuration: Configuration {
            name: "apache-script-that-the-client-names-with-the-path-appended",
            files: &[
                (
                    "public/.htaccess",
                    "AddHandler fcgid-script .fcgi\nRewriteEngine On\nRewriteRule ^admin - [F]\n\
                    RewriteRule ^.* index.fcgi/$0 [B=%?#,QSA,END]\n",
                ),
                PROGRAM,
            ],
            ..HTACCESS
        },
        reached: &[(
            "/index.fcgi/admin/secret",
            "echo",
            "/index.fcgi/admin/secret",
        )],
    },
    Documented {
        configuration: Configuration {
            name: "apache-script-by-a-rule-of-the-virtual-host",
            site: include_str!("../../sites/documented/apache-pass-through.conf"),
            files: &[PROGRAM],
            ..HTACCESS
        },
        reached: &[("/admin/secret", "protected page", "/admin/secret")],
    },
    Documented {
        configuration: Configuration {
            name: "apache-page-that-is-hidden-by-404",
            files: &[
                (
                    "public/.htaccess",
                    "AddHandler fcgid-script .fcgi\nErrorDocument 404 /index.fcgi\nRedirectMatch 404 ^/admin/\n",
                ),
                PROGRAM,
            ],
            ..HTACCESS
        },
        reached: &[("/admin/secret", "protected page", "/admin/secret")],
    },
    Documented {
        configuration: Configuration {
            name: "apache-two-rules-in-one-pass",
            files: &[
                (
                    "public/.htaccess",
                    "AddHandler fcgid-script .fcgi\nRewriteEngine On\nRewriteRule ^old/(.*) new/$1\n\
                    RewriteRule ^ index.fcgi [END]\n",
                ),
                PROGRAM,
            ],
            ..HTACCESS
        },
        reached: &[("/old/a", "echo", "/old/a")],
    },
];

const PATTERN: &[Lines] = &[same(
    "@APP@",
    "fastcgi_split_path_info ^(/[^/]+)(/.*)$; include /etc/nginx/fastcgi_params;
    fastcgi_param PATH_INFO $fastcgi_path_info; fastcgi_pass 127.0.0.1:@FASTCGI@;",
)];

const CADDY_APP: Lines = same(
    "@APP@",
    "reverse_proxy 127.0.0.1:@FASTCGI@ {\n\t\ttransport fastcgi\n\t}",
);
