//! Who may connect. A web server is trusted with everything: it says who the client is.

use std::{
    env, io,
    net::{AddrParseError, IpAddr},
};

use crate::Listener;

/// The web servers that may connect.
#[derive(Clone, Debug)]
pub(super) enum WebServers {
    /// Whoever can reach the socket.
    Any,
    /// These, and nobody over another transport than TCP (specification, 3.2).
    These(Vec<IpAddr>),
}

impl WebServers {
    /// The environment variable with the addresses of the web servers, separated by commas.
    const VARIABLE: &str = "FCGI_WEB_SERVER_ADDRS";

    /// What the environment says.
    pub(super) fn for_listener<L: Listener>(listener: &L) -> io::Result<Self> {
        if listener.is_internal() {
            return Ok(Self::Any);
        }
        match env::var(Self::VARIABLE) {
            Ok(list) if !list.trim().is_empty() => Self::parse(&list).map_err(|error| {
                let message = format!("{}={list}: {error}", Self::VARIABLE);
                io::Error::new(io::ErrorKind::InvalidInput, message)
            }),
            _ => Ok(Self::Any),
        }
    }

    fn parse(list: &str) -> Result<Self, AddrParseError> {
        let addresses = list.split(',').map(|address| address.trim().parse());
        addresses.collect::<Result<_, _>>().map(Self::These)
    }

    /// A socket that other machines can reach lets whoever finds it be any user of the application. So it has to be
    /// meant.
    pub(super) fn check<L: Listener>(&self, listener: &L, allow_remote: bool) -> io::Result<()> {
        if allow_remote || matches!(self, Self::These(_)) {
            return Ok(());
        }
        let ips = listener.local_ips()?;
        match ips.iter().find(|ip| !ip.to_canonical().is_loopback()) {
            None => Ok(()),
            Some(ip) => Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!(
                    "{ip} can be reached from elsewhere, and whoever connects is trusted: set {} to the addresses of the \
                     web servers, or allow it with allow_remote",
                    Self::VARIABLE
                ),
            )),
        }
    }

    pub(super) fn admits(&self, peer: Option<IpAddr>) -> bool {
        match self {
            Self::Any => true,
            Self::These(addresses) => peer.is_some_and(|peer| {
                let peer = peer.to_canonical();
                addresses.iter().any(|addr| addr.to_canonical() == peer)
            }),
        }
    }
}
