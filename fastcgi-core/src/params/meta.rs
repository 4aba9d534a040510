//! Meta-variables as the types they represent: the client, its user, and the scheme (RFC 3875, 4.1).

use std::net::{IpAddr, SocketAddr};

use super::Params;
use super::content_length::{ContentLength, InvalidContentLength, decimal};
use super::server::Server;

/// Meta-variables of a request.
///
/// They are the web server's word: as trustworthy as the socket they came through is private.
impl Params {
    /// The client's address: `REMOTE_ADDR` and `REMOTE_PORT`.
    ///
    /// The port is 0 when the web server does not send one. `None` also when the client came over a Unix socket.
    pub fn remote_addr(&self) -> Option<SocketAddr> {
        socket_addr(self.at(self.remote_addr), self.at(self.remote_port))
    }

    /// The address at which the web server accepted the client: `SERVER_ADDR` and `SERVER_PORT`.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        let [address, port] = self.last(["SERVER_ADDR", "SERVER_PORT"]);
        socket_addr(address?, port.unwrap_or_default())
    }

    /// The user that the web server has authenticated: `REMOTE_USER`, also from before an internal redirect of Apache.
    ///
    /// `None` when the name is empty. nginx's `$remote_user` is the name in the `Authorization` field, which is not checked unless
    /// `auth_basic` is on.
    pub fn remote_user(&self) -> Option<&[u8]> {
        // C-5
        self.not_empty("REMOTE_USER")
            .or_else(|| self.not_empty("REDIRECT_REMOTE_USER"))
    }

    /// How the web server has authenticated the user, such as `Basic`: `AUTH_TYPE`.
    pub fn auth_type(&self) -> Option<&[u8]> {
        self.not_empty("AUTH_TYPE")
    }

    /// The directory of the site, on the web server's machine: `DOCUMENT_ROOT`.
    pub fn document_root(&self) -> Option<&[u8]> {
        self.not_empty("DOCUMENT_ROOT")
    }

    /// The file that the request is for, on the web server's machine: `SCRIPT_FILENAME`. mod_proxy_fcgi sends a URL that
    /// begins with `proxy:`.
    pub fn script_filename(&self) -> Option<&[u8]> {
        self.not_empty("SCRIPT_FILENAME")
    }

    /// The name of the server: `SERVER_NAME`. It is the web server's own, or what the client wrote in `Host`: that depends on
    /// the web server and its settings.
    pub fn server_name(&self) -> Option<&[u8]> {
        self.not_empty("SERVER_NAME")
    }

    /// The port at which the client was accepted: `SERVER_PORT`. `None` when it is absent, no number, or 0.
    pub fn server_port(&self) -> Option<u16> {
        let port = self.get("SERVER_PORT").and_then(decimal)?;
        u16::try_from(port).ok().filter(|&port| port != 0)
    }

    /// Whether the client speaks HTTPS to the web server: `HTTPS`, or `REQUEST_SCHEME`.
    ///
    /// Ports and `X-Forwarded-Proto` do not count.
    pub fn is_https(&self) -> bool {
        let [https, request_scheme] = self.last(["HTTPS", "REQUEST_SCHEME"]);
        is_https(https, request_scheme)
    }

    /// How long the body will be; `None` when the web server does not know.
    ///
    /// nginx sends an empty `CONTENT_LENGTH` for requests without a body, and lighttpd and Caddy send `-1`, when they
    /// cannot know it.
    ///
    /// # Errors
    ///
    /// When `CONTENT_LENGTH` is anything else that is not a number, or was sent with two different ones.
    pub fn content_length(&self) -> Result<Option<u64>, InvalidContentLength> {
        match self.content_length {
            ContentLength::Absent | ContentLength::Unknown { .. } => Ok(None),
            ContentLength::Known(bytes) => Ok(Some(bytes)),
            ContentLength::Invalid => Err(InvalidContentLength),
        }
    }

    /// The length of the file that a Filter is sent: `FCGI_DATA_LENGTH` (specification, 6.4). `None` when it is
    /// absent or not a number.
    pub fn data_length(&self) -> Option<u64> {
        self.get("FCGI_DATA_LENGTH").and_then(decimal)
    }

    /// Which web server this is, by its `SERVER_SOFTWARE`.
    pub(crate) fn server(&self) -> Server {
        self.server
    }

    pub(super) fn not_empty(&self, name: &str) -> Option<&[u8]> {
        self.get(name).filter(|value| !value.is_empty())
    }

    /// The last values of several names, in one go.
    fn last<const N: usize>(&self, names: [&str; N]) -> [Option<&[u8]>; N] {
        let mut values = [None; N];
        for (name, value) in self {
            for (wanted, last) in names.iter().zip(&mut values) {
                if name == wanted.as_bytes() {
                    *last = Some(value);
                }
            }
        }
        values
    }
}

/// C-4: `unix:` and `@` are not addresses.
fn socket_addr(address: &[u8], port: &[u8]) -> Option<SocketAddr> {
    let address = std::str::from_utf8(address).ok()?;
    // Nearly all addresses are bare.
    let bare: Result<IpAddr, _> = address.parse();
    let address = bare.ok().or_else(|| without_brackets_and_zone(address))?;
    let port = decimal(port).and_then(|port| port.try_into().ok());
    Some(SocketAddr::new(address, port.unwrap_or(0)))
}

/// C-1: addresses come in brackets and with zones.
fn without_brackets_and_zone(address: &str) -> Option<IpAddr> {
    let address = address
        .strip_prefix('[')
        .and_then(|address| address.strip_suffix(']'))
        .unwrap_or(address);
    let (address, _zone) = address.split_once('%').unwrap_or((address, ""));
    address.parse().ok()
}

/// T-19. Port 443 proves nothing behind a proxy, and `X-Forwarded-Proto` is for the application to trust or not.
pub(crate) fn is_https(https: Option<&[u8]>, request_scheme: Option<&[u8]>) -> bool {
    let is_on = |value: &[u8]| {
        ["", "off", "0", "no", "false"]
            .iter()
            .all(|off| !value.eq_ignore_ascii_case(off.as_bytes()))
    };
    https.is_some_and(is_on)
        || request_scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"https"))
}
