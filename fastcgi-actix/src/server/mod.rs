//! The server, as it is configured: actix's `HttpServer`, over FastCGI.

mod listening;
mod settings;

use std::{fmt, io, marker::PhantomData, thread};

use actix_http::{Request, Response, body::MessageBody};
use actix_service::{IntoServiceFactory, Service, ServiceFactory};
use actix_web::{Error, dev::AppConfig};
use fastcgi_tower::{
    Budget,
    listener::{AnyListener, Socket},
    process::Signal,
};
use tokio::{select, task::LocalSet};
use tokio_util::sync::CancellationToken;

use crate::{
    request_count::RequestCount,
    running::{Plan, Server, ServerHandle, Signals},
    service::ActixService,
    worker::{self, Settings, Work},
};

/// A FastCGI server for an actix-web application: takes the place of [`HttpServer`](actix_web::HttpServer).
///
/// ```no_run
/// use actix_web::{App, web};
/// use fastcgi_actix::FastCgiServer;
///
/// #[actix_web::main]
/// async fn main() -> std::io::Result<()> {
///     FastCgiServer::new(|| {
///         App::new()
///             .service(web::resource("/").to(|| async { "hello world" }))
///     })
///     .bind(("127.0.0.1", 9000))?
///     .run()
///     .await
/// }
/// ```
///
/// As there, the application is made once for each worker, and each worker is a thread. A worker accepts connections by
/// itself: there is no thread besides.
#[must_use = "a server does nothing unless it is run"]
pub struct FastCgiServer<F, I, S, B> {
    factory: F,
    /// Each worker gets duplicates; with these go the paths of Unix sockets.
    sockets: Vec<Socket>,
    backlog: u32,
    /// Whether a socket was there when the process started.
    has_inherited: bool,
    workers: Option<usize>,
    settings: Settings,
    signals: Signals,
    system_exit: bool,
    max_requests: Option<u64>,
    application: PhantomData<fn(I, S) -> B>,
}

impl<F, I, S, B> FastCgiServer<F, I, S, B>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    /// A server for the application that `factory` makes.
    pub fn new(factory: F) -> Self {
        Self {
            factory,
            sockets: Vec::new(),
            backlog: Socket::BACKLOG,
            has_inherited: false,
            workers: None,
            settings: Settings::default(),
            signals: Signals::default(),
            system_exit: false,
            max_requests: None,
            application: PhantomData,
        }
    }

    /// Starts to serve, once the [`Server`] is polled: on tokio, whether that is `#[actix_web::main]` or
    /// `#[tokio::main]`.
    pub fn run(self) -> Server {
        let stop = CancellationToken::new();
        Server::new(Plan {
            works: self.works(&stop),
            blocking_threads: self.settings.blocking_threads,
            stop,
            sockets: self.sockets,
            signals: self.signals,
            system_exit: self.system_exit,
            handle: ServerHandle::default(),
        })
    }

    /// What each worker has to do: make an application, and serve it on a duplicate of each socket.
    fn works(&self, stop: &CancellationToken) -> io::Result<Vec<Work>> {
        if self.sockets.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "there is no address to listen on: call bind, bind_uds or listen",
            ));
        }
        let count = self.workers.unwrap_or_else(|| self.default_workers());
        // Each has a place at least, and together they have no more than there are.
        let count = count.min(self.settings.max_connections.max(1));
        let budget = Budget::new(self.settings.max_connections, self.settings.max_memory);
        let requests = self.request_count(stop);
        let work = |_| self.work(stop, requests.clone(), count, &budget);
        (0..count).map(work).collect()
    }

    fn default_workers(&self) -> usize {
        if self.has_inherited {
            1
        } else {
            thread::available_parallelism().map_or(2, Into::into)
        }
    }

    fn request_count(&self, stop: &CancellationToken) -> Option<RequestCount> {
        let most = self.max_requests?;
        Some(RequestCount::new(most, stop.clone()))
    }

    fn work(
        &self,
        stop: &CancellationToken,
        requests: Option<RequestCount>,
        workers: usize,
        budget: &Budget,
    ) -> io::Result<Work> {
        let sockets = self.sockets.iter().map(Socket::try_clone);
        let sockets = sockets.collect::<io::Result<Vec<_>>>()?;
        let factory = self.factory.clone();
        let mut settings = self.settings.clone();
        settings.budget = Some(budget.clone());
        settings.workers = workers;
        let stop = stop.clone();
        Ok(Box::new(move || {
            Box::pin(async move {
                let service = Self::application(factory, &settings, requests).await?;
                worker::serve(service, sockets, &settings, &stop).await
            })
        }))
    }

    async fn application(
        factory: F,
        settings: &Settings,
        requests: Option<RequestCount>,
    ) -> io::Result<ActixService<S::Service, B>> {
        let factory = factory().into_factory();
        let service = factory.new_service(AppConfig::default()).await;
        service
            .map(|service| ActixService::new(service, settings.mapping.clone(), requests))
            .map_err(|error| io::Error::other(format!("the application cannot be made: {error:?}")))
    }

    /// Serves a listener with one connection, on this thread, until `stop`.
    pub(crate) async fn serve_single(self, listener: AnyListener, stop: Signal) -> io::Result<()> {
        let enough = CancellationToken::new();
        let requests = self.request_count(&enough);
        let stop = async move {
            select! {
                () = stop => {}
                () = enough.cancelled() => {}
            }
        };
        let serve = async move {
            let service = Self::application(self.factory, &self.settings, requests).await?;
            worker::accept(listener, service, self.settings, stop).await
        };
        LocalSet::new().run_until(serve).await
    }
}

impl<F, I, S, B> fmt::Debug for FastCgiServer<F, I, S, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FastCgiServer")
            .field("sockets", &self.sockets)
            .field("workers", &self.workers)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
