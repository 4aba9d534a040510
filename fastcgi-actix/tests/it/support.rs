//! Servers on Unix sockets, each in a thread of its own.

use std::fmt::Debug;
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use actix_http::Request;
use actix_service::IntoServiceFactory;
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, Response, Service, ServiceFactory};
use actix_web::rt::System;
use actix_web::{Error, HttpServer};
use fastcgi_actix::{FastCgiServer, Server, ServerHandle};
use tempfile::TempDir;

use crate::wire::{self, Answer, Ask};

/// A FastCGI server that is told to stop when it is dropped.
pub(crate) struct FastCgi {
    pub(crate) handle: ServerHandle,
    socket: PathBuf,
    thread: Option<JoinHandle<io::Result<()>>>,
    _dir: TempDir,
}

/// Serves with the default settings, on one worker.
pub(crate) fn serve<F, I, S, B>(factory: F) -> FastCgi
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let server = FastCgiServer::new(factory).workers(1).disable_signals();
    start(|listener| server.listen_uds(listener).unwrap().run())
}

/// Serves as `configure` says, which gets the listener.
pub(crate) fn start(configure: impl FnOnce(UnixListener) -> Server) -> FastCgi {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("app.sock");
    // It is bound here, so that nobody has to wait until it is.
    let server = configure(UnixListener::bind(&socket).unwrap());
    let handle = server.handle();
    let thread = thread::spawn(move || System::new().block_on(server));
    FastCgi {
        handle,
        socket,
        thread: Some(thread),
        _dir: dir,
    }
}

impl FastCgi {
    pub(crate) fn connect(&self) -> UnixStream {
        wire::patient(UnixStream::connect(&self.socket).unwrap())
    }

    pub(crate) fn try_connect(&self) -> io::Result<UnixStream> {
        UnixStream::connect(&self.socket)
    }

    pub(crate) fn ask(&self, ask: &Ask) -> Answer {
        let stream = self.connect();
        wire::send(&stream, &ask.fastcgi());
        wire::read_answer(&stream).unwrap()
    }

    /// Sends the request, and leaves the answer to be read.
    pub(crate) fn begin(&self, ask: &Ask) -> UnixStream {
        let stream = self.connect();
        wire::send(&stream, &ask.fastcgi());
        stream
    }

    /// What became of the server, once it has stopped.
    pub(crate) fn join(mut self) -> io::Result<()> {
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for FastCgi {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            if !thread::panicking() {
                ended.unwrap().unwrap();
            }
        }
    }
}

/// The same application over HTTP.
pub(crate) struct Http {
    handle: actix_web::dev::ServerHandle,
    socket: PathBuf,
    thread: Option<JoinHandle<io::Result<()>>>,
    _dir: TempDir,
}

pub(crate) fn serve_http<F, I, S, B>(factory: F) -> Http
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: Debug,
    S::Response: Into<Response<B>> + 'static,
    <S::Service as Service<Request>>::Future: 'static,
    S::Service: 'static,
    B: MessageBody + 'static,
{
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("app.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || {
        System::new().block_on(async move {
            let server = HttpServer::new(factory).workers(1).disable_signals();
            let server = server.listen_uds(listener)?.run();
            sender.send(server.handle()).unwrap();
            server.await
        })
    });
    Http {
        handle: receiver.recv().unwrap(),
        socket,
        thread: Some(thread),
        _dir: dir,
    }
}

impl Http {
    pub(crate) fn ask(&self, ask: &Ask) -> Answer {
        let stream = wire::patient(UnixStream::connect(&self.socket).unwrap());
        wire::send(&stream, &ask.http());
        wire::read_http_answer(&stream).unwrap()
    }
}

impl Drop for Http {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            // What becomes of it is not tested here.
            let _ = thread.join();
        }
    }
}
