//! A connection that borrows: core reports what it has and needs, in numbers, and this asks the budget of the server.

use std::task::Context;

use bytes::Buf;
use proto::Connection;

use super::{Budget, account::Account};
use crate::counters::Tally;

const OWNED_INPUT: usize = Connection::OWNED_INPUT;
const OWNED_OUTPUT: usize = Connection::OWNED_OUTPUT;
const MAX_OUTPUT: usize = Connection::MAX_OUTPUT;

/// What is borrowed for a response. Twice what may wait, because an application may send back slices of what it was sent,
/// and they keep buffers that are larger.
const OUTPUT_LOAN: usize = 2 * MAX_OUTPUT;

/// What a connection has borrowed, if there is a budget to borrow from.
#[derive(Debug)]
pub(crate) struct Borrower(Option<Account>);

impl Borrower {
    /// For a `connection` on which nothing has arrived. Without a budget it has no limits but its own.
    pub(crate) fn new(budget: Option<Budget>, connection: &mut Connection) -> Self {
        if budget.is_some() {
            connection.set_input_budget(OWNED_INPUT);
            connection.set_output_budget(OWNED_OUTPUT);
        }
        Self(budget.map(Account::new))
    }

    /// Gives back what is not needed any more, once it was said what is kept.
    #[inline]
    pub(crate) fn settle(&mut self, connection: &mut Connection) {
        let Some(account) = self.0.as_mut().filter(|account| account.is_in_debt()) else {
            return;
        };
        // A small surplus is kept while no other connection waits.
        let surplus = account.input().min(connection.input_room());
        if account.is_short() || surplus > account.slack() {
            self.give_back_surplus(connection);
        }
    }

    #[cold]
    fn give_back_surplus(&mut self, connection: &mut Connection) {
        let Some(account) = &mut self.0 else {
            return;
        };
        let (input, room) = (account.input(), connection.input_room());
        if input.min(room) > account.slack() {
            account.keep_input(input.saturating_sub(room));
            connection.set_input_budget(OWNED_INPUT + account.input());
        }
        if account.output() > 0 && account.is_short() {
            let is_idle = connection.requests_in_progress() == 0;
            if is_idle && !connection.outgoing().has_remaining() {
                self.give_back(connection);
            }
        }
    }

    /// Whether the socket is read after all, because enough was lent for that. If not, and it is what keeps the socket from
    /// being read, the task is woken when that may have changed.
    pub(crate) fn borrows_input(
        &mut self,
        cx: &Context<'_>,
        connection: &mut Connection,
        tally: &mut Tally,
    ) -> bool {
        let Some(account) = &mut self.0 else {
            return false;
        };
        let Some(wanted) = connection.wanted_input_budget() else {
            account.stop_waiting();
            return false;
        };
        let wanted = wanted.saturating_sub(OWNED_INPUT);
        let has_waited = account.is_waiting();
        if account
            .poll_input(cx, wanted, most(connection))
            .is_pending()
        {
            if !has_waited && account.is_waiting() {
                tally.wait_for_memory();
            }
            return false;
        }
        if has_waited {
            connection.others_go_on();
        }
        connection.set_input_budget(OWNED_INPUT + account.input());
        connection.wants_input()
    }

    /// What is kept is little enough without a further loan.
    #[inline]
    pub(crate) fn stop_waiting(&mut self) {
        if let Some(account) = self.0.as_mut().filter(|account| account.is_waiting()) {
            account.stop_waiting();
        }
    }

    /// How large a new buffer for the next read may be, where one of `wanted` bytes is good to have, if that is more than a
    /// connection owns.
    pub(crate) fn room(&mut self, wanted: Option<usize>, connection: &mut Connection) -> usize {
        let Some(account) = &mut self.0 else {
            return usize::MAX;
        };
        let room = connection.input_room();
        // Half of it, so that there is room for what comes after that.
        if let Some(wanted) = wanted
            .map(|wanted| 2 * wanted)
            .filter(|wanted| room < *wanted)
        {
            account.try_input(account.input() + wanted - room, most(connection));
            connection.set_input_budget(OWNED_INPUT + account.input());
        }
        connection.input_room() / 2
    }

    /// Whether there is room for more of a response now, because it was lent.
    pub(crate) fn borrows_output(&mut self, connection: &mut Connection) -> bool {
        let account = self.0.as_mut();
        let Some(account) = account.filter(|account| account.output() == 0) else {
            return false;
        };
        let is_lent = account.try_output(OUTPUT_LOAN, most(connection));
        if is_lent {
            connection.set_output_budget(MAX_OUTPUT);
        }
        is_lent && connection.wants_output()
    }

    /// Something is late. Where this connection waits for what others give back, they may not have been late.
    pub(crate) fn let_others_go_on(&mut self, connection: &mut Connection) {
        let account = self.0.as_mut();
        if account.is_some_and(Account::has_others_that_go_on) {
            connection.others_go_on();
        }
    }

    /// Gives back everything.
    pub(crate) fn give_back(&mut self, connection: &mut Connection) {
        if let Some(account) = &mut self.0 {
            account.release();
            connection.set_input_budget(OWNED_INPUT);
            connection.set_output_budget(OWNED_OUTPUT);
        }
    }
}

/// The most that a connection may ever need.
fn most(connection: &Connection) -> usize {
    connection.max_input_budget().saturating_add(OUTPUT_LOAN)
}
