//! Web servers that ask an Authorizer before they ask the application.

use fastcgi_e2e::{
    Authorizer, Layout, Request, Response, Site, authorizing_layouts, spawning_layouts,
};
use libtest_mimic::{Failed, Trial};

/// The example.
const EXAMPLE: Authorizer = Authorizer {
    program: "authorizer",
    environment: &[],
};
/// An application that knows nothing of roles.
const RESPONDER_ONLY: Authorizer = Authorizer {
    program: "tour",
    environment: &[],
};
/// An application that may be asked, and answers as it would answer a client.
const APPLICATION: Authorizer = Authorizer {
    program: "tour",
    environment: &[("TOUR_AUTHORIZER", "1")],
};

/// A fact about a layout.
type Check = fn(&Layout) -> Result<(), Failed>;

const CHECKS: &[(&str, Check)] = &[
    ("member_passes_with_variables", member_passes_with_variables),
    ("stranger_is_refused", stranger_is_refused),
    (
        "application_without_the_role_lets_nobody_in",
        application_without_the_role_lets_nobody_in,
    ),
    (
        "authorizer_that_panics_lets_nobody_in",
        authorizer_that_panics_lets_nobody_in,
    ),
    (
        "authorizer_that_is_gone_lets_nobody_in",
        authorizer_that_is_gone_lets_nobody_in,
    ),
];

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let spawned = spawning_layouts().into_iter().map(|layout| {
        let name = format!("{}::member_passes_and_others_do_not", layout.name);
        Trial::test(name, move || member_passes_and_others_do_not(layout))
    });
    asked_over_a_socket().chain(spawned)
}

fn asked_over_a_socket() -> impl Iterator<Item = Trial> {
    authorizing_layouts().into_iter().flat_map(|layout| {
        CHECKS.iter().map(move |(name, check)| {
            Trial::test(format!("{}::{name}", layout.name), move || check(layout))
        })
    })
}

/// Where two directives name the program, the variable comes twice.
fn member_passes_and_others_do_not(layout: &Layout) -> Result<(), Failed> {
    let site = Site::start_authorized(layout, "tour", Some(&EXAMPLE))?;
    let response = get_as(&site, "/param/member_name", MEMBER)?;
    assert_eq!(response.status, 200, "{}", response.text());
    assert!(response.text().starts_with("zoe"), "{}", response.text());
    let upload =
        Request::post("/upload", "a body").header("Authorization", format!("Basic {MEMBER}"));
    assert_eq!(site.send(&upload)?.json()?["bytes"], 6);
    for response in [site.get("/json")?, get_as(&site, "/json", STRANGER)?] {
        assert_eq!(response.status, 401, "{}", response.text());
        assert!(!response.text().contains("answer"));
    }
    Ok(())
}

fn get_as(site: &Site, path: &str, credentials: &str) -> Result<Response, Failed> {
    let request = Request::get(path).header("Authorization", format!("Basic {credentials}"));
    Ok(site.send(&request)?)
}

/// `zoe:hello`
const MEMBER: &str = "em9lOmhlbGxv";
/// `zoe:goodbye`
const STRANGER: &str = "em9lOmdvb2RieWU=";

fn member_passes_with_variables(layout: &Layout) -> Result<(), Failed> {
    let site = Site::start_authorized(layout, "tour", Some(&EXAMPLE))?;
    let response = get_as(&site, "/params", MEMBER)?;
    assert_eq!(response.status, 200, "{}", response.text());
    let params = response.json()?;
    let params = params.as_array().ok_or("no params")?;
    let variable = params.iter().find(|pair| {
        pair[0]
            .as_str()
            .is_some_and(|it| it.eq_ignore_ascii_case("member_name"))
    });
    let variable = variable.ok_or_else(|| format!("{params:?}"))?;
    assert_eq!(variable[1], "zoe");
    // A body passes, too.
    let upload =
        Request::post("/upload", "a body").header("Authorization", format!("Basic {MEMBER}"));
    assert_eq!(site.send(&upload)?.json()?["bytes"], 6);
    Ok(())
}

fn stranger_is_refused(layout: &Layout) -> Result<(), Failed> {
    let site = Site::start_authorized(layout, "tour", Some(&EXAMPLE))?;
    let without = site.get("/params")?;
    let wrong = get_as(&site, "/params", STRANGER)?;
    for response in [without, wrong] {
        assert_eq!(response.status, 401, "{}", response.text());
        let challenge = response.header("www-authenticate").unwrap_or_default();
        assert_eq!(challenge, "Basic realm=\"members\"");
        assert!(!response.text().contains("REQUEST_URI"));
    }
    Ok(())
}

/// B-13: to every path, the tour answers a Responder's request with 200 or 404.
fn application_without_the_role_lets_nobody_in(layout: &Layout) -> Result<(), Failed> {
    let site = Site::start_authorized(layout, "tour", Some(&RESPONDER_ONLY))?;
    nobody_gets_in(&site, &["/", "/params", "/json", "/panic"])
}

fn authorizer_that_panics_lets_nobody_in(layout: &Layout) -> Result<(), Failed> {
    let site = Site::start_authorized(layout, "tour", Some(&APPLICATION))?;
    assert_eq!(get_as(&site, "/json", MEMBER)?.status, 200);
    nobody_gets_in(&site, &["/panic", "/status/403"])
}

fn authorizer_that_is_gone_lets_nobody_in(layout: &Layout) -> Result<(), Failed> {
    let mut site = Site::start_authorized(layout, "tour", Some(&APPLICATION))?;
    assert_eq!(get_as(&site, "/json", MEMBER)?.status, 200);
    site.stop_authorizer()?;
    nobody_gets_in(&site, &["/", "/params"])
}

fn nobody_gets_in(site: &Site, paths: &[&str]) -> Result<(), Failed> {
    for path in paths {
        for response in [site.get(path)?, get_as(site, path, MEMBER)?] {
            let text = response.text();
            assert!(response.status >= 400, "{path}: {} {text}", response.status);
        }
    }
    Ok(())
}
