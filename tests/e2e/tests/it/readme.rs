//! What the README promises, with its own text.

use std::time::{Duration, Instant};

use fastcgi_e2e::{Connection, Request, Site, readme};
use libtest_mimic::{Failed, Trial};

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let streams = ["streaming", "actix-streaming"].map(|program| {
        Trial::test(
            format!("readme::event_stream_of_{program}_arrives"),
            move || event_stream_arrives(program),
        )
    });
    let mounts = ["tour", "actix-tour"].map(|program| {
        Trial::test(
            format!("readme::redirects_of_{program}_stay_below_the_prefix"),
            move || redirects_stay_below(program),
        )
    });
    let forwarded = Trial::test(
        "readme::forwarded_fields_cannot_be_forged",
        forwarded_fields,
    );
    let mistakes = ["tour", "actix-tour"].map(|program| {
        let name = format!("readme::proxy_pass_to_{program}_says_what_to_write");
        Trial::test(name, move || proxy_pass(program))
    });
    streams
        .into_iter()
        .chain(mounts)
        .chain(mistakes)
        .chain([forwarded])
}

/// B-21
fn proxy_pass(program: &str) -> Result<(), Failed> {
    let site = Site::start(&readme::NGINX_MISTAKEN, program)?;
    for request in [
        Request::get("/"),
        Request::post("/upload", vec![b'x'; 1_000_000]),
    ] {
        let response = site.send(&request)?;
        assert_eq!(response.status, 400, "{}", response.text());
        assert!(
            response.text().contains("fastcgi_pass"),
            "{}",
            response.text()
        );
        assert!(
            response.text().contains("fastcgi-front"),
            "{}",
            response.text()
        );
    }
    Ok(())
}

/// What the client says of itself does not count.
fn forwarded_fields() -> Result<(), Failed> {
    let site = Site::start(&readme::NGINX_FORWARDED, "tour")?;
    let request = Request::get("/request/forwarded")
        .header("X-Forwarded-For", "10.1.1.1")
        .header("X-Forwarded-Proto", "https")
        .header("X-Forwarded-Host", "evil.example")
        .header("Forwarded", "for=10.1.1.1;proto=https;host=evil.example");
    let headers = site.send(&request)?.json()?["headers"].to_string();
    for field in [
        "[\"x-forwarded-for\",\"127.0.0.1\"]",
        "[\"x-forwarded-proto\",\"http\"]",
        "[\"x-forwarded-host\",\"127.0.0.1\"]",
    ] {
        assert!(headers.contains(field), "{field} in {headers}");
    }
    // What the client says is nowhere, and an empty one does not arrive.
    for absent in ["10.1.1.1", "evil", "[\"forwarded\""] {
        assert!(!headers.contains(absent), "{absent} in {headers}");
    }
    Ok(())
}

/// The head and the first event come at once, and the next one a second later.
fn event_stream_arrives(program: &str) -> Result<(), Failed> {
    let site = Site::start(&readme::NGINX, program)?;
    let mut connection = site.connect()?;
    let request = Request::get("/events");
    let start = Instant::now();
    connection.start(&request)?;
    let head = connection.head(&request)?;
    assert_eq!(
        head.header("content-type").as_deref(),
        Some("text/event-stream")
    );
    // nginx keeps it to itself.
    assert_eq!(head.header("x-accel-buffering"), None);
    for event in 0..3 {
        event_arrives(&mut connection, event)?;
    }
    // They are made within 2 s; without the header, nginx sends nothing before its buffers are full.
    assert!(
        start.elapsed() < Duration::from_secs(15),
        "{:?}",
        start.elapsed()
    );
    Ok(())
}

fn event_arrives(connection: &mut Connection, event: usize) -> Result<(), Failed> {
    let expected = format!("data: {event}\n\n");
    let mut text = String::new();
    while text != expected {
        let Some(piece) = connection.piece()? else {
            return Err(format!("the stream ended after {text:?}").into());
        };
        text.push_str(&String::from_utf8_lossy(&piece));
        assert!(expected.starts_with(&text), "{text:?}");
    }
    Ok(())
}

/// The application knows nothing of the prefix.
fn redirects_stay_below(program: &str) -> Result<(), Failed> {
    let mounting = [("FCGI_MOUNT_REDIRECTS", "on")];
    let site = Site::start_with(&readme::NGINX_BELOW, program, &mounting)?;
    let location = |path: &str| -> Result<String, Failed> {
        let response = site.send(&Request::get(path))?;
        Ok(response.header("location").unwrap_or_default())
    };
    // nginx makes its own absolute, without the port that it does not know of.
    assert!(
        location("/app")?.ends_with("/app/"),
        "{}",
        location("/app")?
    );
    assert_eq!(location("/app/redirect")?, "/app/somewhere/else?a=1");
    assert_eq!(site.get("/")?.status, 200);

    let site = Site::start(&readme::NGINX_BELOW, program)?;
    let response = site.get("/redirect")?;
    assert_eq!(
        response.header("location").as_deref(),
        Some("/somewhere/else?a=1")
    );
    Ok(())
}
