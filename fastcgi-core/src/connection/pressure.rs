//! Whether the socket is read: that depends on what is held, owed and stalled (B-7, B-8, B-12, R-13).
//!
//! This module decides on back-pressure by what is held and owed; `budget` decides by memory.

use super::limits::{ENOUGH_REQUESTS, HIGH_WATER, Limits};

/// How the web server takes what it is sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pressure {
    /// Whether the web server has read nothing for a while, with something to read.
    pub(super) is_stalled: bool,
    /// Whether reading is the only way to see that the web server has left (B-11).
    pub(super) reads_on: bool,
}

/// What else the decision depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// Bytes of request bodies that have arrived and wait to be read.
    pub(super) held: usize,
    /// Bytes that wait to be written.
    pub(super) unwritten: usize,
    /// Requests in progress, with those whose params are arriving.
    pub(super) requests: usize,
    /// Whether the web server may still send a part of a body, of a request in progress or of one that has ended.
    pub(super) may_send_body: bool,
}

impl Pressure {
    pub(super) fn wants_input(self, load: Load, limits: &Limits) -> bool {
        if load.held >= limits.body_window {
            // B-8: mod_fcgid and Caddy do not read before they have written all. Others are only slow, and must not make
            // us gather what they write meanwhile. B-12: and a body that is not read must not stop the other requests on
            // its connection.
            // B-11: or what is unread may be in front of the end of the connection.
            let may_spill = self.is_stalled || self.reads_on || load.requests > 1;
            return may_spill && load.held < limits.max_spill;
        }
        // a web server that does not read responses gets no further requests served. But the rest of a body is taken
        // all the same (B-8), and so is what may be the abort of a request in progress.
        let has_enough = load.requests == 0 || load.requests >= ENOUGH_REQUESTS;
        load.unwritten < HIGH_WATER / 2 || !has_enough || load.may_send_body
    }
}
