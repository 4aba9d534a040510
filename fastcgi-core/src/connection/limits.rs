//! What a connection allows, and what it says of itself: every limit and every time, with its default.

use std::time::Duration;

/// How much a [`Connection`](crate::Connection) takes, and the values that the application advertises.
///
/// The defaults fit almost every web server; for HAProxy see [`max_reqs`](Self::max_reqs). Times are in [`Timeouts`].
///
/// | limit | default | beyond it |
/// |---|---|---|
/// | [`max_params_size`](Self::max_params_size) | 128 KiB | 431 |
/// | [`max_reqs`](Self::max_reqs) | 1 | 503 |
/// | [`max_ignored`](Self::max_ignored) | 100 MiB | the connection fails |
/// | [`body_window`](Self::body_window) | 64 KiB | the socket is not read |
/// | [`max_spill`](Self::max_spill) | 16 MiB | the socket is not read |
///
/// ```
/// use fastcgi_core::Limits;
///
/// let limits = Limits::default().max_params_size(64 * 1024).max_reqs(64);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    pub(crate) max_params_size: usize,
    pub(crate) max_reqs: usize,
    pub(crate) max_ignored: u64,
    pub(crate) body_window: usize,
    pub(crate) max_spill: usize,
}

/// Name-value pairs of a request; more are 431. Web servers send some 30 of their own, and 256 header fields are the most that
/// becomes a request.
pub(super) const MAX_PARAMS: usize = 1000;

/// The longest name of a pair, in bytes; a longer one is 431. Web servers have a limit of 8 KiB or less for a whole field.
pub(super) const MAX_PARAM_NAME: usize = 1024;

/// Records in a row that carry nothing, repeated ends of streams included (B-15). No web server sends more than two.
pub(super) const MAX_EMPTY_RECORDS: u32 = 1000;

/// Bytes of the connection's own answers that may wait to be written before no further record is taken (B-15). Each is
/// caused by a few bytes of input, so a web server that asks and does not read must not be able to ask for ever.
pub(super) const MAX_OWED: u64 = 16 * 1024;

/// Bytes of responses that may wait to be written before bodies are left alone (R-13). A download of 1 MiB cost 1.34 times the
/// CPU of HTTP with 128 KiB, and 1.11 times with 256 KiB.
pub(super) const HIGH_WATER: usize = 256 * 1024;

/// What a connection may hold of what arrives without asking: params and bodies, with the buffers that they are in.
pub(super) const OWNED_INPUT: usize = 32 * 1024;

/// Bytes of responses that may wait to be written without asking.
pub(super) const OWNED_OUTPUT: usize = 8 * 1024;

/// The least room for which it is worth while to read.
pub(super) const READ_ROOM: usize = 4 * 1024;

/// Requests in progress from which on a web server that does not read responses gets no further ones served (R-13).
pub(super) const ENOUGH_REQUESTS: usize = 16;

/// The longest answer of an Authorizer (B-13): what lets a request pass has variables and no body, what refuses it a short
/// page.
pub(super) const MAX_WHOLE: usize = 32 * 1024;

/// Bytes that are discarded at most before the connection is closed (B-9).
pub(super) const MAX_DISCARDED: u64 = 100 * 1024 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_params_size: 128 * 1024,
            max_reqs: 1,
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
    #[must_use]
    pub fn max_params_size(mut self, bytes: usize) -> Self {
        self.max_params_size = bytes;
        self
    }

    /// How many requests may be in progress on one connection. Default: 1. A limit of 0 is one of 1.
    ///
    /// More than 1 is multiplexing (B-12). Only HAProxy multiplexes, and only with `option mpxs-conns`; set this for it. The
    /// protocol has no flow control for single requests, so one upload that is not read can in the end stop the others on
    /// its connection.
    ///
    /// `FCGI_GET_VALUES` is answered with this as `FCGI_MAX_REQS`, and with an `FCGI_MPXS_CONNS` of 1 if it is more than 1,
    /// else 0. A request over it is answered with 503 ([`Refusal::Multiplexed`](crate::Refusal::Multiplexed), and
    /// [`Refusal::TooManyRequests`](crate::Refusal::TooManyRequests) where several are allowed).
    #[must_use]
    pub fn max_reqs(mut self, requests: usize) -> Self {
        self.max_reqs = requests.max(1);
        self
    }

    /// How many bytes may arrive that belong to no request before the connection fails: for requests that are over, behind
    /// the announced end of a body, and `FCGI_DATA` for a Responder. Default: 100 MiB.
    ///
    /// A web server that was answered early goes on sending the request's body; reading it is what lets the answer
    /// through (B-9). The count starts anew with each request.
    #[must_use]
    pub fn max_ignored(mut self, bytes: u64) -> Self {
        self.max_ignored = bytes;
        self
    }

    /// How many bytes of request bodies may wait to be read on a connection before the socket is left alone (B-7).
    /// Default: 64 KiB. A window of 0 is one of 1: with no room at all, nothing would ever be read.
    ///
    /// A connection holds up to this and one read.
    #[must_use]
    pub fn body_window(mut self, bytes: usize) -> Self {
        self.body_window = bytes.max(1);
        self
    }

    /// How many bytes of request bodies may wait on a connection where leaving the socket alone could block it for
    /// good: because the web server does not read before it has written all (B-8), or because other requests share the
    /// connection. The same where reading is the only way to see that the web server has left: on TCP, after a second
    /// (B-11). Default: 16 MiB.
    #[must_use]
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
/// | [`idle`](Self::idle) | 5 min on TCP, else none | the connection is closed |
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
    /// 5 minutes over TCP. On a Unix socket the web server owns its pool of connections, and none can get lost unseen.
    Default,
    Forever,
    For(Duration),
}

impl Idle {
    pub(super) fn limit(self, over_tcp: bool) -> Option<Duration> {
        match self {
            Self::Default if over_tcp => Some(TCP_IDLE_LIMIT),
            Self::Default | Self::Forever => None,
            Self::For(limit) => Some(limit),
        }
    }
}

/// How long a connection over TCP may be without a request, unless a setting says otherwise.
const TCP_IDLE_LIMIT: Duration = Duration::from_secs(5 * 60);
/// How long something may follow an end of the body that came too early (B-1).
pub(super) const SUSPENDED_LIMIT: Duration = Duration::from_secs(10);
/// How long the web server may read nothing before it is taken for one that first writes everything (B-8).
pub(super) const STALL_LIMIT: Duration = Duration::from_millis(50);
/// How long the socket may not be read before the owner has to look whether the web server has left, and how often (B-11).
pub(super) const DEPARTURE_PAUSE: Duration = Duration::from_secs(1);
/// How long a connection is kept for its first request after the shutdown began: a web server that has just connected is
/// about to send one.
pub(super) const FIRST_REQUEST_LIMIT: Duration = Duration::from_millis(250);
/// How long a connection is kept for its next request after the shutdown began, where it had one within [`QUIET_AFTER`]
/// (B-19).
pub(super) const NEXT_REQUEST_LIMIT: Duration = Duration::from_millis(1500);
/// How long after the last request the next one is likely to come: memory is kept for it, and a stop waits for it.
pub(super) const QUIET_AFTER: Duration = Duration::from_secs(1);
/// How long the rest of a body is read before the connection is closed (B-9).
pub(super) const DRAIN_BODY_LIMIT: Duration = Duration::from_secs(30);
/// How long the end of a stream, and that of the connection, is waited for (B-14).
pub(super) const DRAIN_END_LIMIT: Duration = Duration::from_secs(2);

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            params: Duration::from_secs(30),
            idle: Idle::Default,
            read: None,
            write: Duration::from_secs(60),
        }
    }
}

impl Timeouts {
    /// How long a request may take from its first byte, or from the opening of the connection, to the end of its params,
    /// and from there to the first of a body whose length is not known (B-15). Default: 30 s.
    #[must_use]
    pub fn params(mut self, limit: Duration) -> Self {
        self.params = limit;
        self
    }

    /// How long a connection that the web server keeps open may be without a request (B-14). Default: 5 minutes
    /// over TCP, else for ever.
    #[must_use]
    pub fn idle(mut self, limit: Option<Duration>) -> Self {
        self.idle = limit.map_or(Idle::Forever, Idle::For);
        self
    }

    /// How long nothing of a request body may arrive while the socket is read (B-15). When something that has arrived
    /// still waits to be read then, the time starts anew. At least 1 ms. Default: for ever, because most web servers have a
    /// limit of their own. Yaws has none, and does not report that a client has left its upload.
    #[must_use]
    pub fn read(mut self, limit: Option<Duration>) -> Self {
        self.read = limit.map(|limit| limit.max(Duration::from_millis(1)));
        self
    }

    /// How long the web server may take nothing of what is written to it (R-13). Default: 60 s.
    #[must_use]
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
    pub(crate) max_conns: Option<usize>,
    pub(crate) over_tcp: bool,
}

impl Config {
    /// How much is taken. Default: [`Limits::default`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long is waited. Default: [`Timeouts::default`].
    #[must_use]
    pub fn timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// Whether requests with the role of an Authorizer are served. Default: `false`, they are refused with 403: a
    /// service that knows nothing of the role would let everybody in with its first 200 (B-13).
    ///
    /// The answer of an Authorizer leaves when all of it is known; it may be 32 KiB long.
    #[must_use]
    pub fn authorizer(mut self, serve: bool) -> Self {
        self.authorizer = serve;
        self
    }

    /// Whether requests with the role of a Filter are served. Default: `false`, they are refused with 403 (B-13).
    #[must_use]
    pub fn filter(mut self, serve: bool) -> Self {
        self.filter = serve;
        self
    }

    /// How many connections are accepted, answered as `FCGI_MAX_CONNS`. Default: that is not known, and not answered.
    #[must_use]
    pub fn max_conns(mut self, connections: usize) -> Self {
        self.max_conns = Some(connections);
        self
    }

    /// Whether the connection is over TCP, where it can get lost unseen. Default: `false`. See [`Timeouts::idle`].
    #[must_use]
    pub fn over_tcp(mut self, is_tcp: bool) -> Self {
        self.over_tcp = is_tcp;
        self
    }
}
