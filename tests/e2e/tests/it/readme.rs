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
    streams.into_iter().chain(mounts)
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
