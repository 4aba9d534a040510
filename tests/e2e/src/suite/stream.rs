//! A response that is made piece by piece arrives piece by piece.

use std::time::{Duration, Instant};

use libtest_mimic::Failed;

use crate::support::expect_status;
use crate::{Behaviour, Request, Site};

pub(super) const BEHAVIOURS: &[Behaviour] = &[
    Behaviour {
        name: "pieces_arrive_one_by_one",
        check: pieces_arrive_one_by_one,
    },
    Behaviour {
        name: "server_sent_events_arrive_one_by_one",
        check: server_sent_events_arrive_one_by_one,
    },
];

/// The application makes five pieces, 150 ms apart.
const PIECES: usize = 5;
/// What comes within this time has come at once.
const AT_ONCE: Duration = Duration::from_millis(50);

fn pieces_arrive_one_by_one(site: &Site) -> Result<(), Failed> {
    one_by_one(site, "/pieces", |body| {
        assert_eq!(body, "piece 0\npiece 1\npiece 2\npiece 3\npiece 4\n");
    })
}

fn server_sent_events_arrive_one_by_one(site: &Site) -> Result<(), Failed> {
    one_by_one(site, "/events", |body| {
        assert_eq!(body.matches("\n\n").count(), PIECES);
        assert!(body.starts_with("data: event 0\n\n"), "{body}");
    })
}

/// Each piece arrives before the next one is made. On a busy machine two may come at once by chance, so there are three
/// tries.
fn one_by_one(site: &Site, path: &str, check: impl Fn(&str)) -> Result<(), Failed> {
    let mut seen = Vec::new();
    for _ in 0..3 {
        let (body, arrivals) = arrivals(site, path)?;
        check(&body);
        if arrivals == PIECES {
            return Ok(());
        }
        seen.push(arrivals);
    }
    Err(format!("{PIECES} pieces in {seen:?} arrivals").into())
}

/// For web servers that collect the response to `path` first.
pub(crate) fn arrives_at_once(site: &Site, path: &str) -> Result<(), Failed> {
    let (body, arrivals) = arrivals(site, path)?;
    assert_eq!(body.lines().filter(|line| !line.is_empty()).count(), PIECES);
    assert_eq!(arrivals, 1);
    Ok(())
}

/// For web servers that let a piece wait for the next one.
pub(crate) fn arrives_in_parts(site: &Site, path: &str) -> Result<(), Failed> {
    let (_, arrivals) = arrivals(site, path)?;
    assert!((2..=PIECES).contains(&arrivals), "{arrivals} arrivals");
    Ok(())
}

/// The body, and how often something arrived, with a pause before.
pub(crate) fn arrivals(site: &Site, path: &str) -> Result<(String, usize), Failed> {
    let mut connection = site.connect()?;
    let request = Request::get(site.at(path));
    connection.start(&request)?;
    let mut response = connection.head(&request)?;
    expect_status(&response, 200)?;
    let mut arrivals = 0;
    let mut last: Option<Instant> = None;
    while let Some(piece) = connection.piece()? {
        if last.is_none_or(|last| last.elapsed() > AT_ONCE) {
            arrivals += 1;
        }
        last = Some(Instant::now());
        response.body.extend_from_slice(&piece);
    }
    Ok((response.text(), arrivals))
}
