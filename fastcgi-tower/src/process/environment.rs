//! What this process was started for.

use std::{
    env, fmt, io,
    net::{Ipv4Addr, SocketAddr},
    os::fd::OwnedFd,
};

use listenfd::ListenFd;

use crate::listener::{AnyListener, InheritedSocket};

/// The way in which this process is to answer requests, chosen by how it was started.
///
/// One binary does for all of them: uploaded to a shared host, started by systemd, behind a web server on a machine of
/// your own, and by hand for development.
#[derive(Debug)]
#[non_exhaustive]
pub enum Environment {
    /// A web server or a process manager put a listening socket on descriptor 0: mod_fcgid, spawn-fcgi, lighttpd's
    /// `bin-path`, h2o's `fastcgi.spawn`, systemd with `StandardInput=socket`.
    Inherited(AnyListener),
    /// A process manager passed a listening socket and said so in `LISTEN_FDS`, as systemd does.
    Activated(AnyListener),
    /// `FCGI_LISTEN` has an address to listen on.
    Bound(AnyListener),
    /// A web server started this process as a CGI program, to answer one request: `GATEWAY_INTERFACE` is set.
    Cgi,
    /// Somebody started this process by hand: it is to serve HTTP, for development, on the port that `PORT` says or on
    /// 3000.
    Http(SocketAddr),
}

impl Environment {
    /// The port for development.
    pub const DEFAULT_PORT: u16 = 3000;

    /// Looks for the ways in the order of the variants, and takes the first that is there.
    ///
    /// # Errors
    ///
    /// When there is a socket that cannot be used, or a variable that makes no sense.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O enabled.
    pub async fn detect() -> io::Result<Self> {
        if let Some(listener) = AnyListener::from_stdin()? {
            return Ok(Self::Inherited(listener));
        }
        if let Some(socket) = activated_socket()? {
            return Ok(Self::Activated(socket.into()));
        }
        if let Ok(address) = env::var(AnyListener::VARIABLE) {
            let listener = AnyListener::bind(&address).await;
            let context = |error: io::Error| named(&error, AnyListener::VARIABLE, &address);
            return Ok(Self::Bound(listener.map_err(context)?));
        }
        if env::var_os("GATEWAY_INTERFACE").is_some() {
            return Ok(Self::Cgi);
        }
        Ok(Self::Http(development_address()?))
    }
}

/// The first of the sockets that were passed; a FastCGI application has use for one.
fn activated_socket() -> io::Result<Option<InheritedSocket>> {
    let mut passed = ListenFd::from_env();
    if passed.len() == 0 {
        return Ok(None);
    }
    let socket = match passed.take_unix_listener(0) {
        Ok(Some(listener)) => OwnedFd::from(listener),
        Ok(None) => return Ok(None),
        Err(_) => match passed.take_tcp_listener(0)? {
            Some(listener) => OwnedFd::from(listener),
            None => return Ok(None),
        },
    };
    InheritedSocket::from_fd(socket).map(Some)
}

fn development_address() -> io::Result<SocketAddr> {
    let port = match env::var("PORT") {
        Ok(port) => port.parse().map_err(|error: std::num::ParseIntError| {
            named(
                &io::Error::new(io::ErrorKind::InvalidInput, error),
                "PORT",
                &port,
            )
        })?,
        Err(_) => Environment::DEFAULT_PORT,
    };
    Ok((Ipv4Addr::LOCALHOST, port).into())
}

fn named(error: &io::Error, variable: &str, value: &str) -> io::Error {
    io::Error::new(error.kind(), format!("{variable}={value}: {error}"))
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inherited(_) => f.write_str("FastCGI on the socket that is descriptor 0"),
            Self::Activated(_) => f.write_str("FastCGI on the socket in LISTEN_FDS"),
            Self::Bound(_) => f.write_str("FastCGI on the address in FCGI_LISTEN"),
            Self::Cgi => f.write_str("one CGI request"),
            Self::Http(addr) => write!(f, "HTTP for development on http://{addr}/"),
        }
    }
}
