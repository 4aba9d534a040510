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

/// The application takes 600 ms from the first of five pieces to the last.
const AT_LEAST: Duration = Duration::from_millis(400);

fn pieces_arrive_one_by_one(site: &Site) -> Result<(), Failed> {
    let (body, spread) = arrival(site, "/pieces")?;
    assert_eq!(body, "piece 0\npiece 1\npiece 2\npiece 3\npiece 4\n");
    assert!(spread > AT_LEAST, "all within {spread:?}");
    Ok(())
}

fn server_sent_events_arrive_one_by_one(site: &Site) -> Result<(), Failed> {
    let (body, spread) = arrival(site, "/events")?;
    assert_eq!(body.matches("\n\n").count(), 5);
    assert!(body.starts_with("data: event 0\n\n"), "{body}");
    assert!(spread > AT_LEAST, "all within {spread:?}");
    Ok(())
}

/// For web servers that collect the response to `path` first.
pub(crate) fn arrives_at_once(site: &Site, path: &str) -> Result<(), Failed> {
    let (body, spread) = arrival(site, path)?;
    assert_eq!(body.lines().filter(|line| !line.is_empty()).count(), 5);
    assert!(
        spread < AT_LEAST,
        "{spread:?} from the first piece to the last"
    );
    Ok(())
}

/// The body, and the time from its first piece to its end.
fn arrival(site: &Site, path: &str) -> Result<(String, Duration), Failed> {
    let mut connection = site.connect()?;
    let request = Request::get(site.at(path));
    connection.start(&request)?;
    let mut response = connection.head(&request)?;
    expect_status(&response, 200)?;
    let mut first = None;
    while let Some(piece) = connection.piece()? {
        first.get_or_insert_with(Instant::now);
        response.body.extend_from_slice(&piece);
    }
    let spread = first.map_or(Duration::ZERO, |first| first.elapsed());
    Ok((response.text(), spread))
}
