//! What happens to requests when the application is asked to end.

use std::thread;

use fastcgi_e2e::{Layout, Request, Site, Socket, layouts};
use libtest_mimic::{Failed, Trial};

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    // One with a Unix socket, which is to be removed, and one with a socket that was handed over.
    layouts()
        .filter(|it| matches!(it.name, "nginx-unix" | "nginx-tcp-keep-conn"))
        .map(|layout| {
            let name = format!("{}::sigterm_lets_the_request_in_flight_finish", layout.name);
            Trial::test(name, move || {
                sigterm_lets_the_request_in_flight_finish(layout)
            })
        })
}

fn sigterm_lets_the_request_in_flight_finish(layout: &Layout) -> Result<(), Failed> {
    let mut site = Site::start(layout, "tour")?;
    let mut connection = site.connect()?;
    let request = Request::get("/wait/for-the-end");
    connection.start(&request)?;
    while site.get("/life/for-the-end")?.text() != "Running" {
        thread::yield_now();
    }
    site.stop_application()?;
    let mut response = connection.head(&request)?;
    while let Some(piece) = connection.piece()? {
        response.body.extend_from_slice(&piece);
    }
    assert_eq!(
        (response.status, response.text().as_str()),
        (200, "that was a second\n")
    );
    if layout.socket == Socket::Unix {
        assert!(
            !site.application_socket().exists(),
            "the socket is left behind"
        );
    }
    assert!(matches!(site.get("/")?.status, 502 | 503));
    Ok(())
}
