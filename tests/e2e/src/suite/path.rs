//! The path and the query arrive as the client sent them, without the mount.

use libtest_mimic::Failed;
use serde_json::Value;

use crate::support::{expect_status, get_is};
use crate::{Behaviour, Request, Response, Site};

pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour {
        name: "home_page_is_served",
        check: home_page_is_served,
    },
    Behaviour {
        name: "unknown_path_is_404_of_the_application",
        check: unknown_path_is_404_of_the_application,
    },
    Behaviour {
        name: "query_is_parsed",
        check: query_is_parsed,
    },
    Behaviour {
        name: "query_is_not_decoded",
        check: query_is_not_decoded,
    },
    Behaviour {
        name: "encoded_slash_is_kept",
        check: encoded_slash_is_kept,
    },
    Behaviour {
        name: "encoded_percent_is_kept",
        check: encoded_percent_is_kept,
    },
    Behaviour {
        name: "encoded_question_mark_is_kept",
        check: encoded_question_mark_is_kept,
    },
    Behaviour {
        name: "encoded_number_sign_is_kept",
        check: encoded_number_sign_is_kept,
    },
    Behaviour {
        name: "what_is_encoded_twice_is_decoded_once",
        check: what_is_encoded_twice_is_decoded_once,
    },
    Behaviour {
        name: "encoded_space_and_utf8_are_decoded_once",
        check: encoded_space_and_utf8_are_decoded_once,
    },
    Behaviour {
        name: "double_slash_is_kept",
        check: double_slash_is_kept,
    },
    Behaviour {
        name: "dot_segments_never_reach_the_router",
        check: dot_segments_never_reach_the_router,
    },
    Behaviour {
        name: "original_uri_has_the_mount",
        check: original_uri_has_the_mount,
    },
];

fn home_page_is_served(site: &Site) -> Result<(), Failed> {
    let response = site.get("/")?;
    expect_status(&response, 200)?;
    assert_eq!(response.text(), "<h1>The tour</h1>\n");
    is_html(&response);
    Ok(())
}

/// With or without a space: some web servers write it anew.
pub(super) fn is_html(response: &Response) {
    let content_type = response.header("content-type").unwrap_or_default();
    assert_eq!(content_type.replace(' ', ""), "text/html;charset=utf-8");
}

fn unknown_path_is_404_of_the_application(site: &Site) -> Result<(), Failed> {
    let response = site.get("/no/such/page")?;
    expect_status(&response, 404)?;
    // axum's own 404 is empty; a page here would be the web server's.
    assert_eq!(response.text(), "");
    Ok(())
}

fn query_is_parsed(site: &Site) -> Result<(), Failed> {
    let response = site.get("/search?text=caf%C3%A9+%26+cr%C3%A8me&page=2")?;
    assert_eq!(
        response.json()?,
        serde_json::json!({ "text": "café & crème", "page": 2 })
    );
    Ok(())
}

fn query_is_not_decoded(site: &Site) -> Result<(), Failed> {
    uri_arrives(
        site,
        "/request/query?a=1%202&b=%26%3D&&c=/%2F?#".trim_end_matches('#'),
    )
}

fn encoded_slash_is_kept(site: &Site) -> Result<(), Failed> {
    uri_arrives(site, "/request/a%2Fb/c")
}

fn encoded_percent_is_kept(site: &Site) -> Result<(), Failed> {
    uri_arrives(site, "/request/100%25/25%2525")
}

fn encoded_question_mark_is_kept(site: &Site) -> Result<(), Failed> {
    uri_arrives(site, "/request/what%3Fnow?really=yes")
}

fn encoded_number_sign_is_kept(site: &Site) -> Result<(), Failed> {
    uri_arrives(site, "/request/no%231?page=2")
}

/// Decoded again, the second would be another path.
fn what_is_encoded_twice_is_decoded_once(site: &Site) -> Result<(), Failed> {
    uri_arrives(site, "/request/a%2520b")?;
    uri_arrives(site, "/request/%252e%252e/x")
}

fn encoded_space_and_utf8_are_decoded_once(site: &Site) -> Result<(), Failed> {
    let dump = uri_arrives_as(site, "/request/a%20b/%C3%A9t%C3%A9")?;
    assert_eq!(dump["path"], "a b/été");
    Ok(())
}

fn double_slash_is_kept(site: &Site) -> Result<(), Failed> {
    uri_arrives(site, "/request/a//b///c")
}

fn dot_segments_never_reach_the_router(site: &Site) -> Result<(), Failed> {
    for path in [
        "/request/secret/../public",
        "/request/secret/%2e%2e/public",
        "/request/./public",
    ] {
        let response = site.get(path)?;
        // Resolved by the web server, or refused.
        if response.status == 200 {
            assert_eq!(response.json()?["uri"], "/request/public", "{path}");
        } else {
            expect_status(&response, 400)?;
        }
    }
    Ok(())
}

fn original_uri_has_the_mount(site: &Site) -> Result<(), Failed> {
    let path = "/external/a%20b?q=1";
    let response = site.get(path)?;
    expect_status(&response, 200)?;
    assert_eq!(response.text(), site.at(path));
    // And the mount itself is the application's root.
    get_is(site, "/", 200)
}

/// For web servers that change it: the application sees another path than the client asked for.
pub(crate) fn uri_becomes(site: &Site, path: &str, expected: &str) -> Result<(), Failed> {
    let response = site.get(path)?;
    expect_status(&response, 200)?;
    assert_eq!(response.json()?["uri"], expected, "{path}");
    Ok(())
}

fn uri_arrives(site: &Site, path: &str) -> Result<(), Failed> {
    uri_arrives_as(site, path).map(drop)
}

fn uri_arrives_as(site: &Site, path: &str) -> Result<Value, Failed> {
    let response = site.send(&Request::get(site.at(path)))?;
    expect_status(&response, 200)?;
    let dump = response.json()?;
    assert_eq!(dump["uri"], path);
    Ok(dump)
}
