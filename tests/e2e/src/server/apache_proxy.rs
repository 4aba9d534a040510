//! Apache mod_proxy_fcgi: `ProxyPass` at the root and below a prefix, and `SetHandler` with a Unix socket.

use libtest_mimic::Failed;

use crate::application::Socket;
use crate::layout::{Behaviour, Difference, Layout, Versions};
use crate::suite::{
    Ending, arrives_as, ends, finishes_although_the_client_left, host_of_an_absolute_target_counts,
};

use crate::support::eventually;
use crate::{Request, Site};

use super::apache;

const PLAIN: Layout = Layout {
    web_server: "Apache mod_proxy_fcgi",
    name: "apache-proxy-unix-reuse",
    mount: "",
    socket: Socket::Unix,
    script_name: None,
    configure: |setup| apache::configure(setup, include_str!("../../../../tests/tour/apache.conf")),
    environment: &[],
    differences: &[apache::ALWAYS, ALWAYS],
    extra: &[apache::LONG_LINE, ABSOLUTE],
    versions: Versions::ALL_THE_SAME,
};

pub(super) const LAYOUTS: &[Layout] = &[
    PLAIN,
    Layout {
        name: "apache-proxy-tcp",
        socket: Socket::Tcp,
        configure: |setup| apache::configure(setup, TCP),
        extra: &[apache::LONG_LINE, ABSOLUTE, LONG_REQUEST_LINE],
        ..PLAIN
    },
    Layout {
        name: "apache-proxy-prefix",
        mount: "/app",
        socket: Socket::Tcp,
        configure: |setup| apache::configure(setup, TCP_PREFIX),
        ..PLAIN
    },
    Layout {
        name: "apache-proxy-set-handler",
        configure: |setup| apache::configure(setup, SET_HANDLER),
        ..PLAIN
    },
];

const ABSOLUTE: Behaviour = Behaviour {
    name: "host_of_an_absolute_target_counts",
    check: host_of_an_absolute_target_counts,
};

/// With `LimitRequestFieldSize` above its default of 8190.
const LONG_REQUEST_LINE: Behaviour = Behaviour {
    name: "request_line_of_17_kb_is_dropped",
    check: long_request_line_is_dropped,
};

/// mod_proxy_fcgi has a buffer of 16 KiB for a param. The application cannot know; Apache's log has AH02536.
fn long_request_line_is_dropped(site: &Site) -> Result<(), Failed> {
    let long = |length| {
        let request = Request::get(site.at("/request/headers"));
        request.header("X-Long", "v".repeat(length))
    };
    let whole = "v".repeat(16_000);
    arrives_as(site, &long(16_000), "x-long", Some(&whole))?;
    arrives_as(site, &long(17_000), "x-long", None)?;
    eventually("logged", || {
        let log = site.log()?;
        let is_logged = log.contains("AH02536");
        Ok(if is_logged { "logged".to_owned() } else { log })
    })
}

const TCP: &str = r#"
LimitRequestFieldSize 65536
Listen 127.0.0.1:8080
<VirtualHost 127.0.0.1:8080>
  AllowEncodedSlashes On
  SetEnv APP_SETTING "from the web server"
  <Location "/">
    CGIPassAuth On
    Require all granted
  </Location>
  ProxyPass "/" "fcgi://127.0.0.1:9000/" flushpackets=on
</VirtualHost>
"#;

const TCP_PREFIX: &str = r#"
Listen 127.0.0.1:8080
<VirtualHost 127.0.0.1:8080>
  AllowEncodedSlashes On
  SetEnv APP_SETTING "from the web server"
  <Location "/">
    CGIPassAuth On
    Require all granted
  </Location>
  ProxyPass "/app/" "fcgi://127.0.0.1:9000/" flushpackets=on
</VirtualHost>
"#;

/// With HTTP/2 towards the client. Its tests are apart, as they need another client.
pub const APACHE_HTTP2: Layout = Layout {
    name: "apache-proxy-http2",
    configure: |setup| {
        let site = include_str!("../../../../tests/tour/apache.conf");
        apache::configure(setup, &format!("{HTTP2}{site}"))
    },
    ..PLAIN
};

const HTTP2: &str = "
LoadModule http2_module modules/mod_http2.so
Protocols h2c http/1.1
";

const SET_HANDLER: &str = r#"
Listen 127.0.0.1:8080
<VirtualHost 127.0.0.1:8080>
  AllowEncodedSlashes On
  DocumentRoot /srv/tour/none
  SetEnv APP_SETTING "from the web server"
  <Proxy "fcgi://localhost/" enablereuse=on flushpackets=on>
  </Proxy>
  <Location "/">
    CGIPassAuth On
    Require all granted
    SetHandler "proxy:unix:/run/tour/tour.sock|fcgi://localhost/"
  </Location>
</VirtualHost>
"#;

const WAITS: &str = "Apache keeps the connection open for its `KeepAliveTimeout`, and then the client can see it; with HTTP/2 it sees it at once, or waits over 90 s";

const ALWAYS: &[Difference] = &[
    Difference {
        behaviour: "client_that_leaves_while_waiting_drops_the_handler",
        instead: "mod_proxy_fcgi does not look: the handler finishes",
        check: finishes_although_the_client_left,
    },
    Difference {
        behaviour: "response_of_known_length_that_fails_is_cut_off",
        instead: WAITS,
        check: |site| ends(site, "/fails/announced", Ending::Open),
    },
    Difference {
        behaviour: "response_of_unknown_length_that_fails_is_cut_off",
        instead: WAITS,
        check: |site| ends(site, "/fails", Ending::Open),
    },
    Difference {
        behaviour: "response_whose_body_panics_is_cut_off",
        instead: WAITS,
        check: |site| ends(site, "/fails/panic", Ending::Open),
    },
];
