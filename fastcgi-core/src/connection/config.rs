//! What a connection allows and what it says of itself.

/// The limits of a [`Connection`](crate::Connection), and the values that the application advertises.
///
/// The defaults are right for a server that anybody's web server may talk to.
///
/// ```
/// use fastcgi_core::Config;
///
/// let config = Config::default().max_params_size(64 * 1024).mpxs_conns(false);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub(crate) max_params_size: usize,
    pub(crate) max_params: usize,
    pub(crate) max_param_name: usize,
    pub(crate) max_conns: usize,
    pub(crate) max_reqs: usize,
    pub(crate) mpxs_conns: bool,
    pub(crate) max_ignored: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_params_size: 128 * 1024,
            max_params: 1000,
            max_param_name: 1024,
            max_conns: 1024,
            max_reqs: 64,
            mpxs_conns: true,
            max_ignored: 100 * 1024 * 1024,
        }
    }
}

impl Config {
    /// The largest `FCGI_PARAMS` of a request, in bytes, lengths included. Default: 128 KiB.
    ///
    /// nginx, mod_fcgid and lighttpd cannot send more than 64 KiB; Apache's mod_proxy_fcgi, Caddy and h2o can. A
    /// request in the middle of its params costs up to this much memory. What is over it is refused with
    /// [`Refusal::ParamsTooLarge`](crate::Refusal::ParamsTooLarge), and the connection goes on.
    pub fn max_params_size(mut self, bytes: usize) -> Self {
        self.max_params_size = bytes;
        self
    }

    /// The largest number of name-value pairs of a request. Default: 1000. Refused as by
    /// [`max_params_size`](Self::max_params_size).
    pub fn max_params(mut self, pairs: usize) -> Self {
        self.max_params = pairs;
        self
    }

    /// The longest name of a pair, in bytes. Default: 1024. Refused as by [`max_params_size`](Self::max_params_size).
    pub fn max_param_name(mut self, bytes: usize) -> Self {
        self.max_param_name = bytes;
        self
    }

    /// The number of connections advertised as `FCGI_MAX_CONNS`. Default: 1024. Enforcing it is for who accepts them.
    pub fn max_conns(mut self, connections: usize) -> Self {
        self.max_conns = connections;
        self
    }

    /// The largest number of requests in progress on one connection, advertised as `FCGI_MAX_REQS`. Default: 64.
    ///
    /// What is over it is refused with [`Refusal::TooManyRequests`](crate::Refusal::TooManyRequests).
    pub fn max_reqs(mut self, requests: usize) -> Self {
        self.max_reqs = requests;
        self
    }

    /// Whether a web server may have several requests in progress on one connection, advertised as `FCGI_MPXS_CONNS`.
    /// Default: `true`.
    ///
    /// The protocol has no flow control for single requests, so one upload that nobody reads can in the end stall the
    /// others on its connection. When off, a second request is refused with `FCGI_CANT_MPX_CONN`. Of the web servers
    /// known, only HAProxy multiplexes, and only when told to.
    pub fn mpxs_conns(mut self, allowed: bool) -> Self {
        self.mpxs_conns = allowed;
        self
    }

    /// How many bytes may arrive for requests that are over before the connection is given up. Default: 100 MiB.
    ///
    /// A web server that was answered early goes on sending the request's body; reading it is what lets the answer
    /// through (B-9). The count starts anew whenever something of use arrives.
    pub fn max_ignored(mut self, bytes: u64) -> Self {
        self.max_ignored = bytes;
        self
    }
}
