//! fcgiwrap behind nginx: FastCGI for the web server, plain CGI for the application.

use libtest_mimic::Failed;

use crate::Site;
use crate::application::Socket;
use crate::layout::{Difference, Layout, Versions};
use crate::server::nginx;
use crate::suite::{CGI, arrives_at_once};
use crate::support::get_is;

use super::ALWAYS;

const PLAIN: Layout = Layout {
    web_server: "fcgiwrap",
    name: "cgi-fcgiwrap",
    mount: "",
    socket: Socket::Fcgiwrap,
    script_name: None,
    configure: |setup| {
        let program = setup.binary.display().to_string();
        nginx::configure(setup, &SITE.replace("/srv/tour/tour", &program))
    },
    environment: &[],
    differences: &[ALWAYS, DIFFERENCES],
    extra: CGI,
    versions: Versions::ALL_THE_SAME,
};

pub(super) const LAYOUTS: &[Layout] = &[
    PLAIN,
    Layout {
        name: "cgi-fcgiwrap-minimal-prefix",
        mount: "/app",
        configure: |setup| {
            let program = setup.binary.display().to_string();
            nginx::configure(setup, &MINIMAL.replace("/srv/tour/tour", &program))
        },
        differences: &[ALWAYS, DIFFERENCES, COLLECTS],
        ..PLAIN
    },
];

const DIFFERENCES: &[Difference] = &[Difference {
    behaviour: "panic_is_500_and_the_process_lives_on",
    instead: "502 by fcgiwrap with `-f`: the message of a panic begins with an empty line, which it takes for an empty head",
    check: panic_is_502,
}];

/// Without `NO_BUFFERING`.
const COLLECTS: &[Difference] = &[
    Difference {
        behaviour: "pieces_arrive_one_by_one",
        instead: "fcgiwrap collects the response, unless `fastcgi_param NO_BUFFERING 1` says otherwise",
        check: |site| arrives_at_once(site, "/pieces"),
    },
    Difference {
        behaviour: "server_sent_events_arrive_one_by_one",
        instead: "fcgiwrap collects the response, unless `fastcgi_param NO_BUFFERING 1` says otherwise",
        check: |site| arrives_at_once(site, "/events"),
    },
];

/// Or 500, if it has read the head before the message.
fn panic_is_502(site: &Site) -> Result<(), Failed> {
    let status = site.get("/panic")?.status;
    assert!(matches!(status, 500 | 502), "{status}");
    get_is(site, "/json", 200)
}

const SITE: &str = r#"
server {
    listen 127.0.0.1:8080;
    client_max_body_size 100m;
    location / {
        include /etc/nginx/fastcgi_params;
        fastcgi_param SCRIPT_FILENAME /srv/tour/tour;
        fastcgi_param SCRIPT_NAME "";
        fastcgi_param PATH_INFO $fastcgi_script_name;
        fastcgi_param HTTP_HOST $host:$server_port;
        fastcgi_param APP_SETTING "from the web server";
        fastcgi_param NO_BUFFERING 1;
        fastcgi_pass unix:/run/tour/tour.sock;
    }
}
"#;

/// Without `GATEWAY_INTERFACE`, which RFC 3875 demands.
const MINIMAL: &str = r#"
server {
    listen 127.0.0.1:8080;
    client_max_body_size 100m;
    location ~ ^/app(?:/|$) {
        fastcgi_split_path_info ^(/app)(/.*)?$;
        fastcgi_param SCRIPT_FILENAME /srv/tour/tour;
        fastcgi_param SCRIPT_NAME     $fastcgi_script_name;
        fastcgi_param PATH_INFO       $fastcgi_path_info;
        fastcgi_param REQUEST_METHOD  $request_method;
        fastcgi_param REQUEST_URI     $request_uri;
        fastcgi_param QUERY_STRING    $query_string;
        fastcgi_param CONTENT_TYPE    $content_type;
        fastcgi_param CONTENT_LENGTH  $content_length;
        fastcgi_param REMOTE_ADDR     $remote_addr;
        fastcgi_param REMOTE_PORT     $remote_port;
        fastcgi_param APP_SETTING     "from the web server";
        fastcgi_pass unix:/run/tour/tour.sock;
    }
}
"#;
