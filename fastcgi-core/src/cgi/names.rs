//! Names of header fields, and those that this thread has met before.
//!
//! Web servers send the same few dozen names again and again, and spelling and checking one costs more than finding it in a
//! table. Only names are kept, never values, and never more than [`MAX_NAMES`] for each thread.

use std::{any::Any, cell::Cell, collections::HashMap, hash::BuildHasher};

use bytes::Bytes;
use foldhash::fast::RandomState;

use super::hop_by_hop::is_always_hop_by_hop;

/// The most names that a thread keeps. With one more, the table begins anew.
const MAX_NAMES: usize = 256;
/// The most bytes of a name that is kept.
const MAX_LENGTH: usize = 64;
/// Sets of hashes of names that came once.
const MET_SETS: usize = 16;
/// Hashes in a set. If a request had more names in one set, they would push each other out each time; with 100 names that
/// happens in about one process of 500.
const MET_IN_SET: usize = 16;

/// The name of a field that a request may have, as its map has it.
#[derive(Clone, Debug)]
pub(super) struct Name<N> {
    pub(super) name: N,
    pub(super) kind: Kind,
}

/// What becomes of a field with such a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    // H-8: one of these is enough.
    Host,
    Authorization,
    ContentType,
    Cookie,
    /// No request has it.
    Dropped,
    Other,
}

/// H-1, H-11: calls `f` with the name that was sent as `HTTP_` and `raw`, in lower case; `None` for an invalid one.
fn with_spelled<T>(raw: &[u8], f: impl FnOnce(&[u8]) -> T) -> Option<T> {
    let mut short = [0; MAX_LENGTH];
    let mut long = Vec::new();
    let spelled = match short.get_mut(..raw.len()) {
        Some(short) => short,
        None => {
            long.resize(raw.len(), 0);
            &mut long[..]
        }
    };
    let mut is_token = !raw.is_empty();
    for (to, from) in spelled.iter_mut().zip(raw) {
        *to = FIELD_NAME.get(usize::from(*from)).map_or(0, |byte| *byte);
        is_token &= *to != 0;
    }
    is_token.then(|| f(spelled))
}

/// The name that was sent as `HTTP_` and `raw`, for logs: as it was sent, if it is invalid.
pub(super) fn spelled(raw: &[u8]) -> Bytes {
    let spelled = with_spelled(raw, Bytes::copy_from_slice);
    spelled.unwrap_or_else(|| Bytes::copy_from_slice(raw))
}

impl Kind {
    fn of(name: &[u8]) -> Self {
        match name {
            b"host" => Self::Host,
            b"authorization" => Self::Authorization,
            b"content-type" => Self::ContentType,
            b"cookie" => Self::Cookie,
            // H-4: the client's claim; the server's count is in CONTENT_LENGTH.
            // H-7: httpoxy. No request has a `proxy`, but child processes obey the variable.
            b"content-length" | b"proxy" => Self::Dropped,
            // H-5: these describe the client's connection, which ended in the web server. What `connection` nominates
            // stays: the web server may have set it, and a client could delete it otherwise.
            name if is_always_hop_by_hop(name) => Self::Dropped,
            _ => Self::Other,
        }
    }
}

/// The names that this thread has met before, for maps with such names.
pub(super) struct Names<N> {
    known: HashMap<Box<[u8]>, Name<N>, RandomState>,
    /// Hashes of names that came once. A name is kept when it comes again, so a client that sends new names with each request
    /// fills no table.
    met: Vec<[u64; MET_IN_SET]>,
}

thread_local! {
    /// `Names` for the map that was used last: a thread works with one HTTP library.
    static NAMES: Cell<Option<Box<dyn Any>>> = const { Cell::new(None) };
}

impl<N: Clone + for<'a> TryFrom<&'a [u8]> + 'static> Names<N> {
    /// Calls `f` with the names of this thread; with an empty table where `f` itself calls this.
    pub(super) fn with<T>(f: impl FnOnce(&mut Self) -> T) -> T {
        let names = NAMES.take().and_then(|names| names.downcast().ok());
        let mut names = names.unwrap_or_else(|| Box::new(Self::new()));
        let result = f(&mut names);
        NAMES.set(Some(names));
        result
    }

    fn new() -> Self {
        Self {
            known: HashMap::default(),
            met: Vec::new(),
        }
    }

    /// The name that was sent as `HTTP_` and `raw`; `None` for an invalid one.
    pub(super) fn name(&mut self, raw: &[u8]) -> Option<Name<N>> {
        if let Some(name) = self.known.get(raw) {
            return Some(name.clone());
        }
        let name = with_spelled(raw, |spelled| {
            Some(Name {
                name: N::try_from(spelled).ok()?,
                kind: Kind::of(spelled),
            })
        })??;
        if raw.len() <= MAX_LENGTH && self.was_met(raw) {
            if self.known.len() >= MAX_NAMES {
                self.known.clear();
            }
            self.known.insert(raw.into(), name.clone());
        }
        Some(name)
    }

    fn was_met(&mut self, raw: &[u8]) -> bool {
        let hash = self.known.hasher().hash_one(raw);
        if self.met.is_empty() {
            self.met.resize(MET_SETS, [0; MET_IN_SET]);
        }
        let index = usize::try_from(hash % MET_SETS as u64).expect("less than MET_SETS");
        let set = self.met.get_mut(index).expect("MET_SETS sets");
        if set.contains(&hash) {
            return true;
        }
        // The oldest gives way.
        set.rotate_right(1);
        set[0] = hash;
        false
    }
}

/// What becomes of each byte of a name; 0 where it cannot be in one (RFC 9110, 5.6.2).
///
/// H-1: `_` is `-`. A dot stays a dot: PHP folds it, and so confuses `X.User` with `X-User`.
static FIELD_NAME: [u8; 256] = field_name_table();

#[expect(clippy::indexing_slicing, reason = "checked when this is compiled")]
const fn field_name_table() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte: u8 = 0;
    while byte < 128 {
        table[byte as usize] = match byte {
            b'_' => b'-',
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => byte.to_ascii_lowercase(),
            b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'`' | b'|' | b'~' => byte,
            _ => 0,
        };
        byte += 1;
    }
    table
}
