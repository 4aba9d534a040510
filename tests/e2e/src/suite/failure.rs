//! Responses that fail after their head has left: what the client sees of it.

use std::io::ErrorKind;
use std::time::Duration;

use libtest_mimic::Failed;

use crate::support::{expect_status, get_is};
use crate::{Behaviour, Request, Site};

pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour {
        name: "response_of_known_length_that_fails_is_cut_off",
        check: |site| ends(site, "/fails/announced", Ending::Cut),
    },
    Behaviour {
        name: "response_of_unknown_length_that_fails_is_cut_off",
        check: |site| ends(site, "/fails", Ending::Cut),
    },
    Behaviour {
        name: "response_whose_body_panics_is_cut_off",
        check: |site| ends(site, "/fails/panic", Ending::Cut),
    },
];

/// How a response ends for its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The client can see that something is missing.
    Cut,
    /// The client takes it for whole.
    Complete,
    /// The client takes it for whole, with the web server's error page at its end.
    Spoiled,
    /// Nothing happens for three seconds. To end in a panic takes a CGI program longer than one, where others use the machine.
    Open,
}

/// For web servers that cannot tell the end of a connection from the end of a response.
pub(crate) const LOOKS_COMPLETE: &str = "unless it has a `Content-Length`, it looks complete";

/// Asserts that the response to `path`, which fails after its first piece, ends so; and that the next one is whole.
pub(crate) fn ends(site: &Site, path: &str, expected: Ending) -> Result<(), Failed> {
    let ending = ending(site, path)?;
    assert_eq!(ending, expected);
    get_is(site, "/json", 200)
}

fn ending(site: &Site, path: &str) -> Result<Ending, Failed> {
    let mut connection = site.connect()?;
    let request = Request::get(site.at(path));
    connection.start(&request)?;
    let mut response = match connection.head(&request) {
        Ok(response) => response,
        // The head was still in the web server's buffer.
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(Ending::Cut),
        Err(error) => return Err(error.into()),
    };
    expect_status(&response, 200)?;
    connection.set_patience(Duration::from_secs(3))?;
    loop {
        match connection.piece() {
            Ok(Some(piece)) => response.body.extend_from_slice(&piece),
            Ok(None) => break,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Ending::Open),
            Err(_) => return Ok(Ending::Cut),
        }
    }
    let text = response.text();
    match text.strip_prefix("the first piece\n") {
        Some("") => Ok(Ending::Complete),
        Some(page) if page.contains("<title>500 ") => Ok(Ending::Spoiled),
        _ => Err(format!("another body: {text}").into()),
    }
}
