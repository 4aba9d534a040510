//! The client before applications that were not written here: php-fpm, Go's net/http/fcgi, and a C program with libfcgi.
//!
//! Their programs are those of the conformance scoreboard, with its contract: `/echo` answers with the body, and so on.

mod behaviour;
mod commands;
mod mix;
mod peer;

use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::{Failed, Trial};
use tokio::runtime::{Builder, Runtime};

use self::peer::{KINDS, Kind, Peer};

/// A fact about the client before one application.
type Check = fn(&Peer) -> Result<(), Failed>;

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let before = KINDS.into_iter().flat_map(|kind| {
        let shared = Arc::new(Shared::new(kind));
        let checks = behaviour::CHECKS.iter().chain(mix::CHECKS);
        checks.map(move |&(name, check)| {
            let shared = Arc::clone(&shared);
            let name = format!("calling::{}::{name}", kind.name());
            Trial::test(name, move || check(&*shared.peer()?))
        })
    });
    before.chain(commands::trials())
}

/// An application that the first test starts, and the last one ends.
struct Shared {
    kind: Kind,
    peer: Mutex<Option<Arc<Peer>>>,
}

impl Shared {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            peer: Mutex::new(None),
        }
    }

    fn peer(&self) -> Result<Arc<Peer>, Failed> {
        let mut peer = self.peer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(peer) = &*peer {
            return Ok(Arc::clone(peer));
        }
        let started = Arc::new(Peer::start(self.kind)?);
        *peer = Some(Arc::clone(&started));
        Ok(started)
    }
}

fn runtime() -> Result<Runtime, Failed> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    Ok(runtime?)
}
