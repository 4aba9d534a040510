//! CGI gateways: web servers that start the application for each request.

pub(crate) mod apache;
mod busybox;
mod fcgiwrap;
mod lighttpd;
mod mini_httpd;
mod uwsgi;

use libtest_mimic::Failed;

use crate::layout::Difference;
use crate::suite::{
    Ending, LOOKS_COMPLETE, concurrent_requests_apart, ends, finishes_although_nobody_waits,
    many_requests_apart,
};
use crate::support::expect_status;
use crate::{Layout, Request, Site};

/// Every layout of every CGI gateway.
pub fn cgi_layouts() -> impl Iterator<Item = &'static Layout> {
    [
        apache::LAYOUTS,
        fcgiwrap::LAYOUTS,
        lighttpd::LAYOUTS,
        uwsgi::LAYOUTS,
        busybox::LAYOUTS,
        mini_httpd::LAYOUTS,
    ]
    .into_iter()
    .flatten()
}

/// For every gateway: the end of standard output is the end of the response (RFC 3875, 6.1).
const ALWAYS: &[Difference] = &[
    Difference {
        behaviour: "client_that_leaves_while_waiting_drops_the_handler",
        instead: "a CGI program learns it when it writes: the handler finishes",
        check: finishes_although_nobody_waits,
    },
    Difference {
        behaviour: "response_of_unknown_length_that_fails_is_cut_off",
        instead: LOOKS_COMPLETE,
        check: |site| ends(site, "/fails", Ending::Complete),
    },
    Difference {
        behaviour: "response_whose_body_panics_is_cut_off",
        instead: LOOKS_COMPLETE,
        check: |site| ends(site, "/fails/panic", Ending::Complete),
    },
];

const CLOSES_NOTE: &str = "the web server closes the connection after each answer";

/// For gateways without connections that are kept.
const CLOSES: &[Difference] = &[
    Difference {
        behaviour: "many_requests_on_one_client_connection",
        instead: CLOSES_NOTE,
        check: many_requests_apart,
    },
    Difference {
        behaviour: "concurrent_requests_are_never_mixed_up",
        instead: "yes, but for the connection: the web server closes it after each answer",
        check: concurrent_requests_apart,
    },
];

/// For gateways that hand on a body as the client framed it.
const NO_LENGTH: &[Difference] = &[Difference {
    behaviour: "chunked_upload_arrives",
    instead: "411 by the library: CGI has no way to tell where such a body ends",
    check: chunked_upload_is_refused,
}];

fn chunked_upload_is_refused(site: &Site) -> Result<(), Failed> {
    for body in [&[1; 200_000][..], b"short"] {
        let request = Request::post_chunked(site.at("/upload"), body, 7000);
        expect_status(&site.send(&request)?, 411)?;
    }
    Ok(())
}
