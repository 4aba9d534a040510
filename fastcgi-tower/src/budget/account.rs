//! What one connection has borrowed.

use std::{
    sync::atomic::Ordering,
    task::{Context, Poll},
};

use super::{Budget, STEP};

/// What one connection has borrowed. It goes back when this is dropped.
#[derive(Debug)]
pub(super) struct Account {
    budget: Budget,
    /// Most connections never borrow.
    loans: Option<Box<Loans>>,
}

#[derive(Debug)]
struct Loans {
    /// Its place among the loans.
    borrower: usize,
    /// For what arrives: what has to be there.
    needed: usize,
    /// For what arrives: what is good to have.
    spare: usize,
    /// For what waits to be written.
    output: usize,
    is_waiting: bool,
    /// How often something had been given back when it began to borrow, or was last asked.
    seen: u64,
}

impl Account {
    pub(super) fn new(budget: Budget) -> Self {
        Self {
            budget,
            loans: None,
        }
    }

    /// Bytes lent for what arrives.
    pub(super) fn input(&self) -> usize {
        let loans = self.loans.as_ref();
        loans.map_or(0, |loans| loans.needed + loans.spare)
    }

    /// Bytes lent for what waits to be written.
    pub(super) fn output(&self) -> usize {
        self.loans.as_ref().map_or(0, |loans| loans.output)
    }

    /// Borrows what has to be there to go on: `wanted` bytes in all, of the `most` that it may ever need. The task is woken
    /// when they are.
    pub(super) fn poll_input(&mut self, cx: &Context<'_>, wanted: usize, most: usize) -> Poll<()> {
        let Self { budget, loans } = self;
        let loans = loans.get_or_insert_with(|| Loans::new(budget, most));
        let mut state = budget.lock();
        if state.most(loans.borrower) < wanted + loans.output {
            // It never gets that much; what it holds has to become less.
            return Poll::Pending;
        }
        let wanted = wanted.saturating_sub(loans.spare);
        if state.lent(loans.borrower) < wanted && !state.lend(loans.borrower, wanted) {
            state.wait(loans.borrower, wanted, cx.waker());
            budget.0.is_short.store(true, Ordering::Relaxed);
            loans.is_waiting = true;
            return Poll::Pending;
        }
        loans.needed = state.lent(loans.borrower);
        loans.is_waiting = false;
        Poll::Ready(())
    }

    pub(super) fn is_waiting(&self) -> bool {
        self.loans.as_ref().is_some_and(|loans| loans.is_waiting)
    }

    /// Nothing is waited for any more.
    #[cold]
    pub(super) fn stop_waiting(&mut self) {
        let waiting = self.loans.as_mut().filter(|loans| loans.is_waiting);
        if let Some(loans) = waiting {
            let mut state = self.budget.lock();
            state.forget(loans.borrower);
            loans.needed = state.lent(loans.borrower);
            loans.is_waiting = false;
            let is_short = !state.waiting.is_empty();
            self.budget.0.is_short.store(is_short, Ordering::Relaxed);
        }
    }

    /// Borrows what is good to have for what arrives, so that there are `wanted` bytes in all.
    pub(super) fn try_input(&mut self, wanted: usize, most: usize) {
        let more = wanted.saturating_sub(self.input()).next_multiple_of(STEP);
        if self.input() + self.output() + more <= self.most(most) && self.take(more) {
            let budget = &self.budget;
            let loans = self.loans.get_or_insert_with(|| Loans::new(budget, most));
            loans.spare += more;
        }
    }

    /// Borrows what is good to have for what waits to be written.
    pub(super) fn try_output(&mut self, wanted: usize, most: usize) -> bool {
        let more = wanted.saturating_sub(self.output());
        let is_lent = self.input() + wanted <= self.most(most) && self.take(more);
        if is_lent {
            let budget = &self.budget;
            let loans = self.loans.get_or_insert_with(|| Loans::new(budget, most));
            loans.output += more;
        }
        is_lent
    }

    /// Gives back what was lent for what arrives and is not needed: `needed` bytes are.
    #[cold]
    pub(super) fn keep_input(&mut self, needed: usize) {
        let Some(loans) = &mut self.loans else {
            return;
        };
        let input = loans.needed + loans.spare;
        let surplus = input.saturating_sub(needed.next_multiple_of(STEP));
        let needed = surplus.min(loans.needed);
        let spare = surplus - needed;
        if surplus > 0 {
            loans.needed -= needed;
            loans.spare -= spare;
            let mut state = self.budget.lock();
            if let Some(loan) = state.loan(loans.borrower) {
                loan.lent = loan.lent.saturating_sub(needed);
            }
            state.free += needed + spare;
            self.budget.returned(state);
        }
    }

    /// Gives back everything.
    pub(super) fn release(&mut self) {
        if let Some(loans) = self.loans.take() {
            let mut state = self.budget.lock();
            state.leave(loans.borrower);
            state.free += loans.spare + loans.output;
            self.budget.returned(state);
        }
    }

    /// How much may be lent without being needed, so that little is given back and borrowed again.
    pub(super) fn slack(&self) -> usize {
        if self.is_short() { 0 } else { 2 * STEP }
    }

    /// Whether something was lent.
    pub(super) fn is_in_debt(&self) -> bool {
        self.loans.is_some()
    }

    /// Whether others wait.
    pub(super) fn is_short(&self) -> bool {
        self.budget.0.is_short.load(Ordering::Relaxed)
    }

    /// Whether it waits, and others have given something back since it was last asked.
    pub(super) fn has_others_that_go_on(&mut self) -> bool {
        let returns = self.budget.0.returns.load(Ordering::Relaxed);
        let waiting = self.loans.as_mut().filter(|loans| loans.is_waiting);
        waiting.is_some_and(|loans| std::mem::replace(&mut loans.seen, returns) != returns)
    }

    fn most(&self, most: usize) -> usize {
        most.min(self.budget.quarter())
    }

    /// Takes what no connection waits for: as long as half of everything is left.
    fn take(&self, bytes: usize) -> bool {
        if self.is_short() {
            return false;
        }
        let mut state = self.budget.lock();
        match state.free.checked_sub(bytes) {
            Some(left) if left >= self.budget.0.memory / 2 => {
                state.free = left;
                true
            }
            _ => false,
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.release();
    }
}

impl Loans {
    fn new(budget: &Budget, most: usize) -> Box<Self> {
        let most = most.min(budget.quarter());
        Box::new(Self {
            borrower: budget.lock().enroll(most),
            needed: 0,
            spare: 0,
            output: 0,
            is_waiting: false,
            seen: budget.0.returns.load(Ordering::Relaxed),
        })
    }
}
