//! What a connection allows, and what it says of itself: every limit and every time, with its default.

use std::time::Duration;

/// How much a [`Connection`](crate::Connection) takes, and the values that the application advertises.
///
/// The defaults are right for a server that anybody's web server may talk to. Times are in [`Timeouts`].
///
/// | limit | default | beyond it |
/// |---|---|---|
/// | [`max_params_size`](Self::max_params_size) | 128 KiB | 431 |
/// | [`max_params`](Self::max_params) | 1000 | 431 |
/// | [`max_param_name`](Self::max_param_name) | 1024 bytes | 431 |
/// | [`max_reqs`](Self::max_reqs) | 64 | 503 |
/// | [`mpxs_conns`](Self::mpxs_conns) | `true` | `FCGI_CANT_MPX_CONN` |
/// | [`max_conns`](Self::max_conns) | 1024 | only advertised |
/// | [`max_ignored`](Self::max_ignored) | 100 MiB | the connection fails |
/// | [`body_window`](Self::body_window) | 64 KiB | the socket is not read |
/// | [`max_spill`](Self::max_spill) | 16 MiB | the socket is not read |
///
/// ```
/// use fastcgi_core::Limits;
///
/// let limits = Limits::default().max_params_size(64 * 1024).mpxs_conns(false);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(crate) max_params_size: usize,
    pub(crate) max_params: usize,
    pub(crate) max_param_name: usize,
    pub(crate) max_conns: usize,
    pub(crate) max_reqs: usize,
    pub(crate) mpxs_conns: bool,
    pub(crate) max_ignored: u64,
    pub(crate) body_window: usize,
    pub(crate) max_spill: usize,
}

/// Records in a row that carry nothing, repeated ends of streams included (B-15). No web server sends more than two.
pub(super) const MAX_EMPTY_RECORDS: u32 = 1000;

/// Bytes of the connection's own answers that may wait to be written before no further record is taken (B-15). Each is
/// caused by a few bytes of input, so a web server that asks and does not read must not go on for ever.
pub(super) const MAX_OWED: u64 = 16 * 1024;

/// Bytes of responses that may wait to be written before bodies are left alone (R-13).
pub(super) const HIGH_WATER: usize = 256 * 1024;

/// What a connection may hold of what arrives without asking: params and bodies, with the buffers that they are in.
pub(super) const OWNED_INPUT: usize = 32 * 1024;

/// Bytes of responses that may wait to be written without asking.
pub(super) const OWNED_OUTPUT: usize = 8 * 1024;

/// The least room for which it is worth while to read.
pub(super) const READ_ROOM: usize = 4 * 1024;

/// Requests in progress with which a web server that does not read their responses has to be content (R-13).
pub(super) const ENOUGH_REQUESTS: usize = 16;

/// The longest answer of an Authorizer (B-13): what lets a request pass has variables and no body, what refuses it a short
/// page.
pub(super) const MAX_WHOLE: usize = 32 * 1024;

/// Bytes that are discarded before the connection is closed all the same (B-9).
pub(super) const MAX_DISCARDED: u64 = 100 * 1024 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_params_size: 128 * 1024,
            max_params: 1000,
            max_param_name: 1024,
            max_conns: 1024,
            max_reqs: 64,
            mpxs_conns: true,
            max_ignored: 100 * 1024 * 1024,
            body_window: 64 * 1024,
            max_spill: 16 * 1024 * 1024,
        }
    }
}

impl Limits {
    /// The largest `FCGI_PARAMS` of a request, in bytes, lengths included. Default: 128 KiB.
    ///
    /// nginx, mod_fcgid and lighttpd cannot send more than 64 KiB; Apache's mod_proxy_fcgi, Caddy and h2o can. A
    /// request in the middle of its params costs up to this much memory. What is over it is answered with 431
    /// ([`Refusal::ParamsTooLarge`](crate::Refusal::ParamsTooLarge)), and the connection goes on.
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

    /// The number of connections advertised as `FCGI_MAX_CONNS`. Default: 1024. The accept loop has to enforce it.
    pub fn max_conns(mut self, connections: usize) -> Self {
        self.max_conns = connections;
        self
    }

    /// The largest number of requests in progress on one connection, advertised as `FCGI_MAX_REQS`. Default: 64.
    ///
    /// What is over it is answered with 503 ([`Refusal::TooManyRequests`](crate::Refusal::TooManyRequests)).
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

    /// How many bytes may arrive that belong to no request before the connection fails: for requests that are over, behind
    /// the announced end of a body, and `FCGI_DATA` for a Responder. Default: 100 MiB.
    ///
    /// A web server that was answered early goes on sending the request's body; reading it is what lets the answer
    /// through (B-9). The count starts anew with each request.
    pub fn max_ignored(mut self, bytes: u64) -> Self {
        self.max_ignored = bytes;
        self
    }

    /// How many bytes of request bodies may wait to be read on a connection before the socket is left alone (B-7).
    /// Default: 64 KiB. A window of 0 is one of 1: with no room at all, nothing would ever be read.
    ///
    /// A connection holds up to this and one read.
    pub fn body_window(mut self, bytes: usize) -> Self {
        self.body_window = bytes.max(1);
        self
    }

    /// How many bytes of request bodies may wait on a connection where leaving the socket alone could block it for
    /// good: because the web server does not read before it has written all (B-8), or because other requests share the
    /// connection. Default: 16 MiB.
    pub fn max_spill(mut self, bytes: usize) -> Self {
        self.max_spill = bytes;
        self
    }
}

/// How long a [`Connection`](crate::Connection) waits for the web server.
///
/// | time | default | after it |
/// |---|---|---|
/// | [`params`](Self::params) | 30 s | the connection fails; beside other requests, 408 |
/// | [`idle`](Self::idle) | none | the connection is closed |
/// | [`read`](Self::read) | none | the body fails |
/// | [`write`](Self::write) | 60 s | the connection fails |
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    pub(crate) params: Duration,
    pub(crate) idle: Idle,
    pub(crate) read: Option<Duration>,
    pub(crate) write: Duration,
}

/// How long a connection may be without a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Idle {
    /// As long as whoever serves it thinks right; by itself for ever.
    Unset,
    Forever,
    For(Duration),
}

impl Idle {
    pub(crate) fn limit(self) -> Option<Duration> {
        match self {
            Self::Unset | Self::Forever => None,
            Self::For(limit) => Some(limit),
        }
    }
}

/// How long something may follow an end of the body that came too early (B-1).
pub(super) const SUSPENDED_LIMIT: Duration = Duration::from_secs(10);
/// How long the web server may read nothing before it is taken for one that first writes everything (B-8).
pub(super) const STALL_LIMIT: Duration = Duration::from_millis(50);
/// How long a connection that was told to shut down is kept for its first request: a web server that has just connected is
/// about to send one.
pub(super) const FIRST_REQUEST_LIMIT: Duration = Duration::from_millis(250);
/// How long after the last request memory is kept for the next one.
pub(super) const QUIET_AFTER: Duration = Duration::from_secs(1);
/// How long the rest of a body is read before the connection is closed (B-9).
pub(super) const DRAIN_BODY_LIMIT: Duration = Duration::from_secs(30);
/// How long the end of a stream, and that of the connection, is waited for (B-14).
pub(super) const DRAIN_END_LIMIT: Duration = Duration::from_secs(2);

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            params: Duration::from_secs(30),
            idle: Idle::Unset,
            read: None,
            write: Duration::from_secs(60),
        }
    }
}

impl Timeouts {
    /// How long a request may take from its first byte, or from the opening of the connection, to the end of its params,
    /// and from there to the first of a body whose length is not known (B-15). Default: 30 s.
    pub fn params(mut self, limit: Duration) -> Self {
        self.params = limit;
        self
    }

    /// How long a connection that the web server keeps open may be without a request (B-14). Default: for ever.
    pub fn idle(mut self, limit: Option<Duration>) -> Self {
        self.idle = limit.map_or(Idle::Forever, Idle::For);
        self
    }

    /// Sets [`idle`](Self::idle) unless it was set.
    pub fn or_idle(self, limit: Option<Duration>) -> Self {
        match self.idle {
            Idle::Unset => self.idle(limit),
            _ => self,
        }
    }

    /// How long nothing of a request body may arrive while the socket is read (B-15). When something that has arrived
    /// still waits to be read then, the time starts anew. At least 1 ms. Default: for ever, because most web servers have a
    /// limit of their own. Yaws has none, and does not report that a client has left its upload.
    pub fn read(mut self, limit: Option<Duration>) -> Self {
        self.read = limit.map(|limit| limit.max(Duration::from_millis(1)));
        self
    }

    /// How long the web server may take nothing of what is written to it (R-13). Default: 60 s.
    pub fn write(mut self, limit: Duration) -> Self {
        self.write = limit;
        self
    }
}

/// What a connection is for: its limits and times, and the roles that are served.
///
/// ```
/// use fastcgi_core::{Config, Limits};
///
/// let config = Config::default().limits(Limits::default().max_reqs(8)).authorizer(true);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    pub(crate) limits: Limits,
    pub(crate) timeouts: Timeouts,
    pub(crate) authorizer: bool,
    pub(crate) filter: bool,
    pub(crate) allow_half_close: bool,
}

impl Config {
    /// How much is taken. Default: [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long is waited. Default: [`Timeouts::default`].
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Whether requests with the role of an Authorizer are served. Default: `false`, they are refused with 403: a
    /// service that knows nothing of the role would let everybody in with its first 200 (B-13).
    ///
    /// The answer of an Authorizer leaves when all of it is known; it may be 32 KiB long.
    pub fn authorizer(mut self, serve: bool) -> Self {
        self.authorizer = serve;
        self
    }

    /// Whether requests with the role of a Filter are served. Default: `false`, they are refused with 403 (B-13).
    pub fn filter(mut self, serve: bool) -> Self {
        self.filter = serve;
        self
    }

    /// Whether a web server may close its side after a request and still get the response (B-11). Default: `false`: a
    /// closed connection means that nobody waits, and its requests are aborted.
    pub fn allow_half_close(mut self, allow: bool) -> Self {
        self.allow_half_close = allow;
        self
    }
}
