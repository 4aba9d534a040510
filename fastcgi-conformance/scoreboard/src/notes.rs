//! What is known of failures: which are a choice, and what a user sees where the case does not say it well.

use std::{fs, io, path::Path};

/// A line of `peers/notes.txt`.
#[derive(Debug)]
struct Note {
    peers: Vec<String>,
    case: String,
    is_choice: bool,
    text: String,
}

#[derive(Debug)]
pub(crate) struct Notes(Vec<Note>);

impl Notes {
    /// Reads `PEER, PEER | CASE | choice or fault | TEXT`. A case that ends in `/` is an area.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(path)?;
        let lines = text
            .lines()
            .filter(|it| !it.is_empty() && !it.starts_with('#'));
        let notes = lines.map(|line| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            let [peers, case, kind, text] = cells[..] else {
                return Err(io::Error::other(format!("four cells are missing: {line}")));
            };
            Ok(Note {
                peers: peers.split(", ").map(str::to_owned).collect(),
                case: case.to_owned(),
                is_choice: kind == "choice",
                text: text.to_owned(),
            })
        });
        notes.collect::<io::Result<_>>().map(Self)
    }

    fn find(&self, peer: &str, case: &str) -> Option<&Note> {
        self.0.iter().find(|note| {
            let is_area = note.case.ends_with('/') && case.starts_with(&note.case);
            (note.case == case || is_area) && note.peers.iter().any(|it| it == peer)
        })
    }

    /// Whether a failure is a choice of the peer's authors.
    pub(crate) fn is_choice(&self, peer: &str, case: &str) -> bool {
        self.find(peer, case).is_some_and(|note| note.is_choice)
    }

    /// What a user sees, if it is noted.
    pub(crate) fn text(&self, peer: &str, case: &str) -> Option<&str> {
        self.find(peer, case).map(|note| note.text.as_str())
    }
}
