//! Threads for handlers that block, and how many requests wait for them.

use std::{
    io,
    num::NonZero,
    sync::{Arc, OnceLock},
    thread,
};

use tokio::{
    runtime::{Builder, Handle, Runtime},
    sync::{OwnedSemaphorePermit, Semaphore},
};

/// What happens to a request when all workers are busy and the queue is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WhenFull {
    /// It is answered with 503, and `Retry-After: 1`. The default.
    #[default]
    Refuse,
    /// It waits on its connection, with its body in the web server. No more than
    /// [`max_connections`](crate::Serve::max_connections) do.
    Wait,
}

/// How large a pool is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolSettings {
    pub(crate) max_workers: usize,
    pub(crate) max_queue: usize,
    pub(crate) when_full: WhenFull,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            max_workers: thread::available_parallelism()
                .map_or(1, NonZero::get)
                .max(4),
            max_queue: 64,
            when_full: WhenFull::Refuse,
        }
    }
}

/// A pool of threads, which is made with its first job.
///
/// It is the blocking pool of a runtime that does nothing else. That of the server's runtime would do, but for its end: to
/// drop that runtime waits for every thread, for ever where a handler never returns.
#[derive(Debug)]
pub(crate) struct Pool {
    settings: PoolSettings,
    /// A place for each job that runs or waits.
    places: Arc<Semaphore>,
    /// A place for each job that runs.
    workers: Arc<Semaphore>,
    threads: OnceLock<Threads>,
}

/// What a job has while it runs.
#[derive(Debug)]
pub(crate) struct Place {
    _worker: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

#[derive(Debug)]
struct Threads(Option<Runtime>);

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Waits for nothing.
            runtime.shutdown_background();
        }
    }
}

impl Pool {
    pub(crate) fn new(settings: PoolSettings) -> Self {
        let PoolSettings {
            max_workers,
            max_queue,
            ..
        } = settings;
        let workers = max_workers.max(1);
        let semaphore =
            |permits: usize| Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS)));
        Self {
            settings,
            places: semaphore(workers.saturating_add(max_queue)),
            workers: semaphore(workers),
            threads: OnceLock::new(),
        }
    }

    /// A pool of its own, with other settings.
    pub(crate) fn with(&self, change: impl FnOnce(&mut PoolSettings)) -> Arc<Self> {
        let mut settings = self.settings;
        change(&mut settings);
        Arc::new(Self::new(settings))
    }

    pub(crate) fn settings(&self) -> PoolSettings {
        self.settings
    }

    /// A place for a job, in its turn: `None` when the pool is full, and is not waited for.
    ///
    /// It is waited for here, and not by a job that waits for a thread: what waits is dropped when its client leaves, and the
    /// next has its place in the queue.
    pub(crate) async fn place(&self) -> Option<Place> {
        let places = Arc::clone(&self.places);
        let place = match self.settings.when_full {
            WhenFull::Refuse => places.try_acquire_owned().ok()?,
            WhenFull::Wait => places.acquire_owned().await.ok()?,
        };
        let worker = Arc::clone(&self.workers).acquire_owned().await.ok()?;
        Some(Place {
            _worker: worker,
            _place: place,
        })
    }

    /// Has a thread do `job`, which may use the runtime that this is called in.
    ///
    /// # Errors
    ///
    /// When there are no threads to be had.
    pub(crate) fn spawn(
        &self,
        place: Place,
        job: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        let serving = Handle::try_current().ok();
        let threads = match self.threads.get() {
            Some(threads) => threads,
            None => {
                let threads = Threads(Some(self.start()?));
                self.threads.get_or_init(|| threads)
            }
        };
        if let Threads(Some(runtime)) = threads {
            runtime.handle().spawn_blocking(move || {
                let _entered = serving.as_ref().map(Handle::enter);
                job();
                drop(place);
            });
        }
        Ok(())
    }

    fn start(&self) -> io::Result<Runtime> {
        Builder::new_current_thread()
            .max_blocking_threads(self.settings.max_workers.max(1))
            .thread_name("blocking handler")
            .build()
    }
}
