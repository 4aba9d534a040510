//! What the connections of a server share: how many there are, and memory beyond what each of them owns.
//!
//! A connection that needs more than it owns borrows. What it *needs* to go on (params and bodies that arrive) is
//! lent so that one connection can always finish: at least one borrower can grow to the most that it may ever need, and the
//! others wait for what it gives back. What is useful but not *necessary* (a larger buffer, more of a response at a time) is lent
//! while half of the budget is left, and no connection waits for it. No connection gets more than a quarter.

mod account;
mod borrower;

use std::{
    collections::VecDeque,
    io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::Waker,
};

use proto::Config;
use tokio::sync::Semaphore;

pub(crate) use self::borrower::Borrower;

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
    memory: usize,
    /// Whether a borrower waits.
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
    pub(crate) fn check(&self, config: &Config) -> io::Result<()> {
        let Shared {
            max_connections,
            memory,
            ..
        } = *self.0;
        let least = proto::Connection::min_input_budget(config).saturating_mul(4);
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

    /// Lends enough for `wanted` bytes in all, rounded up where that is safe. `false`: nothing was lent.
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

    /// Whether there is one, after this loan, that can get all that any may ever need (the banker's algorithm). When that one
    /// has finished, there is enough for any other.
    fn is_safe(&self, borrower: usize, more: usize) -> bool {
        let Some(free) = self.free.checked_sub(more) else {
            return false;
        };
        let loans = || {
            self.loans
                .iter()
                .enumerate()
                .filter_map(|(place, loan)| Some((place, (*loan)?)))
        };
        let most = loans().map(|(_, loan)| loan.most).max().unwrap_or(0);
        loans().any(|(place, Loan { lent, .. })| {
            let lent = if place == borrower { lent + more } else { lent };
            most.saturating_sub(lent) <= free
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

    /// Lends to waiting borrowers in their order, where it is safe, and gives their wakers.
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
