//! Connections to one application, and how many there may be.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use super::error::{ClientError, Kind, Late};
use super::{
    link::{self, Link},
    trace::{Direction, Trace, Traced, TracedIo},
};
use crate::{address::Address, listener::AnyIo};

/// The connections of a client and its clones.
#[derive(Debug)]
pub(super) struct Pool {
    address: Address,
    limits: Limits,
    /// A place for every request in progress.
    places: Arc<Semaphore>,
    /// The one last used is the last. The lock is held to push or to pop.
    idle: Mutex<Vec<Link>>,
    trace: Option<Trace>,
    /// The application, where it is inside this process and has no address.
    #[cfg(feature = "http-server")]
    inside: Option<tokio::sync::mpsc::Sender<tokio::net::UnixStream>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) keep_conn: bool,
    pub(super) max_connections: usize,
}

/// Connections that are kept while they are not used. More are only worth it for a client that has more requests at a time
/// again and again, and then they are not idle.
const MAX_IDLE: usize = 8;

impl Limits {
    pub(super) const DEFAULT: Self = Self {
        keep_conn: true,
        max_connections: 64,
    };
}

impl Pool {
    pub(super) fn new(address: Address, limits: Limits) -> Self {
        Self {
            address,
            limits,
            // More than a semaphore can count is as good as no limit.
            places: Arc::new(Semaphore::new(
                limits.max_connections.min(Semaphore::MAX_PERMITS),
            )),
            idle: Mutex::new(Vec::new()),
            trace: None,
            #[cfg(feature = "http-server")]
            inside: None,
        }
    }

    /// As this one, with other limits, and connections of its own.
    pub(super) fn with_limits(&self, limits: Limits) -> Self {
        Self {
            #[cfg(feature = "http-server")]
            inside: self.inside.clone(),
            trace: self.trace.clone(),
            ..Self::new(self.address.clone(), limits)
        }
    }

    /// The same, with a function that gets all records.
    pub(super) fn traced(
        mut self,
        function: impl Fn(Direction, Traced<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.trace = Some(Trace::new(function));
        self
    }

    /// Connects to an application inside this process.
    #[cfg(feature = "http-server")]
    pub(super) fn inside(application: tokio::sync::mpsc::Sender<tokio::net::UnixStream>) -> Self {
        Self {
            inside: Some(application),
            ..Self::new(Address::from(std::path::Path::new("")), Limits::DEFAULT)
        }
    }

    /// A new connection, within `limit`.
    async fn connect(&self, limit: Option<Duration>) -> Result<Link, ClientError> {
        let connected = match limit {
            Some(limit) => match timeout(limit, self.open()).await {
                Ok(connected) => connected,
                Err(_) => return Err(ClientError::new(Kind::TimedOut(Late::Connect, limit))),
            },
            None => self.open().await,
        };
        let io = connected.map_err(|error| ClientError::new(Kind::Connect(error)))?;
        Ok(Link::new(TracedIo::new(io, self.trace.clone())))
    }

    async fn open(&self) -> io::Result<AnyIo> {
        #[cfg(feature = "http-server")]
        if let Some(application) = &self.inside {
            let (near, far) = tokio::net::UnixStream::pair()?;
            let gone = |_| io::Error::from(io::ErrorKind::ConnectionRefused);
            application.send(far).await.map_err(gone)?;
            return Ok(near.into());
        }
        link::connect(&self.address).await
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    pub(super) fn limits(&self) -> Limits {
        self.limits
    }

    /// A connection for one request, as soon as there is a place. A new one is there within `limit`.
    pub(super) async fn lease(
        self: Arc<Self>,
        limit: Option<Duration>,
    ) -> Result<Lease, ClientError> {
        let place = Arc::clone(&self.places)
            .acquire_owned()
            .await
            .expect("the semaphore is never closed");
        let link = match self.take_idle() {
            Some(link) => link,
            None => self.connect(limit).await?,
        };
        Ok(Lease {
            link,
            pool: self,
            place,
        })
    }

    /// An idle connection that the application has not closed.
    fn take_idle(&self) -> Option<Link> {
        loop {
            let link = self.idle().pop()?;
            if link.is_idle() {
                return Some(link);
            }
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Link>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection in use. It is closed when dropped.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) link: Link,
    pub(super) pool: Arc<Pool>,
    place: OwnedSemaphorePermit,
}

impl Lease {
    /// A new connection in the place of this one, within `limit`.
    pub(super) async fn replaced(self, limit: Option<Duration>) -> Result<Self, ClientError> {
        let Self { link, pool, place } = self;
        drop(link);
        Ok(Self {
            link: pool.connect(limit).await?,
            pool,
            place,
        })
    }

    /// Keeps the connection for another request, if it is fit for one and there is room.
    pub(super) fn give_back(mut self) {
        let limits = self.pool.limits;
        if !limits.keep_conn || !self.link.is_reusable() {
            return;
        }
        self.link.release();
        let mut idle = self.pool.idle();
        if idle.len() < MAX_IDLE {
            idle.push(self.link);
        }
    }
}
