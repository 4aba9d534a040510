//! What this process was started for.

use std::{
    env, fmt, io,
    net::{Ipv4Addr, SocketAddr},
    os::fd::{AsFd, OwnedFd},
};

use listenfd::ListenFd;

use super::{cgi, connected, single::Single};
use crate::{
    address::Address,
    error::reason,
    listener::{AnyListener, Socket},
    stdio::{self, Handed},
    variable,
};

/// The way in which this process is to answer requests, chosen by how it was started.
///
/// One binary does for all of them: uploaded to a shared host, started by systemd, behind a web server on a machine of
/// your own, and by hand for development.
#[derive(Debug)]
#[expect(
    clippy::exhaustive_enums,
    reason = "a facade has to serve each of them"
)]
pub enum Environment {
    /// A web server or a process manager put a listening socket on descriptor 0: mod_fcgid, spawn-fcgi, lighttpd's
    /// `bin-path`, h2o's `fastcgi.spawn`, inetd with `wait`, systemd with `StandardInput=socket`.
    Inherited(Socket),
    /// A process manager passed listening sockets and said so in `LISTEN_FDS`, as systemd does.
    Activated(Vec<Socket>),
    /// A web server started this process as a CGI program, to answer one request: `GATEWAY_INTERFACE` or
    /// `REQUEST_METHOD` is set.
    Cgi(Single),
    /// A process manager handed over one connection, on descriptor 0 or in `LISTEN_FDS`: inetd with `nowait`, systemd with
    /// `Accept=yes`.
    Connected(Single),
    /// The program, or `FCGI_LISTEN`, has addresses to listen on.
    Bound(Vec<Socket>),
    /// This process was started by hand: it has to serve HTTP, for development, on the port in `PORT` or on
    /// 3000.
    Http(SocketAddr),
}

/// Where the program itself wants to listen, if it is not handed anything.
#[derive(Clone, Debug)]
pub(super) struct Bind {
    /// The addresses, as they were written; with none, `FCGI_LISTEN` counts.
    pub(super) addresses: Vec<String>,
    /// Connections that may wait to be accepted on each.
    pub(super) backlog: u32,
    /// Where to serve HTTP instead.
    #[cfg(feature = "http-server")]
    pub(super) http: Option<String>,
}

impl Default for Bind {
    fn default() -> Self {
        Self {
            addresses: Vec::new(),
            backlog: Socket::BACKLOG,
            #[cfg(feature = "http-server")]
            http: None,
        }
    }
}

impl Environment {
    /// The port for development.
    pub const DEFAULT_PORT: u16 = 3000;

    /// Looks for the ways in the order of the variants, and takes the first that is there.
    ///
    /// A socket that the process was handed is preferred to an address in its settings, so that one program runs under
    /// mod_fcgid and by hand; a `warn` event says so. HTTP for development is for programs without any of these: it is an
    /// error where descriptor 0 is a socket, or a variable of CGI is set.
    ///
    /// # Errors
    ///
    /// When there is a socket that cannot be used, or a variable or an address that makes no sense.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with I/O enabled.
    pub(super) fn detect(bind: &Bind) -> io::Result<Self> {
        match handed_over()? {
            Some(environment) => {
                if !bind.addresses.is_empty() {
                    tracing::warn!(
                        "serving {environment}: the addresses in the program are not used"
                    );
                }
                Ok(environment)
            }
            None => own(bind),
        }
    }
}

/// What the process was started with.
fn handed_over() -> io::Result<Option<Environment>> {
    let stdin = Handed::on_stdin();
    if stdin == Handed::Listening {
        return Socket::new(stdio::take_stdin()?)
            .map(|socket| Some(Environment::Inherited(socket)));
    }
    // Read before `activated`, which removes the variable.
    let count = env::var(LISTEN_FDS).unwrap_or_default();
    let invalid = |error| variable::invalid(LISTEN_FDS, &count, error);
    if let Some(activated) = activated().map_err(invalid)? {
        return Ok(Some(activated));
    }
    // Before a connection: a gateway may hand over that of its client.
    if is_cgi() {
        return cgi::from_env().map(|request| Some(Environment::Cgi(request)));
    }
    match stdin {
        Handed::Connected => {
            connected::from(stdio::take_stdin()?).map(|it| Some(Environment::Connected(it)))
        }
        Handed::OtherSocket => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "descriptor 0 is a socket that neither listens nor is connected: a process manager has to hand over one that \
             does, and by hand it is a terminal or /dev/null",
        )),
        _ => Ok(None),
    }
}

/// What the process looks for by itself.
fn own(bind: &Bind) -> io::Result<Environment> {
    if !bind.addresses.is_empty() {
        let sockets = bind.addresses.iter().map(|address| {
            let address: Address = address.parse().map_err(invalid_input)?;
            Socket::bind(&address, bind.backlog)
        });
        return Ok(Environment::Bound(sockets.collect::<io::Result<_>>()?));
    }
    #[cfg(feature = "http-server")]
    if let Some(address) = &bind.http {
        let mut addrs = std::net::ToSocketAddrs::to_socket_addrs(address)
            .map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))?;
        let addr = addrs.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
        return Ok(Environment::Http(addr));
    }
    if let Some(list) = variable::read(AnyListener::VARIABLE)? {
        let sockets = Socket::bind_list(AnyListener::VARIABLE, &list, bind.backlog)?;
        return Ok(Environment::Bound(sockets));
    }
    if let Some(variable) = CGI_VARIABLES.iter().find(|it| env::var_os(it).is_some()) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "{variable} is set, as for a CGI program, but neither REQUEST_METHOD nor GATEWAY_INTERFACE is: a CGI \
                 gateway has to set them, and by hand {variable} has to be unset"
            ),
        ));
    }
    Ok(Environment::Http(development_address()?))
}

/// RFC 3875 requires both; some gateways leave out the first.
fn is_cgi() -> bool {
    ["GATEWAY_INTERFACE", "REQUEST_METHOD"]
        .iter()
        .any(|variable| env::var_os(variable).is_some_and(|value| !value.is_empty()))
}

/// Variables that only a CGI gateway sets.
const CGI_VARIABLES: [&str; 6] = [
    "PATH_INFO",
    "QUERY_STRING",
    "REQUEST_URI",
    "SCRIPT_FILENAME",
    "SCRIPT_NAME",
    "SERVER_SOFTWARE",
];

const LISTEN_FDS: &str = "LISTEN_FDS";

/// What was passed in `LISTEN_FDS`: sockets to listen on, or one connection.
fn activated() -> io::Result<Option<Environment>> {
    let mut passed = ListenFd::from_env();
    let mut sockets = Vec::new();
    for index in 0..passed.len() {
        let socket = match passed.take_unix_listener(index) {
            Ok(listener) => listener.map(OwnedFd::from),
            Err(_) => passed.take_tcp_listener(index)?.map(OwnedFd::from),
        };
        let Some(socket) = socket else { continue };
        if passed.len() == 1 && Handed::on(socket.as_fd()) == Handed::Connected {
            return connected::from(socket).map(|it| Some(Environment::Connected(it)));
        }
        sockets.push(Socket::new(socket)?);
    }
    Ok((!sockets.is_empty()).then_some(Environment::Activated(sockets)))
}

fn development_address() -> io::Result<SocketAddr> {
    let port = match variable::read("PORT")? {
        Some(port) => port
            .parse()
            .map_err(|_| variable::invalid("PORT", &port, "a port is a number from 0 to 65535"))?,
        None => Environment::DEFAULT_PORT,
    };
    Ok((Ipv4Addr::LOCALHOST, port).into())
}

/// The error of a start by hand whose address cannot be listened on, for HTTP.
pub fn cannot_serve_http(addr: SocketAddr, error: &io::Error) -> io::Error {
    let advice =
        "choose another port (PORT, unless the program names one), or serve FastCGI (FCGI_LISTEN)";
    let reason = reason(error);
    io::Error::new(error.kind(), format!("{addr}: {reason}: {advice}"))
}

fn invalid_input(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, error)
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inherited(_) => f.write_str("FastCGI on the socket that is descriptor 0"),
            Self::Activated(_) => f.write_str("FastCGI on the sockets in LISTEN_FDS"),
            Self::Cgi(_) => f.write_str("one CGI request"),
            Self::Connected(_) => f.write_str("FastCGI on the connection that was handed over"),
            Self::Bound(_) => {
                f.write_str("FastCGI on the addresses in the program or in FCGI_LISTEN")
            }
            Self::Http(addr) => write!(f, "HTTP for development on http://{addr}/"),
        }
    }
}
