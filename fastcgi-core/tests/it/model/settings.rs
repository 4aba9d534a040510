//! What one run allows: limits and times, small enough to be reached, and as numbers that the checks can use.

use std::time::Duration;

use fastcgi_core::{Config, Limits, Timeouts};

use super::random::Random;

/// `Limits::max_params_size`, in every run.
pub(super) const MAX_PARAMS_SIZE: usize = 600;

/// The numbers of a configuration. Times are in milliseconds.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) body_window: usize,
    pub(super) max_spill: usize,
    pub(super) max_reqs: usize,
    pub(super) max_ignored: usize,
    pub(super) params: u64,
    pub(super) idle: Option<u64>,
    pub(super) read: Option<u64>,
    pub(super) write: u64,
    pub(super) authorizer: bool,
    pub(super) filter: bool,
}

impl Settings {
    /// For bodies of up to `size` bytes.
    pub(super) fn random(size: usize, random: &mut Random) -> Self {
        Self {
            body_window: random.pick(&[1, 100, 1000, 1000, 64 * 1024]),
            max_spill: random.pick(&[2000, 16 << 20, 16 << 20, 16 << 20]),
            max_reqs: random.pick(&[1, 2, 3, 64, 64]),
            max_ignored: 20_000.max(20 * size),
            params: random.pick(&[30_000, 30_000, 5_000]),
            idle: random.pick(&[None, None, Some(2_000), Some(300_000)]),
            read: random.pick(&[None, None, Some(3_000), Some(40_000)]),
            write: random.pick(&[60_000, 60_000, 4_000]),
            authorizer: random.once_in(2),
            filter: random.once_in(2),
        }
    }

    pub(super) fn config(&self) -> Config {
        let limits = Limits::default()
            .body_window(self.body_window)
            .max_spill(self.max_spill)
            .max_reqs(self.max_reqs)
            .max_ignored(self.max_ignored as u64)
            .max_params_size(MAX_PARAMS_SIZE);
        let timeouts = Timeouts::default()
            .params(Duration::from_millis(self.params))
            .idle(self.idle.map(Duration::from_millis))
            .read(self.read.map(Duration::from_millis))
            .write(Duration::from_millis(self.write));
        Config::default()
            .limits(limits)
            .timeouts(timeouts)
            .max_conns(1024)
            .authorizer(self.authorizer)
            .filter(self.filter)
    }
}
