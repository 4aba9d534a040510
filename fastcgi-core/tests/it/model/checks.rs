//! What has to be true at every step, and at the end.

use bytes::Buf;
use fastcgi_core::{ConnectionError, Life};

use super::{
    call::Call,
    facts::Fact,
    manner::Offence,
    owner::{Outcome, check},
    world::World,
};

/// The mark of R-13: above it, nothing more of a response is taken.
const HIGH_WATER: usize = 256 * 1024;
/// The connection's own answers that may wait before no further record is taken (B-15).
pub(super) const MAX_OWED: usize = 16 * 1024;
/// What may come on top of a step at that mark: messages that have waited, and the connection's own answers.
const OVERHEAD: usize = 64 * 1024 + MAX_OWED + 256;

impl World {
    /// What is held and owed is within its limits, and what is wanted is what they leave room for.
    pub(super) fn check_limits(&mut self) -> Result<(), String> {
        let unwritten = self.connection.outgoing().remaining();
        let most = HIGH_WATER + self.step_size + OVERHEAD;
        check(unwritten <= most, "too much waits to be written")?;
        let is_serving = matches!(
            self.connection.life(),
            Life::Open | Life::FirstIsLast | Life::NextIsLast | Life::LastRequests
        );
        if !is_serving || self.is_at_eof || self.connection.error().is_some() {
            return Ok(());
        }
        let held = self.owner.held();
        let is_full = held >= self.settings.body_window;
        let wants_input = self.connection.wants_input();
        self.reads_on &= is_full;
        if is_full && wants_input {
            let is_crowd = self.connection.requests_in_progress() > 1;
            let may_spill = is_crowd || self.reads_on || (unwritten > 0 && self.is_stalled());
            check(may_spill, "more than the window is taken in")?;
            check(
                held < self.settings.max_spill,
                "more than max_spill is taken in",
            )?;
        }
        match (is_full, wants_input) {
            (true, true) => self.facts.note(Fact::WindowExceeded),
            (true, false) => self.facts.note(Fact::WindowFull),
            (false, true) => {}
            (false, false) => self.facts.note(Fact::ResponsesNotRead),
        }
        let most_unwritten = match self.peer.offence_end {
            Some(_) => MAX_OWED,
            None => HIGH_WATER / 2,
        };
        // Records that could not be taken before something was written come first.
        let has_records = self.has_events && !self.input.is_empty();
        let has_room = !is_full && !has_records && unwritten < most_unwritten;
        check(
            wants_input || !has_room,
            "nothing is read, with room for it",
        )
    }

    /// Everything that was handed over has been looked at: then what breaks the protocol or a limit has consequences.
    pub(super) fn check_offence(&self) -> Result<(), String> {
        let Some((_, offence)) = self.peer.manner.offence else {
            return Ok(());
        };
        let is_read = self
            .peer
            .offence_end
            .is_some_and(|end| end <= self.clock.read);
        let is_open = matches!(
            self.connection.life(),
            Life::Open | Life::FirstIsLast | Life::NextIsLast
        );
        let is_sure = match offence {
            // Where a request is refused, what follows is ignored.
            Offence::DuplicateRequest
            | Offence::OutputRecord
            | Offence::EarlyStdin
            | Offence::BadParams => false,
            Offence::ManyIgnored => self.settings.max_ignored < 30_000,
            _ if offence.asks_much() => false,
            _ => true,
        };
        check(
            !(is_read && is_open && is_sure),
            "an offence without consequences",
        )
    }

    /// Both sides are closed.
    pub(super) fn check_end(&mut self) -> Result<(), String> {
        check(
            self.connection.requests_in_progress() == 0,
            "a request is left",
        )?;
        check(self.owner.requests() == 0, "the application waits for ever")?;
        let outcomes = || {
            self.owner
                .accounts
                .iter()
                .filter_map(|account| account.outcome)
        };
        let offence = self.peer.manner.offence.map(|(_, offence)| offence);
        if outcomes().any(|it| {
            matches!(
                it,
                Outcome::Ended {
                    by_closing: true,
                    ..
                }
            )
        }) {
            self.facts.note(Fact::EndedByClosing);
        }
        if let Some(error) = self.connection.error() {
            self.facts.note_error(error);
        }
        let is_fair = self.is_fair();
        match self.connection.error() {
            None => {}
            Some(ConnectionError::Truncated) => {
                let is_broken = outcomes().any(|outcome| outcome == Outcome::Broken);
                check(is_broken, "truncated for no reason")?;
            }
            Some(error @ ConnectionError::TimedOut(_)) => {
                check(!is_fair, &format!("{error}, and nobody was late"))?;
            }
            Some(error) => {
                let is_explained = offence.is_some_and(|offence| offence.explains(error));
                check(is_explained, &format!("{error}, and nobody did that"))?;
            }
        }
        if self.was_idle {
            self.facts.note(Fact::Idle);
        }
        if is_fair {
            self.facts.note(Fact::FairRun);
            let may_be_late = self.connection_was_to_end() || self.connection.error().is_some();
            let is_answered = self.peer.unanswered() == 0;
            check(
                is_answered || may_be_late,
                "a management record without an answer",
            )?;
            for call in &self.peer.calls[..self.peer.begun] {
                self.check_call(call)
                    .map_err(|error| format!("{error} (request {})", call.asked.number))?;
            }
        }
        Ok(())
    }

    /// Whether everything that the web server asks for has to be answered. Where less may be held than it sends before it
    /// reads, it may have to wait too long.
    fn is_fair(&self) -> bool {
        if self.may_surprise() {
            return false;
        }
        let sent: usize = self
            .asked
            .iter()
            .map(|(asked, _)| asked.stdin.sent + asked.data.sent)
            .sum();
        self.peer.manner.is_fair()
            // B-11: nobody waits for a response on half a connection.
            && !self.peer.manner.closes_half
            && sent < self.settings.max_spill
    }

    /// Whether it may send something that nobody can expect: behind the end of a stream, behind a request, or a second
    /// request at a time, the first time.
    pub(super) fn may_surprise(&self) -> bool {
        let mut asked = self.asked.iter();
        asked.any(|(asked, _)| asked.oversends())
            || self.peer.calls.iter().any(|call| call.aborted_at.is_some())
            || (self.peer.manner.at_a_time > 1 && !self.observer.has_seen_several)
    }

    /// B-9, R-10, R-11: a response arrives whole and ends well, or visibly does not.
    fn check_call(&self, call: &Call) -> Result<(), String> {
        let account = &self.owner.accounts[call.asked.number];
        let was_reset = self.peer.was_reset;
        // a reset is how it shows that a response broke. And nobody waits for what was given up.
        let is_broken = matches!(self.connection.error(), Some(ConnectionError::Truncated));
        // A web server that goes on sending requests for 2 s and does not read by then is not waited for.
        let was_late = self.was_drained && self.peer.manner.at_a_time > 1;
        if was_reset && (is_broken || was_late || call.aborted_at.is_some()) {
            return Ok(());
        }
        match account.outcome {
            Some(Outcome::Ended {
                by_closing: true, ..
            }) => check(
                call.end.is_none() && call.is_complete(account),
                "not whole at the end",
            ),
            Some(Outcome::Broken) => check(
                call.is_broken || was_reset,
                "a broken response is not visible",
            ),
            Some(Outcome::Refused(_)) if call.asked.may_end_by_closing() && call.end.is_none() => {
                check(call.is_complete(account), "not whole at the end")
            }
            Some(Outcome::Ended { .. } | Outcome::Refused(_)) => check(
                call.end.is_some(),
                if was_reset {
                    "lost by a reset"
                } else {
                    "no END_REQUEST"
                },
            ),
            // It may have come too late on a connection that ends.
            Some(Outcome::Aborted) | None => {
                let has_left_open = self.connection_was_to_end();
                check(call.end.is_some() || has_left_open, "no answer at all")
            }
        }
    }

    pub(super) fn connection_was_to_end(&self) -> bool {
        let accounts = self.owner.accounts.iter();
        let is_last = |call: &Call| !call.asked.keep_conn || call.asked.may_end_by_closing();
        self.was_shut_down
            || self.was_idle
            || self.peer.calls[..self.peer.begun].iter().any(is_last)
            || accounts
                .into_iter()
                .any(|account| account.outcome == Some(Outcome::Broken))
    }
}
