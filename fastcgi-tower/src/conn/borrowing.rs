//! Memory beyond what a connection owns.
//!
//! Core says what it has and wants, in numbers; the budget of the server is asked here.

use std::task::Context;

use bytes::Buf;
use tokio::io::{AsyncRead, AsyncWrite};

use super::Connection;
use crate::exchange::ExchangeService;

const OWNED_INPUT: usize = proto::Connection::OWNED_INPUT;
const OWNED_OUTPUT: usize = proto::Connection::OWNED_OUTPUT;
const MAX_OUTPUT: usize = proto::Connection::MAX_OUTPUT;

/// What is borrowed for a response. Twice what may wait, because an application may send back slices of what it was sent,
/// and they keep buffers that are larger.
const OUTPUT_LOAN: usize = 2 * MAX_OUTPUT;

impl<Io, S> Connection<Io, S>
where
    Io: AsyncRead + AsyncWrite + Unpin,
    S: ExchangeService,
{
    /// Says to core what is kept, and gives back what is not needed any more.
    pub(super) fn report(&mut self) {
        self.calls.report(&mut self.proto, self.socket.buffer());
        let Some(account) = &mut self.account else {
            return;
        };
        if account.input() > 0 {
            let used = (OWNED_INPUT + account.input()).saturating_sub(self.proto.input_room());
            account.keep_input(used.saturating_sub(OWNED_INPUT));
            self.proto.set_input_budget(OWNED_INPUT + account.input());
        }
        if account.output() > 0 && account.is_short() {
            let is_idle = self.proto.requests_in_progress() == 0;
            if is_idle && !self.proto.outgoing().has_remaining() {
                self.give_back();
            }
        }
    }

    /// Whether the socket is read after all, because enough was lent for that. If not, and it is what keeps the socket from
    /// being read, the task is woken when that may have changed.
    pub(super) fn borrows_input(&mut self, cx: &Context<'_>) -> bool {
        let most = self.most();
        let Some(account) = &mut self.account else {
            return false;
        };
        let Some(wanted) = self.proto.wanted_input_budget() else {
            account.stop_waiting();
            return false;
        };
        let wanted = wanted.saturating_sub(OWNED_INPUT);
        let has_waited = account.is_waiting();
        if account.poll_input(cx, wanted, most).is_pending() {
            return false;
        }
        if has_waited {
            self.proto.others_go_on();
        }
        self.proto.set_input_budget(OWNED_INPUT + account.input());
        self.proto.wants_input()
    }

    /// How large a new buffer for the next read may be.
    pub(super) fn room(&mut self) -> usize {
        let room = self.proto.input_room();
        // Half of it, so that there is room for what comes after that.
        let Some(wanted) = self.socket.wanted_room().map(|room| 2 * room) else {
            return room / 2;
        };
        if room >= wanted {
            return room / 2;
        }
        let most = self.most();
        let Some(account) = &mut self.account else {
            return usize::MAX;
        };
        account.try_input(account.input() + wanted - room, most);
        self.proto.set_input_budget(OWNED_INPUT + account.input());
        self.proto.input_room() / 2
    }

    /// Whether there is room for more of a response now, because it was lent.
    pub(super) fn borrows_output(&mut self) -> bool {
        if self.proto.wants_output() || !self.calls.wait_for_room() {
            return false;
        }
        let most = self.most();
        let account = self.account.as_mut();
        let Some(account) = account.filter(|account| account.output() == 0) else {
            return false;
        };
        let is_lent = account.try_output(OUTPUT_LOAN, most);
        if is_lent {
            self.proto.set_output_budget(MAX_OUTPUT);
        }
        is_lent && self.proto.wants_output()
    }

    /// The most that the connection may ever need.
    fn most(&self) -> usize {
        self.proto.max_input_budget() + OUTPUT_LOAN
    }

    /// Something is late. Where this connection waits for what others give back, they may not have been late.
    pub(super) fn let_others_go_on(&mut self) {
        let account = self.account.as_mut();
        if account.is_some_and(|account| account.has_others_that_go_on()) {
            self.proto.others_go_on();
        }
    }

    /// Gives back everything.
    pub(super) fn give_back(&mut self) {
        if let Some(account) = &mut self.account {
            account.release();
            self.proto.set_input_budget(OWNED_INPUT);
            self.proto.set_output_budget(OWNED_OUTPUT);
        }
    }
}
