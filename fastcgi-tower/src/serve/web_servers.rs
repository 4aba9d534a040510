//! Which peers may connect. A web server is trusted with everything: it reports the client and its user.

use std::{io, net::IpAddr};

use crate::{
    listener::{Listener, PeerAddr},
    variable,
};

/// The web servers that may connect.
#[derive(Clone, Debug)]
pub(super) enum WebServers {
    /// Any that can reach the socket.
    Any,
    /// These, and no others, over TCP alone (specification, 3.2).
    These(Vec<IpAddr>),
}

impl WebServers {
    /// The environment variable with the addresses of the web servers, separated by commas.
    const VARIABLE: &str = "FCGI_WEB_SERVER_ADDRS";

    /// What the environment says.
    pub(super) fn from_env() -> io::Result<Self> {
        match variable::read(Self::VARIABLE)? {
            Some(list) if !list.trim().is_empty() => {
                Self::parse(&list).map_err(|error| variable::invalid(Self::VARIABLE, &list, error))
            }
            _ => Ok(Self::Any),
        }
    }

    fn parse(list: &str) -> Result<Self, String> {
        let addresses = list.split(',').map(|address| {
            let address = address.trim();
            let invalid = |_| format!("{address:?} is not an IP address, such as 10.0.0.2");
            address.parse().map_err(invalid)
        });
        addresses.collect::<Result<_, _>>().map(Self::These)
    }

    /// A socket that other machines can reach lets any of them be any user of the application. So it has to be meant.
    pub(super) fn check(&self, listener: &impl Listener, allow_remote: bool) -> io::Result<()> {
        if allow_remote || matches!(self, Self::These(_)) {
            return Ok(());
        }
        let local = listener.local_addr()?;
        if !local.is_remote() {
            return Ok(());
        }
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!(
                "{local:?} can be reached from other machines, and a peer that connects is trusted: listen on 127.0.0.1 \
                 or on a path, set {} to the IP addresses of the web servers, or allow it with allow_remote",
                Self::VARIABLE
            ),
        ))
    }

    pub(super) fn admits(&self, peer: &impl PeerAddr) -> bool {
        match self {
            Self::Any => true,
            Self::These(addresses) => {
                let ip = peer.ip().map(|ip| ip.to_canonical());
                let is_named = |ip| addresses.iter().any(|addr| addr.to_canonical() == ip);
                peer.is_internal() || ip.is_some_and(is_named)
            }
        }
    }
}
