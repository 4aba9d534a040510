//! How much memory a connection may use: what it owns, and what it has to borrow.
//!
//! Many connections share one budget, and core knows only its own. So it asks through numbers: the owner says what its
//! buffers hold and what it may lend, and the connection says when that is not enough. Without these calls, only
//! [`Limits`](crate::Limits) apply.

use super::{
    Config, Connection, Life,
    limits::{HIGH_WATER, OWNED_INPUT, READ_ROOM},
};

/// What a connection may use, and what its owner uses for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Bytes that may be held of what arrives.
    pub(super) input: usize,
    /// Bytes that may wait to be written before bodies are left alone.
    pub(super) output: usize,
    /// Bytes that are held of what arrives, when it was last said what the owner keeps.
    memory: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            input: usize::MAX,
            output: HIGH_WATER,
            memory: 0,
        }
    }
}

impl Connection {
    /// What a connection may hold of what arrives before it has to borrow: 32 KiB.
    pub const OWNED_INPUT: usize = OWNED_INPUT;

    /// What may wait to be written before a connection has to borrow: 8 KiB. One piece may come on top of that.
    pub const OWNED_OUTPUT: usize = super::limits::OWNED_OUTPUT;

    /// The most that may wait to be written before bodies are left alone: 256 KiB.
    pub const MAX_OUTPUT: usize = HIGH_WATER;

    /// Sets how many bytes may be held of what arrives: params and bodies, with the buffers that they are in. Default: no
    /// limit of its own.
    ///
    /// With less than [`OWNED_INPUT`](Self::OWNED_INPUT), a request may wait for ever.
    pub fn set_input_budget(&mut self, bytes: usize) {
        self.budget.input = bytes;
    }

    /// Sets how many bytes of responses may wait to be written before there is [no room for
    /// more](Self::wants_output). Default, and at most: [`MAX_OUTPUT`](Self::MAX_OUTPUT).
    pub fn set_output_budget(&mut self, bytes: usize) {
        self.budget.output = bytes.min(HIGH_WATER);
    }

    /// Sets how many bytes the owner's buffers hold for this connection: what it reads into, and whatever else cannot be
    /// freed because of what has arrived and waits. Counts against the [budget](Self::set_input_budget), with what the
    /// connection itself holds at this moment: so call this whenever something has arrived.
    pub fn set_kept(&mut self, bytes: usize) {
        let own = self.requests.iter().map(|(_, request)| request.memory());
        self.budget.memory = own.fold(bytes, usize::saturating_add);
    }

    /// How many bytes the budget leaves for further input.
    pub fn input_room(&self) -> usize {
        self.budget.input.saturating_sub(self.budget.memory)
    }

    /// How many bytes the [budget](Self::set_input_budget) has to have, in all, for input to go on: when the budget is all
    /// that keeps the socket from being read.
    pub fn wanted_input_budget(&self) -> Option<usize> {
        let is_wanted = !self.has_input_room()
            && self.may_read()
            && self.closing.life() != Life::Draining
            && self.wants_records();
        is_wanted.then(|| self.budget.memory.saturating_add(READ_ROOM))
    }

    /// The most that [`wanted_input_budget`](Self::wanted_input_budget) ever needs to be, unless the owner's buffers hold
    /// much more than what has arrived.
    pub fn max_input_budget(&self) -> usize {
        let limits = &self.config.limits;
        // A block of params grows by doubling, a buffer may be filled for three quarters; and there are those that are read
        // into.
        let bodies = limits.max_spill.max(limits.body_window);
        let params = limits.max_params_size.saturating_mul(2);
        bodies
            .saturating_add(bodies / 2)
            .saturating_add(params)
            .saturating_add(256 * 1024)
    }

    /// The least that a connection with these settings has to be able to get, so that no request waits for ever.
    pub fn min_input_budget(config: &Config) -> usize {
        let params = config.limits.max_params_size.saturating_mul(2);
        params.saturating_add(64 * 1024)
    }

    /// The connection waits for a larger budget and others have given some back meanwhile, or it has waited and got it: the
    /// time that the web server has to read starts anew.
    pub fn others_go_on(&mut self) {
        self.deadlines.was_written();
    }

    pub(super) fn has_input_room(&self) -> bool {
        self.input_room() >= READ_ROOM
    }
}
