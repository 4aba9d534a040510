//! What a web server knows without reading the request.

use std::net::SocketAddr;

/// The web server, and the connection that a request came on.
///
/// The default is an application at the root of a server about which nothing is known; [`params`](super::params) then
/// sends only what the request itself has.
#[derive(Clone, Debug)]
pub struct ServerInfo {
    pub(super) name: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) software: String,
    pub(super) local_addr: Option<SocketAddr>,
    pub(super) remote_addr: Option<SocketAddr>,
    pub(super) https: bool,
    pub(super) script_name: String,
    pub(super) document_root: Option<String>,
}

impl ServerInfo {
    /// `SERVER_NAME`. By default the host that the request names, as with most servers.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// `SERVER_PORT`. By default the port of [`local_addr`](Self::local_addr), else the usual one of the scheme.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// `SERVER_SOFTWARE`. By default the name and version of this crate.
    #[must_use]
    pub fn software(mut self, software: impl Into<String>) -> Self {
        self.software = software.into();
        self
    }

    /// `SERVER_ADDR`, the server's end of the client's connection. Not sent by default.
    #[must_use]
    pub fn local_addr(mut self, addr: SocketAddr) -> Self {
        self.local_addr = Some(addr);
        self
    }

    /// `REMOTE_ADDR` and `REMOTE_PORT`, the client's end of its connection. Not sent by default.
    #[must_use]
    pub fn remote_addr(mut self, addr: SocketAddr) -> Self {
        self.remote_addr = Some(addr);
        self
    }

    /// Whether the client's connection is encrypted: `HTTPS` and `REQUEST_SCHEME`. It is not by default.
    #[must_use]
    pub fn https(mut self, https: bool) -> Self {
        self.https = https;
        self
    }

    /// Where the application is mounted, such as `/app`: `SCRIPT_NAME`. By default at the root, which is `""`.
    ///
    /// The prefix is compared with the decoded path. Requests outside it get an empty `SCRIPT_NAME`.
    #[must_use]
    pub fn script_name(mut self, prefix: impl Into<String>) -> Self {
        self.script_name = prefix.into();
        while self.script_name.ends_with('/') {
            self.script_name.pop();
        }
        self
    }

    /// `DOCUMENT_ROOT`. Not sent by default.
    #[must_use]
    pub fn document_root(mut self, path: impl Into<String>) -> Self {
        self.document_root = Some(path.into());
        self
    }

    pub(super) fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }

    pub(super) fn effective_port(&self) -> u16 {
        let usual = if self.https { 443 } else { 80 };
        let local = self.local_addr.map(|addr| addr.port());
        self.port.or(local).unwrap_or(usual)
    }
}

impl Default for ServerInfo {
    fn default() -> Self {
        Self {
            name: None,
            port: None,
            software: concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION")).to_owned(),
            local_addr: None,
            remote_addr: None,
            https: false,
            script_name: String::new(),
            document_root: None,
        }
    }
}
