//! What the connections of a server share: places, and memory beyond what each of them owns.
//!
//! A connection that needs more than it owns borrows. What it *has to* have to go on (params and bodies that arrive) is
//! lent so that somebody can always finish: at least one borrower can grow to the most that it may ever need, and the
//! others wait for what it gives back. What is only *good* to have (a larger buffer, more of a response at a time) is lent
//! while half of the budget is left, and nobody waits for it. No connection gets more than a quarter.

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use proto::Limits;
use tokio::sync::Semaphore;

/// What the connections of one server share, or of several servers in one process: how many there may be, and how much
/// memory they may borrow together. Clones are the same budget.
///
/// A connection owns 64 KiB, half of it for what arrives and half for what waits to be written. All else that it holds for its
/// web server is borrowed here.
#[derive(Clone, Debug)]
pub struct Budget(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    max_connections: usize,
    places: Arc<Semaphore>,
    memory: usize,
    /// Whether somebody waits.
    is_short: AtomicBool,
    /// How often something was given back.
    returns: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    free: usize,
    /// What each borrower has of that which it has to have, and the most that it may ever need. Places are used again.
    loans: Vec<Option<Loan>>,
    waiting: VecDeque<Waiting>,
}

#[derive(Clone, Copy, Debug)]
struct Loan {
    lent: usize,
    most: usize,
}

#[derive(Debug)]
struct Waiting {
    borrower: usize,
    /// How much it has to have in all.
    wanted: usize,
    waker: Waker,
}

/// How much is lent at a time of what a borrower has to have, so that it does not ask for each read.
const STEP: usize = 256 * 1024;

impl Budget {
    /// The most bytes that are borrowed together, unless a server says otherwise: 256 MiB.
    pub const DEFAULT_MEMORY: usize = 256 * 1024 * 1024;

    /// So many connections at a time, which may borrow so many bytes together.
    pub fn new(max_connections: usize, memory: usize) -> Self {
        Self(Arc::new(Shared {
            max_connections,
            // What is too many is reported where a server starts.
            places: Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS))),
            memory,
            is_short: AtomicBool::new(false),
            returns: AtomicU64::new(0),
            state: Mutex::new(State {
                free: memory,
                loans: Vec::new(),
                waiting: VecDeque::new(),
            }),
        }))
    }

    /// How many bytes are borrowed at the moment.
    pub fn borrowed(&self) -> usize {
        self.0.memory - self.lock().free
    }

    /// Whether a server can work with it.
    pub(crate) fn check(&self, limits: &Limits) -> io::Result<()> {
        let Shared {
            max_connections,
            memory,
            ..
        } = *self.0;
        let least = 4 * proto::Connection::min_input_budget(limits);
        let message = if max_connections == 0 || max_connections > Semaphore::MAX_PERMITS {
            format!(
                "max_connections is {max_connections}, and has to be from 1 to {}",
                Semaphore::MAX_PERMITS
            )
        } else if memory < least {
            format!(
                "max_memory is {memory}, and has to be at least {least}, so that a quarter of it is enough for the params \
                 of a request"
            )
        } else {
            return Ok(());
        };
        Err(io::Error::new(io::ErrorKind::InvalidInput, message))
    }

    pub(crate) fn max_connections(&self) -> usize {
        self.0.max_connections
    }

    pub(crate) fn places(&self) -> &Arc<Semaphore> {
        &self.0.places
    }

    /// No connection gets more.
    fn quarter(&self) -> usize {
        self.0.memory / 4
    }

    /// Something was given back, and others may go on.
    fn returned(&self, mut state: MutexGuard<'_, State>) {
        self.0.returns.fetch_add(1, Ordering::Relaxed);
        let woken = state.serve_waiting();
        let is_short = !state.waiting.is_empty();
        self.0.is_short.store(is_short, Ordering::Relaxed);
        drop(state);
        woken.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one connection has borrowed. It goes back when this is dropped.
#[derive(Debug)]
pub(crate) struct Account {
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
    pub(crate) fn new(budget: Budget) -> Self {
        Self {
            budget,
            loans: None,
        }
    }

    /// Bytes lent for what arrives.
    pub(crate) fn input(&self) -> usize {
        let loans = self.loans.as_ref();
        loans.map_or(0, |loans| loans.needed + loans.spare)
    }

    /// Bytes lent for what waits to be written.
    pub(crate) fn output(&self) -> usize {
        self.loans.as_ref().map_or(0, |loans| loans.output)
    }

    /// Borrows what has to be there to go on: `wanted` bytes in all, of the `most` that it may ever need. The task is woken
    /// when they are.
    pub(crate) fn poll_input(&mut self, cx: &Context<'_>, wanted: usize, most: usize) -> Poll<()> {
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

    pub(crate) fn is_waiting(&self) -> bool {
        self.loans.as_ref().is_some_and(|loans| loans.is_waiting)
    }

    /// Nothing is waited for any more.
    pub(crate) fn stop_waiting(&mut self) {
        let waiting = self.loans.as_mut().filter(|loans| loans.is_waiting);
        if let Some(loans) = waiting {
            let mut state = self.budget.lock();
            state.forget(loans.borrower);
            loans.needed = state.lent(loans.borrower);
            loans.is_waiting = false;
        }
    }

    /// Borrows what is good to have for what arrives, so that there are `wanted` bytes in all.
    pub(crate) fn try_input(&mut self, wanted: usize, most: usize) {
        let more = wanted.saturating_sub(self.input()).next_multiple_of(STEP);
        if self.input() + self.output() + more <= self.most(most) && self.take(more) {
            let budget = &self.budget;
            let loans = self.loans.get_or_insert_with(|| Loans::new(budget, most));
            loans.spare += more;
        }
    }

    /// Borrows what is good to have for what waits to be written.
    pub(crate) fn try_output(&mut self, wanted: usize, most: usize) -> bool {
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
    pub(crate) fn keep_input(&mut self, needed: usize) {
        let slack = if self.is_short() { 0 } else { 2 * STEP };
        let Some(loans) = &mut self.loans else {
            return;
        };
        let input = loans.needed + loans.spare;
        if input <= needed.saturating_add(slack) {
            return;
        }
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
    pub(crate) fn release(&mut self) {
        if let Some(loans) = self.loans.take() {
            let mut state = self.budget.lock();
            state.leave(loans.borrower);
            state.free += loans.spare + loans.output;
            self.budget.returned(state);
        }
    }

    /// Whether others wait.
    pub(crate) fn is_short(&self) -> bool {
        self.budget.0.is_short.load(Ordering::Relaxed)
    }

    /// Whether it waits, and others have given something back since it was last asked.
    pub(crate) fn has_others_that_go_on(&mut self) -> bool {
        let returns = self.budget.0.returns.load(Ordering::Relaxed);
        let waiting = self.loans.as_mut().filter(|loans| loans.is_waiting);
        waiting.is_some_and(|loans| std::mem::replace(&mut loans.seen, returns) != returns)
    }

    fn most(&self, most: usize) -> usize {
        most.min(self.budget.quarter())
    }

    /// Takes what nobody waits for: as long as half of everything is left.
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

impl State {
    fn enroll(&mut self, most: usize) -> usize {
        let loan = Some(Loan { lent: 0, most });
        match self.loans.iter().position(Option::is_none) {
            Some(place) => {
                if let Some(free) = self.loans.get_mut(place) {
                    *free = loan;
                }
                place
            }
            None => {
                self.loans.push(loan);
                self.loans.len() - 1
            }
        }
    }

    fn leave(&mut self, borrower: usize) {
        self.forget(borrower);
        let loan = self.loans.get_mut(borrower).and_then(Option::take);
        self.free += loan.map_or(0, |loan| loan.lent);
    }

    /// It does not wait any more.
    fn forget(&mut self, borrower: usize) {
        self.waiting.retain(|waiting| waiting.borrower != borrower);
    }

    fn loan(&mut self, borrower: usize) -> Option<&mut Loan> {
        self.loans.get_mut(borrower)?.as_mut()
    }

    fn lent(&mut self, borrower: usize) -> usize {
        self.loan(borrower).map_or(0, |loan| loan.lent)
    }

    fn most(&mut self, borrower: usize) -> usize {
        self.loan(borrower).map_or(0, |loan| loan.most)
    }

    /// Lends a borrower `wanted` bytes in all, and a little more if there is plenty; or nothing.
    fn lend(&mut self, borrower: usize, wanted: usize) -> bool {
        let Some(Loan { lent, most }) = self.loan(borrower).copied() else {
            return false;
        };
        let plenty = wanted.next_multiple_of(STEP).min(most);
        [plenty, wanted].into_iter().any(|total| {
            let more = total.saturating_sub(lent);
            let is_safe = total <= most && self.is_safe(borrower, more);
            if is_safe {
                self.free -= more;
                if let Some(loan) = self.loan(borrower) {
                    loan.lent = total;
                }
            }
            is_safe
        })
    }

    /// Whether there is one, after this loan, that can get all that it may ever need (the banker's algorithm). When that one
    /// has finished, there is enough for any other.
    fn is_safe(&self, borrower: usize, more: usize) -> bool {
        let Some(free) = self.free.checked_sub(more) else {
            return false;
        };
        let mut loans = self.loans.iter().enumerate();
        loans.any(|(place, loan)| {
            loan.is_some_and(|Loan { lent, most }| {
                let lent = if place == borrower { lent + more } else { lent };
                most.saturating_sub(lent) <= free
            })
        })
    }

    fn wait(&mut self, borrower: usize, wanted: usize, waker: &Waker) {
        let mut waiting = self.waiting.iter_mut();
        match waiting.find(|waiting| waiting.borrower == borrower) {
            Some(waiting) => {
                waiting.wanted = wanted;
                waiting.waker.clone_from(waker);
            }
            None => self.waiting.push_back(Waiting {
                borrower,
                wanted,
                waker: waker.clone(),
            }),
        }
    }

    /// Lends to those who wait, in their order, as far as it goes. Gives whom to wake.
    fn serve_waiting(&mut self) -> Vec<Waker> {
        let mut woken = Vec::new();
        for waiting in std::mem::take(&mut self.waiting) {
            if self.lend(waiting.borrower, waiting.wanted) {
                woken.push(waiting.waker);
            } else {
                self.waiting.push_back(waiting);
            }
        }
        woken
    }
}
