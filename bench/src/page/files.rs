//! How many files may be open: each connection is one, at both ends.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::costs::thousands;
use crate::Result;

/// The most connections that a server has at a time.
const CONNECTIONS: u64 = 10_000;

/// What is open besides: connections that are busy beside those that are idle, and what a server keeps free.
const OTHERS: u64 = 200;

/// The limit of this process, which its servers inherit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Files {
    most: u64,
}

impl Files {
    /// Raises the limit to what is needed, as far as it can be raised.
    ///
    /// # Errors
    ///
    /// When the kernel refuses it.
    pub(super) fn allow() -> Result<Self> {
        let limit = getrlimit(Resource::Nofile);
        let wanted = limit.maximum.unwrap_or(u64::MAX).min(CONNECTIONS + OTHERS);
        let most = match limit.current {
            Some(current) if current < wanted => {
                let current = Some(wanted);
                setrlimit(Resource::Nofile, Rlimit { current, ..limit })
                    .map_err(|error| format!("{wanted} files cannot be open: {error}"))?;
                wanted
            }
            Some(current) => current,
            None => u64::MAX,
        };
        Ok(Self { most })
    }

    /// Whether a server can have so many connections. If not, `missing` says that `what` is left out.
    pub(super) fn allow_connections(
        self,
        count: usize,
        what: &str,
        missing: &mut Vec<String>,
    ) -> bool {
        let is_allowed = count as u64 + OTHERS <= self.most;
        if !is_allowed {
            let (count, most) = (thousands(count as f64), thousands(self.most as f64));
            missing.push(format!(
                "{count} {what}: no more than {most} files may be open (`ulimit -Hn`)"
            ));
        }
        is_allowed
    }
}
