//! The level below HTTP behind real nginx: what it makes of what only this level can say.

use std::collections::BTreeSet;
use std::sync::Arc;

use fastcgi_e2e::{
    Authorizer, Layout, Request, Shared, Site, authorizing_layouts, layouts, spawning_layouts,
};
use libtest_mimic::{Failed, Trial};

/// A fact.
type Check = fn(&Site) -> Result<(), Failed>;

const CHECKS: &[(&str, Check)] = &[
    ("stderr_of_9_kb_before_the_head", long_stderr),
    ("response_without_a_head", no_head),
    ("body_longer_than_announced", longer),
    ("body_shorter_than_announced", shorter),
    ("body_to_head_is_dropped", body_to_head),
    ("three_writes_arrive_as_three", three_writes),
];

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    // It keeps its connections, and collects nothing.
    let shared = Arc::new(Shared::new(
        layout("nginx-unix-keep-conn-unbuffered"),
        "exchanges",
    ));
    let on_kept = {
        let shared = Arc::clone(&shared);
        Trial::test("nginx-raw::connections_have_distinct_ids", move || {
            distinct_ids(shared.site()?)
        })
    };
    let checks = CHECKS.iter().map(move |(name, check)| {
        let shared = Arc::clone(&shared);
        Trial::test(format!("nginx-raw::{name}"), move || check(shared.site()?))
    });
    checks.chain([on_kept]).chain(authorizers())
}

fn layout(name: &str) -> Layout {
    let found = layouts().find(|layout| layout.name == name);
    found.unwrap_or_else(|| panic!("no layout {name}")).clone()
}

/// It is more than nginx's buffer for the head.
fn long_stderr(site: &Site) -> Result<(), Failed> {
    let response = site.get("/log")?;
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(response.text(), "logged\n");
    let log = site.log()?;
    assert!(log.contains("FastCGI sent in stderr: \"eeee"), "{log}");
    Ok(())
}

fn no_head(site: &Site) -> Result<(), Failed> {
    let response = site.get("/no-head")?;
    assert_eq!(response.status, 502, "{}", response.text());
    assert_eq!(site.get("/")?.status, 200);
    Ok(())
}

/// The surplus does not run into the next response.
fn longer(site: &Site) -> Result<(), Failed> {
    let mut connection = site.connect()?;
    let response = connection.send(&Request::get("/longer"))?;
    assert_eq!((response.status, response.text().as_str()), (200, "lo"));
    assert_eq!(site.get("/")?.status, 200);
    Ok(())
}

/// The client sees that something is missing.
fn shorter(site: &Site) -> Result<(), Failed> {
    let result = site.get("/shorter");
    let error = result.expect_err("93 bytes are missing");
    assert!(!error.to_string().is_empty());
    assert_eq!(site.get("/")?.status, 200);
    Ok(())
}

fn body_to_head(site: &Site) -> Result<(), Failed> {
    let response = site.send(&Request::new("HEAD", "/"))?;
    assert_eq!(response.status, 200);
    assert!(response.body.is_empty());
    assert_eq!(site.get("/")?.status, 200);
    Ok(())
}

/// The application writes a piece when it has got a byte, so it is no matter of time.
fn three_writes(site: &Site) -> Result<(), Failed> {
    let mut connection = site.connect()?;
    let request = Request::post("/pieces", "123");
    // All but the bytes of the body.
    connection.start_part(&request, 0)?;
    let mut text = String::new();
    let mut response = None;
    for (byte, piece) in ["1", "2", "3"].into_iter().zip(["one", "two", "three"]) {
        connection.send_raw(byte.as_bytes())?;
        if response.is_none() {
            response = Some(connection.head(&request)?);
        }
        let wanted = format!("{text}{piece}");
        while text != wanted {
            let Some(more) = connection.piece()? else {
                return Err(format!("the response ends after {text:?}").into());
            };
            text.push_str(&String::from_utf8_lossy(&more));
            assert!(
                wanted.starts_with(&text),
                "{text} came before it was written"
            );
        }
    }
    Ok(())
}

fn distinct_ids(site: &Site) -> Result<(), Failed> {
    let mut ids = BTreeSet::new();
    for _ in 0..6 {
        let response = site.get("/connection")?;
        assert_eq!(response.status, 200);
        let id: u64 = response.text().parse()?;
        assert!(id > 0);
        ids.insert(id);
    }
    // Connections are kept, and each of nginx's workers has its own.
    assert!((1..6).contains(&ids.len()), "{ids:?}");
    Ok(())
}

/// The Authorizer on this level, for the web servers that ask one, and for mod_fcgid, which starts one.
fn authorizers() -> impl Iterator<Item = Trial> {
    const AUTHORIZER: Authorizer = Authorizer {
        program: "exchanges",
        environment: &[],
    };
    let asked = authorizing_layouts().into_iter();
    asked.chain(spawning_layouts()).map(|layout| {
        let name = format!("{}::authorizer_of_exchanges", layout.name);
        Trial::test(name, move || {
            let site = Site::start_authorized(layout, "tour", Some(&AUTHORIZER))?;
            let member = Request::get("/params").header("Authorization", "Basic em9lOmhlbGxv");
            let response = site.send(&member)?;
            assert_eq!(response.status, 200, "{}", response.text());
            // Where two directives name the program, the variable comes twice.
            let params = response.text().to_lowercase();
            assert!(params.contains("[\"member_name\",\"zoe"), "{params}");
            let stranger = Request::get("/json").header("Authorization", "Basic em9lOmdvb2RieWU=");
            for response in [site.get("/json")?, site.send(&stranger)?] {
                assert_eq!(response.status, 401, "{}", response.text());
                assert!(!response.text().contains("answer"));
            }
            Ok(())
        })
    })
}
