//! The list of what differs for a good reason.
//!
//! A difference that is in no row fails its test, and so does a row of which nothing is to be seen.

use super::asked::Asked;

/// One difference with its reason.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_structs, reason = "the list is written as literals")]
pub struct Row {
    /// Names of tests, without `differential::`; a `*` at the end stands for any rest. Each of them has to show the
    /// difference.
    pub configurations: &'static [&'static str],
    /// Which requests may differ so.
    pub requests: Requests,
    /// What may differ.
    pub what: What,
    /// Why that is right.
    pub reason: &'static str,
}

/// Which requests a row is about.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "tests match what they write")]
pub enum Requests {
    /// All of them.
    All,
    /// Those by this method.
    Method(&'static str),
    /// Those with dot segments in their path, where the web server does not protect it: an error page is served whatever the
    /// path is like.
    Dotted,
    /// Those with one of these in their target.
    Containing(&'static [&'static str]),
}

/// What a row is about. There is nothing for which resource was reached, or for the status on a protected path.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::exhaustive_enums, reason = "tests write all of them")]
pub enum What {
    /// The header field of this name, in lower case.
    Header(&'static str),
    /// The status, on a path that is not protected.
    Status,
    /// The same resource, spelled in another way.
    Spelling,
    /// The method that the application saw.
    Method,
    /// The query that the application saw.
    Query,
    /// The request body that the application saw.
    RequestBody,
    /// What the web server or the library wrote.
    Text,
    /// Over FastCGI the application was not asked, and the answer has this status. On a protected path it is that of
    /// HTTP.
    Refused(u16),
}

impl Row {
    /// Whether it is about the test of this name.
    #[must_use]
    pub fn is_about(&self, name: &str) -> bool {
        self.configurations
            .iter()
            .any(|pattern| match pattern.strip_suffix('*') {
                Some(beginning) => name.starts_with(beginning),
                None => name == *pattern,
            })
    }
}

impl Requests {
    pub(super) fn has(&self, asked: &Asked) -> bool {
        match self {
            Self::All => true,
            Self::Method(method) => asked.method == *method,
            Self::Dotted => asked.dotted && !asked.protected,
            Self::Containing(parts) => parts.iter().any(|part| asked.target.contains(part)),
        }
    }
}

/// What an encoder of its own may spell in another way: what need not be encoded, small letters, slashes that are merged.
const SPELLED: Requests = Requests::Containing(&[
    "%61", "%65", "%6C", "%6D", "%73", "%74", "%7E", "%2F", "%2e%2eb", "%c3", "//", "\\", "!",
]);

/// Every row.
pub const ROWS: &[Row] = &[
    Row {
        configurations: &[
            "nginx-error-page-*",
            "nginx-auth-*",
            "nginx-x-accel-redirect*",
            "nginx-ssi-include*",
            "nginx-try-files-*",
            "nginx-rewrite*",
            "nginx-index*",
            "nginx-internal*",
            "nginx-path-info*",
            "nginx-fastcgi-index*",
            "nginx-script-of-the-web-server*",
            "nginx-split-at-any-script*",
        ],
        requests: Requests::Containing(&["//"]),
        what: What::Spelling,
        reason: "nginx merges slashes, and over FastCGI the path has as many in front as what nginx means (T-12); \
            `proxy_pass` sends the client's",
    },
    Row {
        configurations: &[
            "nginx-merge-slashes-off*",
            "caddy-handle-errors*",
            "caddy-rewrite*",
            "caddy-forward-auth*",
            "caddy-split-*",
            "h2o-error-doc*",
            "h2o-reproxy*",
            "h2o-internal-redirect*",
            "h2o-prefix::script-name",
            "haproxy-*",
        ],
        requests: Requests::Containing(&["//"]),
        what: What::Spelling,
        reason: "of several slashes in front, which the web server does not merge, all but the first are encoded (T-12)",
    },
    Row {
        configurations: &[
            "nginx-error-page-*",
            "nginx-auth-request",
            "nginx-auth-request::script-name",
            "nginx-auth-request-with*",
            "nginx-auth-basic*",
            "nginx-x-accel-redirect*",
            "nginx-ssi-include*",
            "nginx-try-files-*",
            "nginx-rewrite*",
            "nginx-index*",
            "nginx-internal*",
            "nginx-prefix-*",
            "nginx-exact-location",
            "nginx-path-info*",
            "nginx-script-name-of-the-web-server*",
            "nginx-script-of-the-web-server*",
            "nginx-split-at-a-script",
            "nginx-behind-a-proxy-*",
            "nginx-fastcgi-index*",
            "nginx-merge-slashes-off*",
            "h2o-*",
            "haproxy-*",
            "nginx-split-at-any-script*",
        ],
        requests: Requests::Containing(&["\\"]),
        what: What::Spelling,
        reason: "a backslash is encoded, as browsers take it for a slash (T-11)",
    },
    Row {
        configurations: &[
            "nginx-rewrite*",
            "nginx-prefix-with-slash::script-name",
            "nginx-exact-location::script-name",
            "nginx-split-path-info*",
            "nginx-split-at-a-script::script-name",
            "nginx-script-name-of-the-web-server*",
        ],
        requests: SPELLED,
        what: What::Spelling,
        reason: "over FastCGI the path is spelled as by the client (T-8); where nginx changes the path for `proxy_pass`, \
            it decodes all of it and encodes it anew",
    },
    Row {
        configurations: &[
            "nginx-auth-request",
            "nginx-auth-request::script-name",
            "nginx-auth-request-with*",
            "nginx-auth-basic*",
            "nginx-error-page-*",
            "nginx-exact-location*",
            "nginx-fastcgi-index*",
            "nginx-index*",
            "nginx-internal*",
            "nginx-merge-slashes-off*",
            "nginx-prefix-*",
            "nginx-rewrite*",
            "nginx-script-of-the-web-server*",
            "nginx-ssi-include*",
            "nginx-try-files-*",
            "nginx-x-accel-redirect*",
            "apache-fcgid-chain-of-rules*",
            "apache-fcgid-error-document-*",
            "apache-fcgid-fallback-resource*",
            "apache-fcgid-path-not-appended*",
            "apache-fcgid-ssi-include*",
            "apache-fcgid-wrapper*",
            "apache-proxy-alias*",
            "apache-proxy-balancer*",
            "apache-proxy-directory-index*",
            "apache-proxy-encoded-slashes-not-decoded*",
            "apache-proxy-error-document-*",
            "apache-proxy-file*",
            "apache-proxy-generic*",
            "apache-proxy-pass-*",
            "apache-proxy-path-info*",
            "apache-proxy-rewrite*",
            "apache-proxy-set-handler",
            "apache-proxy-set-handler::script-name",
            "apache-proxy-set-handler-rewritten*",
            "apache-proxy-set-handler-slashes-not-merged*",
            "caddy-forward-auth*",
            "caddy-handle*",
            "caddy-rewrite*",
            "caddy-script-name-of-the-web-server*",
            "caddy-split-*",
            "lighttpd-auth*",
            "lighttpd-error-handler",
            "lighttpd-error-handler::script-name",
            "lighttpd-error-handler-404*",
            "lighttpd-rewrite",
            "lighttpd-rewrite::script-name",
            "haproxy-*",
            "nginx-split-at-any-script*",
        ],
        requests: Requests::Dotted,
        what: What::Refused(400),
        reason: "a direct request with dot segments is refused, as the web server has authorised the path without them (T-5); \
            browsers and HTTP libraries resolve them",
    },
    Row {
        configurations: &["nginx-error-page-named-location*"],
        requests: Requests::Dotted,
        what: What::Refused(403),
        reason: "the same; in a named location the path stays that of the client, and nginx keeps the status of the error",
    },
    Row {
        configurations: &["nginx-split-path-info*"],
        requests: Requests::Containing(&["%0A"]),
        what: What::Refused(400),
        reason: "the pattern of nginx ends before a line feed, so that rules for `/app/json` do not hold for `/app/json%0A`; \
            over HTTP they are passed by as well, unless the pattern has `(?s)`",
    },
    Row {
        configurations: &["nginx-path-info*", "nginx-split-at-a-script", "h2o-*"],
        requests: Requests::Dotted,
        what: What::Spelling,
        reason: "dot segments are resolved (T-5); over HTTP they are passed on",
    },
    Row {
        configurations: &["nginx-ssi-include*"],
        requests: Requests::Method("POST"),
        what: What::Method,
        reason: "nginx's `$request_method` is that of the main request in a subrequest, too",
    },
    Row {
        configurations: &[
            "apache-fcgid-*",
            "apache-proxy-alias*",
            "apache-proxy-balancer*",
            "apache-proxy-directory-index*",
            "apache-proxy-encoded-slashes-not-decoded*",
            "apache-proxy-error-document-*",
            "apache-proxy-fallback-resource*",
            "apache-proxy-file*",
            "apache-proxy-generic*",
            "apache-proxy-pass-*",
            "apache-proxy-path-info*",
            "apache-proxy-rewrite*",
            "apache-proxy-set-handler*",
        ],
        requests: SPELLED,
        what: What::Spelling,
        reason: "over FastCGI the path is spelled as by the client (T-8); mod_proxy_http decodes it and encodes it anew",
    },
    Row {
        configurations: &["apache-proxy-*"],
        requests: Requests::All,
        what: What::Header("content-length"),
        reason: "mod_proxy_fcgi drops it, and sends the response in chunks",
    },
    Row {
        configurations: &[
            "apache-fcgid-chain-of-rules*",
            "apache-fcgid-fallback-resource*",
        ],
        requests: Requests::Containing(&["/x.fcgi"]),
        what: What::Refused(404),
        reason: "to Apache, a name that ends in .fcgi is that of a script, and the rules leave it alone",
    },
    Row {
        configurations: &["apache-fcgid-error-document-404*"],
        requests: Requests::All,
        what: What::Method,
        reason: "Apache asks for an `ErrorDocument` by GET",
    },
    Row {
        configurations: &["apache-fcgid-error-document-404*"],
        requests: Requests::Containing(&["?"]),
        what: What::Query,
        reason: "Apache sends an `ErrorDocument` no query but its own",
    },
    Row {
        configurations: &["apache-fcgid-error-document-404*"],
        requests: Requests::Method("POST"),
        what: What::RequestBody,
        reason: "Apache sends an `ErrorDocument` no body",
    },
    Row {
        configurations: &["apache-fcgid-error-document-without-path*"],
        requests: Requests::All,
        what: What::Refused(403),
        reason: "nobody says which page is meant where an `ErrorDocument` is a front controller (T-8a)",
    },
    Row {
        configurations: &["caddy-*"],
        requests: Requests::All,
        what: What::Header("status"),
        reason: "Caddy 2.6 passes the field of CGI on to the client",
    },
    Row {
        configurations: &[
            "caddy-handle-path*",
            "caddy-handle::script-name",
            "caddy-script-name-of-the-web-server*",
        ],
        requests: SPELLED,
        what: What::Spelling,
        reason: "over FastCGI the path is spelled as by the client (T-8); Caddy 2.6 merges slashes and encodes anew when it \
            strips a prefix",
    },
    Row {
        configurations: &["h2o-prefix"],
        requests: SPELLED,
        what: What::Spelling,
        reason: "over FastCGI the path is spelled as by the client (T-8); h2o puts its own spelling of the prefix before it",
    },
    Row {
        configurations: &["caddy-handle-path-without-a-slash*"],
        requests: Requests::Containing(&["/subjson"]),
        what: What::Refused(400),
        reason: "what `handle_path /sub*` leaves of such a path begins without a slash: it is refused (T-2); over HTTP the \
            application is asked for an empty path",
    },
    Row {
        configurations: &["caddy-handle-path-without-a-slash*"],
        requests: Requests::Containing(&["/subjson", "/sub-x"]),
        what: What::Text,
        reason: "what `handle_path /sub*` leaves of such a path begins without a slash: it is refused (T-2), over HTTP by the \
            parser of hyper, which writes no text",
    },
    Row {
        configurations: &["caddy-handle-path-without-a-slash*"],
        requests: Requests::Containing(&["/subjson", "/sub-x"]),
        what: What::Header("content-type"),
        reason: "the same: there is no text",
    },
    Row {
        configurations: &["caddy-handle-path-without-a-slash*"],
        requests: Requests::Containing(&["/subjson", "/sub-x"]),
        what: What::Header("content-length"),
        reason: "the same: there is no text",
    },
    Row {
        configurations: &["lighttpd-*"],
        requests: SPELLED,
        what: What::Spelling,
        reason: "over FastCGI the path is spelled as by the client (T-8); lighttpd sends HTTP upstreams its own spelling",
    },
    Row {
        configurations: &["lighttpd-prefix::script-name"],
        requests: Requests::Containing(&["/moved"]),
        what: What::Header("location"),
        reason: "lighttpd puts the prefix, which it has removed, in front of the `Location` of an HTTP upstream",
    },
];
