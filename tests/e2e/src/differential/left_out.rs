//! Configurations that are not compared, with the reason.

/// What was considered, and why there is no such configuration.
pub const LEFT_OUT: &[(&str, &str)] = &[
    (
        "nginx `mirror`",
        "no client sees the answer to the request that is mirrored",
    ),
    (
        "nginx `index` or `rewrite` to a name that ends in .fcgi, and `error_page` behind a front controller",
        "the variables are those of a front controller, and the client's target counts (T-8a); over HTTP the application is \
         asked for the script",
    ),
    (
        "nginx `try_files $uri /index.fcgi$uri`",
        "nginx reads the decoded path again; over HTTP the application is asked for the script",
    ),
    (
        "nginx without SCRIPT_NAME and PATH_INFO",
        "only the client's target is sent: nothing says which resource is meant",
    ),
    (
        "nginx `location /app` with a script name",
        "nothing of nginx removes a prefix without a slash in front of an HTTP upstream by whole segments",
    ),
    (
        "mod_fcgid with `RewriteRule ^.* index.fcgi/$0` but without `B=%?#`",
        "Apache decodes the path twice, so that it passes by its own rules: `/%2561dmin` is `/admin` for the application",
    ),
    (
        "Apache `Action`, and mod_fcgid with a script whose name has no extension and no path behind it",
        "each request has the same SCRIPT_NAME and nothing else; an HTTP upstream has no script",
    ),
    (
        "mod_fcgid with `FallbackResource` or `DirectoryIndex` for an error page",
        "the application is not asked, as with apache-fcgid-error-document-without-path",
    ),
    (
        "Apache `SetHandler` with `ProxyFCGIBackendType GENERIC`",
        "its file looks like one of mod_fcgid, and the client writes the split",
    ),
    (
        "mod_fcgid and `SetHandler` with `AllowEncodedSlashes NoDecode`",
        "mod_proxy_http spells such paths in its own way: `/a%252Fb` becomes `/a%2Fb`, and `/100%25` is 400",
    ),
    (
        "lighttpd `\"/app\" =>` outside of a condition, and `strip-request-uri`",
        "lighttpd matches it as a string, so that `/app-x` is below it; `proxy.server` has no such prefix",
    ),
    (
        "lighttpd `server.error-handler` that is a front controller",
        "the application is not asked, as with apache-fcgid-error-document-without-path",
    ),
    (
        "Caddy `uri strip_prefix` of a path with `%2F`",
        "the prefix is not in what Caddy sends, so that this and a rewrite look the same; the path is as Caddy has decoded it",
    ),
    (
        "Caddy `php_fastcgi`",
        "it is made for front controllers, and tells an error page nothing but the client's target",
    ),
    (
        "h2o `file.custom-handler`",
        "there is none for an HTTP upstream",
    ),
    ("HAProxy `path-info`", "an HTTP upstream has no script"),
    (
        "plain CGI",
        "a program that is started for each request has no counterpart over HTTP",
    ),
];
